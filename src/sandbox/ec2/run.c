/* SPDX-License-Identifier: Apache-2.0
 *
 * RunInstances: writes down the instance, its root volume and its network interface, all pending; the machine is made
 * by the transition. */
#include <stdio.h>
#include <string.h>

#include "../room.h"
#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "launch.h"
#include "launch_volumes.h"
#include "spot.h"

/* --- the network interface --- */

static void set_addresses(struct tree *document, const struct tree *instance)
{
	const char *private = tree_text(instance, "privateIpAddress"), *public = tree_text(instance, "ipAddress");
	tree_set_text(document, "privateIpAddress", private);
	tree_set_text(document, "privateDnsName", tree_text(instance, "privateDnsName"));
	if (public == NULL)
		return;
	struct tree *association = tree_set_object(document, "association");
	tree_set_text(association, "publicIp", public);
	tree_set_text(association, "publicDnsName", tree_text(instance, "dnsName"));
	tree_set_text(association, "ipOwnerId", "amazon");
}

static void add_interface(struct request *rq, const struct launch *launch, struct tree *instance, const char *at)
{
	char id[ID_SIZE], attachment_id[ID_SIZE], mac[12];
	make_id("eni-", id);
	make_id("eni-attach-", attachment_id);
	crypto_random_hex(mac, 10);
	struct tree *interface = tree_add_object(tree_set_array(instance, "networkInterfaceSet"));
	tree_set_text(interface, "networkInterfaceId", id);
	tree_set_text(interface, "subnetId", tree_text(launch->subnet, "subnetId"));
	tree_set_text(interface, "vpcId", tree_text(launch->subnet, "vpcId"));
	tree_set_text(interface, "description", "");
	tree_set_text(interface, "ownerId", rq->caller.account);
	tree_set_text(interface, "status", "in-use");
	tree_setf(interface, "macAddress", "02:%.2s:%.2s:%.2s:%.2s:%.2s", mac, mac + 2, mac + 4, mac + 6, mac + 8);
	set_addresses(interface, instance);
	tree_set_bool(interface, "sourceDestCheck", true);
	tree_set(interface, "groupSet", tree_copy(launch->groups));
	tree_set_text(interface, "interfaceType", "interface");
	struct tree *attachment = tree_set_object(interface, "attachment");
	tree_set_text(attachment, "attachmentId", attachment_id);
	tree_set_int(attachment, "deviceIndex", 0);
	tree_set_text(attachment, "status", "attached");
	tree_set_text(attachment, "attachTime", at);
	tree_set_bool(attachment, "deleteOnTermination", true);
	tree_set_int(attachment, "networkCardIndex", 0);
	struct tree *address = tree_add_object(tree_set_array(interface, "privateIpAddressesSet"));
	set_addresses(address, instance);
	tree_set_bool(address, "primary", true);
}

/* --- the instance --- */

static bool address_taken(const struct tree *instances, const char *address)
{
	for (struct tree_iter i = tree_iter(instances); tree_next(&i);)
		if (str_eq(tree_text(i.value, "_address"), address))
			return true;
	return false;
}

/* The machine's own address on this host's loopback, which is its public and its private address at once. */
static bool pick_address(struct request *rq, char address[16])
{
	struct error err = {0};
	_cleanup_(tree_freep) struct tree *instances = state_list(rq->cloud->state, NULL, NULL, "instance");
	for (int tries = 0; tries < 64; tries++) {
		if (!room_pick_address(rq->cloud, address, &err))
			return refuse(rq, "InsufficientAddressCapacity", "%s", err.text);
		if (!address_taken(instances, address))
			return true;
	}
	return refuse(rq, "InsufficientAddressCapacity", "no loopback address is free");
}

static void set_metadata_options(struct request *rq, const struct launch *launch, struct tree *instance)
{
	bool v2 = str_eq(tree_text(launch->image, "imdsSupport"), "v2.0");
	struct tree *options = tree_set_object(instance, "metadataOptions");
	tree_set_text(options, "state", "applied");
	tree_set_text(options, "httpTokens", arg_or(rq, "MetadataOptions.HttpTokens", v2 ? "required" : "optional"));
	tree_set_int(options, "httpPutResponseHopLimit",
		     arg_int(rq, "MetadataOptions.HttpPutResponseHopLimit", v2 ? 2 : 1));
	tree_set_text(options, "httpEndpoint", arg_or(rq, "MetadataOptions.HttpEndpoint", "enabled"));
	tree_set_text(options, "httpProtocolIpv6", arg_or(rq, "MetadataOptions.HttpProtocolIpv6", "disabled"));
	tree_set_text(options, "instanceMetadataTags", arg_or(rq, "MetadataOptions.InstanceMetadataTags", "disabled"));
}

