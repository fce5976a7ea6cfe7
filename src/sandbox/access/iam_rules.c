/* SPDX-License-Identifier: Apache-2.0
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
#include "iam_rules.h"

#include <ctype.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"

bool iam_name_check(struct request *rq, const char *member, const char *name, size_t most)
{
	bool good = *name != '\0' && strlen(name) <= most;
	for (const char *c = name; *c != '\0'; c++)
		good = good && (isalnum((unsigned char)*c) || strchr("+=,.@_-", *c) != NULL);
	return good ||
	       refuse(rq, "ValidationError",
		      "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must satisfy "
		      "regular expression pattern: [\\w+=,.@-]+ and have at most %zu characters",
		      member, most);
}

bool iam_path_check(struct request *rq)
{
	const char *path = arg_or(rq, "Path", "/");
	return (str_starts(path, "/") && str_ends(path, "/") && strlen(path) <= 512) ||
	       refuse(rq, "ValidationError",
		      "The specified value for path is invalid. It must begin and end with / and contain only "
		      "alphanumeric characters and/or / characters.");
}

bool iam_document_check(struct request *rq, const char *text, enum policy_kind kind, size_t most)
{
	struct error err = {0};
	_cleanup_(tree_freep) struct tree *document = NULL;
	if (!policy_read(text, strlen(text), kind, &document, &err))
		return refuse(rq, "MalformedPolicyDocument", "Syntax errors in policy: %s", err.text);
	/* White space does not count. */
	size_t length = 0;
	for (const char *c = text; *c != '\0'; c++)
		length += !isspace((unsigned char)*c);
	return length <= most || refuse(rq, "LimitExceeded", "Cannot exceed quota for %s: %zu",
					kind == POLICY_TRUST ? "ACLSizePerRole" : "PolicySize", most);
}

struct tree *iam_tags_with(const struct tree *tags, const struct tree *more)
{
	struct tree *all = tree_new_array();
	for (struct tree_iter i = tree_iter(tags); tree_next(&i);) {
		bool again = false;
		for (struct tree_iter j = tree_iter(more); tree_next(&j);)
			again = again || str_eq(tree_text(i.value, "Key"), tree_text(j.value, "Key"));
		if (!again)
			tree_add(all, tree_share(i.value));
	}
	for (struct tree_iter i = tree_iter(more); tree_next(&i);) {
		struct tree *tag = tree_add_object(all);
		tree_set_text(tag, "Key", tree_text(i.value, "Key"));
		tree_set_text(tag, "Value", tree_text_or(i.value, "Value", ""));
	}
	return all;
}

bool iam_reply_page(struct request *rq, const char *key, struct tree *items)
{
	_cleanup_(tree_freep) struct tree *all = items;
	int64_t most = arg_int(rq, "MaxItems", 100), offset = 0;
	const char *marker = arg(rq, "Marker");
	if (most < 1 || most > 1000)
		return refuse(rq, "ValidationError",
			      "1 validation error detected: Value '%d' at 'maxItems' failed to satisfy constraint: "
			      "Member must "
			      "have value between 1 and 1000",
			      (int)most);
	if (marker != NULL && (!str_to_int(marker, &offset) || offset < 0))
		return refuse(rq, "ValidationError", "Invalid Marker.");
	struct tree *page = tree_set_array(rq->reply, key);
	size_t last = (size_t)(offset + most);
	for (size_t i = (size_t)offset; i < tree_count(all) && i < last; i++)
		tree_add(page, tree_share(tree_at(all, i)));
	tree_set_bool(rq->reply, "IsTruncated", last < tree_count(all));
	if (last < tree_count(all))
		tree_setf(rq->reply, "Marker", "%zu", last);
	return true;
}
