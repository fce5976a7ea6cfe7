/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of permissions: whole, well-formed, and turned into a policy without what is not needed. */
#include <string.h>

#include "../../lib/check.h"
#include "bakery/permissions.h"
#include "bakery/str.h"

/* Every {name} of the table must have a value here, or its statement is missing. */
static void values_fill(struct permission_needs *needs)
{
	static const struct {
		const char *name, *value;
	} values[] = {
		{"partition", "aws"},
		{"dns", "amazonaws.com"},
		{"account", "123456789012"},
		{"project", "shop"},
		{"region", "us-east-1"},
		{"regions", "us-east-1"},
		{"images", "*"},
		{"own_images", "*"},
		{"subnets", "subnet-1"},
		{"groups", "*"},
		{"passed_roles", "*"},
		{"made_profiles", "bakery-*"},
		{"spot_role", "AWSServiceRoleForEC2Spot"},
		{"spot_requests", "*"},
		{"keys", "arn:aws:kms:us-east-1:123456789012:key/k"},
		{"alias_keys", "arn:aws:kms:us-east-1:123456789012:key/*"},
		{"aliases", "alias/a"},
		{"source_parameters", "arn:aws:ssm:us-east-1::parameter/aws/service/x"},
		{"parameters", "/bakery/web/candidate"},
		{"roles", "arn:aws:iam::210987654321:role/bakery"},
		{"shared_accounts", "444455556666"},
		{"shared_units", "ou-ab12-11111111"},
		{"swept", "*"},
		{"swept_parameters", "/bakery"},
		{"swept_profiles", "bakery-20*"},
		{"swept_accounts", "210987654321"},
		{"swept_role", "bakery"},
		{"roles", "arn:aws:iam::210987654321:role/bakery"},
	};

	permission_needs_init(needs);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		permission_needs_add(needs, values[i].name, values[i].value);
}

static const struct tree *statement(const struct tree *policy, const char *sid)
{
	for (struct tree_iter i = tree_iter(tree_get(policy, "Statement")); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "Sid"), sid))
			return i.value;
	}
	return NULL;
}

static void every_operation_is_known(void **state)
{
	for (int i = 0; i < AWS_OPERATION_COUNT; i++) {
		if (!permissions_known((enum aws_operation)i))
			fail_msg("%s:%s has no row in src/aws/permissions.def",
				 aws_operation_service((enum aws_operation)i),
				 aws_operation_name((enum aws_operation)i));
	}
}

static void check_text(const struct tree *node, const char *what)
{
	const char *text = tree_text(node, NULL);

	assert_non_null(text);
	if (!*text || strpbrk(text, "{} \t"))
		fail_msg("%s: \"%s\"", what, text);
}

static void check_statement(const struct tree *one, const char *sid)
{
	assert_string_equal(tree_text(one, "Effect"), "Allow");
	assert_true(tree_count(tree_get(one, "Action")) > 0);
	for (struct tree_iter i = tree_iter(tree_get(one, "Action")); tree_next(&i);) {
		check_text(i.value, sid);
		assert_non_null(strchr(tree_text(i.value, NULL), ':'));
		assert_null(strchr(tree_text(i.value, NULL), '*'));
	}
	for (struct tree_iter i = tree_iter(tree_get(one, "Resource")); tree_next(&i);) {
		const char *arn = tree_text(i.value, NULL);
		check_text(i.value, sid);
		assert_true(str_eq(arn, "*") || str_starts(arn, "arn:aws:"));
	}
	for (struct tree_iter i = tree_iter(tree_get(one, "Condition")); tree_next(&i);) {
		for (struct tree_iter k = tree_iter(i.value); tree_next(&k);) {
			assert_non_null(strchr(k.key, ':'));
			for (struct tree_iter v = tree_iter(k.value); tree_next(&v);)
				check_text(v.value, sid);
		}
	}
}

