/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom a key policy admits, and to what. */
#include "../../lib/check.h"
#include "bakery/mem.h"
#include "src/plan/keys.h"

#define ALL "\"kms:Decrypt\",\"kms:DescribeKey\",\"kms:CreateGrant\",\"kms:GenerateDataKey*\",\"kms:ReEncrypt*\""
#define ORGANIZATION "arn:aws:organizations::111122223333:organization/o-abc123"
#define UNIT "arn:aws:organizations::111122223333:ou/o-abc123/ou-r1-work"

static const struct key_user organization = {.organization = ORGANIZATION};
static const struct key_user unit = {.unit = UNIT};
static const struct key_user account = {.account = "210987654321"};

static void check(const char *statements, const struct key_user *user, bool admitted, const char *lacking)
{
	_cleanup_(freep) char *text = mem_printf("{\"Version\":\"2012-10-17\",\"Statement\":%s}", statements);
	_cleanup_(str_free) struct str missing = STR_INIT;
	_cleanup_(tree_freep) struct tree *policy = NULL;
	struct error err = {0};

	policy = tree_from_json(text, strlen(text), &err);
	assert_non_null(policy);
	assert_int_equal(key_policy_admits(policy, user, &missing), admitted);
	assert_string_equal(missing.data, lacking);
}

#define ALLOW(principal, actions, more)                                                                                \
	"{\"Effect\":\"Allow\",\"Principal\":" principal ",\"Action\":[" actions "],\"Resource\":\"*\"" more "}"
#define EVERYBODY "{\"AWS\":\"*\"}"
#define IN_ORGANIZATION ",\"Condition\":{\"StringEquals\":{\"aws:PrincipalOrgID\":\"o-abc123\"}}"

static void an_organization_is_admitted_by_its_id(void **state)
{
	check("[" ALLOW(EVERYBODY, ALL, IN_ORGANIZATION) "]", &organization, true, "");
	check("[" ALLOW("\"*\"", ALL, IN_ORGANIZATION) "]", &unit, true, "");
	check(ALLOW(EVERYBODY, ALL, IN_ORGANIZATION), &organization, true, "");
	check("[" ALLOW(EVERYBODY, ALL,
			",\"Condition\":{\"StringEquals\":{\"AWS:principalorgid\":[\"o-x\",\"o-abc123\"]}}") "]",
	      &organization, true, "");
	check("[" ALLOW(EVERYBODY, ALL, ",\"Condition\":{\"StringEquals\":{\"aws:PrincipalOrgID\":\"o-other\"}}") "]",
	      &organization, false, "");
	check("[" ALLOW("{\"AWS\":\"arn:aws:iam::111122223333:root\"}", "\"kms:*\"", "") "]", &organization, false, "");
	check("[]", &organization, false, "");
}

static void a_unit_is_admitted_by_its_path(void **state)
{
	static const char path[] = "[" ALLOW(EVERYBODY, ALL,
					     ",\"Condition\":{\"ForAnyValue:StringLike\":{\"aws:PrincipalOrgPaths\":"
					     "\"o-abc123/r-r1/ou-r1-work/*\"}}") "]";
	static const char whole[] =
		"[" ALLOW(EVERYBODY, ALL,
			  ",\"Condition\":{\"ForAnyValue:StringLike\":{\"aws:PrincipalOrgPaths\":\"o-abc123/*\"}}") "]";

	check(path, &unit, true, "");
	check(path, &organization, false, "");
	check(whole, &organization, true, "");
	check(whole, &unit, true, "");
}

static void an_account_is_admitted_by_name_or_condition(void **state)
{
	check("[" ALLOW("{\"AWS\":\"210987654321\"}", ALL, "") "]", &account, true, "");
	check("[" ALLOW("{\"AWS\":[\"arn:aws:iam::111122223333:root\",\"arn:aws:iam::210987654321:root\"]}", ALL,
			"") "]",
	      &account, true, "");
	check("[" ALLOW(EVERYBODY, ALL,
			",\"Condition\":{\"StringEquals\":{\"kms:CallerAccount\":\"210987654321\"}}") "]",
	      &account, true, "");
	check("[" ALLOW(EVERYBODY, ALL,
			",\"Condition\":{\"StringEquals\":{\"kms:CallerAccount\":\"111122223333\"}}") "]",
	      &account, false, "");
	/* Whether it is in that organization is not known here. */
	check("[" ALLOW(EVERYBODY, ALL, IN_ORGANIZATION) "]", &account, true, "");
	check("[" ALLOW("{\"AWS\":\"arn:aws:iam::111122223333:root\"}", ALL, "") "]", &account, false, "");
	check("[" ALLOW("{\"Service\":\"ec2.amazonaws.com\"}", ALL, "") "]", &account, false, "");
}

static void what_is_lacking_is_named(void **state)
{
	check("[" ALLOW(EVERYBODY, "\"kms:Decrypt\",\"kms:describekey\"", IN_ORGANIZATION) "]", &organization, true,
	      "kms:CreateGrant, kms:GenerateDataKeyWithoutPlaintext, kms:ReEncryptFrom, kms:ReEncryptTo");
	/* Two statements, as AWS's own examples have them: use, and grants for AWS resources only. */
	check("[" ALLOW(EVERYBODY, "\"kms:Decrypt\",\"kms:DescribeKey\",\"kms:GenerateDataKey*\",\"kms:ReEncrypt*\"",
			IN_ORGANIZATION) "," ALLOW(EVERYBODY, "\"kms:CreateGrant\"",
						   ",\"Condition\":{\"StringEquals\":{\"aws:PrincipalOrgID\":\"o-"
						   "abc123\"},"
						   "\"Bool\":{\"kms:GrantIsForAWSResource\":\"true\"}}") "]",
	      &organization, true, "");
	check("[{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"kms:*\"}]", &organization, false, "");
}

static void what_is_no_policy_admits_nobody(void **state)
{
	check("\"nonsense\"", &organization, false, "");
	check("[1, null, [], {}]", &account, false, "");
	check("[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":{}},\"Action\":{}}]", &account, false, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_organization_is_admitted_by_its_id),
		cmocka_unit_test(a_unit_is_admitted_by_its_path),
		cmocka_unit_test(an_account_is_admitted_by_name_or_condition),
		cmocka_unit_test(what_is_lacking_is_named),
		cmocka_unit_test(what_is_no_policy_admits_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
