/* SPDX-License-Identifier: Apache-2.0
 *
 * EC2 hides the reason of a refusal from those who may not know it, and STS decodes it for those who may:
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html */
#include "authorization.h"

#include <string.h>

#define MOST_CONTEXT 700 /* characters of it */

/* Context keys that only repeat the resource. */
static bool repeats_resource(const char *key)
{
	static const char *const keys[] = {"aws:ARN",	   "aws:Account", "aws:ID",  "aws:Region",
					   "aws:Resource", "aws:Service", "aws:Type"};
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (str_eq(keys[i], key))
			return true;
	return false;
}

static void add_values(const struct tree *condition, struct str *out)
{
	size_t count = 0;
	for (struct tree_iter i = tree_iter(tree_get(condition, "values.items")); tree_next(&i);)
		str_addf(out, "%s%s", count++ ? "|" : "", tree_text_or(i.value, "value", "?"));
}

/* What policies could look at: why a statement with conditions did not fit is seen here. */
static void add_context(const struct tree *document, struct str *out)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	for (struct tree_iter i = tree_iter(tree_get(document, "context.conditions.items")); tree_next(&i);) {
		const char *key = tree_text(i.value, "key");
		if (!key || repeats_resource(key))
			continue;
		str_addf(&text, "%s%s=", text.len ? ", " : "", key);
		add_values(i.value, &text);
	}
	if (text.len)
		str_addf(out, "; asked with %.*s%s", MOST_CONTEXT, text.data, text.len > MOST_CONTEXT ? "..." : "");
}

static void add_reason(const struct tree *document, struct str *out)
{
	const char *statement = tree_text(document, "matchedStatements.items.1.statementId");
	if (!tree_bool(document, "explicitDeny", false))
		str_add(out, "no policy allows it");
	else if (statement && *statement)
		str_addf(out, "a policy denies it outright (statement %s)", statement);
	else
		str_add(out, "a policy denies it outright");
}

bool authorization_describe(const char *document, struct str *out)
{
	struct error ignored;
	_cleanup_(tree_freep) struct tree *tree = tree_from_json(document, strlen(document), &ignored);
	const char *action = tree_text(tree, "context.action"), *resource = tree_text(tree, "context.resource");
	if (!action)
		return false;
	str_addf(out, "%s may not do %s", tree_text_or(tree, "context.principal.arn", "the caller"), action);
	if (resource && *resource)
		str_addf(out, " on %s", resource);
	str_add(out, ": ");
	add_reason(tree, out);
	add_context(tree, out);
	return true;
}

bool authorization_decode(const struct exchange *exchange, const char *encoded, struct str *out)
{
	struct aws *aws = exchange->aws;
	struct error err;
	_cleanup_(tree_freep) struct tree *reply = NULL;
	/* A call with other credentials may be part of the search for our own. */
	if (aws->cannot_decode || exchange->with || exchange->is_unsigned ||
	    exchange->row == operation_row(AWS_sts_DecodeAuthorizationMessage))
		return false;
	struct aws_call call = aws_call(AWS_sts_DecodeAuthorizationMessage, exchange->region);
	call.stop = exchange->stop;
	aws_arg(&call, "EncodedMessage", encoded);
	if (!aws_send(aws, &call, &reply, &err)) {
		aws->cannot_decode = err.kind != ERROR_STOPPED;
		return false;
	}
	const char *document = tree_text_or(reply, "DecodedMessage", "");
	log_debug(aws->log, "decoded authorization failure message: %s", document);
	return authorization_describe(document, out);
}
