/* SPDX-License-Identifier: Apache-2.0
 *
 * EC2's resources: their ARNs, and the condition keys that each kind has.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html */
#include <stdio.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"
#include "needs.h"

/* kind: of the documents. shared: the ARN names no account, and others' can be meant. */
static const struct noun {
	const char *word, *kind, *prefix;
	bool shared;
} nouns[] = {
	{"image", "image", "ami-", true},
	{"snapshot", "snapshot", "snap-", true},
	{"instance", "instance", "i-", false},
	{"volume", "volume", "vol-", false},
	{"network-interface", "network-interface", "eni-", false},
	{"security-group-rule", "security-group-rule", "sgr-", false},
	{"security-group", "security-group", "sg-", false},
	{"subnet", "subnet", "subnet-", false},
	{"vpc", "vpc", "vpc-", false},
	{"key-pair", "key-pair", "key-", false},
	{"spot-instances-request", "spot-instances-request", "sir-", false},
};

static const struct noun *noun_named(const char *word, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(nouns); i++)
		if (strlen(nouns[i].word) == length && strncmp(nouns[i].word, word, length) == 0)
			return &nouns[i];
	return NULL;
}

static const struct noun *noun_of_id(const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(nouns); i++)
		if (str_starts(id, nouns[i].prefix))
			return &nouns[i];
	return NULL;
}

/* --- condition keys --- */

static const struct {
	const char *noun, *key, *path;
} document_keys[] = {
	{"image", "ec2:ImageID", "imageId"},
	{"image", "ec2:ImageType", "imageType"},
	{"image", "ec2:Owner", "imageOwnerId"},
	{"image", "ec2:Public", "isPublic"},
	{"image", "ec2:RootDeviceType", "rootDeviceType"},
	{"snapshot", "ec2:Encrypted", "encrypted"},
	{"snapshot", "ec2:Owner", "ownerId"},
	{"snapshot", "ec2:SnapshotID", "snapshotId"},
	{"snapshot", "ec2:SnapshotTime", "startTime"},
	{"snapshot", "ec2:VolumeSize", "volumeSize"},
	{"instance", "ec2:AvailabilityZone", "placement.availabilityZone"},
	{"instance", "ec2:EbsOptimized", "ebsOptimized"},
	{"instance", "ec2:InstanceID", "instanceId"},
	{"instance", "ec2:InstanceProfile", "iamInstanceProfile.arn"},
	{"instance", "ec2:InstanceType", "instanceType"},
	{"instance", "ec2:MetadataHttpEndpoint", "metadataOptions.httpEndpoint"},
	{"instance", "ec2:MetadataHttpPutResponseHopLimit", "metadataOptions.httpPutResponseHopLimit"},
	{"instance", "ec2:MetadataHttpTokens", "metadataOptions.httpTokens"},
	{"instance", "ec2:RootDeviceType", "rootDeviceType"},
	{"instance", "ec2:Tenancy", "placement.tenancy"},
	{"volume", "ec2:AvailabilityZone", "availabilityZone"},
	{"volume", "ec2:Encrypted", "encrypted"},
	{"volume", "ec2:KmsKeyId", "kmsKeyId"},
	{"volume", "ec2:VolumeID", "volumeId"},
	{"volume", "ec2:VolumeIops", "iops"},
	{"volume", "ec2:VolumeSize", "size"},
	{"volume", "ec2:VolumeThroughput", "throughput"},
	{"volume", "ec2:VolumeType", "volumeType"},
	{"security-group", "ec2:SecurityGroupID", "groupId"},
	{"subnet", "ec2:AvailabilityZone", "availabilityZone"},
	{"subnet", "ec2:SubnetID", "subnetId"},
	{"vpc", "ec2:VpcID", "vpcId"},
	{"key-pair", "ec2:KeyPairName", "keyName"},
	{"key-pair", "ec2:KeyPairType", "keyType"},
};

/* Of what is to be made: from the request. */
static const struct {
	const char *noun, *key, *path, *otherwise;
} argument_keys[] = {
	{"instance", "ec2:AvailabilityZone", "Placement.AvailabilityZone", NULL},
	{"instance", "ec2:EbsOptimized", "EbsOptimized", "false"},
	{"instance", "ec2:InstanceMarketType", "InstanceMarketOptions.MarketType", "on-demand"},
	{"instance", "ec2:InstanceType", "InstanceType", "m1.small"},
	{"instance", "ec2:MetadataHttpEndpoint", "MetadataOptions.HttpEndpoint", NULL},
	{"instance", "ec2:MetadataHttpPutResponseHopLimit", "MetadataOptions.HttpPutResponseHopLimit", NULL},
	{"instance", "ec2:MetadataHttpTokens", "MetadataOptions.HttpTokens", NULL},
	{"instance", "ec2:RootDeviceType", "", "ebs"},
	{"instance", "ec2:Tenancy", "Placement.Tenancy", "default"},
	{"network-interface", "ec2:AssociatePublicIpAddress", "NetworkInterface.1.AssociatePublicIpAddress", NULL},
};

