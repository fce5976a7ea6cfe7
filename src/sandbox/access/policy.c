/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks a policy that has been checked (policy_check.c). */
#include "policy.h"

#include <string.h>

#include "bakery/str.h"
#include "policy_condition.h"

const struct tree *policy_statement(const struct tree *policy, size_t number)
{
	const struct tree *statements = tree_key(policy, "Statement");
	if (tree_kind(statements) == TREE_ARRAY)
		return tree_at(statements, number - 1);
	return number == 1 ? statements : NULL;
}

/* --- one text or a list of them --- */

struct texts {
	const struct tree *node;
	size_t next;
};

static const char *next_text(struct texts *texts)
{
	bool many = tree_kind(texts->node) == TREE_ARRAY;
	size_t count = texts->node == NULL ? 0 : many ? tree_count(texts->node) : 1;
	if (texts->next >= count)
		return NULL;
	size_t at = texts->next++;
	return tree_text_or(many ? tree_at(texts->node, at) : texts->node, NULL, "");
}

static bool action_in(const struct tree *actions, const char *action)
{
	const char *pattern;
	for (struct texts texts = {.node = actions}; (pattern = next_text(&texts)) != NULL;)
		if (policy_glob(pattern, action, true))
			return true;
	return false;
}

static bool resource_in(const struct tree *resources, const struct policy_question *question, bool variables)
{
	const char *pattern;
	for (struct texts texts = {.node = resources}; (pattern = next_text(&texts)) != NULL;) {
		_cleanup_(str_free) struct str expanded = STR_INIT;
		if (policy_expand(pattern, question->context, variables, &expanded) &&
		    policy_arn_matches(expanded.data, question->resource))
			return true;
	}
	return false;
}

/* --- principals --- */

enum named { NOT_NAMED, NAMED_BY_ACCOUNT, NAMED };

static enum named aws_names(const char *name, const struct policy_principal *who)
{
	if (who->account == NULL)
		return NOT_NAMED;
	if (str_eq(name, "*") || str_eq(name, who->arn) || (who->role_arn != NULL && str_eq(name, who->role_arn)))
		return NAMED;
	if (str_eq(name, who->account))
		return NAMED_BY_ACCOUNT;
	bool root = str_starts(name, "arn:aws:iam::") && str_ends(name, ":root");
	const char *account = root ? name + strlen("arn:aws:iam::") : "";
	return root && strncmp(account, who->account, strlen(who->account)) == 0 &&
			       str_eq(account + strlen(who->account), ":root")
		       ? NAMED_BY_ACCOUNT
		       : NOT_NAMED;
}

static enum named list_names(const struct tree *names, const char *type, const struct policy_principal *who)
{
	enum named best = NOT_NAMED;
	const char *name;
	for (struct texts texts = {.node = names}; (name = next_text(&texts)) != NULL;) {
		enum named one = NOT_NAMED;
		if (str_eq(type, "AWS"))
			one = aws_names(name, who);
		else if (str_eq(type, "Federated") && who->federated != NULL && str_eq(name, who->federated))
			one = NAMED;
		best = one > best ? one : best;
	}
	return best;
}

static enum named principal_named(const struct tree *principal, const struct policy_principal *who)
{
	enum named best = NOT_NAMED;
	if (tree_kind(principal) == TREE_TEXT)
		return str_eq(tree_text(principal, NULL), "*") ? NAMED : NOT_NAMED;
	for (struct tree_iter i = tree_iter(principal); tree_next(&i);) {
		enum named one = list_names(i.value, i.key, who);
		best = one > best ? one : best;
	}
	return best;
}

static enum named statement_names(const struct tree *statement, const struct policy_principal *who)
{
	const struct tree *except = tree_key(statement, "NotPrincipal");
	if (who == NULL)
		return NAMED;
	if (except != NULL)
		return principal_named(except, who) == NOT_NAMED ? NAMED : NOT_NAMED;
	return principal_named(tree_key(statement, "Principal"), who);
}

/* --- the question --- */

static bool statement_applies(const struct tree *statement, const struct policy_question *question, bool variables)
{
	const struct tree *not_action = tree_key(statement, "NotAction");
	const struct tree *resource = tree_key(statement, "Resource"),
			  *not_resource = tree_key(statement, "NotResource");
	bool acted = not_action != NULL ? !action_in(not_action, question->action)
					: action_in(tree_key(statement, "Action"), question->action);
	if (!acted)
		return false;
	if (resource != NULL && !resource_in(resource, question, variables))
		return false;
	if (not_resource != NULL && resource_in(not_resource, question, variables))
		return false;
	return policy_conditions_hold(tree_key(statement, "Condition"), question->context, variables);
}

struct policy_answer policy_ask(const struct tree *policy, const struct policy_question *question)
{
	struct policy_answer answer = {.word = POLICY_SILENT};
	/* The older version, which counts when none is named, has no variables. */
	bool variables = str_eq(tree_text(policy, "Version"), "2012-10-17");
	const struct tree *statement;
	for (size_t number = 1; (statement = policy_statement(policy, number)) != NULL; number++) {
		enum named named = statement_names(statement, question->principal);
		if (named == NOT_NAMED || !statement_applies(statement, question, variables))
			continue;
		bool denies = str_eq(tree_text(statement, "Effect"), "Deny");
		bool better = denies || answer.word == POLICY_SILENT || (named == NAMED && !answer.direct);
		if (better)
			answer = (struct policy_answer){denies ? POLICY_DENIES : POLICY_ALLOWS, statement, number,
							named == NAMED};
		if (denies)
			break;
	}
	return answer;
}
