/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks up and checks what RunInstances was asked for: image, type, place, groups, key, user data, capacity. */
#include "launch.h"

#include <stdio.h>
#include <string.h>

#include "../access/iam.h"
#include "../quotas.h"
#include "../room.h"
#include "../ssm/ssm.h"
#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "spot.h"

#define USER_DATA_MOST 16384

void launch_clear(struct launch *launch)
{
	tree_free(launch->image);
	tree_free(launch->subnet);
	tree_free(launch->groups);
	tree_free(launch->key);
	tree_free(launch->profile);
	tree_free(launch->instance_tags);
	tree_free(launch->volume_tags);
	tree_free(launch->request_tags);
}

/* "resolve:ssm:NAME[:VERSION|:LABEL]" launches what the parameter names. */
static bool resolve_parameter(struct request *rq, const char *name, char id[ID_SIZE])
{
	_cleanup_(freep) char *value = parameter_value(rq, name);
	if (value == NULL)
		return refuse(rq, "InvalidParameterValue", "The parameter %s of ImageId cannot be resolved", name);
	snprintf(id, ID_SIZE, "%s", value);
	return true;
}

/* Whoever launches a product of the marketplace has to have subscribed to it. */
static bool check_subscriptions(struct request *rq, const struct tree *image)
{
	for (struct tree_iter i = tree_iter(tree_key(image, "productCodes")); tree_next(&i);) {
		const char *code = tree_text_or(i.value, "productCode", "");
		_cleanup_(freep) char *setting = mem_printf("subscribed.%s", code);
		if (!settings_on(rq->cloud->settings, setting))
			return refuse(rq, "OptInRequired",
				      "In order to use this AWS Marketplace product you need to accept terms and "
				      "subscribe. To do so please visit https://aws.amazon.com/marketplace/pp?sku=%s",
				      code);
	}
	return true;
}

/* AWS has no image that it cannot launch; here the answer is as early and as clear as it can be. */
static bool check_machine(struct request *rq, const struct tree *image)
{
	struct error err = {0};
	return room_can_run(rq->cloud, image, &err) || refuse(rq, "UnsupportedOperation", "%s", err.text);
}

static bool resolve_image(struct request *rq, struct launch *launch)
{
	char id[ID_SIZE];
	const char *asked = arg(rq, "ImageId");
	if (asked == NULL)
		return refuse(rq, "MissingParameter", "The request must contain the parameter ImageId");
	snprintf(id, sizeof id, "%s", asked);
	if (str_starts(asked, "resolve:ssm:") && !resolve_parameter(rq, asked + strlen("resolve:ssm:"), id))
		return false;
	launch->image = image_seen(rq, id);
	if (launch->image == NULL)
		return false;
	if (!str_eq(tree_text(launch->image, "imageState"), "available"))
		return refuse(rq, "InvalidAMIID.Unavailable", "The image ID '%s' is not available: it is %s", id,
			      tree_text(launch->image, "imageState"));
	launch->type = instance_type_find(arg_or(rq, "InstanceType", "m1.small"));
	return instance_type_check(rq, arg_or(rq, "InstanceType", "m1.small"),
				   tree_text(launch->image, "architecture")) &&
	       check_subscriptions(rq, launch->image) && check_machine(rq, launch->image);
}

/* --- where --- */

static const char *subnet_asked(const struct request *rq)
{
	return arg_or(rq, "SubnetId", arg(rq, "NetworkInterface.1.SubnetId"));
}

static int64_t instances_there(struct request *rq, const char *type, const char *zone, bool spot)
{
	int64_t count = 0;
	_cleanup_(tree_freep) struct tree *instances = state_list(rq->cloud->state, NULL, rq->region, "instance");
	for (struct tree_iter i = tree_iter(instances); tree_next(&i);) {
		enum instance_state state = instance_state(i.value);
		if (state <= INSTANCE_RUNNING && str_eq(tree_text(i.value, "instanceType"), type) &&
		    (!spot || spot_is(i.value)) &&
		    (zone == NULL || str_eq(tree_text(i.value, "placement.availabilityZone"), zone)))
			count++;
	}
	return count;
}

