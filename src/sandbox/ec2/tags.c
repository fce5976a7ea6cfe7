/* SPDX-License-Identifier: Apache-2.0
 *
 * CreateTags, DeleteTags, DescribeTags over every noun that has tags. */
#include <stdio.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"

static const struct tagged {
	const char *prefix, *kind, *type, *code, *id_path;
} nouns[] = {
	{"ami-", "image", "image", "InvalidAMIID.NotFound", "imageId"},
	{"i-", "instance", "instance", "InvalidInstanceID.NotFound", "instanceId"},
	{"snap-", "snapshot", "snapshot", "InvalidSnapshot.NotFound", "snapshotId"},
	{"vol-", "volume", "volume", "InvalidVolume.NotFound", "volumeId"},
	{"sg-", "security-group", "security-group", "InvalidGroup.NotFound", "groupId"},
	{"key-", "key-pair", "key-pair", "InvalidKeyPair.NotFound", "keyPairId"},
	{"vpc-", "vpc", "vpc", "InvalidVpcID.NotFound", "vpcId"},
	{"subnet-", "subnet", "subnet", "InvalidSubnetID.NotFound", "subnetId"},
};

static const struct tagged *noun_of(const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(nouns); i++)
		if (str_starts(id, nouns[i].prefix))
			return &nouns[i];
	return NULL;
}

/* Key pairs are kept under their names. */
static struct tree *find_key_by_id(struct request *rq, const char *id)
{
	_cleanup_(tree_freep) struct tree *keys = list_objects(rq, "key-pair");
	for (struct tree_iter i = tree_iter(keys); tree_next(&i);)
		if (str_eq(tree_text(i.value, "keyPairId"), id))
			return tree_share(i.value);
	return NULL;
}

static struct tree *find_tagged(struct request *rq, const struct tagged *noun, const char *id)
{
	return str_eq(noun->kind, "key-pair") ? find_key_by_id(rq, id) : find_object(rq, noun->kind, id);
}

static bool change_tags(struct request *rq, const char *id,
			void (*change)(const struct request *rq, struct tree *document))
{
	/* A network interface is a part of its instance here; its tags are not kept. */
	if (str_starts(id, "eni-"))
		return true;
	const struct tagged *noun = noun_of(id);
	if (noun == NULL)
		return refuse(rq, "InvalidID", "The ID '%s' is not valid", id);
	_cleanup_(tree_freep) struct tree *document = find_tagged(rq, noun, id);
	if (document == NULL)
		return refuse(rq, noun->code, "The %s ID '%s' does not exist", noun->type, id);
	change(rq, document);
	if (tree_count(tree_key(document, "tagSet")) > 50)
		return refuse(rq, "TagLimitExceeded", "More than 50 tags on %s", id);
	bool key = str_eq(noun->kind, "key-pair");
	put_object(rq, noun->kind, key ? tree_text(document, "keyName") : id, document);
	return true;
}

static void put_all(const struct request *rq, struct tree *document)
{
	for (struct tree_iter i = tree_iter(arg_tree(rq, "Tag")); tree_next(&i);)
		tag_set_put(document, tree_text(i.value, "Key"), tree_text_or(i.value, "Value", ""));
}

static void remove_all(const struct request *rq, struct tree *document)
{
	if (arg_tree(rq, "Tag") == NULL)
		tree_set_array(document, "tagSet");
	for (struct tree_iter i = tree_iter(arg_tree(rq, "Tag")); tree_next(&i);)
		tag_set_remove(document, tree_text_or(i.value, "Key", ""), tree_text(i.value, "Value"));
}

static bool change_each(struct request *rq, void (*change)(const struct request *rq, struct tree *document))
{
	if (!tags_check(rq, arg_tree(rq, "Tag"), "Key", "Value"))
		return false;
	for (struct tree_iter i = tree_iter(arg_tree(rq, "ResourceId")); tree_next(&i);)
		if (!change_tags(rq, tree_text_or(i.value, NULL, ""), change))
			return false;
	reply_return(rq);
	return true;
}

static bool create_tags(struct request *rq)
{
	return change_each(rq, put_all);
}

static bool delete_tags(struct request *rq)
{
	return change_each(rq, remove_all);
}

static const struct filter tag_filters[] = {{"key", "key"},
					    {"resource-id", "resourceId"},
					    {"resource-type", "resourceType"},
					    {"value", "value"},
					    {NULL, NULL}};

static void add_tags_of(struct request *rq, const struct tagged *noun, struct tree *tags)
{
	_cleanup_(tree_freep) struct tree *documents = list_objects(rq, noun->kind);
	for (struct tree_iter i = tree_iter(documents); tree_next(&i);)
		for (struct tree_iter j = tree_iter(tree_key(i.value, "tagSet")); tree_next(&j);) {
			struct tree *tag = tree_add_object(tags);
			tree_set_text(tag, "resourceId", tree_text(i.value, noun->id_path));
			tree_set_text(tag, "resourceType", noun->type);
			tree_set_text(tag, "key", tree_text(j.value, "key"));
			tree_set_text(tag, "value", tree_text_or(j.value, "value", ""));
		}
}

static bool describe_tags(struct request *rq)
{
	struct tree *tags = tree_new_array();
	for (size_t i = 0; i < ARRAY_SIZE(nouns); i++)
		add_tags_of(rq, &nouns[i], tags);
	return apply_filters(rq, tag_filters, &tags) && reply_page(rq, "tagSet", tags);
}

const struct operation ec2_tag_operations[] = {
	{"CreateTags", create_tags, OPERATION_DRY_RUN, "ResourceId.N! Tag.N.Key! Tag.N.Value"},
	{"DeleteTags", delete_tags, OPERATION_DRY_RUN, "ResourceId.N! Tag.N.Key Tag.N.Value"},
	{"DescribeTags", describe_tags, OPERATION_DRY_RUN, ARGS_FILTERS},
	{NULL},
};
