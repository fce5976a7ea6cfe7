/* SPDX-License-Identifier: Apache-2.0
 *
 * IAM: roles, their policies, instance profiles, and what AWS refuses of them. */
#include "cloud_fixture.h"

#define TRUST_ME                                                                                                       \
	"%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A"   \
	"%7B%22AWS%22%3A%22123456789012%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%7D"
#define READ_REGIONS                                                                                                   \
	"%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22ec2%3ADescribeRegions%22%2C"           \
	"%22Resource%22%3A%22*%22%7D%7D"

static void a_role_lives_and_dies(void **state)
{
	struct fixture *fixture = *state;
	query(fixture, "iam",
	      "CreateRole&RoleName=r&Path=/teams/"
	      "&Tags.member.1.Key=a&Tags.member.1.Value=b&AssumeRolePolicyDocument=%s",
	      TRUST_ME);
	assert_done(fixture);
	assert_string_equal(said(fixture, "CreateRoleResult.Role.Arn"), "arn:aws:iam::123456789012:role/teams/r");
	assert_true(str_starts(said(fixture, "CreateRoleResult.Role.RoleId"), "AROA"));
	assert_string_equal(said(fixture, "CreateRoleResult.Role.AssumeRolePolicyDocument"), TRUST_ME);
	query(fixture, "iam", "CreateRole&RoleName=r&AssumeRolePolicyDocument=%s", TRUST_ME);
	assert_refused(fixture, "EntityAlreadyExists");
	assert_int_equal(fixture->status, 409);
	query(fixture, "iam", "PutRolePolicy&RoleName=r&PolicyName=regions&PolicyDocument=%s", READ_REGIONS);
	assert_done(fixture);
	query(fixture, "iam", "GetRolePolicy&RoleName=r&PolicyName=regions");
	assert_string_equal(
		said(fixture, "GetRolePolicyResult.PolicyDocument"),
		"%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22ec2%3ADescribeRegions%22%2C"
		"%22Resource%22%3A%22%2A%22%7D%7D");
	/* It is worth what its policies say. */
	fixture_assume(fixture, "123456789012", "teams/r");
	ec2(fixture, "DescribeRegions");
	assert_done(fixture);
	ec2(fixture, "DescribeVpcs");
	assert_refused(fixture, "UnauthorizedOperation");
	fixture_become_user(fixture);
	query(fixture, "iam", "AttachRolePolicy&RoleName=r&PolicyArn=arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess");
	assert_done(fixture);
	fixture_assume(fixture, "123456789012", "teams/r");
	ec2(fixture, "DescribeVpcs");
	assert_done(fixture);
	fixture_become_user(fixture);
	query(fixture, "iam", "ListAttachedRolePolicies&RoleName=r");
	assert_string_equal(said(fixture, "ListAttachedRolePoliciesResult.AttachedPolicies.1.PolicyName"),
			    "AmazonEC2ReadOnlyAccess");
	query(fixture, "iam",
	      "TagRole&RoleName=r&Tags.member.1.Key=a&Tags.member.1.Value=c&Tags.member.2.Key=d&Tags.member.2.Value=e");
	query(fixture, "iam", "GetRole&RoleName=r");
	assert_string_equal(said(fixture, "GetRoleResult.Role.Tags.1.Value"), "c");
	assert_string_equal(said(fixture, "GetRoleResult.Role.Tags.2.Key"), "d");
	query(fixture, "iam", "DeleteRole&RoleName=r");
	assert_refused(fixture, "DeleteConflict");
	query(fixture, "iam", "DetachRolePolicy&RoleName=r&PolicyArn=arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess");
	query(fixture, "iam", "DeleteRole&RoleName=r");
	assert_refused(fixture, "DeleteConflict");
	query(fixture, "iam", "DeleteRolePolicy&RoleName=r&PolicyName=regions");
	query(fixture, "iam", "DeleteRole&RoleName=r");
	assert_done(fixture);
	query(fixture, "iam", "GetRole&RoleName=r");
	assert_refused(fixture, "NoSuchEntity");
	assert_int_equal(fixture->status, 404);
}