/* What a setting of the family leaves: capacity.TYPE[.ZONE], or capacity.spot.TYPE[.ZONE]. */
static int64_t room_left(struct request *rq, const char *family, const char *type, const char *zone, bool spot)
{
	_cleanup_(freep) char *everywhere = mem_printf("%s.%s", family, type);
	_cleanup_(freep) char *here = mem_printf("%s.%s.%s", family, type, zone);
	int64_t room = INT64_MAX;
	int64_t most = settings_count(rq->cloud->settings, everywhere, -1);
	if (most >= 0)
		room = most - instances_there(rq, type, NULL, spot);
	most = settings_count(rq->cloud->settings, here, -1);
	if (most >= 0 && most - instances_there(rq, type, zone, spot) < room)
		room = most - instances_there(rq, type, zone, spot);
	return room < 0 ? 0 : room;
}

static int64_t addresses_free(struct request *rq, const struct tree *subnet)
{
	_cleanup_(tree_freep) struct tree *instances =
		state_list(rq->cloud->state, rq->caller.account, rq->region, "instance");
	return subnet_addresses_free(subnet, instances);
}

static int64_t room_in(struct request *rq, const char *type, const char *zone)
{
	int64_t room = room_left(rq, "capacity", type, zone, false);
	int64_t spot = spot_asked(rq) ? room_left(rq, "capacity.spot", type, zone, true) : INT64_MAX;
	return spot < room ? spot : room;
}

static bool no_room(struct request *rq, const char *type, const char *zone)
{
	if (spot_asked(rq))
		return refuse(rq, "InsufficientInstanceCapacity",
			      "There is no Spot capacity available that matches your request.");
	if (zone == NULL)
		return refuse(rq, "InsufficientInstanceCapacity",
			      "We currently do not have sufficient %s capacity in the Region you requested (%s).", type,
			      rq->region);
	return refuse(rq, "InsufficientInstanceCapacity",
		      "We currently do not have sufficient %s capacity in the Availability Zone you requested (%s). "
		      "Our system "
		      "will be working on provisioning additional capacity.",
		      type, zone);
}

static bool take_room(struct request *rq, struct launch *launch, int64_t room)
{
	int64_t least = arg_int(rq, "MinCount", 1), most = arg_int(rq, "MaxCount", 1);
	if (room < least)
		return false;
	launch->count = most < room ? most : room;
	return true;
}

/* Any default subnet whose zone has room; the zones in their order. */
static bool pick_subnet(struct request *rq, struct launch *launch)
{
	const char *zone = arg(rq, "Placement.AvailabilityZone");
	bool zone_known = false;
	_cleanup_(tree_freep) struct tree *subnets = list_objects(rq, "subnet");
	for (struct tree_iter i = tree_iter(subnets); tree_next(&i);) {
		const char *there = tree_text_or(i.value, "availabilityZone", "");
		if (!tree_bool(i.value, "defaultForAz", false) || (zone != NULL && !str_eq(zone, there)))
			continue;
		zone_known = true;
		if (zone == NULL && !instance_type_offered(launch->type, there))
			continue;
		if (!take_room(rq, launch, room_in(rq, launch->type->name, there)))
			continue;
		launch->subnet = tree_share(i.value);
		return true;
	}
	if (!zone_known)
		return refuse(rq, "InvalidParameterValue", "Invalid availability zone: [%s]", zone == NULL ? "" : zone);
	return no_room(rq, launch->type->name, zone);
}

static bool resolve_subnet(struct request *rq, struct launch *launch)
{
	const char *id = subnet_asked(rq);
	if (id == NULL)
		return pick_subnet(rq, launch);
	launch->subnet = need_object(rq, "subnet", id, "InvalidSubnetID.NotFound", "subnet ID");
	if (launch->subnet == NULL)
		return false;
	const char *zone = tree_text_or(launch->subnet, "availabilityZone", "");
	if (addresses_free(rq, launch->subnet) < arg_int(rq, "MinCount", 1))
		return refuse(rq, "InsufficientFreeAddressesInSubnet",
			      "There are not enough free addresses in subnet '%s' to satisfy the requested number of "
			      "instances.",
			      id);
	return take_room(rq, launch, room_in(rq, launch->type->name, zone)) || no_room(rq, launch->type->name, zone);
}