static void add_tags_of(struct tree *context, const struct tree *document)
{
	for (struct tree_iter i = tree_iter(tree_key(document, "tagSet")); tree_next(&i);) {
		const char *key = tree_text_or(i.value, "key", ""), *value = tree_text_or(i.value, "value", "");
		_cleanup_(freep) char *ours = mem_printf("aws:ResourceTag/%s", key);
		_cleanup_(freep) char *older = mem_printf("ec2:ResourceTag/%s", key);
		tree_set_text(context, ours, value);
		tree_set_text(context, older, value);
	}
}

static void add_document_keys(struct request *rq, struct tree *context, const char *noun, const struct tree *document)
{
	for (size_t i = 0; i < ARRAY_SIZE(document_keys); i++) {
		const char *text = tree_text(document, document_keys[i].path);
		if (str_eq(document_keys[i].noun, noun) && text != NULL)
			tree_set_text(context, document_keys[i].key, text);
	}
	if (str_eq(noun, "instance"))
		tree_set_text(context, "ec2:InstanceMarketType",
			      str_eq(tree_text(document, "instanceLifecycle"), "spot") ? "spot" : "on-demand");
	if (tree_text(document, "vpcId") != NULL)
		tree_setf(context, "ec2:Vpc", "arn:aws:ec2:%s:%s:vpc/%s", rq->region, rq->caller.account,
			  tree_text(document, "vpcId"));
	add_tags_of(context, document);
}

/* https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-policies-for-amazon-ec2.html#imageId-key: what is not there
 * yet has the id "*". */
static void add_new_keys(struct request *rq, struct tree *context, const struct noun *noun)
{
	if (noun->shared) {
		tree_set_text(context, "ec2:Owner", rq->caller.account);
		tree_set_text(context, str_eq(noun->word, "image") ? "ec2:ImageID" : "ec2:SnapshotID", "*");
	}
	for (size_t i = 0; i < ARRAY_SIZE(argument_keys); i++) {
		const char *path = argument_keys[i].path;
		const char *text =
			*path == '\0' ? argument_keys[i].otherwise : arg_or(rq, path, argument_keys[i].otherwise);
		if (str_eq(argument_keys[i].noun, noun->word) && text != NULL)
			tree_set_text(context, argument_keys[i].key, text);
	}
}

/* The tags that the request wants this kind of resource to be made with. The request for an image or snapshot does not
 * carry them, only the one for CreateTags, as decoded refusals of EC2's show. */
static void add_specified_tags(struct request *rq, struct tree *context, const struct noun *noun, const char *action)
{
	if (noun->shared && !str_eq(action, "ec2:CreateTags"))
		return;
	for (struct tree_iter i = tree_iter(arg_tree(rq, "TagSpecification")); tree_next(&i);)
		if (str_eq(tree_text(i.value, "ResourceType"), noun->word))
			asks_add_request_tags(context, tree_key(i.value, "Tag"), "Key", "Value");
}

/* ModifyImageAttribute and its like: what is changed, and for launch permissions to whose good. */
static void add_change_keys(struct request *rq, struct tree *context)
{
	static const char *const attributes[] = {"LaunchPermission",	   "Description", "ImdsSupport",
						 "CreateVolumePermission", "UserData",	  "DisableApiTermination"};
	static const struct {
		const char *path, *key;
	} changes[] = {{"*.Add.*.Group", "ec2:Add/group"},
		       {"*.Add.*.UserId", "ec2:Add/userId"},
		       {"*.Add.*.OrganizationArn", "ec2:Add/organizationArn"},
		       {"*.Add.*.OrganizationalUnitArn", "ec2:Add/organizationalUnitArn"},
		       {"*.Remove.*.Group", "ec2:Remove/group"},
		       {"*.Remove.*.UserId", "ec2:Remove/userId"},
		       {"*.Remove.*.OrganizationArn", "ec2:Remove/organizationArn"},
		       {"*.Remove.*.OrganizationalUnitArn", "ec2:Remove/organizationalUnitArn"}};
	if (!str_starts(rq->operation->name, "Modify"))
		return;
	if (arg(rq, "Attribute") != NULL)
		tree_set_text(context, "ec2:Attribute", arg(rq, "Attribute"));
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		_cleanup_(freep) char *value = mem_printf("%s.Value", attributes[i]);
		_cleanup_(freep) char *key = mem_printf("ec2:Attribute/%s", attributes[i]);
		if (arg_tree(rq, attributes[i]) != NULL)
			tree_set_text(context, "ec2:Attribute", attributes[i]);
		if (arg(rq, value) != NULL)
			tree_set_text(context, key, arg(rq, value));
	}
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		_cleanup_(tree_freep) struct tree *values = asks_texts(rq, changes[i].path);
		if (tree_count(values) > 0)
			tree_set(context, changes[i].key, take(&values));
	}
}

