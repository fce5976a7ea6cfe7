/* SPDX-License-Identifier: Apache-2.0
 *
 * AssumeRole: whom a role trusts, and its sessions. */
#include <stdio.h>
#include <string.h>

#include "asks.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "caller_policy.h"
#include "iam.h"
#include "sts.h"

#define CHAIN_MOST_S 3600
#define POLICY_MOST 2048

/* --- the session --- */

bool sts_check_names(struct request *rq)
{
	const char *name = arg_or(rq, "RoleSessionName", ""), *arn = arg_or(rq, "RoleArn", "");
	char account[16], role[136];
	size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=,.@-");
	if (good != strlen(name) || good < 2 || good > 64)
		return refuse(rq, "ValidationError",
			      "1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy "
			      "constraint: Member "
			      "must satisfy regular expression pattern: [\\w+=,.@-]* and have 2 to 64 characters",
			      name);
	return iam_arn_split(arn, "role", account, role) ||
	       refuse(rq, "ValidationError", "%s is invalid", *arn == '\0' ? "RoleArn" : arn);
}

static bool check_duration(struct request *rq, const struct role_wish *wish, int64_t *duration_s)
{
	*duration_s = arg_int(rq, "DurationSeconds", 3600);
	if (*duration_s < 900 || *duration_s > 43200)
		return refuse(rq, "ValidationError",
			      "1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy "
			      "constraint: Member "
			      "must have value %s",
			      (int)*duration_s,
			      *duration_s < 900 ? "greater than or equal to 900" : "less than or equal to 43200");
	if (wish->chained && *duration_s > CHAIN_MOST_S)
		return refuse(
			rq, "ValidationError",
			"The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
			"chaining");
	return *duration_s <= tree_int(wish->role, "MaxSessionDuration", 3600) ||
	       refuse(rq, "ValidationError",
		      "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
}

static bool add_session_policy(struct request *rq, const char *text, struct tree *policies)
{
	struct error err = {0};
	struct tree *policy = NULL;
	if (strlen(text) > POLICY_MOST)
		return refuse(rq, "PackedPolicyTooLarge", "The session's policies are too large");
	if (!policy_read(text, strlen(text), POLICY_IDENTITY, &policy, &err))
		return refuse(rq, "MalformedPolicyDocument", "%s", err.text);
	tree_add(policies, policy);
	return true;
}

/* Several of them count as one document: what any of them allows. *out: NULL when there are none. */
static bool read_session_policies(struct request *rq, struct tree **out)
{
	_cleanup_(tree_freep) struct tree *policies = tree_new_array();
	if (arg(rq, "Policy") != NULL && !add_session_policy(rq, arg(rq, "Policy"), policies))
		return false;
	for (struct tree_iter i = tree_iter(arg_tree(rq, "PolicyArns.member")); tree_next(&i);) {
		const char *arn = tree_text_or(i.value, "arn", "");
		if (managed_policy(arn) == NULL)
			return refuse(rq, "InvalidInput", "Policy %s does not exist or is not attachable.", arn);
		if (!add_session_policy(rq, managed_policy(arn), policies))
			return false;
	}
	if (tree_count(policies) > 0)
		*out = take(&policies);
	return true;
}

static bool read_session_tags(struct request *rq, struct tree **out)
{
	const struct tree *given = arg_tree(rq, "Tags.member");
	if (given == NULL)
		return true;
	if (!tags_check(rq, given, "Key", "Value"))
		return false;
	*out = tree_new_object();
	for (struct tree_iter i = tree_iter(given); tree_next(&i);)
		tree_set_text(*out, tree_text_or(i.value, "Key", ""), tree_text_or(i.value, "Value", ""));
	return true;
}

static void set_session_caller(struct request *rq, const struct role_wish *wish, struct caller *caller)
{
	const char *name = tree_text_or(wish->role, "RoleName", ""), *session = arg_or(rq, "RoleSessionName", "");
	*caller = (struct caller){.kind = CALLER_ROLE};
	snprintf(caller->account, sizeof caller->account, "%s", wish->account);
	snprintf(caller->name, sizeof caller->name, "%s", name);
	snprintf(caller->arn, sizeof caller->arn, "arn:aws:sts::%s:assumed-role/%s/%s", wish->account, name, session);
	snprintf(caller->user_id, sizeof caller->user_id, "%s:%s", tree_text_or(wish->role, "RoleId", ""), session);
	snprintf(caller->role_arn, sizeof caller->role_arn, "%s", tree_text_or(wish->role, "Arn", ""));
}

bool sts_give_role(struct request *rq, const struct role_wish *wish)
{
	struct caller caller;
	int64_t duration_s;
	_cleanup_(tree_freep) struct tree *policies = NULL, *tags = NULL;
	if (!check_duration(rq, wish, &duration_s) || !read_session_policies(rq, &policies) ||
	    !read_session_tags(rq, &tags))
		return false;
	set_session_caller(rq, wish, &caller);
	session_give(rq, &(struct session_wish){.who = &caller,
						.duration_s = duration_s,
						.mfa = wish->mfa,
						.source_identity = wish->source_identity,
						.policies = take(&policies),
						.tags = take(&tags)});
	struct tree *user = tree_set_object(rq->reply, "AssumedRoleUser");
	tree_set_text(user, "AssumedRoleId", caller.user_id);
	tree_set_text(user, "Arn", caller.arn);
	if (arg(rq, "Policy") != NULL)
		tree_set_int(rq->reply, "PackedPolicySize", (int64_t)strlen(arg(rq, "Policy")) * 100 / POLICY_MOST);
	if (wish->source_identity != NULL)
		tree_set_text(rq->reply, "SourceIdentity", wish->source_identity);
	return true;
}

/* --- trust --- */

/* The caller's own keys, and what AssumeRole's parameters say. */
static struct tree *trust_context(struct request *rq, bool mfa)
{
	struct tree *context = caller_context(rq, &rq->caller);
	tree_set_text(context, "sts:RoleSessionName", arg(rq, "RoleSessionName"));
	if (arg(rq, "ExternalId") != NULL)
		tree_set_text(context, "sts:ExternalId", arg(rq, "ExternalId"));
	if (arg(rq, "SourceIdentity") != NULL)
		tree_set_text(context, "sts:SourceIdentity", arg(rq, "SourceIdentity"));
	if (mfa)
		tree_set_text(context, "aws:MultiFactorAuthPresent", "true");
	asks_add_request_tags(context, arg_tree(rq, "Tags.member"), "Key", "Value");
	return context;
}

static bool not_trusted(struct request *rq, const char *why)
{
	return refuse(rq, "AccessDenied", "User: %s is not authorized to perform: sts:AssumeRole on resource: %s%s",
		      rq->caller.arn, arg(rq, "RoleArn"), why);
}

/* A role that names the caller needs nothing more within an account; one that names the caller's account leaves it to
 * the caller's policies, and so does every role of another account.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html */
static bool trusted(struct request *rq, const struct tree *role, const char *account, const struct tree *context)
{
	struct error err = {0};
	const char *text = tree_text_or(role, "_trust", "");
	_cleanup_(tree_freep) struct tree *trust = tree_from_json(text, strlen(text), &err);
	bool in_role = rq->caller.kind == CALLER_ROLE;
	struct policy_principal who = {
		.account = rq->caller.account, .arn = rq->caller.arn, .role_arn = in_role ? rq->caller.role_arn : NULL};
	struct policy_question question = {
		.action = "sts:AssumeRole", .resource = arg(rq, "RoleArn"), .context = context, .principal = &who};
	struct policy_answer answer = policy_ask(trust, &question);
	if (answer.word == POLICY_DENIES)
		return not_trusted(rq, " with an explicit deny in a resource-based policy");
	if (answer.word == POLICY_SILENT)
		return not_trusted(rq, "");
	question.principal = NULL;
	struct verdict own = caller_ask(rq, &rq->caller, &question);
	enum policy_word word = own.word;
	verdict_clear(&own);
	if (word == POLICY_DENIES)
		return not_trusted(rq, " with an explicit deny in an identity-based policy");
	bool enough = answer.direct && str_eq(account, rq->caller.account);
	return word == POLICY_ALLOWS || enough ||
	       not_trusted(rq, " because no identity-based policy allows the sts:AssumeRole action");
}

static bool assume_role(struct request *rq)
{
	char account[16] = "", name[136] = "";
	bool mfa = false;
	if (!sts_check_names(rq) || !sts_mfa(rq, &mfa))
		return false;
	(void)iam_arn_split(arg(rq, "RoleArn"), "role", account, name);
	_cleanup_(tree_freep) struct tree *role = iam_find(rq, account, IAM_ROLE, name);
	_cleanup_(tree_freep) struct tree *context = trust_context(rq, mfa);
	if (role == NULL || !str_eq(tree_text(role, "Arn"), arg(rq, "RoleArn")) || !object_visible(rq, role))
		return not_trusted(rq, "");
	if (!trusted(rq, role, account, context))
		return false;
	return sts_give_role(rq, &(struct role_wish){.role = role,
						     .account = account,
						     .chained = rq->caller.kind == CALLER_ROLE,
						     .mfa = mfa,
						     .source_identity = arg(rq, "SourceIdentity")});
}

const struct operation sts_role_operations[] = {
	{"AssumeRole", assume_role, 0,
	 ARGS_ROLE "ExternalId SerialNumber TokenCode SourceIdentity Tags.member.N.Key Tags.member.N.Value "
		   "TransitiveTagKeys.member.N"},
	{NULL},
};