static bool resolve_place(struct request *rq, struct launch *launch)
{
	int64_t least = arg_int(rq, "MinCount", 1), most = arg_int(rq, "MaxCount", 1);
	if (least < 1 || most < least || most > 32)
		return refuse(rq, "InvalidParameterValue", "Invalid counts: MinCount %d, MaxCount %d", (int)least,
			      (int)most);
	if (!resolve_subnet(rq, launch))
		return false;
	snprintf(launch->zone, sizeof launch->zone, "%s", tree_text_or(launch->subnet, "availabilityZone", ""));
	if (!instance_type_offered(launch->type, launch->zone))
		return refuse(rq, "Unsupported",
			      "Your requested instance type (%s) is not supported in your requested Availability Zone "
			      "(%s). Please retry your request by not specifying an Availability Zone or choosing "
			      "another one.",
			      launch->type->name, launch->zone);
	launch->public_address = arg_bool(rq, "NetworkInterface.1.AssociatePublicIpAddress",
					  tree_bool(launch->subnet, "mapPublicIpOnLaunch", true));
	return true;
}

/* --- quotas --- */

/* vCPUs that the account uses in the region, of spot instances or of the others. */
static int64_t vcpus_used(struct request *rq, bool spot)
{
	int64_t count = 0;
	_cleanup_(tree_freep) struct tree *instances =
		state_list(rq->cloud->state, rq->caller.account, rq->region, "instance");
	for (struct tree_iter i = tree_iter(instances); tree_next(&i);) {
		const struct instance_type *type = instance_type_find(tree_text(i.value, "instanceType"));
		if (instance_state(i.value) <= INSTANCE_RUNNING && spot_is(i.value) == spot && type != NULL)
			count += type->vcpus;
	}
	return count;
}

static bool check_quota(struct request *rq, const struct launch *launch)
{
	bool spot = spot_asked(rq);
	int64_t most = quota_of(rq, spot ? QUOTA_SPOT_VCPUS : QUOTA_ON_DEMAND_VCPUS);
	if (vcpus_used(rq, spot) + launch->count * launch->type->vcpus <= most)
		return true;
	if (spot)
		return refuse(rq, "MaxSpotInstanceCountExceeded", "Max spot instance count exceeded");
	return refuse(rq, "VcpuLimitExceeded",
		      "You have requested more vCPU capacity than your current vCPU limit of %d allows for the "
		      "instance bucket that the specified instance type belongs to. Please visit "
		      "http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
		      (int)most);
}

/* --- groups and key --- */

static void add_group(struct launch *launch, const struct tree *group)
{
	struct tree *one = tree_add_object(launch->groups);
	tree_set_text(one, "groupId", tree_text(group, "groupId"));
	tree_set_text(one, "groupName", tree_text(group, "groupName"));
}

static struct tree *group_named(struct request *rq, const char *name, const char *vpc_id)
{
	_cleanup_(tree_freep) struct tree *groups = list_objects(rq, "security-group");
	for (struct tree_iter i = tree_iter(groups); tree_next(&i);)
		if (str_eq(tree_text(i.value, "groupName"), name) && str_eq(tree_text(i.value, "vpcId"), vpc_id))
			return tree_share(i.value);
	refuse(rq, "InvalidGroup.NotFound", "The security group '%s' does not exist in VPC '%s'", name, vpc_id);
	return NULL;
}

static bool add_groups_by_id(struct request *rq, struct launch *launch, const char *path)
{
	_cleanup_(tree_freep) struct tree *groups =
		need_objects(rq, "security-group", path, "InvalidGroup.NotFound", "security group");
	for (struct tree_iter i = tree_iter(groups); tree_next(&i);) {
		if (!str_eq(tree_text(i.value, "vpcId"), tree_text(launch->subnet, "vpcId")))
			return refuse(rq, "InvalidParameter",
				      "Security group %s and subnet %s belong to different networks.",
				      tree_text(i.value, "groupId"), tree_text(launch->subnet, "subnetId"));
		add_group(launch, i.value);
	}
	return groups != NULL;
}

static bool add_groups_by_name(struct request *rq, struct launch *launch, const struct tree *names)
{
	for (struct tree_iter i = tree_iter(names); tree_next(&i);) {
		_cleanup_(tree_freep) struct tree *group =
			group_named(rq, tree_text_or(i.value, NULL, ""), tree_text(launch->subnet, "vpcId"));
		if (group == NULL)
			return false;
		add_group(launch, group);
	}
	return true;
}