static void every_row_is_well_formed(void **state)
{
	_cleanup_(permission_needs_free) struct permission_needs needs;
	_cleanup_(tree_freep) struct tree *policy = NULL, *sids = tree_new_object();
	size_t rows = 0;

	values_fill(&needs);
	memset(needs.operations, true, sizeof(needs.operations));
	policy = permissions_policy(&needs);
	for (struct tree_iter i = tree_iter(tree_get(policy, "Statement")); tree_next(&i);) {
		const char *sid = tree_text(i.value, "Sid");
		check_statement(i.value, sid);
		tree_set_bool(sids, sid, true);
		rows++;
	}
	assert_int_equal(tree_count(sids), rows);
#define STATEMENT(sid, resources, conditions)                                                                          \
	if (!tree_key(sids, #sid))                                                                                     \
		fail_msg("%s is not in the policy: a name of it has no value in this test", #sid);
#define GRANT(service, operation, sid, on, actions)
#define FREE(service, operation)
#include "src/aws/permissions.def"
#undef STATEMENT
#undef GRANT
#undef FREE
}

/* The condition on the project's tag, by what the actions do. */
static void what_is_made_or_touched_is_tagged(void **state)
{
	_cleanup_(permission_needs_free) struct permission_needs needs;
	_cleanup_(tree_freep) struct tree *policy = NULL;

	values_fill(&needs);
	memset(needs.operations, true, sizeof(needs.operations));
	policy = permissions_policy(&needs);
	for (struct tree_iter i = tree_iter(tree_get(policy, "Statement")); tree_next(&i);) {
		const struct tree *equals = tree_get(i.value, "Condition.StringEquals");
		const struct tree *if_told = tree_get(i.value, "Condition.StringEqualsIfExists");
		for (struct tree_iter a = tree_iter(tree_get(i.value, "Action")); tree_next(&a);) {
			const char *action = tree_text(a.value, NULL);
			if (!str_starts(action, "ec2:Terminate") && !str_starts(action, "ec2:De") &&
			    !str_starts(action, "ec2:Modify") && !str_starts(action, "ec2:CopyImage"))
				continue;
			if (str_starts(action, "ec2:Describe") && !str_ends(action, "Attribute"))
				continue;
			assert_true(tree_key(equals, "aws:ResourceTag/bakery:project") ||
				    tree_key(equals, "aws:RequestTag/bakery:project") ||
				    tree_key(if_told, "aws:RequestTag/bakery:project"));
		}
	}
}

static void only_what_is_asked(void **state)
{
	_cleanup_(permission_needs_free) struct permission_needs needs;
	_cleanup_(tree_freep) struct tree *policy = NULL;
	_cleanup_(str_free) struct str json = STR_INIT;

	values_fill(&needs);
	tree_remove(needs.values, "swept"); /* as for builds */
	needs.operations[AWS_ec2_DescribeImages] = true;
	policy = permissions_policy(&needs);
	tree_to_json(policy, &json);
	assert_string_equal(json.data,
			    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"Look\",\"Effect\":\"Allow\","
			    "\"Action\":[\"ec2:DescribeImages\"],\"Resource\":[\"*\"],\"Condition\":{\"StringEquals\":{"
			    "\"aws:RequestedRegion\":[\"us-east-1\"]}}}]}");
}

static void lists_multiply_and_empty_ones_vanish(void **state)
{
	_cleanup_(permission_needs_free) struct permission_needs needs;
	_cleanup_(tree_freep) struct tree *policy = NULL;
	const struct tree *made;

	values_fill(&needs);
	permission_needs_add(&needs, "regions", "eu-west-1");
	permission_needs_add(&needs, "regions", "eu-west-1");
	tree_remove(needs.values, "keys");
	tree_remove(needs.values, "aliases");
	tree_remove(needs.values, "spot_role");
	needs.operations[AWS_ec2_RunInstances] = needs.operations[AWS_ec2_CreateImage] = true;
	policy = permissions_policy(&needs);
	made = statement(policy, "MakeImages");
	assert_int_equal(tree_count(tree_get(made, "Resource")), 4);
	assert_string_equal(tree_text(made, "Resource.1"), "arn:aws:ec2:eu-west-1::image/*");
	assert_int_equal(tree_count(tree_key(tree_get(statement(policy, "TagWhatIsMade"), "Condition.StringEquals"),
					     "ec2:CreateAction")),
			 2);
	assert_null(statement(policy, "UseKeys"));
	assert_null(statement(policy, "UseKeysByAlias"));
	assert_null(statement(policy, "MakeSpotRole"));
	assert_non_null(statement(policy, "PassProfileRole"));
}

/* IAM takes ${...} in a value as one of its variables. */
static void values_are_no_variables(void **state)
{
	_cleanup_(permission_needs_free) struct permission_needs needs;
	_cleanup_(tree_freep) struct tree *policy = NULL;

	values_fill(&needs);
	tree_remove(needs.values, "project");
	permission_needs_add(&needs, "project", "${aws:username}");
	needs.operations[AWS_ec2_StopInstances] = true;
	policy = permissions_policy(&needs);
	assert_string_equal(tree_text(tree_key(tree_get(statement(policy, "UseMachines"), "Condition.StringEquals"),
					       "aws:ResourceTag/bakery:project"),
				      "1"),
			    "${$}{aws:username}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_is_known),
		cmocka_unit_test(every_row_is_well_formed),
		cmocka_unit_test(what_is_made_or_touched_is_tagged),
		cmocka_unit_test(only_what_is_asked),
		cmocka_unit_test(lists_multiply_and_empty_ones_vanish),
		cmocka_unit_test(values_are_no_variables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