static void set_place(const struct launch *launch, struct tree *instance)
{
	struct tree *placement = tree_set_object(instance, "placement");
	tree_set_text(placement, "availabilityZone", launch->zone);
	tree_set_text(placement, "groupName", "");
	tree_set_text(placement, "tenancy", "default");
	tree_set_text(instance, "subnetId", tree_text(launch->subnet, "subnetId"));
	tree_set_text(instance, "vpcId", tree_text(launch->subnet, "vpcId"));
	tree_set(instance, "groupSet", tree_copy(launch->groups));
}

static void set_names(struct request *rq, const struct launch *launch, struct tree *instance, const char *address)
{
	char dashed[16];
	snprintf(dashed, sizeof dashed, "%s", address);
	for (char *c = dashed; *c != '\0'; c++)
		if (*c == '.')
			*c = '-';
	tree_set_text(instance, "_address", address);
	tree_set_text(instance, "privateIpAddress", address);
	tree_setf(instance, "privateDnsName", "ip-%s.%s", dashed,
		  str_eq(rq->region, "us-east-1") ? "ec2.internal" : "compute.internal");
	tree_setf(instance, "_hostname", "ip-%s", dashed);
	tree_set_text(instance, "dnsName", "");
	if (!launch->public_address)
		return;
	/* No name server knows it; the address itself is a name that every client understands. */
	tree_set_text(instance, "dnsName", address);
	tree_set_text(instance, "ipAddress", address);
}

static void set_options(struct request *rq, const struct launch *launch, struct tree *instance)
{
	tree_set_text(tree_set_object(instance, "monitoring"), "state",
		      arg_bool(rq, "Monitoring.Enabled", false) ? "enabled" : "disabled");
	tree_set_bool(instance, "ebsOptimized", arg_bool(rq, "EbsOptimized", false));
	if (arg(rq, "ClientToken") != NULL)
		tree_set_text(instance, "clientToken", arg(rq, "ClientToken"));
	if (launch->key != NULL) {
		tree_set_text(instance, "keyName", tree_text(launch->key, "keyName"));
		tree_set_text(instance, "_authorizedKey", tree_text(launch->key, "_publicKey"));
	}
	if (launch->profile != NULL) {
		struct tree *holder = tree_set_object(instance, "iamInstanceProfile");
		tree_set_text(holder, "arn", tree_text(launch->profile, "Arn"));
		tree_set_text(holder, "id", tree_text(launch->profile, "InstanceProfileId"));
	}
	tree_set_text(instance, "_userData", launch->user_data == NULL ? "" : launch->user_data);
	tree_set_text(instance, "_shutdown", arg_or(rq, "InstanceInitiatedShutdownBehavior", "stop"));
	tree_set_bool(instance, "_protected", arg_bool(rq, "DisableApiTermination", false));
	tree_set_bool(instance, "_stopProtected", arg_bool(rq, "DisableApiStop", false));
}

static struct tree *new_instance(struct request *rq, const struct launch *launch, int64_t index, const char *at)
{
	char id[ID_SIZE];
	make_id("i-", id);
	struct tree *instance = tree_new_object();
	tree_set_text(instance, "instanceId", id);
	tree_set_text(instance, "imageId", tree_text(launch->image, "imageId"));
	instance_set_state(instance, INSTANCE_PENDING);
	tree_set_text(instance, "reason", "");
	tree_set_int(instance, "amiLaunchIndex", index);
	tree_set(instance, "productCodes",
		 tree_key(launch->image, "productCodes") == NULL ? tree_new_array()
								 : tree_copy(tree_key(launch->image, "productCodes")));
	tree_set_text(instance, "instanceType", launch->type->name);
	tree_set_text(instance, "launchTime", at);
	tree_set_text(instance, "architecture", tree_text(launch->image, "architecture"));
	tree_set_text(instance, "rootDeviceType", "ebs");
	tree_set_text(instance, "rootDeviceName", tree_text(launch->image, "rootDeviceName"));
	tree_set_array(instance, "blockDeviceMapping");
	tree_set_text(instance, "virtualizationType", "hvm");
	tree_set_text(instance, "hypervisor", "xen");
	tree_set_bool(instance, "enaSupport", true);
	tree_set_bool(instance, "sourceDestCheck", true);
	tree_set_text(instance, "platformDetails", "Linux/UNIX");
	tree_set_text(instance, "usageOperation", "RunInstances");
	tree_set(instance, "tagSet", tree_copy(launch->instance_tags));
	set_place(launch, instance);
	set_metadata_options(rq, launch, instance);
	set_options(rq, launch, instance);
	tree_set(instance, "_layers", tree_copy(tree_key(launch->image, "_layers")));
	tree_set_text(instance, "_login", tree_text_or(launch->image, "_login", "admin"));
	tree_set_text(instance, "_reservation", launch->reservation);
	return instance;
}

