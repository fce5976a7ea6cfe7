/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys: who has which, their states, policies and grants, and what EC2 makes of a key that cannot be used. */
#include "cloud_fixture.h"

#define MAPPING "&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.Encrypted=true"

/* The ARN of a key; free it. */
static char *key_arn(struct fixture *fixture, const char *named)
{
	kms(fixture, "DescribeKey", "{\"KeyId\":\"%s\"}", named);
	assert_done(fixture);
	return mem_strdup(said(fixture, "KeyMetadata.Arn"));
}

static void every_region_has_its_own_keys(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *here = key_arn(fixture, "alias/bakery");
	assert_string_equal(said(fixture, "KeyMetadata.KeyManager"), "CUSTOMER");
	_cleanup_(freep) char *service = key_arn(fixture, "alias/aws/ebs");
	assert_string_equal(said(fixture, "KeyMetadata.KeyManager"), "AWS");
	_cleanup_(freep) char *again = key_arn(fixture, here);
	assert_string_equal(here, again);
	kms(fixture, "ListAliases", "{}");
	assert_int_equal(tree_count(tree_get(fixture->reply, "Aliases")), 2);
	kms(fixture, "ListKeys", "{\"Limit\":1}");
	assert_string_equal(said(fixture, "Truncated"), "true");
	kms(fixture, "ListKeys", "{\"Marker\":\"%s\"}", said(fixture, "NextMarker"));
	assert_int_equal(tree_count(tree_get(fixture->reply, "Keys")), 1);
	fixture->region = "eu-west-1";
	_cleanup_(freep) char *there = key_arn(fixture, "alias/bakery");
	assert_string_not_equal(here, there);
	kms(fixture, "DescribeKey", "{\"KeyId\":\"%s\"}", here); /* of another region */
	assert_refused(fixture, "NotFoundException");
	kms(fixture, "DescribeKey", "{\"KeyId\":\"alias/none\"}");
	assert_refused(fixture, "NotFoundException");
}