static void what_iam_refuses(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		const char *query, *code;
	} cases[] = {
		{"CreateRole&RoleName=r&AssumeRolePolicyDocument=%7B%7D", "MalformedPolicyDocument"},
		{"CreateRole&RoleName=r&AssumeRolePolicyDocument=" READ_REGIONS, "MalformedPolicyDocument"},
		{"CreateRole&RoleName=a%20b&AssumeRolePolicyDocument=" TRUST_ME, "ValidationError"},
		{"CreateRole&RoleName=r&Path=x&AssumeRolePolicyDocument=" TRUST_ME, "ValidationError"},
		{"CreateRole&RoleName=r&MaxSessionDuration=60&AssumeRolePolicyDocument=" TRUST_ME, "ValidationError"},
		{"PutRolePolicy&RoleName=none&PolicyName=p&PolicyDocument=" READ_REGIONS, "NoSuchEntity"},
		{"PutRolePolicy&RoleName=bakery-reader&PolicyName=p&PolicyDocument=x", "MalformedPolicyDocument"},
		{"GetRolePolicy&RoleName=bakery-reader&PolicyName=none", "NoSuchEntity"},
		{"DeleteRolePolicy&RoleName=bakery-reader&PolicyName=none", "NoSuchEntity"},
		{"AttachRolePolicy&RoleName=bakery-reader&PolicyArn=arn:aws:iam::aws:policy/None", "NoSuchEntity"},
		{"DetachRolePolicy&RoleName=bakery-reader&PolicyArn=arn:aws:iam::aws:policy/None", "NoSuchEntity"},
		{"DeleteRole&RoleName=AWSServiceRoleForAutoScaling", "UnmodifiableEntity"},
		{"GetInstanceProfile&InstanceProfileName=none", "NoSuchEntity"},
		{"AddRoleToInstanceProfile&InstanceProfileName=bakery-builder&RoleName=bakery-reader", "LimitExceeded"},
		{"DeleteInstanceProfile&InstanceProfileName=bakery-builder", "DeleteConflict"},
		{"DeleteRole&RoleName=bakery-builder", "DeleteConflict"},
		{"GetUser&UserName=bob", "NoSuchEntity"},
		{"ListRoles&MaxItems=0", "ValidationError"},
		{"CreateUser&UserName=bob", "InvalidAction"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		query(fixture, "iam", "%s", cases[i].query);
		if (!str_eq(fixture->code, cases[i].code))
			fail_msg("%s: %s", cases[i].query, fixture->body.data);
	}
}

static void roles_come_in_pages(void **state)
{
	struct fixture *fixture = *state;
	query(fixture, "iam", "ListRoles&MaxItems=2");
	assert_string_equal(said(fixture, "ListRolesResult.IsTruncated"), "true");
	assert_int_equal(tree_count(tree_get(fixture->reply, "ListRolesResult.Roles")), 2);
	_cleanup_(freep) char *marker = mem_strdup(said(fixture, "ListRolesResult.Marker"));
	query(fixture, "iam", "ListRoles&Marker=%s", marker);
	assert_string_equal(said(fixture, "ListRolesResult.IsTruncated"), "false");
	query(fixture, "iam", "ListRoles&PathPrefix=/aws-service-role/");
	assert_string_equal(said(fixture, "ListRolesResult.Roles.1.RoleName"), "AWSServiceRoleForAutoScaling");
}

static void launch_with(struct fixture *fixture, const char *profile)
{
	ec2(fixture, "DescribeImages&Owner.1=136693071363");
	_cleanup_(freep) char *image = mem_strdup(said(fixture, "imagesSet.1.imageId"));
	ec2(fixture, "RunInstances&ImageId=%s&InstanceType=%s&MinCount=1&MaxCount=1&DryRun=true&%s", image,
	    str_eq(cloud_architecture(), "arm64") ? "m6g.large" : "m5.large", profile);
}

