/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a KMS key's policy: whom it admits, and to what (KMS developer guide, "Allowing users in other accounts to
 * use a KMS key"; EC2 user guide, "Allow organizations and OUs to use a KMS key"). */
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "bakery/mem.h"
#include "keys.h"

/* An element is one value or a list of them; a map of a single statement stands for a list, too. */
static bool any_value(const struct tree *element, bool (*is_it)(const char *value, const void *cookie),
		      const void *cookie)
{
	if (tree_kind(element) != TREE_ARRAY)
		return tree_text(element, NULL) && is_it(tree_text(element, NULL), cookie);
	for (struct tree_iter i = tree_iter(element); tree_next(&i);) {
		if (tree_text(i.value, NULL) && is_it(tree_text(i.value, NULL), cookie))
			return true;
	}
	return false;
}

/* --- principals --- */

static bool is_everybody(const char *value, const void *cookie)
{
	return str_eq(value, "*");
}

/* "210987654321", or an ARN of that account: arn:aws:iam::210987654321:root */
static bool is_of_account(const char *value, const void *account)
{
	_cleanup_(freep) char *part = mem_printf(":%s:", (const char *)account);

	return str_eq(value, account) || (str_starts(value, "arn:") && strstr(value, part));
}

static bool names_everybody(const struct tree *principal)
{
	return str_eq(tree_text(principal, NULL), "*") || any_value(tree_key(principal, "AWS"), is_everybody, NULL);
}

/* --- conditions --- */

static bool is_about_organization(const char *key)
{
	return !strcasecmp(key, "aws:PrincipalOrgID") || !strcasecmp(key, "aws:PrincipalOrgPaths");
}

static bool is_about_account(const char *key)
{
	return !strcasecmp(key, "kms:CallerAccount") || !strcasecmp(key, "aws:PrincipalAccount");
}

static const char *last_part(const char *arn)
{
	const char *slash = strrchr(arn, '/');

	return slash ? slash + 1 : arn;
}

/* The organization's id, of its own ARN (.../o-abc) or a unit's (.../o-abc/ou-x-y). */
static char *organization_of(const struct key_user *user)
{
	const char *arn = user->organization ? user->organization : user->unit;
	const char *start = strstr(arn, "/o-");

	return start ? mem_strndup(start + 1, strcspn(start + 1, "/")) : mem_strdup("");
}

/* Paths are "o-abc/r-root/ou-x/": one admits the organization when nothing is asked for behind its id. */
static bool path_admits(const char *path, const struct key_user *user, const char *organization)
{
	size_t length = strlen(organization);

	if (user->unit && strstr(path, last_part(user->unit)))
		return true;
	if (strncmp(path, organization, length) != 0 || path[length] != '/')
		return str_eq(path, "*");
	return !strstr(path + length, "/ou-");
}

static bool organization_value(const char *value, const void *cookie)
{
	const struct key_user *user = cookie;
	_cleanup_(freep) char *organization = organization_of(user);

	return str_glob(value, organization) || path_admits(value, user, organization);
}

static bool account_value(const char *value, const void *account)
{
	return str_glob(value, account);
}

/* An account's organization is not known here: a condition on it may let the account in. */
static bool condition_admits(const char *key, const struct tree *values, const struct key_user *user)
{
	if (is_about_organization(key))
		return user->account || any_value(values, organization_value, user);
	if (is_about_account(key))
		return user->account && any_value(values, account_value, user->account);
	return true;
}

static bool is_negation(const char *operator)
{
	return strcasestr(operator, "Not") != NULL;
}

static bool conditions_admit(const struct tree *conditions, const struct key_user *user)
{
	for (struct tree_iter i = tree_iter(conditions); tree_next(&i);) {
		if (is_negation(i.key))
			continue;
		for (struct tree_iter j = tree_iter(i.value); tree_next(&j);) {
			if (!condition_admits(j.key, j.value, user))
				return false;
		}
	}
	return true;
}

static bool statement_admits(const struct tree *statement, const struct key_user *user)
{
	const struct tree *principal = tree_key(statement, "Principal");
	bool named = user->account && any_value(tree_key(principal, "AWS"), is_of_account, user->account);

	return str_eq(tree_text(statement, "Effect"), "Allow") && (named || names_everybody(principal)) &&
	       conditions_admit(tree_key(statement, "Condition"), user);
}

/* --- actions --- */

static const char *const needed[] = {"kms:CreateGrant",	  "kms:Decrypt",
				     "kms:DescribeKey",	  "kms:GenerateDataKeyWithoutPlaintext",
				     "kms:ReEncryptFrom", "kms:ReEncryptTo"};

static bool pattern_covers(const char *pattern, const void *action)
{
	return fnmatch(pattern, action, FNM_CASEFOLD) == 0; /* case does not count in IAM's actions */
}

static void statement_take(const struct tree *statement, bool allowed[ARRAY_SIZE(needed)])
{
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		allowed[i] |= any_value(tree_key(statement, "Action"), pattern_covers, needed[i]);
}

static void list_lacking(const bool allowed[ARRAY_SIZE(needed)], struct str *lacking)
{
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (!allowed[i])
			str_addf(lacking, "%s%s", lacking->len ? ", " : "", needed[i]);
	}
}

bool key_policy_admits(const struct tree *policy, const struct key_user *user, struct str *lacking)
{
	const struct tree *statements = tree_key(policy, "Statement");
	bool allowed[ARRAY_SIZE(needed)] = {false}, admitted = false;

	if (tree_kind(statements) == TREE_OBJECT) {
		admitted = statement_admits(statements, user);
		if (admitted)
			statement_take(statements, allowed);
	}
	for (struct tree_iter i = tree_iter(statements); tree_kind(statements) == TREE_ARRAY && tree_next(&i);) {
		if (!statement_admits(i.value, user))
			continue;
		admitted = true;
		statement_take(i.value, allowed);
	}
	if (admitted)
		list_lacking(allowed, lacking);
	return admitted;
}
