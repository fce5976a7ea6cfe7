/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions: who may become which role, whose words the credentials then speak, when they run out, what the accounts of
 * the organization see of each other. */
#include "cloud_fixture.h"

#include "bakery/crypto.h"

#define MEMBER "210987654321"
#define OTHER "345678901234"

static void a_role_of_another_account_speaks_for_it(void **state)
{
	struct fixture *fixture = *state;
	fixture_assume(fixture, MEMBER, "OrganizationAccountAccessRole");
	assert_true(str_starts(fixture->access_key, "ASIA"));
	query(fixture, "sts", "GetCallerIdentity");
	assert_string_equal(said(fixture, "GetCallerIdentityResult.Account"), MEMBER);
	assert_string_equal(said(fixture, "GetCallerIdentityResult.Arn"),
			    "arn:aws:sts::" MEMBER ":assumed-role/OrganizationAccountAccessRole/tester");
	assert_true(str_ends(said(fixture, "GetCallerIdentityResult.UserId"), ":tester"));
	/* Its parameters are its own. */
	ssm(fixture, "PutParameter", "{\"Name\":\"/a\",\"Value\":\"theirs\",\"Type\":\"String\"}");
	assert_done(fixture);
	fixture_become_user(fixture);
	ssm(fixture, "GetParameter", "{\"Name\":\"/a\"}");
	assert_refused(fixture, "ParameterNotFound");
}

static void credentials_are_verified_with_their_token(void **state)
{
	struct fixture *fixture = *state;
	fixture_assume(fixture, MEMBER, "bakery-reader");
	ec2(fixture, "DescribeRegions");
	assert_done(fixture);
	fixture->token = NULL;
	ec2(fixture, "DescribeRegions");
	assert_refused(fixture, "AuthFailure");
	fixture->token = "IQoJb3JpZ2luX2Vjanother";
	query(fixture, "sts", "GetCallerIdentity");
	assert_refused(fixture, "InvalidClientTokenId");
	fixture->token = fixture->session[2];
	fixture->secret = "wrong";
	ec2(fixture, "DescribeRegions");
	assert_refused(fixture, "SignatureDoesNotMatch");
	/* The long-lived key has no token. */
	fixture_become_user(fixture);
	fixture->token = fixture->session[2];
	ssm(fixture, "GetParameter", "{\"Name\":\"/a\"}");
	assert_refused(fixture, "UnrecognizedClientException");
}

static void credentials_run_out_in_each_services_words(void **state)
{
	struct fixture *fixture = *state;
	fixture_assume(fixture, MEMBER, "bakery-reader");
	set(fixture, "session.early=59m");
	ec2(fixture, "DescribeRegions");
	assert_done(fixture);
	set(fixture, "session.early=1h");
	ec2(fixture, "DescribeRegions");
	assert_refused(fixture, "RequestExpired");
	ssm(fixture, "GetParameter", "{\"Name\":\"/a\"}");
	assert_refused(fixture, "ExpiredTokenException");
	query(fixture, "sts", "GetCallerIdentity");
	assert_refused(fixture, "ExpiredToken");
	fixture_become_user(fixture);
	set(fixture, "session.early=");
	set(fixture, "session.duration=1ms");
	fixture_assume(fixture, MEMBER, "bakery-reader");
	stop_sleep_ms(NULL, 2);
	query(fixture, "sts", "GetCallerIdentity");
	assert_refused(fixture, "ExpiredToken");
}

static void sessions_outlive_a_restart(void **state)
{
	struct fixture *fixture = *state;
	fixture_assume(fixture, MEMBER, "bakery-reader");
	const char *key = fixture->access_key, *secret = fixture->secret, *token = fixture->token;
	fixture_reopen(fixture);
	fixture->access_key = key, fixture->secret = secret, fixture->token = token;
	query(fixture, "sts", "GetCallerIdentity");
	assert_string_equal(said(fixture, "GetCallerIdentityResult.Account"), MEMBER);
}