static void a_profile_can_be_launched_once_it_has_a_role_and_ec2_sees_it(void **state)
{
	struct fixture *fixture = *state;
	struct error err = {0};
	launch_with(fixture, "IamInstanceProfile.Name=p");
	assert_refused(fixture, "InvalidParameterValue");
	assert_non_null(strstr(fixture->body.data, "Invalid IAM Instance Profile name"));
	query(fixture, "iam", "CreateInstanceProfile&InstanceProfileName=p");
	assert_done(fixture);
	launch_with(fixture, "IamInstanceProfile.Name=p");
	assert_non_null(strstr(fixture->body.data, "has no associated IAM Roles"));
	query(fixture, "iam", "AddRoleToInstanceProfile&InstanceProfileName=p&RoleName=bakery-builder");
	assert_done(fixture);
	query(fixture, "iam", "GetInstanceProfile&InstanceProfileName=p");
	assert_string_equal(said(fixture, "GetInstanceProfileResult.InstanceProfile.Roles.1.RoleName"),
			    "bakery-builder");
	query(fixture, "iam", "ListInstanceProfilesForRole&RoleName=bakery-builder");
	assert_int_equal(tree_count(tree_get(fixture->reply, "ListInstanceProfilesForRoleResult.InstanceProfiles")), 2);
	launch_with(fixture, "IamInstanceProfile.Name=p");
	assert_refused(fixture, "DryRunOperation");
	launch_with(fixture, "IamInstanceProfile.Arn=arn:aws:iam::123456789012:instance-profile/p");
	assert_refused(fixture, "DryRunOperation");
	launch_with(fixture, "IamInstanceProfile.Arn=arn:aws:iam::210987654321:instance-profile/bakery-builder");
	assert_non_null(strstr(fixture->body.data, "Invalid IAM Instance Profile ARN"));
	/* IAM shows it, EC2 does not know it yet. */
	assert_works(settings_set(fixture->cloud->settings, "lag=1h", &err));
	query(fixture, "iam", "GetInstanceProfile&InstanceProfileName=p");
	assert_done(fixture);
	launch_with(fixture, "IamInstanceProfile.Name=p");
	assert_non_null(strstr(fixture->body.data, "Invalid IAM Instance Profile name"));
	assert_works(settings_set(fixture->cloud->settings, "lag=", &err));
	query(fixture, "iam", "RemoveRoleFromInstanceProfile&InstanceProfileName=p&RoleName=bakery-builder");
	query(fixture, "iam", "DeleteInstanceProfile&InstanceProfileName=p");
	assert_done(fixture);
	query(fixture, "iam", "ListInstanceProfiles");
	assert_int_equal(tree_count(tree_get(fixture->reply, "ListInstanceProfilesResult.InstanceProfiles")), 1);
}

static void policies_can_be_tried_out(void **state)
{
	struct fixture *fixture = *state;
	query(fixture, "iam",
	      "SimulatePrincipalPolicy&PolicySourceArn=arn:aws:iam::123456789012:role/bakery-reader"
	      "&ActionNames.member.1=ec2:DescribeImages&ActionNames.member.2=ec2:RunInstances");
	assert_done(fixture);
	assert_string_equal(said(fixture, "SimulatePrincipalPolicyResult.EvaluationResults.1.EvalDecision"), "allowed");
	assert_string_equal(said(fixture, "SimulatePrincipalPolicyResult.EvaluationResults.2.EvalDecision"),
			    "implicitDeny");
	query(fixture, "iam",
	      "SimulatePrincipalPolicy&PolicySourceArn=arn:aws:iam::123456789012:user/sandbox"
	      "&ActionNames.member.1=ec2:RunInstances&ResourceArns.member.1=arn:aws:ec2:us-east-1::image/ami-1");
	assert_string_equal(said(fixture, "SimulatePrincipalPolicyResult.EvaluationResults.1.EvalDecision"), "allowed");
	assert_string_equal(said(fixture, "SimulatePrincipalPolicyResult.EvaluationResults.1.EvalResourceName"),
			    "arn:aws:ec2:us-east-1::image/ami-1");
	query(fixture, "iam",
	      "SimulatePrincipalPolicy&PolicySourceArn=arn:aws:iam::123456789012:role/none&ActionNames.member.1=a:B");
	assert_refused(fixture, "NoSuchEntity");
	query(fixture, "iam", "SimulatePrincipalPolicy&PolicySourceArn=none&ActionNames.member.1=a:B");
	assert_refused(fixture, "InvalidInput");
	query(fixture, "iam", "GetUser");
	assert_string_equal(said(fixture, "GetUserResult.User.Arn"), "arn:aws:iam::123456789012:user/sandbox");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_role_lives_and_dies),	 TEST(what_iam_refuses),
		TEST(roles_come_in_pages),	 TEST(a_profile_can_be_launched_once_it_has_a_role_and_ec2_sees_it),
		TEST(policies_can_be_tried_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
