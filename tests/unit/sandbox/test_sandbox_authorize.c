/* SPDX-License-Identifier: Apache-2.0
 *
 * A sandbox that was given a policy: which permission each operation asks for, on what and with which conditions. */
#include "cloud_fixture.h"

#include "src/sandbox/access/needs.h"
#include "src/sandbox/access/policy.h"
#include "src/sandbox/services.h"

/* Single quotes stand for double ones. */
static void set_policy(struct fixture *fixture, const char *statements)
{
	struct error err = {0};
	struct tree *policy = NULL;
	_cleanup_(freep) char *text = mem_printf("{'Version':'2012-10-17','Statement':[%s]}", statements);
	for (char *c = text; *c != '\0'; c++)
		*c = *c == '\'' ? '"' : *c;
	assert_works(policy_read(text, strlen(text), POLICY_IDENTITY, &policy, &err));
	tree_free(fixture->cloud->policy);
	fixture->cloud->policy = policy;
}

static void lift_policy(struct fixture *fixture)
{
	tree_free(fixture->cloud->policy);
	fixture->cloud->policy = NULL;
}

#define ALLOW(actions) "{'Effect':'Allow','Action':[" actions "],'Resource':'*'}"
#define ALLOW_ON(actions, resource) "{'Effect':'Allow','Action':[" actions "],'Resource':" resource "}"
#define ALLOW_IF(actions, resource, condition)                                                                         \
	"{'Effect':'Allow','Action':[" actions "],'Resource':" resource ",'Condition':" condition "}"

#define assert_denied(fixture, action, resource)                                                                       \
	do {                                                                                                           \
		if (strstr((fixture)->body.data, "is not authorized to perform: " action " on resource: " resource) == \
		    NULL)                                                                                              \
			fail_msg("not refused for " action ": %s", (fixture)->body.data);                              \
	} while (0)

/* Every operation has a row; a new one that has none would be refused to everybody but administrators. */
static void every_operation_stands_in_the_table(void **state)
{
	(void)state;
	for (const struct service *service = services; service->name != NULL; service++)
		for (size_t t = 0; service->operations[t] != NULL; t++)
			for (const struct operation *row = service->operations[t]; row->name != NULL; row++) {
				bool found = false;
				for (const struct need *need = needs; need->service != NULL; need++)
					found = found || need_is_of(need, service->name, row->name);
				if (!found)
					fail_msg("needs.def has no row for %s %s", service->name, row->name);
			}
}

static void nothing_is_allowed_that_is_not_said(void **state)
{
	struct fixture *fixture = *state;
	set_policy(fixture, ALLOW("'ec2:DescribeRegions'"));
	ec2(fixture, "DescribeRegions");
	assert_done(fixture);
	ec2(fixture, "DescribeVpcs");
	assert_refused(fixture, "UnauthorizedOperation");
	assert_denied(fixture, "ec2:DescribeVpcs", "*");
	ssm(fixture, "GetParameter", "{\"Name\":\"/a/b\"}");
	assert_refused(fixture, "AccessDeniedException");
	assert_denied(fixture, "ssm:GetParameter", "arn:aws:ssm:us-east-1:123456789012:parameter/a/b");
	query(fixture, "iam", "GetUser");
	assert_refused(fixture, "AccessDenied");
	assert_denied(fixture, "iam:GetUser", "arn:aws:iam::123456789012:user/sandbox");
	/* Who one is needs no permission. */
	query(fixture, "sts", "GetCallerIdentity");
	assert_done(fixture);
	lift_policy(fixture);
	ec2(fixture, "DescribeVpcs");
	assert_done(fixture);
}

static void a_deny_is_told_as_one(void **state)
{
	struct fixture *fixture = *state;
	set_policy(fixture, ALLOW("'*'") ",{'Effect':'Deny','Action':'ec2:Describe*','Resource':'*'}");
	ec2(fixture, "DescribeVpcs");
	assert_refused(fixture, "UnauthorizedOperation");
	assert_non_null(strstr(fixture->body.data, "with an explicit deny in an identity-based policy"));
}

static char *encoded_message(struct fixture *fixture)
{
	const char *at = strstr(fixture->body.data, "Encoded authorization failure message: ");
	if (at == NULL)
		fail_msg("no encoded message: %s", fixture->body.data);
	at += strlen("Encoded authorization failure message: ");
	return mem_strndup(at, strcspn(at, "<"));
}

