/* SPDX-License-Identifier: Apache-2.0
 *
 * Tags on documents: those given at creation, and the rules that all of them keep.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions */
#include <stdio.h>
#include <string.h>

#include "bakery/str.h"
#include "request.h"

#define TAGS_MOST 50

bool tags_check(struct request *rq, const struct tree *tags, const char *key_name, const char *value_name)
{
	if (tree_count(tags) > TAGS_MOST)
		return refuse(rq, "TagLimitExceeded", "The maximum number of tags (%d) is exceeded", TAGS_MOST);
	for (struct tree_iter i = tree_iter(tags); tree_next(&i);) {
		const char *key = tree_text_or(i.value, key_name, ""), *value = tree_text_or(i.value, value_name, "");
		if (*key == '\0' || strlen(key) > 128 * 4)
			return refuse(rq, "InvalidParameterValue", "Tag key '%.200s' has to have 1 to 128 characters",
				      key);
		if (strlen(value) > 256 * 4)
			return refuse(rq, "InvalidParameterValue", "The value of tag '%.200s' exceeds 256 characters",
				      key);
		if (strncasecmp(key, "aws:", 4) == 0)
			return refuse(rq, "InvalidParameterValue",
				      "Tag keys starting with 'aws:' are reserved for internal use");
	}
	return true;
}

static struct tree *own_tag_set(struct tree *document)
{
	struct tree *set = tree_key(document, "tagSet");
	return tree_kind(set) == TREE_ARRAY ? set : tree_set_array(document, "tagSet");
}

void tag_set_remove(struct tree *document, const char *key, const char *value)
{
	struct tree *left = tree_new_array();
	for (struct tree_iter i = tree_iter(tree_key(document, "tagSet")); tree_next(&i);)
		if (!str_eq(tree_text(i.value, "key"), key) ||
		    (value != NULL && !str_eq(tree_text_or(i.value, "value", ""), value)))
			tree_add(left, tree_share(i.value));
	tree_set(document, "tagSet", left);
}

void tag_set_put(struct tree *document, const char *key, const char *value)
{
	tag_set_remove(document, key, NULL);
	struct tree *tag = tree_add_object(own_tag_set(document));
	tree_set_text(tag, "key", key);
	tree_set_text(tag, "value", value);
}

bool tags_for(struct request *rq, const char *resource_type, struct tree **tag_set)
{
	_cleanup_(tree_freep) struct tree *holder = tree_new_object();
	own_tag_set(holder);
	for (struct tree_iter i = tree_iter(arg_tree(rq, "TagSpecification")); tree_next(&i);) {
		const struct tree *tags = tree_key(i.value, "Tag");
		if (!str_eq(tree_text(i.value, "ResourceType"), resource_type))
			continue;
		if (!tags_check(rq, tags, "Key", "Value"))
			return false;
		for (struct tree_iter j = tree_iter(tags); tree_next(&j);)
			tag_set_put(holder, tree_text(j.value, "Key"), tree_text_or(j.value, "Value", ""));
	}
	*tag_set = tree_share(tree_key(holder, "tagSet"));
	return true;
}

bool tag_specifications_check(struct request *rq, const char *const *types)
{
	for (struct tree_iter i = tree_iter(arg_tree(rq, "TagSpecification")); tree_next(&i);) {
		const char *type = tree_text_or(i.value, "ResourceType", "");
		size_t k = 0;
		while (types[k] != NULL && !str_eq(types[k], type))
			k++;
		if (types[k] == NULL)
			return refuse(rq, "InvalidParameterValue",
				      "'%s' is not a valid taggable resource type for this operation.", type);
	}
	return true;
}
