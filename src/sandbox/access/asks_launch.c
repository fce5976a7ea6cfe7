/* SPDX-License-Identifier: Apache-2.0
 *
 * What RunInstances touches without naming it, and other resources of EC2 that want a second look. */
#include <string.h>

#include "../ec2/region_fill.h"
#include "../regions.h"
#include "../ssm/ssm.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "iam.h"
#include "needs.h"

static void add_each(struct request *rq, const struct need *need, const char *noun, const char *path, struct asks *asks)
{
	_cleanup_(tree_freep) struct tree *ids = asks_texts(rq, path);
	for (struct tree_iter i = tree_iter(ids); tree_next(&i);)
		asks_add_ec2(rq, asks, need->action, noun, tree_text_or(i.value, NULL, ""));
}

/* --- the image --- */

#define RESOLVE "resolve:ssm:"

static void launch_image(struct request *rq, const struct need *need, struct asks *asks)
{
	const char *id = arg_or(rq, "ImageId", "");
	bool by_parameter = str_starts(id, RESOLVE);
	_cleanup_(freep) char *value = by_parameter ? parameter_value(rq, id + strlen(RESOLVE)) : NULL;
	if (by_parameter)
		id = value == NULL ? "" : value;
	if (*id != '\0')
		asks_add_ec2(rq, asks, need->action, "image", id);
}

static void launch_parameter(struct request *rq, const struct need *need, struct asks *asks)
{
	const char *id = arg_or(rq, "ImageId", "");
	if (!str_starts(id, RESOLVE))
		return;
	const char *name = id + strlen(RESOLVE);
	size_t length = strcspn(name, ":");
	bool public = str_starts(name, "/aws/");
	_cleanup_(freep) char *arn =
		mem_printf("arn:aws:ssm:%s:%s:parameter%s%.*s", rq->region, public ? "" : rq->caller.account,
			   *name == '/' ? "" : "/", (int)length, name);
	asks_add(asks, need->action, arn);
}

/* --- volumes --- */

static void add_volume(struct request *rq, const struct need *need, const struct tree *mapping, struct asks *asks)
{
	static const struct {
		const char *key, *path;
	} keys[] = {{"ec2:Encrypted", "Ebs.Encrypted"},	     {"ec2:KmsKeyId", "Ebs.KmsKeyId"},
		    {"ec2:VolumeSize", "Ebs.VolumeSize"},    {"ec2:VolumeType", "Ebs.VolumeType"},
		    {"ec2:VolumeIops", "Ebs.Iops"},	     {"ec2:VolumeThroughput", "Ebs.Throughput"},
		    {"ec2:ParentSnapshot", "Ebs.SnapshotId"}};
	struct ask *ask = asks_add_ec2(rq, asks, need->action, "volume", "*");
	tree_set_text(ask->context, "ec2:Encrypted", "false");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (tree_text(mapping, keys[i].path) != NULL)
			tree_set_text(ask->context, keys[i].key, tree_text(mapping, keys[i].path));
}

static void launch_volumes(struct request *rq, const struct need *need, struct asks *asks)
{
	size_t volumes = 0;
	for (struct tree_iter i = tree_iter(arg_tree(rq, "BlockDeviceMapping")); tree_next(&i);) {
		if (tree_key(i.value, "Ebs") == NULL)
			continue;
		add_volume(rq, need, i.value, asks);
		volumes++;
	}
	if (volumes == 0)
		add_volume(rq, need, NULL, asks);
}

/* --- the network --- */

static struct tree *default_of(struct request *rq, const char *kind, const char *key, const char *value)
{
	region_prepare(rq);
	_cleanup_(tree_freep) struct tree *all = state_list(rq->cloud->state, rq->caller.account, rq->region, kind);
	for (struct tree_iter i = tree_iter(all); tree_next(&i);)
		if (str_eq(tree_text(i.value, key), value))
			return tree_share(i.value);
	return NULL;
}

static void add_default(struct request *rq, const struct need *need, const char *kind, const char *key,
			const char *value, const char *id, struct asks *asks)
{
	_cleanup_(tree_freep) struct tree *found = default_of(rq, kind, key, value);
	if (found != NULL)
		asks_add_ec2(rq, asks, need->action, kind, tree_text_or(found, id, ""));
}

static void launch_subnets(struct request *rq, const struct need *need, struct asks *asks)
{
	const char *zone = arg(rq, "Placement.AvailabilityZone");
	size_t before = asks->count;
	add_each(rq, need, "subnet", "SubnetId", asks);
	add_each(rq, need, "subnet", "NetworkInterface.*.SubnetId", asks);
	if (asks->count == before)
		add_default(rq, need, "subnet", zone == NULL ? "defaultForAz" : "availabilityZone",
			    zone == NULL ? "true" : zone, "subnetId", asks);
}

static void add_groups_by_name(struct request *rq, const struct need *need, const char *path, struct asks *asks)
{
	_cleanup_(tree_freep) struct tree *names = asks_texts(rq, path);
	for (struct tree_iter i = tree_iter(names); tree_next(&i);)
		add_default(rq, need, "security-group", "groupName", tree_text_or(i.value, NULL, ""), "groupId", asks);
}