static void an_encoded_refusal_can_be_decoded(void **state)
{
	struct fixture *fixture = *state;
	struct error err = {0};
	set_policy(fixture, ALLOW("'sts:DecodeAuthorizationMessage'"));
	ec2(fixture, "CreateSecurityGroup&GroupName=g&GroupDescription=d&TagSpecification.1.ResourceType=security-group"
		     "&TagSpecification.1.Tag.1.Key=bakery%%3Abuild&TagSpecification.1.Tag.1.Value=b1");
	_cleanup_(freep) char *encoded = encoded_message(fixture);
	query(fixture, "sts", "DecodeAuthorizationMessage&EncodedMessage=%s", encoded);
	assert_done(fixture);
	const char *text = said(fixture, "DecodeAuthorizationMessageResult.DecodedMessage");
	_cleanup_(tree_freep) struct tree *decoded = tree_from_json(text, strlen(text), &err);
	assert_string_equal(tree_text(decoded, "context.action"), "ec2:CreateSecurityGroup");
	assert_string_equal(tree_text(decoded, "context.principal.name"), "sandbox");
	assert_false(tree_bool(decoded, "allowed", true));
	assert_false(tree_bool(decoded, "explicitDeny", true));
	assert_non_null(
		strstr(text, "{\"key\":\"aws:RequestTag/bakery:build\",\"values\":{\"items\":[{\"value\":\"b1\"}]}}"));
	encoded[10] = encoded[10] == 'A' ? 'B' : 'A';
	query(fixture, "sts", "DecodeAuthorizationMessage&EncodedMessage=%s", encoded);
	assert_refused(fixture, "InvalidAuthorizationMessageException");
	set_policy(fixture, ALLOW("'ec2:*'"));
	query(fixture, "sts", "DecodeAuthorizationMessage&EncodedMessage=%s", encoded);
	assert_refused(fixture, "AccessDenied");
}

/* --- launching --- */

static char *base_image(struct fixture *fixture)
{
	ec2(fixture, "DescribeImages&Owner.1=136693071363");
	assert_done(fixture);
	return mem_strdup(said(fixture, "imagesSet.1.imageId"));
}

static const char *type_here(void)
{
	return str_eq(cloud_architecture(), "arm64") ? "m6g.large" : "m5.large";
}

static void run(struct fixture *fixture, const char *image, const char *more)
{
	ec2(fixture,
	    "RunInstances&ImageId=%s&InstanceType=%s&MinCount=1&MaxCount=1&MetadataOptions.HttpTokens=required"
	    "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=bakery%%3Abuild&TagSpecification.1."
	    "Tag.1.Value=b1"
	    "&TagSpecification.2.ResourceType=volume&TagSpecification.2.Tag.1.Key=bakery%%3Abuild&TagSpecification.2."
	    "Tag.1.Value=b1%s",
	    image, type_here(), more);
}

#define ANY(noun) "'arn:aws:ec2:*:*:" noun "/*'"
#define TAGGED "{'StringEquals':{'aws:RequestTag/bakery:build':'b1'}}"
#define LAUNCH_REST                                                                                                    \
	ALLOW_ON("'ec2:RunInstances'", "['arn:aws:ec2:*::image/*'," ANY("network-interface") "," ANY(                  \
					       "security-group") "," ANY("subnet") "]")
#define LAUNCH_MADE ALLOW_IF("'ec2:RunInstances'", "[" ANY("instance") "," ANY("volume") "]", TAGGED)
#define LAUNCH_TAGS                                                                                                    \
	ALLOW_IF("'ec2:CreateTags'", "'arn:aws:ec2:*:*:*/*'",                                                          \
		 "{'StringEquals':{'ec2:CreateAction':'RunInstances'},'ForAllValues:StringLike':{'aws:TagKeys':'"      \
		 "bakery:*'}}")