static void what_assume_role_refuses(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		const char *parameters, *code;
	} cases[] = {
		{"&RoleArn=arn:aws:iam::" MEMBER ":role/none&RoleSessionName=ab", "AccessDenied"},
		{"&RoleArn=arn:aws:iam::999999999999:role/bakery-reader&RoleSessionName=ab", "AccessDenied"},
		{"&RoleArn=bakery-reader&RoleSessionName=ab", "ValidationError"},
		{"&RoleArn=arn:aws:iam::" MEMBER ":role/bakery-reader&RoleSessionName=a", "ValidationError"},
		{"&RoleArn=arn:aws:iam::" MEMBER ":role/bakery-reader&RoleSessionName=a%20b", "ValidationError"},
		{"&RoleArn=arn:aws:iam::" MEMBER ":role/bakery-reader&RoleSessionName=ab&DurationSeconds=899",
		 "ValidationError"},
		{"&RoleArn=arn:aws:iam::" MEMBER ":role/bakery-reader&RoleSessionName=ab&DurationSeconds=43201",
		 "ValidationError"},
		{"&RoleArn=arn:aws:iam::" MEMBER ":role/bakery-reader&RoleSessionName=ab&Policy={}",
		 "MalformedPolicyDocument"},
		{"&RoleArn=arn:aws:iam::" MEMBER
		 ":role/bakery-reader&RoleSessionName=ab&PolicyArns.member.1.arn=arn:aws:iam::aws:policy/No",
		 "InvalidInput"},
		{"&RoleArn=arn:aws:iam::" MEMBER ":role/bakery-reader&RoleSessionName=ab"
		 "&SerialNumber=arn:aws:iam::123456789012:mfa/sandbox&TokenCode=654321",
		 "AccessDenied"},
		/* A service's role is nobody's else. */
		{"&RoleArn=arn:aws:iam::123456789012:role/bakery-builder&RoleSessionName=ab", "AccessDenied"},
		{"&RoleSessionName=ab", "MissingParameter"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		query(fixture, "sts", "AssumeRole%s", cases[i].parameters);
		if (!str_eq(fixture->code, cases[i].code))
			fail_msg("%s: %s", cases[i].parameters, fixture->body.data);
	}
}

static void a_chain_of_roles_lasts_an_hour_at_most(void **state)
{
	struct fixture *fixture = *state;
	fixture_assume(fixture, MEMBER, "OrganizationAccountAccessRole");
	query(fixture, "sts", "AssumeRole&RoleArn=arn:aws:iam::" MEMBER ":role/bakery-reader&RoleSessionName=ab");
	/* It trusts the management account only. */
	assert_refused(fixture, "AccessDenied");
	fixture_become_user(fixture);
	fixture_assume(fixture, "123456789012", "bakery-reader");
	query(fixture, "sts",
	      "AssumeRole&RoleArn=arn:aws:iam::" MEMBER ":role/OrganizationAccountAccessRole&RoleSessionName=ab");
	/* A reader may not become anybody. */
	assert_refused(fixture, "AccessDenied");
	assert_non_null(
		strstr(fixture->body.data, "because no identity-based policy allows the sts:AssumeRole action"));
	fixture_become_user(fixture);
	query(fixture, "sts", "GetSessionToken");
	assert_done(fixture);
	fixture_become(fixture, "GetSessionTokenResult");
	query(fixture, "sts", "GetCallerIdentity");
	assert_string_equal(said(fixture, "GetCallerIdentityResult.Arn"), "arn:aws:iam::123456789012:user/sandbox");
	query(fixture, "sts", "GetSessionToken");
	assert_refused(fixture, "AccessDenied");
	query(fixture, "sts",
	      "AssumeRole&RoleArn=arn:aws:iam::" MEMBER
	      ":role/OrganizationAccountAccessRole&RoleSessionName=ab&DurationSeconds=7200");
	assert_done(fixture);
}