/* --- one resource --- */

static struct tree *document_of(struct request *rq, const struct noun *noun, const char *id)
{
	struct tree *document =
		state_get(rq->cloud->state, noun->shared ? NULL : rq->caller.account, rq->region, noun->kind, id);
	if (document != NULL || !str_eq(noun->word, "key-pair"))
		return document;
	_cleanup_(tree_freep) struct tree *keys =
		state_list(rq->cloud->state, rq->caller.account, rq->region, "key-pair");
	for (struct tree_iter i = tree_iter(keys); tree_next(&i);)
		if (str_eq(tree_text(i.value, "keyPairId"), id))
			return tree_share(i.value);
	return NULL;
}

static void add_resource(struct request *rq, struct asks *asks, const char *action, const struct noun *noun,
			 const char *id)
{
	bool made = str_eq(id, "*");
	_cleanup_(tree_freep) struct tree *document = made ? NULL : document_of(rq, noun, id);
	/* Key pairs' ARNs hold their names. */
	const char *name = str_eq(noun->word, "key-pair") ? tree_text_or(document, "keyName", id) : id;
	_cleanup_(freep) char *arn = mem_printf("arn:aws:ec2:%s:%s:%s/%s", rq->region,
						noun->shared ? "" : rq->caller.account, noun->word, name);
	struct ask *ask = asks_add(asks, action, arn);
	if (!noun->shared)
		tree_set_text(ask->context, "aws:ResourceAccount", rq->caller.account);
	if (document != NULL)
		add_document_keys(rq, ask->context, noun->word, document);
	if (made)
		add_new_keys(rq, ask->context, noun);
	add_specified_tags(rq, ask->context, noun, action);
	add_change_keys(rq, ask->context);
}

struct ask *asks_add_ec2(struct request *rq, struct asks *asks, const char *action, const char *noun, const char *id)
{
	add_resource(rq, asks, action, noun_named(noun, strlen(noun)), id);
	return &asks->items[asks->count - 1];
}

/* --- words --- */

/* CreateTags and DeleteTags. */
static void add_any(struct request *rq, const struct need *need, const char *path, struct asks *asks)
{
	_cleanup_(tree_freep) struct tree *ids = asks_texts(rq, path);
	for (struct tree_iter i = tree_iter(ids); tree_next(&i);) {
		const char *id = tree_text_or(i.value, NULL, "");
		const struct noun *noun = noun_of_id(id);
		if (noun == NULL)
			continue;
		add_resource(rq, asks, need->action, noun, id);
		asks_add_request_tags(asks->items[asks->count - 1].context, arg_tree(rq, "Tag"), "Key", "Value");
	}
}

/* https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html */
static void add_tagged(struct request *rq, const struct need *need, struct asks *asks)
{
	for (struct tree_iter i = tree_iter(arg_tree(rq, "TagSpecification")); tree_next(&i);) {
		const char *type = tree_text_or(i.value, "ResourceType", "");
		const struct noun *noun = noun_named(type, strlen(type));
		if (noun == NULL || tree_count(tree_key(i.value, "Tag")) == 0)
			continue;
		add_resource(rq, asks, need->action, noun, "*");
		tree_set_text(asks->items[asks->count - 1].context, "ec2:CreateAction", rq->operation->name);
	}
}

bool asks_ec2(struct request *rq, const struct need *need, const char *word, struct asks *asks)
{
	size_t length = strcspn(word, "@/");
	const struct noun *noun = noun_named(word, length);
	if (str_eq(word, "tagged")) {
		add_tagged(rq, need, asks);
		return true;
	}
	if (str_starts(word, "any@")) {
		add_any(rq, need, word + strlen("any@"), asks);
		return true;
	}
	if (noun == NULL)
		return false;
	if (str_eq(word + length, "/new")) {
		add_resource(rq, asks, need->action, noun, "*");
		return true;
	}
	_cleanup_(tree_freep) struct tree *ids = asks_texts(rq, word + length + 1);
	for (struct tree_iter i = tree_iter(ids); tree_next(&i);)
		add_resource(rq, asks, need->action, noun, tree_text_or(i.value, NULL, ""));
	return true;
}