static void a_launch_needs_each_resource_and_its_tags(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *image = base_image(fixture);
	set_policy(fixture, LAUNCH_REST "," LAUNCH_MADE "," LAUNCH_TAGS);
	run(fixture, image, "&DryRun=true");
	assert_refused(fixture, "DryRunOperation");
	run(fixture, image, "");
	assert_done(fixture);
	static const struct {
		const char *policy, *denied;
	} cases[] = {
		{LAUNCH_MADE "," LAUNCH_TAGS, "ec2:RunInstances on resource: arn:aws:ec2:us-east-1::image/ami-"},
		{LAUNCH_REST "," LAUNCH_TAGS,
		 "ec2:RunInstances on resource: arn:aws:ec2:us-east-1:123456789012:instance/*"},
		{LAUNCH_REST "," LAUNCH_MADE,
		 "ec2:CreateTags on resource: arn:aws:ec2:us-east-1:123456789012:instance/*"},
		{LAUNCH_REST "," LAUNCH_TAGS "," ALLOW_IF("'ec2:RunInstances'", "'*'",
							  "{'StringEquals':{'aws:RequestTag/bakery:build':'b2'}}"),
		 "ec2:RunInstances on resource: arn:aws:ec2:us-east-1:123456789012:instance/*"},
		{LAUNCH_REST "," LAUNCH_MADE "," LAUNCH_TAGS
			     ",{'Effect':'Deny','Action':'ec2:RunInstances','Resource':" ANY(
				     "instance") ",'Condition':"
						 "{'StringEquals':{'ec2:MetadataHttpTokens':'required'}}}",
		 "ec2:RunInstances on resource: arn:aws:ec2:us-east-1:123456789012:instance/*"},
		{LAUNCH_REST "," LAUNCH_MADE "," LAUNCH_TAGS
			     ",{'Effect':'Deny','Action':'ec2:RunInstances','Resource':" ANY(
				     "volume") ",'Condition':"
					       "{'Bool':{'ec2:Encrypted':'false'}}}",
		 "ec2:RunInstances on resource: arn:aws:ec2:us-east-1:123456789012:volume/*"},
		{LAUNCH_REST "," LAUNCH_MADE "," LAUNCH_TAGS
			     ",{'Effect':'Deny','Action':'*','Resource':'*','Condition':{'StringNotEquals':{'aws:"
			     "RequestedRegion':'eu-west-1'}}}",
		 "ec2:RunInstances on resource: arn:aws:ec2:us-east-1::image/ami-"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		set_policy(fixture, cases[i].policy);
		run(fixture, image, "&DryRun=true");
		assert_refused(fixture, "UnauthorizedOperation");
		if (strstr(fixture->body.data, cases[i].denied) == NULL)
			fail_msg("%zu: not refused for %s: %s", i, cases[i].denied, fixture->body.data);
	}
}

static void spot_and_profiles_ask_for_more(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *image = base_image(fixture);
	set_policy(fixture, LAUNCH_REST "," LAUNCH_MADE "," LAUNCH_TAGS);
	run(fixture, image, "&InstanceMarketOptions.MarketType=spot");
	assert_denied(fixture, "ec2:RunInstances", "arn:aws:ec2:us-east-1:123456789012:spot-instances-request/*");
	run(fixture, image, "&IamInstanceProfile.Name=bakery-builder");
	assert_denied(fixture, "iam:PassRole", "arn:aws:iam::123456789012:role/bakery-builder");
	set_policy(fixture, LAUNCH_REST "," LAUNCH_MADE "," LAUNCH_TAGS
					"," ALLOW_IF("'iam:PassRole'", "'arn:aws:iam::123456789012:role/bakery-*'",
						     "{'StringEquals':{'iam:PassedToService':'ec2.amazonaws.com'}}"));
	run(fixture, image, "&IamInstanceProfile.Name=bakery-builder");
	assert_done(fixture);
	assert_string_equal(said(fixture, "instancesSet.1.iamInstanceProfile.arn"),
			    "arn:aws:iam::123456789012:instance-profile/bakery-builder");
}

static void instances_are_stopped_by_their_tags(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *image = base_image(fixture);
	run(fixture, image, "");
	_cleanup_(freep) char *id = mem_strdup(said(fixture, "instancesSet.1.instanceId"));
	eventually(fixture, "reservationSet.1.instancesSet.1.instanceState.name", "running",
		   "DescribeInstances&InstanceId.1=%s", id);
	set_policy(fixture,
		   ALLOW_IF("'ec2:StopInstances'", "'*'", "{'StringEquals':{'aws:ResourceTag/bakery:build':'b2'}}"));
	ec2(fixture, "StopInstances&InstanceId.1=%s", id);
	assert_refused(fixture, "UnauthorizedOperation");
	set_policy(fixture,
		   ALLOW_IF("'ec2:StopInstances'", "'*'", "{'StringLike':{'ec2:ResourceTag/bakery:build':'b?'}}"));
	ec2(fixture, "StopInstances&InstanceId.1=%s", id);
	assert_done(fixture);
	/* One that is not there has no tags. */
	ec2(fixture, "StopInstances&InstanceId.1=i-00000000000000000");
	assert_refused(fixture, "UnauthorizedOperation");
}

/* --- images --- */

static void a_copy_asks_for_source_target_and_tags(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *image = base_image(fixture);
	fixture->region = "eu-west-1";
	static const char tags[] = "&TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=bakery%3Abuild"
				   "&TagSpecification.1.Tag.1.Value=b1";
	set_policy(fixture, ALLOW_ON("'ec2:CopyImage'", "'arn:aws:ec2:eu-west-1::image/*'"));
	ec2(fixture, "CopyImage&SourceImageId=%s&SourceRegion=us-east-1&Name=own%s", image, tags);
	assert_denied(fixture, "ec2:CopyImage", "arn:aws:ec2:us-east-1::image/ami-");
	set_policy(fixture, ALLOW_ON("'ec2:CopyImage'", "'arn:aws:ec2:*::image/*'"));
	ec2(fixture, "CopyImage&SourceImageId=%s&SourceRegion=us-east-1&Name=own%s", image, tags);
	assert_denied(fixture, "ec2:CopyImage", "arn:aws:ec2:eu-west-1::snapshot/*");
	set_policy(fixture, ALLOW("'ec2:CopyImage'"));
	ec2(fixture, "CopyImage&SourceImageId=%s&SourceRegion=us-east-1&Name=own%s", image, tags);
	assert_denied(fixture, "ec2:CreateTags", "arn:aws:ec2:eu-west-1::image/*");
	set_policy(fixture, ALLOW("'ec2:CopyImage'") "," ALLOW_IF("'ec2:CreateTags'", "'arn:aws:ec2:*::image/*'",
								  "{'StringEquals':{'ec2:CreateAction':'CopyImage'}}"));
	ec2(fixture, "CopyImage&SourceImageId=%s&SourceRegion=us-east-1&Name=own%s", image, tags);
	assert_done(fixture);
	_cleanup_(freep) char *own = mem_strdup(said(fixture, "imageId"));
	/* Sharing with everybody can be kept from anybody. */
	set_policy(fixture,
		   ALLOW("'ec2:ModifyImageAttribute'") ",{'Effect':'Deny','Action':'ec2:ModifyImageAttribute','"
						       "Resource':'*',"
						       "'Condition':{'StringEquals':{'ec2:Add/group':'all'}}}");
	ec2(fixture, "ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.Group=all", own);
	assert_refused(fixture, "UnauthorizedOperation");
	ec2(fixture, "ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.UserId=210987654321", own);
	assert_done(fixture);
	set_policy(fixture, ALLOW("'ec2:DeregisterImage'"));
	ec2(fixture, "DeregisterImage&ImageId=%s&DeleteAssociatedSnapshots=true", own);
	assert_denied(fixture, "ec2:DeleteSnapshot", "arn:aws:ec2:eu-west-1::snapshot/snap-");
	ec2(fixture, "DeregisterImage&ImageId=%s", own);
	assert_done(fixture);
}

static void tags_are_limited_by_key(void **state)
{
	struct fixture *fixture = *state;
	ec2(fixture, "CreateSecurityGroup&GroupName=g&GroupDescription=d");
	_cleanup_(freep) char *group = mem_strdup(said(fixture, "groupId"));
	set_policy(
		fixture,
		ALLOW_IF("'ec2:CreateTags','ec2:DeleteTags'", ANY("security-group"),
			 "{'ForAllValues:StringLike':{'aws:TagKeys':'bakery:*'},'Null':{'ec2:CreateAction':'true'}}"));
	ec2(fixture, "CreateTags&ResourceId.1=%s&Tag.1.Key=bakery%%3Ax&Tag.1.Value=1", group);
	assert_done(fixture);
	ec2(fixture, "CreateTags&ResourceId.1=%s&Tag.1.Key=Name&Tag.1.Value=1", group);
	assert_denied(fixture, "ec2:CreateTags", "arn:aws:ec2:us-east-1:123456789012:security-group/sg-");
	ec2(fixture, "DeleteTags&ResourceId.1=%s&Tag.1.Key=bakery%%3Ax", group);
	assert_done(fixture);
	ec2(fixture, "DeleteSecurityGroup&GroupName=g");
	assert_denied(fixture, "ec2:DeleteSecurityGroup", "arn:aws:ec2:us-east-1:123456789012:security-group/sg-");
}

/* --- the other services --- */

static void parameters_have_paths(void **state)
{
	struct fixture *fixture = *state;
	set_policy(fixture, ALLOW_ON("'ssm:*'", "'arn:aws:ssm:*:123456789012:parameter/bakery/*'"));
	ssm(fixture, "PutParameter", "{\"Name\":\"/bakery/a\",\"Value\":\"1\",\"Type\":\"String\"}");
	assert_done(fixture);
	ssm(fixture, "PutParameter", "{\"Name\":\"/other\",\"Value\":\"1\",\"Type\":\"String\"}");
	assert_denied(fixture, "ssm:PutParameter", "arn:aws:ssm:us-east-1:123456789012:parameter/other");
	ssm(fixture, "GetParameters", "{\"Names\":[\"/bakery/a\",\"/other\"]}");
	assert_denied(fixture, "ssm:GetParameters", "arn:aws:ssm:us-east-1:123456789012:parameter/other");
	ssm(fixture, "GetParameter", "{\"Name\":\"/aws/service/debian/release/12/latest/amd64\"}");
	assert_denied(fixture, "ssm:GetParameter",
		      "arn:aws:ssm:us-east-1::parameter/aws/service/debian/release/12/latest/amd64");
	ssm(fixture, "DescribeParameters", "{}");
	assert_denied(fixture, "ssm:DescribeParameters", "*");
	set_policy(fixture, ALLOW("'ssm:PutParameter'"));
	ssm(fixture, "PutParameter",
	    "{\"Name\":\"/t\",\"Value\":\"1\",\"Type\":\"String\",\"Tags\":[{\"Key\":\"a\",\"Value\":\"b\"}]}");
	assert_denied(fixture, "ssm:AddTagsToResource", "arn:aws:ssm:us-east-1:123456789012:parameter/t");
}

static void becoming_a_role_needs_both_sides(void **state)
{
	struct fixture *fixture = *state;
	set_policy(fixture, ALLOW("'ec2:*'"));
	query(fixture, "sts", "AssumeRole&RoleArn=arn:aws:iam::210987654321:role/bakery-reader&RoleSessionName=ab");
	assert_refused(fixture, "AccessDenied");
	assert_denied(fixture, "sts:AssumeRole", "arn:aws:iam::210987654321:role/bakery-reader");
	set_policy(fixture, ALLOW_ON("'sts:AssumeRole'", "'arn:aws:iam::210987654321:role/bakery-*'"));
	query(fixture, "sts", "AssumeRole&RoleArn=arn:aws:iam::210987654321:role/bakery-reader&RoleSessionName=ab");
	assert_done(fixture);
	query(fixture, "sts",
	      "AssumeRole&RoleArn=arn:aws:iam::210987654321:role/OrganizationAccountAccessRole&RoleSessionName=ab");
	assert_refused(fixture, "AccessDenied");
}

static void a_key_asks_its_policy_and_the_callers(void **state)
{
	struct fixture *fixture = *state;
	set_policy(fixture, ALLOW("'ec2:*'"));
	kms(fixture, "DescribeKey", "{\"KeyId\":\"alias/bakery\"}");
	assert_done(fixture); /* its policy admits the whole organization by name */
	kms(fixture, "EnableKey", "{\"KeyId\":\"alias/bakery\"}");
	assert_refused(fixture, "AccessDeniedException");
	assert_denied(fixture, "kms:EnableKey", "arn:aws:kms:us-east-1:123456789012:key/");
	set_policy(fixture, ALLOW("'kms:DescribeKey'") ",{'Effect':'Deny','Action':'kms:*','Resource':'*','Condition':"
						       "{'Null':{'kms:ViaService':'true'}}}");
	kms(fixture, "DescribeKey", "{\"KeyId\":\"alias/bakery\"}");
	assert_refused(fixture, "AccessDeniedException");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_stands_in_the_table),
		TEST(nothing_is_allowed_that_is_not_said),
		TEST(a_deny_is_told_as_one),
		TEST(an_encoded_refusal_can_be_decoded),
		TEST(a_launch_needs_each_resource_and_its_tags),
		TEST(spot_and_profiles_ask_for_more),
		TEST(instances_are_stopped_by_their_tags),
		TEST(a_copy_asks_for_source_target_and_tags),
		TEST(tags_are_limited_by_key),
		TEST(parameters_have_paths),
		TEST(becoming_a_role_needs_both_sides),
		TEST(a_key_asks_its_policy_and_the_callers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