static bool resolve_groups(struct request *rq, struct launch *launch)
{
	launch->groups = tree_new_array();
	if (!add_groups_by_id(rq, launch, "SecurityGroupId") ||
	    !add_groups_by_id(rq, launch, "NetworkInterface.1.SecurityGroupId") ||
	    !add_groups_by_name(rq, launch, arg_tree(rq, "SecurityGroup")))
		return false;
	if ((int64_t)tree_count(launch->groups) > quota_of(rq, QUOTA_GROUPS_PER_INTERFACE))
		return refuse(rq, "SecurityGroupsPerInterfaceLimitExceeded",
			      "The maximum number of security groups per interface has been reached.");
	if (tree_count(launch->groups) > 0)
		return true;
	_cleanup_(tree_freep) struct tree *names = tree_new_array();
	tree_add_text(names, "default");
	return add_groups_by_name(rq, launch, names);
}

static bool resolve_key(struct request *rq, struct launch *launch)
{
	const char *name = arg(rq, "KeyName");
	if (name == NULL)
		return true;
	launch->key = need_object(rq, "key-pair", name, "InvalidKeyPair.NotFound", "key pair");
	return launch->key != NULL;
}

static bool resolve_profile(struct request *rq, struct launch *launch)
{
	const char *name = arg(rq, "IamInstanceProfile.Name"), *arn = arg(rq, "IamInstanceProfile.Arn");
	if (name != NULL && arn != NULL)
		return refuse(rq, "InvalidParameterCombination",
			      "The parameter 'iamInstanceProfile.name' may not be used in combination with "
			      "'iamInstanceProfile.arn'");
	return (name == NULL && arn == NULL) || iam_profile_to_launch(rq, name, arn, &launch->profile);
}

/* --- the rest --- */

static bool resolve_user_data(struct request *rq, struct launch *launch)
{
	_cleanup_(str_wipe_free) struct str decoded = STR_INIT;
	launch->user_data = arg(rq, "UserData");
	if (launch->user_data == NULL)
		return true;
	if (!crypto_base64_decode(launch->user_data, &decoded))
		return refuse(rq, "InvalidParameterValue", "Invalid BASE64 encoding of user data.");
	if (decoded.len > USER_DATA_MOST)
		return refuse(rq, "InvalidParameterValue", "User data is limited to %d bytes", USER_DATA_MOST);
	return true;
}

static bool resolve_tags(struct request *rq, struct launch *launch)
{
	static const char *const types[] = {"instance", "volume", "network-interface", "spot-instances-request", NULL};
	return tag_specifications_check(rq, types) && tags_for(rq, "instance", &launch->instance_tags) &&
	       tags_for(rq, "volume", &launch->volume_tags) &&
	       tags_for(rq, "spot-instances-request", &launch->request_tags);
}

static bool one_of(struct request *rq, const char *path, const char *a, const char *b)
{
	const char *value = arg(rq, path);
	if (value == NULL || str_eq(value, a) || str_eq(value, b))
		return true;
	return refuse(rq, "InvalidParameterValue", "Value (%s) for parameter %s is invalid. Valid values are %s, %s",
		      value, path, a, b);
}

static bool check_choices(struct request *rq)
{
	return one_of(rq, "InstanceInitiatedShutdownBehavior", "stop", "terminate") &&
	       one_of(rq, "MetadataOptions.HttpTokens", "optional", "required") &&
	       one_of(rq, "MetadataOptions.HttpEndpoint", "enabled", "disabled") &&
	       one_of(rq, "MetadataOptions.InstanceMetadataTags", "enabled", "disabled") &&
	       one_of(rq, "InstanceMarketOptions.MarketType", "spot", "spot");
}

bool launch_resolve(struct request *rq, struct launch *launch)
{
	make_id("r-", launch->reservation);
	return check_choices(rq) && resolve_image(rq, launch) && resolve_place(rq, launch) &&
	       (!spot_asked(rq) || spot_check(rq, launch->type->name, launch->zone)) && check_quota(rq, launch) &&
	       resolve_groups(rq, launch) && resolve_key(rq, launch) && resolve_profile(rq, launch) &&
	       resolve_user_data(rq, launch) && resolve_tags(rq, launch);
}
