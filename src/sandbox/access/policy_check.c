/* SPDX-License-Identifier: Apache-2.0
 *
 * Holds a text against the grammar of policies, so that a slip is told with its place instead of matching nothing. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bakery/file.h"
#include "bakery/str.h"
#include "policy.h"
#include "policy_condition.h"

#define POLICY_FILE_MOST (1u << 20)

static bool fault(struct error *err, const struct tree *node, const char *fmt, ...) printf_like(3, 4);
static bool fault(struct error *err, const struct tree *node, const char *fmt, ...)
{
	char text[768];
	struct tree_position at = tree_position(node);
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return error_set(err, ERROR_INVALID, "%d:%d: %s", at.line, at.column, text);
}

/* At a member's key. */
static bool fault_at_key(struct error *err, const struct tree *node, const char *key, const char *words)
{
	struct tree_position at = tree_position(node);
	return error_set(err, ERROR_INVALID, "%d:%d: %s: %s", at.key_line, at.key_column, key, words);
}

static bool one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (str_eq(word, *words))
			return true;
	return false;
}

static bool check_members(const struct tree *map, const char *const *known, struct error *err)
{
	for (struct tree_iter i = tree_iter(map); tree_next(&i);)
		if (!one_of(i.key, known))
			return fault_at_key(err, i.value, i.key, "a policy has no such element");
	return true;
}

/* Calls `good` with each text of a text or a list of texts. */
static bool check_texts(const struct tree *node, const char *element,
			bool (*good)(const struct tree *node, const char *text, struct error *err), struct error *err)
{
	bool many = tree_kind(node) == TREE_ARRAY;
	if (many && tree_count(node) == 0)
		return fault(err, node, "%s is an empty list", element);
	for (size_t i = 0; many ? i < tree_count(node) : i < 1; i++) {
		const struct tree *one = many ? tree_at(node, i) : node;
		if (tree_kind(one) != TREE_TEXT)
			return fault(err, one, "%s has to be text or a list of texts", element);
		if (!good(one, tree_text(one, NULL), err))
			return false;
	}
	return true;
}

/* --- the elements --- */

static bool action_good(const struct tree *node, const char *text, struct error *err)
{
	size_t vendor = 0;
	while (isalnum((unsigned char)text[vendor]) || text[vendor] == '-')
		vendor++;
	bool good =
		str_eq(text, "*") || (vendor > 0 && text[vendor] == ':' && text[vendor + 1] != '\0' &&
				      strspn(text + vendor + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
								"0123456789*?") == strlen(text + vendor + 1));
	return good || fault(err, node, "\"%s\" is no action: it is written service:Operation", text);
}

static bool resource_good(const struct tree *node, const char *text, struct error *err)
{
	size_t colons = 0;
	for (const char *c = text; *c != '\0'; c++)
		colons += *c == ':';
	return str_eq(text, "*") || (str_starts(text, "arn:") && colons >= 5) ||
	       fault(err, node, "Resource \"%s\" must be an ARN or \"*\"", text);
}

static bool any_text(const struct tree *node, const char *text, struct error *err)
{
	(void)node, (void)text, (void)err;
	return true;
}

static bool aws_principal_good(const struct tree *node, const char *text, struct error *err)
{
	bool account = strlen(text) == 12 && strspn(text, "0123456789") == 12;
	bool arn =
		(str_starts(text, "arn:aws:iam::") || str_starts(text, "arn:aws:sts::")) && strchr(text, '*') == NULL;
	return str_eq(text, "*") || account || arn ||
	       fault(err, node, "\"%s\" is no principal: an account, an ARN of IAM or STS, or \"*\"", text);
}

static bool check_principal(const struct tree *principal, struct error *err)
{
	static const char *const types[] = {"AWS", "Federated", "Service", "CanonicalUser", NULL};
	if (str_eq(tree_text(principal, NULL), "*"))
		return true;
	if (tree_kind(principal) != TREE_OBJECT || tree_count(principal) == 0)
		return fault(err, principal, "a principal is \"*\" or a map of AWS, Federated, Service");
	for (struct tree_iter i = tree_iter(principal); tree_next(&i);) {
		if (!one_of(i.key, types))
			return fault_at_key(err, i.value, i.key, "there is no such kind of principal");
		if (!check_texts(i.value, i.key, str_eq(i.key, "AWS") ? aws_principal_good : any_text, err))
			return false;
	}
	return true;
}

static bool check_value(const char *operator_, const struct tree *value, struct error *err)
{
	enum tree_kind kind = tree_kind(value);
	if (kind != TREE_TEXT && kind != TREE_INT && kind != TREE_BOOL && kind != TREE_DOUBLE)
		return fault(err, value, "a condition's value is a text or a list of texts");
	return policy_operator_takes(operator_, tree_text(value, NULL)) ||
	       fault(err, value, "\"%s\" is no value for %s", tree_text(value, NULL), operator_);
}

static bool check_values(const char *operator_, const struct tree *values, struct error *err)
{
	if (tree_kind(values) != TREE_ARRAY)
		return check_value(operator_, values, err);
	if (tree_count(values) == 0)
		return fault(err, values, "a condition needs a value");
	for (size_t i = 0; i < tree_count(values); i++)
		if (!check_value(operator_, tree_at(values, i), err))
			return false;
	return true;
}