static void launch_groups(struct request *rq, const struct need *need, struct asks *asks)
{
	size_t before = asks->count;
	add_each(rq, need, "security-group", "SecurityGroupId", asks);
	add_each(rq, need, "security-group", "NetworkInterface.*.SecurityGroupId", asks);
	add_groups_by_name(rq, need, "SecurityGroup", asks);
	if (asks->count == before)
		add_default(rq, need, "security-group", "groupName", "default", "groupId", asks);
}

static void launch_vpc(struct request *rq, const struct need *need, struct asks *asks)
{
	if (arg(rq, "VpcId") != NULL)
		asks_add_ec2(rq, asks, need->action, "vpc", arg(rq, "VpcId"));
	else
		add_default(rq, need, "vpc", "isDefault", "true", "vpcId", asks);
}

static void launch_spot(struct request *rq, const struct need *need, struct asks *asks)
{
	if (str_eq(arg(rq, "InstanceMarketOptions.MarketType"), "spot"))
		asks_add_ec2(rq, asks, need->action, "spot-instances-request", "*");
}

/* --- the profile's role --- */

static void launch_role(struct request *rq, const struct need *need, struct asks *asks)
{
	char account[16], name[136];
	const char *wanted = arg(rq, "IamInstanceProfile.Name"), *arn = arg(rq, "IamInstanceProfile.Arn");
	if (wanted == NULL && iam_arn_split(arn, "instance-profile", account, name))
		wanted = name;
	_cleanup_(tree_freep) struct tree *profile = iam_find(rq, rq->caller.account, IAM_PROFILE, wanted);
	_cleanup_(tree_freep) struct tree *role =
		iam_find(rq, rq->caller.account, IAM_ROLE, tree_text(profile, "_role"));
	if (role == NULL)
		return;
	struct ask *ask = asks_add(asks, need->action, tree_text(role, "Arn"));
	tree_set_text(ask->context, "iam:PassedToService", "ec2.amazonaws.com");
	tree_setf(ask->context, "iam:AssociatedResourceArn", "arn:aws:ec2:%s:%s:instance/*", rq->region,
		  rq->caller.account);
}

/* --- images --- */

static struct tree *copied(struct request *rq)
{
	return state_get(rq->cloud->state, NULL, arg_or(rq, "SourceRegion", rq->region), "image",
			 arg_or(rq, "SourceImageId", ""));
}

/* The source, which is in a region of its own. */
static void copied_image(struct request *rq, const struct need *need, struct asks *asks)
{
	const char *here = rq->region;
	rq->region = region_find(arg_or(rq, "SourceRegion", "")) == NULL ? here : arg(rq, "SourceRegion");
	asks_add_ec2(rq, asks, need->action, "image", arg_or(rq, "SourceImageId", ""));
	rq->region = here;
}

static void copied_tags(struct request *rq, const struct need *need, struct asks *asks)
{
	_cleanup_(tree_freep) struct tree *image = copied(rq);
	if (!arg_bool(rq, "CopyImageTags", false) || tree_count(tree_key(image, "tagSet")) == 0 ||
	    !str_eq(tree_text(image, "imageOwnerId"), rq->caller.account))
		return;
	struct ask *ask = asks_add_ec2(rq, asks, need->action, "image", "*");
	asks_add_request_tags(ask->context, tree_key(image, "tagSet"), "key", "value");
	tree_set_text(ask->context, "ec2:CreateAction", rq->operation->name);
}

static void image_snapshots(struct request *rq, const struct need *need, struct asks *asks)
{
	if (!arg_bool(rq, "DeleteAssociatedSnapshots", false))
		return;
	_cleanup_(tree_freep) struct tree *image =
		state_get(rq->cloud->state, NULL, rq->region, "image", arg_or(rq, "ImageId", ""));
	for (struct tree_iter i = tree_iter(tree_key(image, "blockDeviceMapping")); tree_next(&i);)
		if (tree_text(i.value, "ebs.snapshotId") != NULL)
			asks_add_ec2(rq, asks, need->action, "snapshot", tree_text(i.value, "ebs.snapshotId"));
}

bool asks_launch(struct request *rq, const struct need *need, const char *word, struct asks *asks)
{
	static const struct {
		const char *word;
		void (*collect)(struct request *rq, const struct need *need, struct asks *asks);
	} words[] = {
		{"launch-image", launch_image},	      {"launch-parameter", launch_parameter},
		{"launch-volumes", launch_volumes},   {"launch-subnets", launch_subnets},
		{"launch-groups", launch_groups},     {"launch-vpc", launch_vpc},
		{"launch-spot", launch_spot},	      {"launch-role", launch_role},
		{"copied-image", copied_image},	      {"copied-tags", copied_tags},
		{"image-snapshots", image_snapshots},
	};
	if (str_starts(word, "group-name@")) {
		add_groups_by_name(rq, need, word + strlen("group-name@"), asks);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!str_eq(words[i].word, word))
			continue;
		words[i].collect(rq, need, asks);
		return true;
	}
	return false;
}
