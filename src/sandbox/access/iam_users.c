/* SPDX-License-Identifier: Apache-2.0
 *
 * The sandbox's one user, and what somebody's policies would say to something (SimulatePrincipalPolicy). */
#include <stdio.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"
#include "caller_policy.h"
#include "iam.h"
#include "iam_rules.h"
#include "policy_condition.h"

static bool get_user(struct request *rq)
{
	const char *name = arg(rq, "UserName");
	char created[CLOCK_TEXT_SIZE];
	if (name == NULL && rq->caller.kind != CALLER_USER)
		return refuse(rq, "ValidationError", "Must specify userName when calling with non-User credentials");
	if (!str_eq(rq->caller.account, CLOUD_ACCOUNT) || (name != NULL && !str_eq(name, CLOUD_USER)))
		return refuse(rq, "NoSuchEntity", "The user with name %s cannot be found.", name == NULL ? "" : name);
	struct tree *user = tree_set_object(rq->reply, "User");
	clock_rfc3339(rq->cloud->started_ms, created);
	tree_set_text(user, "Path", "/");
	tree_set_text(user, "UserName", CLOUD_USER);
	tree_set_text(user, "UserId", CLOUD_USER_ID);
	tree_setf(user, "Arn", "arn:aws:iam::%s:user/%s", CLOUD_ACCOUNT, CLOUD_USER);
	tree_set_text(user, "CreateDate", created);
	return true;
}

/* --- SimulatePrincipalPolicy --- */

/* Whom PolicySourceArn means. */
static bool read_source(struct request *rq, struct caller *out)
{
	char account[16] = "", name[136] = "";
	const char *arn = arg_or(rq, "PolicySourceArn", "");
	*out = (struct caller){.kind = CALLER_USER};
	bool user = iam_arn_split(arn, "user", account, name);
	bool role = !user && iam_arn_split(arn, "role", account, name);
	_cleanup_(tree_freep) struct tree *known = role ? iam_find(rq, account, IAM_ROLE, name) : NULL;
	if (!user && !role)
		return refuse(rq, "InvalidInput",
			      "Invalid Entity Arn: %s does not clearly define entity type and name.", arn);
	if (!str_eq(account, rq->caller.account) || (role && known == NULL) || (user && !str_eq(name, CLOUD_USER)))
		return refuse(rq, "NoSuchEntity", "Unable to find the entity %s", arn);
	out->kind = role ? CALLER_ROLE : CALLER_USER;
	snprintf(out->account, sizeof out->account, "%s", account);
	snprintf(out->arn, sizeof out->arn, "%s", arn);
	snprintf(out->role_arn, sizeof out->role_arn, "%s", role ? arn : "");
	snprintf(out->name, sizeof out->name, "%.71s", name);
	return true;
}

static struct tree *given_context(struct request *rq, const struct caller *source)
{
	struct tree *context = caller_context(rq, source);
	for (struct tree_iter i = tree_iter(arg_tree(rq, "ContextEntries.member")); tree_next(&i);) {
		const struct tree *values = tree_get(i.value, "ContextKeyValues.member");
		const char *key = tree_text(i.value, "ContextKeyName");
		if (key == NULL)
			continue;
		tree_set(context, key, tree_count(values) == 1 ? tree_share(tree_at(values, 0)) : tree_share(values));
	}
	return context;
}

/* Keys of conditions that the simulation was not told. */
static void add_missing(const struct tree *policies, const struct tree *context, struct tree *missing)
{
	for (struct tree_iter i = tree_iter(policies); tree_next(&i);) {
		const struct tree *document = tree_key(i.value, "document"), *statement;
		for (size_t n = 1; (statement = policy_statement(document, n)) != NULL; n++)
			for (struct tree_iter j = tree_iter(tree_key(statement, "Condition")); tree_next(&j);)
				for (struct tree_iter k = tree_iter(j.value); tree_next(&k);)
					if (policy_context_value(context, k.key) == NULL && !list_has(missing, k.key))
						tree_add_text(missing, k.key);
	}
}

static void add_matched(struct tree *result, const struct verdict *verdict, bool user)
{
	struct tree *matched = tree_set_array(result, "MatchedStatements");
	if (verdict->word == POLICY_SILENT)
		return;
	struct tree *statement = tree_add_object(matched);
	tree_set_text(statement, "SourcePolicyId", verdict->source);
	tree_set_text(statement, "SourcePolicyType",
		      str_starts(verdict->source, "arn:aws:iam::aws:") ? "aws-managed"
		      : user					       ? "user"
								       : "role");
}

static void simulate_one(struct request *rq, const struct caller *source, const char *action, const char *resource,
			 const struct tree *context, struct tree *results)
{
	static const char *const decisions[] = {
		[POLICY_SILENT] = "implicitDeny", [POLICY_ALLOWS] = "allowed", [POLICY_DENIES] = "explicitDeny"};
	struct policy_question question = {.action = action, .resource = resource, .context = context};
	_cleanup_(verdict_clear) struct verdict verdict = caller_ask(rq, source, &question);
	struct tree *result = tree_add_object(results);
	tree_set_text(result, "EvalActionName", action);
	tree_set_text(result, "EvalResourceName", resource);
	tree_set_text(result, "EvalDecision", decisions[verdict.word]);
	add_matched(result, &verdict, source->kind == CALLER_USER);
	add_missing(tree_at(verdict.sources, 0), context, tree_set_array(result, "MissingContextValues"));
}

static bool simulate_principal_policy(struct request *rq)
{
	struct caller source;
	if (!read_source(rq, &source))
		return false;
	_cleanup_(tree_freep) struct tree *context = given_context(rq, &source);
	const struct tree *resources = arg_tree(rq, "ResourceArns.member");
	struct tree *results = tree_new_array();
	for (struct tree_iter i = tree_iter(arg_tree(rq, "ActionNames.member")); tree_next(&i);) {
		const char *action = tree_text_or(i.value, NULL, "");
		if (resources == NULL)
			simulate_one(rq, &source, action, "*", context, results);
		for (struct tree_iter j = tree_iter(resources); tree_next(&j);)
			simulate_one(rq, &source, action, tree_text_or(j.value, NULL, ""), context, results);
	}
	return iam_reply_page(rq, "EvaluationResults", results);
}

const struct operation iam_user_operations[] = {
	{"GetUser", get_user, 0, "UserName"},
	{"SimulatePrincipalPolicy", simulate_principal_policy, 0,
	 "PolicySourceArn! ActionNames.member.N! ResourceArns.member.N ContextEntries.member.N.ContextKeyName "
	 "ContextEntries.member.N.ContextKeyValues.member.N ContextEntries.member.N.ContextKeyType " ARGS_IAM_PAGE},
	{NULL},
};