static void a_key_has_states(void **state)
{
	struct fixture *fixture = *state;
	kms(fixture, "CreateKey", "{\"Description\":\"mine\"}");
	assert_done(fixture);
	_cleanup_(freep) char *id = mem_strdup(said(fixture, "KeyMetadata.KeyId"));
	static const struct {
		const char *operation, *code, *state;
	} steps[] = {
		{"DisableKey", "", "Disabled"},
		{"EnableKey", "", "Enabled"},
		{"CancelKeyDeletion", "KMSInvalidStateException", "Enabled"},
		{"ScheduleKeyDeletion", "", "PendingDeletion"},
		{"EnableKey", "KMSInvalidStateException", "PendingDeletion"},
		{"ScheduleKeyDeletion", "KMSInvalidStateException", "PendingDeletion"},
		{"CancelKeyDeletion", "", "Disabled"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		kms(fixture, steps[i].operation, "{\"KeyId\":\"%s\"}", id);
		assert_refused(fixture, steps[i].code);
		kms(fixture, "DescribeKey", "{\"KeyId\":\"%s\"}", id);
		assert_string_equal(said(fixture, "KeyMetadata.KeyState"), steps[i].state);
	}
	kms(fixture, "DisableKey", "{\"KeyId\":\"alias/aws/ebs\"}");
	assert_refused(fixture, "AccessDeniedException");
	kms(fixture, "ScheduleKeyDeletion", "{\"KeyId\":\"%s\",\"PendingWindowInDays\":3}", id);
	assert_refused(fixture, "ValidationException");
	kms(fixture, "GetKeyRotationStatus", "{\"KeyId\":\"%s\"}", id);
	assert_string_equal(said(fixture, "KeyRotationEnabled"), "false");
	kms(fixture, "CreateKey", "{\"KeyUsage\":\"SIGN_VERIFY\",\"KeySpec\":\"RSA_2048\"}");
	assert_refused(fixture, "UnsupportedOperationException");
}

static void an_alias_names_a_key(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *arn = key_arn(fixture, "alias/bakery");
	kms(fixture, "CreateAlias", "{\"AliasName\":\"alias/other\",\"TargetKeyId\":\"%s\"}", arn);
	assert_done(fixture);
	_cleanup_(freep) char *same = key_arn(fixture, "alias/other");
	assert_string_equal(arn, same);
	kms(fixture, "CreateAlias", "{\"AliasName\":\"alias/other\",\"TargetKeyId\":\"%s\"}", arn);
	assert_refused(fixture, "AlreadyExistsException");
	kms(fixture, "CreateAlias", "{\"AliasName\":\"alias/aws/x\",\"TargetKeyId\":\"%s\"}", arn);
	assert_refused(fixture, "InvalidAliasNameException");
	kms(fixture, "CreateAlias", "{\"AliasName\":\"other\",\"TargetKeyId\":\"%s\"}", arn);
	assert_refused(fixture, "ValidationException");
	kms(fixture, "ListAliases", "{\"KeyId\":\"%s\"}", arn);
	assert_int_equal(tree_count(tree_get(fixture->reply, "Aliases")), 2);
	kms(fixture, "DeleteAlias", "{\"AliasName\":\"alias/other\"}");
	assert_done(fixture);
	kms(fixture, "DeleteAlias", "{\"AliasName\":\"alias/other\"}");
	assert_refused(fixture, "NotFoundException");
}

static void a_policy_is_kept_and_judged(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *arn = key_arn(fixture, "alias/bakery");
	kms(fixture, "GetKeyPolicy", "{\"KeyId\":\"%s\",\"PolicyName\":\"default\"}", arn);
	assert_non_null(strstr(said(fixture, "Policy"), "aws:PrincipalOrgID"));
	kms(fixture, "PutKeyPolicy", "{\"KeyId\":\"%s\",\"PolicyName\":\"default\",\"Policy\":\"{}\"}", arn);
	assert_refused(fixture, "MalformedPolicyDocumentException");
	kms(fixture, "PutKeyPolicy",
	    "{\"KeyId\":\"%s\",\"PolicyName\":\"default\",\"Policy\":\"{\\\"Statement\\\":[{\\\"Effect\\\":"
	    "\\\"Allow\\\",\\\"Principal\\\":"
	    "{\\\"AWS\\\":\\\"arn:aws:iam::210987654321:root\\\"},\\\"Action\\\":\\\"kms:*\\\",\\\"Resource\\\":\\\"*"
	    "\\\"}]}\"}",
	    arn);
	assert_refused(fixture, "MalformedPolicyDocumentException"); /* it would lock its owner out */
	kms(fixture, "PutKeyPolicy",
	    "{\"KeyId\":\"%s\",\"BypassPolicyLockoutSafetyCheck\":true,\"PolicyName\":\"default\",\"Policy\":\"{"
	    "\\\"Statement\\\":[{"
	    "\\\"Effect\\\":"
	    "\\\"Allow\\\",\\\"Principal\\\":\\\"*\\\",\\\"Action\\\":\\\"kms:Describe*\\\",\\\"Resource\\\":\\\"*\\\"}"
	    "]}\"}",
	    arn);
	assert_done(fixture);
	kms(fixture, "DescribeKey", "{\"KeyId\":\"%s\"}", arn);
	assert_done(fixture);
	kms(fixture, "GetKeyPolicy", "{\"KeyId\":\"%s\"}", arn);
	assert_refused(fixture, "AccessDeniedException");
}

static void grants_come_and_go(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *arn = key_arn(fixture, "alias/bakery");
	const char *role = "arn:aws:iam::210987654321:role/aws-service-role/autoscaling.amazonaws.com/"
			   "AWSServiceRoleForAutoScaling";
	kms(fixture, "CreateGrant",
	    "{\"KeyId\":\"%s\",\"GranteePrincipal\":\"%s\",\"Operations\":[\"Decrypt\",\"CreateGrant\"],\"DryRun\":"
	    "true}",
	    arn, role);
	assert_refused(fixture, "DryRunOperationException");
	kms(fixture, "CreateGrant",
	    "{\"KeyId\":\"%s\",\"GranteePrincipal\":\"%s\",\"Operations\":[\"Decrypt\",\"CreateGrant\"]}", arn, role);
	assert_done(fixture);
	_cleanup_(freep) char *grant = mem_strdup(said(fixture, "GrantId"));
	kms(fixture, "ListGrants", "{\"KeyId\":\"%s\"}", arn);
	assert_string_equal(said(fixture, "Grants.1.GranteePrincipal"), role);
	kms(fixture, "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", arn, grant);
	assert_done(fixture);
	kms(fixture, "RevokeGrant", "{\"KeyId\":\"%s\",\"GrantId\":\"%s\"}", arn, grant);
	assert_refused(fixture, "NotFoundException");
	kms(fixture, "CreateGrant", "{\"KeyId\":\"%s\",\"GranteePrincipal\":\"%s\",\"Operations\":[\"Sign\"]}", arn,
	    role);
	assert_refused(fixture, "ValidationException");
	kms(fixture, "DisableKey", "{\"KeyId\":\"%s\"}", arn);
	kms(fixture, "CreateGrant", "{\"KeyId\":\"%s\",\"GranteePrincipal\":\"%s\",\"Operations\":[\"Decrypt\"]}", arn,
	    role);
	assert_refused(fixture, "DisabledException");
}

/* --- what EC2 makes of it --- */

static void launch_ends_with(struct fixture *fixture, const char *key, const char *code)
{
	_cleanup_(freep) char *more = mem_printf(MAPPING "&BlockDeviceMapping.1.Ebs.KmsKeyId=%s", key);
	_cleanup_(freep) char *id = launch(fixture, more);
	assert_string_equal(said(fixture, "instancesSet.1.instanceState.name"), "pending");
	eventually(fixture, "reservationSet.1.instancesSet.1.instanceState.name", "terminated",
		   "DescribeInstances&InstanceId.1=%s", id);
	assert_string_equal(said(fixture, "reservationSet.1.instancesSet.1.stateReason.code"), code);
}

static void a_launch_with_a_bad_key_ends(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *id = launch_and_wait(fixture, MAPPING "&BlockDeviceMapping.1.Ebs.KmsKeyId=alias/bakery");
	ec2(fixture, "DescribeVolumes");
	_cleanup_(freep) char *arn = mem_strdup(said(fixture, "volumeSet.1.kmsKeyId"));
	assert_non_null(strstr(arn, ":key/"));
	launch_ends_with(fixture, "alias/none", "Client.InvalidKMSKey.NotFound");
	launch_ends_with(fixture, "arn:aws:kms:eu-west-1:123456789012:alias/bakery", "Client.InvalidKMSKey.NotFound");
	kms(fixture, "DisableKey", "{\"KeyId\":\"%s\"}", arn);
	launch_ends_with(fixture, "alias/bakery", "Client.InvalidKMSKey.InvalidState");
	ec2(fixture, "StopInstances&InstanceId.1=%s", id);
	eventually(fixture, "reservationSet.1.instancesSet.1.instanceState.name", "stopped",
		   "DescribeInstances&InstanceId.1=%s", id);
	ec2(fixture, "StartInstances&InstanceId.1=%s", id);
	assert_done(fixture);
	eventually(fixture, "reservationSet.1.instancesSet.1.stateReason.code", "Client.InvalidKMSKey.InvalidState",
		   "DescribeInstances&InstanceId.1=%s", id);
	assert_string_equal(said(fixture, "reservationSet.1.instancesSet.1.instanceState.name"), "stopped");
}

static void a_launch_without_permission_for_the_key_ends(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *arn = key_arn(fixture, "alias/bakery");
	kms(fixture, "PutKeyPolicy",
	    "{\"KeyId\":\"%s\",\"PolicyName\":\"default\",\"Policy\":\"{\\\"Statement\\\":[{\\\"Effect\\\":"
	    "\\\"Allow\\\",\\\"Principal\\\":"
	    "{\\\"AWS\\\":\\\"123456789012\\\"},\\\"Action\\\":[\\\"kms:Put*\\\",\\\"kms:GenerateDataKey*\\\"],"
	    "\\\"Resource\\\":"
	    "\\\"*\\\"}]}\"}",
	    arn);
	assert_done(fixture);
	launch_ends_with(fixture, arn, "Client.InternalError");
}

static void an_image_fails_with_its_key(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *id = launch_and_wait(fixture, MAPPING);
	ec2(fixture, "CreateImage&InstanceId=%s&Name=first", id);
	_cleanup_(freep) char *image = mem_strdup(said(fixture, "imageId"));
	eventually(fixture, "imagesSet.1.imageState", "available", "DescribeImages&ImageId.1=%s", image);
	ec2(fixture, "ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.UserId=210987654321", image);
	assert_refused(fixture, "InvalidParameter"); /* EBS's own key cannot be shared */
	ec2(fixture, "CopyImage&SourceRegion=us-east-1&SourceImageId=%s&Name=bad&Encrypted=true&KmsKeyId=alias/none",
	    image);
	assert_done(fixture);
	_cleanup_(freep) char *bad = mem_strdup(said(fixture, "imageId"));
	eventually(fixture, "imagesSet.1.imageState", "failed", "DescribeImages&ImageId.1=%s", bad);
	assert_string_equal(said(fixture, "imagesSet.1.stateReason.message"),
			    "Copy image failed with an internal error");
	ec2(fixture, "DescribeSnapshots&SnapshotId.1=%s",
	    said(fixture, "imagesSet.1.blockDeviceMapping.1.ebs.snapshotId"));
	assert_string_equal(said(fixture, "snapshotSet.1.status"), "error");
	assert_string_equal(said(fixture, "snapshotSet.1.statusMessage"), "Given key ID is not accessible");
	ec2(fixture, "CopyImage&SourceRegion=us-east-1&SourceImageId=%s&Name=good&Encrypted=true&KmsKeyId=alias/bakery",
	    image);
	_cleanup_(freep) char *good = mem_strdup(said(fixture, "imageId"));
	eventually(fixture, "imagesSet.1.imageState", "available", "DescribeImages&ImageId.1=%s", good);
	ec2(fixture, "ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.UserId=210987654321", good);
	assert_done(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_region_has_its_own_keys, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_key_has_states, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(an_alias_names_a_key, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_policy_is_kept_and_judged, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(grants_come_and_go, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_launch_with_a_bad_key_ends, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_launch_without_permission_for_the_key_ends, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(an_image_fails_with_its_key, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