static bool check_condition(const struct tree *condition, struct error *err)
{
	if (tree_kind(condition) != TREE_OBJECT)
		return fault(err, condition, "Condition has to be a map of operators");
	for (struct tree_iter i = tree_iter(condition); tree_next(&i);) {
		if (!policy_operator_known(i.key))
			return fault_at_key(err, i.value, i.key, "there is no such condition operator");
		if (tree_kind(i.value) != TREE_OBJECT)
			return fault(err, i.value, "%s has to be a map of condition keys", i.key);
		for (struct tree_iter j = tree_iter(i.value); tree_next(&j);)
			if (!check_values(i.key, j.value, err))
				return false;
	}
	return true;
}

/* --- statements --- */

/* Exactly one of the two, or neither when it must not be there. */
static bool check_pair(const struct tree *statement, const char *plain, const char *negated, bool wanted,
		       struct error *err)
{
	const struct tree *a = tree_key(statement, plain), *b = tree_key(statement, negated);
	if (!wanted && (a != NULL || b != NULL))
		return fault_at_key(err, a != NULL ? a : b, a != NULL ? plain : negated,
				    "has no place in a policy of this kind");
	if (wanted && (a != NULL) == (b != NULL))
		return fault(err, statement, "a statement needs %s or %s", plain, negated);
	return true;
}

static bool check_members_of(const struct tree *statement, struct error *err)
{
	static const struct {
		const char *name;
		bool (*good)(const struct tree *node, const char *text, struct error *err);
	} lists[] = {{"Action", action_good},
		     {"NotAction", action_good},
		     {"Resource", resource_good},
		     {"NotResource", resource_good}};
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct tree *list = tree_key(statement, lists[i].name);
		if (list != NULL && !check_texts(list, lists[i].name, lists[i].good, err))
			return false;
	}
	const struct tree *principal = tree_key(statement, "Principal"), *except = tree_key(statement, "NotPrincipal"),
			  *condition = tree_key(statement, "Condition");
	return (principal == NULL || check_principal(principal, err)) &&
	       (except == NULL || check_principal(except, err)) &&
	       (condition == NULL || check_condition(condition, err));
}

static bool check_statement(const struct tree *statement, enum policy_kind kind, struct error *err)
{
	static const char *const known[] = {"Sid",	   "Effect",	"Action",	"NotAction", "Resource",
					    "NotResource", "Principal", "NotPrincipal", "Condition", NULL};
	if (tree_kind(statement) != TREE_OBJECT)
		return fault(err, statement, "a statement has to be a map");
	if (!check_members(statement, known, err))
		return false;
	const char *effect = tree_text(statement, "Effect"), *sid = tree_text(statement, "Sid");
	if (!str_eq(effect, "Allow") && !str_eq(effect, "Deny"))
		return fault(err, effect == NULL ? statement : tree_key(statement, "Effect"),
			     "Effect has to be Allow or Deny");
	for (const char *c = sid; c != NULL && *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && kind != POLICY_RESOURCE)
			return fault(err, tree_key(statement, "Sid"), "Sid is made of letters and digits");
	return check_pair(statement, "Action", "NotAction", true, err) &&
	       check_pair(statement, "Resource", "NotResource", kind != POLICY_TRUST, err) &&
	       check_pair(statement, "Principal", "NotPrincipal", kind != POLICY_IDENTITY, err) &&
	       check_members_of(statement, err);
}

static bool sid_is_new(const struct tree *policy, const struct tree *statement, size_t number, struct error *err)
{
	const char *sid = tree_text(statement, "Sid");
	for (size_t i = 1; sid != NULL && *sid != '\0' && i < number; i++)
		if (str_eq(tree_text(policy_statement(policy, i), "Sid"), sid))
			return fault(err, tree_key(statement, "Sid"), "two statements have the Sid \"%s\"", sid);
	return true;
}

static bool check_policy(const struct tree *policy, enum policy_kind kind, struct error *err)
{
	static const char *const known[] = {"Version", "Id", "Statement", NULL};
	const struct tree *statements = tree_key(policy, "Statement"), *version = tree_key(policy, "Version");
	if (tree_kind(policy) != TREE_OBJECT)
		return fault(err, policy, "a policy has to be a map");
	if (!check_members(policy, known, err))
		return false;
	if (version != NULL && !str_eq(tree_text(version, NULL), "2012-10-17") &&
	    !str_eq(tree_text(version, NULL), "2008-10-17"))
		return fault(err, version, "Version has to be 2012-10-17 or 2008-10-17");
	if (statements == NULL || (tree_kind(statements) == TREE_ARRAY && tree_count(statements) == 0))
		return fault(err, policy, "a policy needs at least one statement");
	const struct tree *statement;
	for (size_t number = 1; (statement = policy_statement(policy, number)) != NULL; number++)
		if (!check_statement(statement, kind, err) || !sid_is_new(policy, statement, number, err))
			return false;
	return true;
}

/* JSON is read twice: as JSON, which it has to be, and as YAML, whose trees know where each node stood. */
bool policy_read(const char *text, size_t length, enum policy_kind kind, struct tree **out, struct error *err)
{
	_cleanup_(tree_freep) struct tree *json = tree_from_json(text, length, err);
	_cleanup_(tree_freep) struct tree *placed = json == NULL ? NULL : tree_from_yaml(text, length, err);
	if (placed == NULL) {
		err->kind = ERROR_INVALID;
		return false;
	}
	if (!check_policy(placed, kind, err))
		return false;
	*out = take(&json);
	return true;
}

bool policy_read_file(const char *path, struct tree **out, struct error *err)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	if (!file_read(path, POLICY_FILE_MOST, &text, err))
		return false;
	return policy_read(text.data, text.len, POLICY_IDENTITY, out, err) || error_context(err, "%s", path);
}
