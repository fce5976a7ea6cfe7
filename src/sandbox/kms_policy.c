/* SPDX-License-Identifier: Apache-2.0
 *
 * Key policies: keeping them, and what they let a caller do. A condition that the sandbox cannot judge does not hold.
 * https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html */
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"
#include "kms.h"
#include "organization.h"

#define POLICY_MOST 32768

/* One text, or any of a list of them. */
static bool any_text(const struct tree *node, bool (*matches)(const char *text, const void *cookie), const void *cookie)
{
	const char *text = tree_text(node, NULL);
	if (text != NULL)
		return matches(text, cookie);
	for (struct tree_iter i = tree_iter(node); tree_next(&i);) {
		text = tree_text(i.value, NULL);
		if (text != NULL && matches(text, cookie))
			return true;
	}
	return false;
}

/* --- who --- */

/* "arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION" is also "arn:aws:iam::ACCOUNT:role/ROLE". */
static bool is_role_of_session(const char *principal, const char *session)
{
	const char *role = strstr(principal, ":role/"), *assumed = strstr(session, ":assumed-role/");
	if (role == NULL || assumed == NULL)
		return false;
	const char *name = strrchr(role, '/') + 1;
	assumed += strlen(":assumed-role/");
	return strlen(name) == strcspn(assumed, "/") && str_starts(assumed, name);
}

static bool principal_is_caller(const char *text, const void *cookie)
{
	const struct request *rq = cookie;
	_cleanup_(freep) char *root = mem_printf("arn:aws:iam::%s:root", rq->caller.account);
	return str_eq(text, "*") || str_eq(text, root) || str_eq(text, rq->caller.account) ||
	       str_eq(text, rq->caller.arn) || is_role_of_session(text, rq->caller.arn);
}

static bool principal_matches(const struct request *rq, const struct tree *principal)
{
	if (tree_kind(principal) == TREE_TEXT)
		return str_eq(tree_text(principal, NULL), "*");
	return any_text(tree_key(principal, "AWS"), principal_is_caller, rq);
}

/* --- what --- */

static bool action_covers(const char *pattern, const void *action)
{
	return str_glob(pattern, action);
}

/* --- under which conditions --- */

/* EC2 asks on the caller's behalf, through itself and for a resource of its own. */
static const char *condition_value(const struct request *rq, const char *key, struct str *buffer)
{
	if (str_eq(key, "aws:PrincipalOrgID"))
		return organization_has(ORGANIZATION_ARN, NULL, rq->caller.account) ? ORGANIZATION_ID : NULL;
	if (str_eq(key, "aws:PrincipalAccount") || str_eq(key, "kms:CallerAccount"))
		return rq->caller.account;
	if (str_eq(key, "aws:PrincipalArn"))
		return rq->caller.arn;
	if (str_eq(key, "kms:GrantIsForAWSResource"))
		return str_eq(rq->operation->name, "CreateGrant") ? "false" : "true";
	if (str_eq(key, "kms:ViaService")) {
		str_clear(buffer);
		str_addf(buffer, "ec2.%s.amazonaws.com", rq->region);
		return buffer->data;
	}
	return NULL;
}

static bool value_equals(const char *text, const void *value)
{
	return str_eq(text, value);
}

static bool value_like(const char *pattern, const void *value)
{
	return str_glob(pattern, value);
}

static bool condition_holds(const struct request *rq, const char *operator, const char * key, const struct tree *values)
{
	_cleanup_(str_free) struct str buffer = STR_INIT;
	const char *value = condition_value(rq, key, &buffer);
	if (value == NULL)
		return false;
	if (str_eq(operator, "StringEquals") || str_eq(operator, "ArnEquals") || str_eq(operator, "Bool"))
		return any_text(values, value_equals, value);
	if (str_eq(operator, "StringLike") || str_eq(operator, "ArnLike"))
		return any_text(values, value_like, value);
	if (str_eq(operator, "StringNotEquals"))
		return !any_text(values, value_equals, value);
	return false;
}