static void a_reader_only_reads(void **state)
{
	struct fixture *fixture = *state;
	fixture_assume(fixture, MEMBER, "bakery-reader");
	ec2(fixture, "DescribeImages&Owner.1=self");
	assert_done(fixture);
	ec2(fixture, "CreateSecurityGroup&GroupName=g&GroupDescription=d");
	assert_refused(fixture, "UnauthorizedOperation");
	assert_int_equal(fixture->status, 403);
	assert_non_null(
		strstr(fixture->body.data,
		       "User: arn:aws:sts::" MEMBER ":assumed-role/bakery-reader/tester is not authorized to perform: "
		       "ec2:CreateSecurityGroup on resource: arn:aws:ec2:us-east-1:" MEMBER
		       ":security-group/* because no identity-based policy allows the ec2:CreateSecurityGroup action. "
		       "Encoded authorization failure message: "));
	ssm(fixture, "PutParameter", "{\"Name\":\"/a\",\"Value\":\"b\",\"Type\":\"String\"}");
	assert_refused(fixture, "AccessDeniedException");
	query(fixture, "iam", "CreateRole&RoleName=r&AssumeRolePolicyDocument=x");
	assert_refused(fixture, "AccessDenied");
}

static void session_policies_bound_a_session(void **state)
{
	struct fixture *fixture = *state;
	query(fixture, "sts",
	      "AssumeRole&RoleArn=arn:aws:iam::" MEMBER ":role/OrganizationAccountAccessRole&RoleSessionName=tester"
	      "&PolicyArns.member.1.arn=arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess");
	assert_done(fixture);
	fixture_become(fixture, "AssumeRoleResult");
	ec2(fixture, "DescribeVpcs");
	assert_done(fixture);
	ec2(fixture, "CreateSecurityGroup&GroupName=g&GroupDescription=d");
	assert_refused(fixture, "UnauthorizedOperation");
	assert_non_null(
		strstr(fixture->body.data, "because no session policy allows the ec2:CreateSecurityGroup action"));
}

/* --- web identity --- */

static char *token_of(const char *claims)
{
	_cleanup_(str_free) struct str header = STR_INIT, body = STR_INIT;
	crypto_base64("{\"alg\":\"RS256\"}", 15, &header);
	crypto_base64(claims, strlen(claims), &body);
	_cleanup_(freep) char *token = mem_printf("%s.%s.c2ln", header.data, body.data);
	struct str url = STR_INIT;
	for (const char *c = token; *c != '\0'; c++)
		if (*c != '=')
			str_add_char(&url, *c == '+' ? '-' : *c == '/' ? '_' : *c);
	return str_take(&url);
}

static void ask_web(struct fixture *fixture, const char *issuer, const char *audience, int64_t in_s)
{
	_cleanup_(freep) char *claims =
		mem_printf("{\"iss\":\"https://%s\",\"aud\":\"%s\",\"sub\":\"repo:x/y:ref\",\"exp\":%lld}", issuer,
			   audience, (long long)(clock_wall_ms() / 1000 + in_s));
	_cleanup_(freep) char *token = token_of(claims);
	fixture->secret = NULL;
	query(fixture, "sts",
	      "AssumeRoleWithWebIdentity&RoleArn=arn:aws:iam::123456789012:role/"
	      "bakery-ci&RoleSessionName=ci&WebIdentityToken=%s",
	      token);
	fixture_become_user(fixture);
}

static void a_web_identity_becomes_a_role_unsigned(void **state)
{
	struct fixture *fixture = *state;
	ask_web(fixture, "token.actions.githubusercontent.com", "sts.amazonaws.com", 600);
	assert_done(fixture);
	assert_string_equal(said(fixture, "AssumeRoleWithWebIdentityResult.SubjectFromWebIdentityToken"),
			    "repo:x/y:ref");
	fixture_become(fixture, "AssumeRoleWithWebIdentityResult");
	query(fixture, "sts", "GetCallerIdentity");
	assert_string_equal(said(fixture, "GetCallerIdentityResult.Arn"),
			    "arn:aws:sts::123456789012:assumed-role/bakery-ci/ci");
	ask_web(fixture, "token.actions.githubusercontent.com", "sts.amazonaws.com", -1);
	assert_refused(fixture, "ExpiredTokenException");
	ask_web(fixture, "token.actions.githubusercontent.com", "somebody", 600);
	assert_refused(fixture, "InvalidIdentityToken");
	ask_web(fixture, "example.com", "sts.amazonaws.com", 600);
	assert_refused(fixture, "AccessDenied");
	fixture->secret = NULL;
	query(fixture, "sts",
	      "AssumeRoleWithWebIdentity&RoleArn=arn:aws:iam::123456789012:role/"
	      "bakery-ci&RoleSessionName=ci&WebIdentityToken=abc");
	assert_refused(fixture, "InvalidIdentityToken");
	query(fixture, "sts", "AssumeRole&RoleArn=arn:aws:iam::123456789012:role/bakery-ci&RoleSessionName=ci");
	assert_refused(fixture, "MissingAuthenticationToken");
}