/* What a one-time spot instance shuts down by itself is gone. */
static void make_spot(struct request *rq, const struct launch *launch, struct tree *instance)
{
	char turn[40];
	int64_t interrupt_ms = settings_count(rq->cloud->settings, "spot.interrupt", -1);
	spot_make(rq, instance, launch->request_tags);
	if (spot_is_once(instance))
		tree_set_text(instance, "_shutdown", "terminate");
	if (interrupt_ms < 0)
		return;
	snprintf(turn, sizeof turn, "spot %s", tree_text(instance, "instanceId"));
	tree_set_int(instance, "_interruptAt", rq->now_ms + interrupt_ms);
	want_job_in_turn(rq, "spot", tree_text(instance, "instanceId"), turn);
}

static bool launch_one(struct request *rq, const struct launch *launch, int64_t index)
{
	char at[EC2_TIME_SIZE], address[16];
	ec2_time(rq->now_ms, at);
	if (!pick_address(rq, address))
		return false;
	_cleanup_(tree_freep) struct tree *instance = new_instance(rq, launch, index, at);
	set_names(rq, launch, instance, address);
	add_interface(rq, launch, instance, at);
	if (!launch_make_volumes(rq, launch, instance, at))
		return false;
	if (spot_asked(rq))
		make_spot(rq, launch, instance);
	tree_set_int(instance, "_due", rq->now_ms + settings_ms(rq->cloud->settings, "latency.launch"));
	put_new_object(rq, "instance", tree_text(instance, "instanceId"), instance);
	want_job(rq, "instance", tree_text(instance, "instanceId"));
	return true;
}

/* --- the reply --- */

static bool reply_reservation(struct request *rq, const char *reservation)
{
	_cleanup_(tree_freep) struct tree *all =
		state_list(rq->cloud->state, rq->caller.account, rq->region, "instance");
	struct tree *instances = NULL;
	for (struct tree_iter i = tree_iter(all); tree_next(&i);) {
		if (!str_eq(tree_text(i.value, "_reservation"), reservation))
			continue;
		if (instances == NULL) {
			tree_free(rq->reply);
			rq->reply = reservation_of(i.value);
			instances = tree_key(rq->reply, "instancesSet");
		}
		tree_add(instances, instance_reply(i.value, rq->now_ms));
	}
	return instances != NULL ||
	       refuse(rq, "IdempotentInstanceTerminated", "The instances of this client token are terminated and gone");
}

static void note_launch(struct request *rq, struct launch *launch)
{
	char at[EC2_TIME_SIZE];
	if (!str_eq(tree_text(launch->image, "imageOwnerId"), rq->caller.account))
		return;
	tree_set_text(launch->image, "lastLaunchedTime", ec2_time(rq->now_ms, at));
	image_put(rq, launch->image);
}

static bool run_instances(struct request *rq)
{
	char earlier[ID_SIZE];
	_cleanup_(launch_clear) struct launch launch = {0};
	if (!client_token_look(rq, earlier))
		return false;
	if (*earlier != '\0')
		return reply_reservation(rq, earlier);
	if (!launch_resolve(rq, &launch))
		return false;
	for (int64_t i = 0; i < launch.count; i++)
		if (!launch_one(rq, &launch, i))
			return false;
	note_launch(rq, &launch);
	client_token_keep(rq, launch.reservation);
	return reply_reservation(rq, launch.reservation);
}

const struct operation ec2_run_operations[] = {
	{"RunInstances", run_instances, OPERATION_DRY_RUN,
	 "ImageId InstanceType MinCount!:int MaxCount!:int KeyName SubnetId SecurityGroupId.N SecurityGroup.N UserData "
	 "ClientToken "
	 "EbsOptimized:bool Monitoring.Enabled:bool DisableApiTermination:bool DisableApiStop:bool "
	 "InstanceInitiatedShutdownBehavior Placement.AvailabilityZone Placement.Tenancy IamInstanceProfile.Name "
	 "IamInstanceProfile.Arn MetadataOptions.HttpTokens MetadataOptions.HttpPutResponseHopLimit:int "
	 "MetadataOptions.HttpEndpoint MetadataOptions.HttpProtocolIpv6 MetadataOptions.InstanceMetadataTags "
	 "InstanceMarketOptions.MarketType InstanceMarketOptions.SpotOptions.MaxPrice "
	 "InstanceMarketOptions.SpotOptions.SpotInstanceType InstanceMarketOptions.SpotOptions.ValidUntil:time "
	 "InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior CreditSpecification.CpuCredits "
	 "NetworkInterface.N.DeviceIndex:int NetworkInterface.N.SubnetId NetworkInterface.N.SecurityGroupId.N "
	 "NetworkInterface.N.AssociatePublicIpAddress:bool NetworkInterface.N.DeleteOnTermination:bool "
	 "NetworkInterface.N.Description BlockDeviceMapping.N.DeviceName BlockDeviceMapping.N.NoDevice "
	 "BlockDeviceMapping.N.VirtualName BlockDeviceMapping.N.Ebs.* " ARGS_TAGS},
	{NULL},
};