static bool conditions_hold(const struct request *rq, const struct tree *conditions)
{
	for (struct tree_iter i = tree_iter(conditions); tree_next(&i);)
		for (struct tree_iter j = tree_iter(i.value); tree_next(&j);)
			if (!condition_holds(rq, i.key, j.key, j.value))
				return false;
	return true;
}

/* --- together --- */

static bool statement_applies(const struct request *rq, const struct tree *statement, const char *action)
{
	return principal_matches(rq, tree_key(statement, "Principal")) &&
	       any_text(tree_key(statement, "Action"), action_covers, action) &&
	       conditions_hold(rq, tree_key(statement, "Condition"));
}

static bool policy_admits(const struct request *rq, const struct tree *policy, const char *action)
{
	bool allowed = false;
	const struct tree *statements = tree_key(policy, "Statement");
	for (struct tree_iter i = tree_iter(statements); tree_next(&i);) {
		if (!statement_applies(rq, i.value, action))
			continue;
		if (str_eq(tree_text(i.value, "Effect"), "Deny"))
			return false;
		allowed = true;
	}
	return allowed;
}

bool kms_admits(struct request *rq, const struct tree *key, const char *action)
{
	struct error err = {0};
	const char *text = tree_text_or(key, "_policy", "{}");
	_cleanup_(tree_freep) struct tree *policy = tree_from_json(text, strlen(text), &err);
	return policy_admits(rq, policy, action) || kms_grant_admits(rq, key, action);
}

/* --- operations --- */

static bool statement_good(const struct tree *statement)
{
	const char *effect = tree_text(statement, "Effect");
	return (str_eq(effect, "Allow") || str_eq(effect, "Deny")) && tree_key(statement, "Principal") != NULL &&
	       tree_key(statement, "Action") != NULL && tree_key(statement, "Resource") != NULL;
}

bool kms_policy_check(struct request *rq, const char *policy)
{
	struct error err = {0};
	_cleanup_(tree_freep) struct tree *tree =
		strlen(policy) > POLICY_MOST ? NULL : tree_from_json(policy, strlen(policy), &err);
	const struct tree *statements = tree_key(tree, "Statement");
	bool good = tree_kind(tree) == TREE_OBJECT && tree_kind(statements) == TREE_ARRAY && tree_count(statements) > 0;
	for (struct tree_iter i = tree_iter(statements); good && tree_next(&i);)
		good = statement_good(i.value);
	if (!good)
		return refuse(rq, "MalformedPolicyDocumentException", "The policy is not a valid key policy: %s",
			      *err.text != '\0' ? err.text : "statements need Effect, Principal, Action and Resource");
	if (arg_bool(rq, "BypassPolicyLockoutSafetyCheck", false) || policy_admits(rq, tree, "kms:PutKeyPolicy"))
		return true;
	return refuse(rq, "MalformedPolicyDocumentException",
		      "The new key policy will not allow you to update the key policy in the future.");
}

static bool check_policy_name(struct request *rq)
{
	return str_eq(arg_or(rq, "PolicyName", "default"), "default") ||
	       refuse(rq, "NotFoundException", "No such policy exists: %s", arg_or(rq, "PolicyName", ""));
}

static bool get_key_policy(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *key = kms_key_asked(rq, arg_or(rq, "KeyId", ""), "kms:GetKeyPolicy");
	if (key == NULL || !check_policy_name(rq))
		return false;
	tree_set_text(rq->reply, "Policy", tree_text(key, "_policy"));
	tree_set_text(rq->reply, "PolicyName", "default");
	return true;
}

static bool put_key_policy(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *key = kms_key_owned(rq, "kms:PutKeyPolicy");
	if (key == NULL || !check_policy_name(rq) || !kms_policy_check(rq, arg_or(rq, "Policy", "")))
		return false;
	tree_set_text(key, "_policy", arg(rq, "Policy"));
	kms_key_put(rq, key);
	return true;
}

const struct operation kms_policy_operations[] = {
	{"GetKeyPolicy", get_key_policy, 0, "KeyId! PolicyName"},
	{"PutKeyPolicy", put_key_policy, 0, "KeyId! PolicyName Policy! BypassPolicyLockoutSafetyCheck:bool"},
	{NULL},
};
