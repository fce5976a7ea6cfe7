/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameter Store: tags of parameters. */
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ssm.h"

static bool parameter_named(struct request *rq, struct tree **out)
{
	if (!str_eq(arg(rq, "ResourceType"), "Parameter"))
		return refuse(rq, "InvalidResourceType", "The resource type isn't valid: the sandbox knows Parameter");
	*out = find_object(rq, "parameter", arg(rq, "ResourceId"));
	return *out != NULL ||
	       refuse(rq, "InvalidResourceId", "The resource ID isn't valid: %s", arg_or(rq, "ResourceId", ""));
}

static void drop_tag(struct tree *parameter, const char *key)
{
	struct tree *left = tree_new_array();
	for (struct tree_iter i = tree_iter(tree_key(parameter, "_tags")); tree_next(&i);)
		if (!str_eq(tree_text(i.value, "Key"), key))
			tree_add(left, tree_share(i.value));
	tree_set(parameter, "_tags", left);
}

static bool add_tags(struct request *rq)
{
	struct tree *found = NULL;
	if (!tags_check(rq, arg_tree(rq, "Tags"), "Key", "Value") || !parameter_named(rq, &found))
		return false;
	_cleanup_(tree_freep) struct tree *parameter = found;
	for (struct tree_iter i = tree_iter(arg_tree(rq, "Tags")); tree_next(&i);) {
		drop_tag(parameter, tree_text(i.value, "Key"));
		tree_add(tree_key(parameter, "_tags"), tree_copy(i.value));
	}
	if (tree_count(tree_key(parameter, "_tags")) > 50)
		return refuse(rq, "TooManyTagsError", "A parameter has at most 50 tags");
	parameter_put(rq, parameter);
	return true;
}

static bool remove_tags(struct request *rq)
{
	struct tree *found = NULL;
	if (!parameter_named(rq, &found))
		return false;
	_cleanup_(tree_freep) struct tree *parameter = found;
	for (struct tree_iter i = tree_iter(arg_tree(rq, "TagKeys")); tree_next(&i);)
		drop_tag(parameter, tree_text_or(i.value, NULL, ""));
	parameter_put(rq, parameter);
	return true;
}

static bool list_tags(struct request *rq)
{
	struct tree *found = NULL;
	if (!parameter_named(rq, &found))
		return false;
	_cleanup_(tree_freep) struct tree *parameter = found;
	tree_set(rq->reply, "TagList", tree_copy(tree_key(parameter, "_tags")));
	return true;
}

const struct operation ssm_tag_operations[] = {
	{"AddTagsToResource", add_tags, 0, "ResourceType! ResourceId! Tags.N.Key! Tags.N.Value"},
	{"RemoveTagsFromResource", remove_tags, 0, "ResourceType! ResourceId! TagKeys.N!"},
	{"ListTagsForResource", list_tags, 0, "ResourceType! ResourceId!"},
	{NULL},
};
