/* SPDX-License-Identifier: Apache-2.0
 *
 * EC2's filters over documents: any of a filter's values, all of the filters; * and ? as wildcards, a backslash before
 * them taken literally. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html */
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"
#include "request.h"

static bool text_matches(const char *text, const struct tree *values)
{
	for (struct tree_iter i = tree_iter(values); tree_next(&i);) {
		const char *pattern = tree_text_or(i.value, NULL, "");
		if (str_glob(pattern, text))
			return true;
	}
	return false;
}

static bool any_matches(const struct tree *node, const char *path, const struct tree *values)
{
	const char *star = path == NULL ? NULL : strstr(path, "*");
	if (star == NULL) {
		const char *text = tree_text(node, path);
		return text != NULL && text_matches(text, values);
	}
	_cleanup_(freep) char *head = mem_strndup(path, star == path ? 0 : (size_t)(star - path) - 1);
	const struct tree *list = *head == '\0' ? node : tree_get(node, head);
	const char *rest = star[1] == '.' ? star + 2 : NULL;
	for (struct tree_iter i = tree_iter(list); tree_next(&i);)
		if (any_matches(i.value, rest, values))
			return true;
	return false;
}

bool filter_matches(const struct tree *document, const char *path, const struct tree *values)
{
	return any_matches(document, path, values);
}

static bool tag_matches(const struct tree *document, const char *key, const struct tree *values)
{
	for (struct tree_iter i = tree_iter(tree_key(document, "tagSet")); tree_next(&i);)
		if (str_eq(tree_text(i.value, "key"), key) && text_matches(tree_text_or(i.value, "value", ""), values))
			return true;
	return false;
}

static const struct filter *find_filter(const struct filter *filters, const char *name)
{
	static const struct filter tag_key = {"tag-key", "tagSet.*.key"};
	for (; filters->name != NULL; filters++)
		if (str_eq(filters->name, name))
			return filters;
	return str_eq(name, "tag-key") ? &tag_key : NULL;
}

static bool keep_matching(struct request *rq, const struct filter *filters, const struct tree *wanted,
			  struct tree **items)
{
	const char *name = tree_text_or(wanted, "Name", "");
	const struct tree *values = tree_key(wanted, "Value");
	bool tag = str_starts(name, "tag:");
	const struct filter *filter = find_filter(filters, name);
	if (!tag && filter == NULL)
		return refuse(rq, "InvalidParameterValue", "The filter '%s' is invalid", name);
	if (tree_count(values) == 0)
		return refuse(rq, "InvalidParameterValue", "The filter '%s' has no values", name);
	struct tree *kept = tree_new_array();
	for (struct tree_iter i = tree_iter(*items); tree_next(&i);)
		if (tag ? tag_matches(i.value, name + strlen("tag:"), values)
			: any_matches(i.value, filter->path, values))
			tree_add(kept, tree_share(i.value));
	tree_free(*items);
	*items = kept;
	return true;
}

bool apply_filters(struct request *rq, const struct filter *filters, struct tree **items)
{
	for (struct tree_iter i = tree_iter(arg_tree(rq, "Filter")); tree_next(&i);)
		if (!keep_matching(rq, filters, i.value, items)) {
			tree_free(take(items));
			return false;
		}
	return true;
}