/* --- what accounts see of each other --- */

static char *own_image(struct fixture *fixture)
{
	ec2(fixture, "DescribeImages&Owner.1=136693071363");
	_cleanup_(freep) char *base = mem_strdup(said(fixture, "imagesSet.1.imageId"));
	ec2(fixture, "CopyImage&SourceImageId=%s&SourceRegion=us-east-1&Name=own", base);
	assert_done(fixture);
	char *id = mem_strdup(said(fixture, "imageId"));
	eventually(fixture, "imagesSet.1.imageState", "available", "DescribeImages&ImageId.1=%s", id);
	return id;
}

static bool sees(struct fixture *fixture, const char *account, const char *image)
{
	fixture_assume(fixture, account, "bakery-reader");
	ec2(fixture, "DescribeImages&ImageId.1=%s", image);
	bool seen = fixture->status == 200;
	if (!seen)
		assert_refused(fixture, "InvalidAMIID.NotFound");
	fixture_become_user(fixture);
	return seen;
}

static void an_image_is_seen_by_whom_it_is_shared_with(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *image = own_image(fixture);
	static const char unit[] = "arn:aws:organizations::123456789012:ou/o-sandbox0001/ou-sand-security";
	static const char organization[] = "arn:aws:organizations::123456789012:organization/o-sandbox0001";
	assert_false(sees(fixture, MEMBER, image));
	ec2(fixture, "ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.UserId=" MEMBER, image);
	assert_true(sees(fixture, MEMBER, image));
	assert_false(sees(fixture, OTHER, image));
	ec2(fixture, "ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.OrganizationalUnitArn=%s", image, unit);
	assert_true(sees(fixture, OTHER, image));
	ec2(fixture,
	    "ModifyImageAttribute&ImageId=%s&LaunchPermission.Remove.1.UserId=" MEMBER
	    "&LaunchPermission.Remove.2.OrganizationalUnitArn=%s",
	    image, unit);
	assert_false(sees(fixture, OTHER, image));
	ec2(fixture, "ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.OrganizationArn=%s", image, organization);
	assert_true(sees(fixture, MEMBER, image));
	assert_true(sees(fixture, OTHER, image));
	/* Seeing is not owning. */
	fixture_assume(fixture, MEMBER, "OrganizationAccountAccessRole");
	ec2(fixture, "DeregisterImage&ImageId=%s", image);
	assert_refused(fixture, "AuthFailure");
	fixture_send(fixture, "organizations", "AWSOrganizationsV20161128.ListAccounts", "{}");
	assert_refused(fixture, "AccessDeniedException");
	fixture_send(fixture, "organizations", "AWSOrganizationsV20161128.DescribeOrganization", "{}");
	assert_done(fixture);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_role_of_another_account_speaks_for_it),
		TEST(credentials_are_verified_with_their_token),
		TEST(credentials_run_out_in_each_services_words),
		TEST(sessions_outlive_a_restart),
		TEST(what_assume_role_refuses),
		TEST(a_chain_of_roles_lasts_an_hour_at_most),
		TEST(a_reader_only_reads),
		TEST(session_policies_bound_a_session),
		TEST(a_web_identity_becomes_a_role_unsigned),
		TEST(an_image_is_seen_by_whom_it_is_shared_with),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
