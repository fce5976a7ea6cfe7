/* SPDX-License-Identifier: Apache-2.0
 *
 * The cloud as a client meets it: signatures, EC2 and Parameter Store in the words AWS uses, transitions, restarts. No
 * machines. */
#include "cloud_fixture.h"

#include "src/sandbox/ec2/ec2.h"

/* --- signatures --- */

static void signatures_are_verified_in_each_services_words(void **state)
{
	struct fixture *fixture = *state;
	const char *key = fixture->access_key, *secret = fixture->secret;
	ec2(fixture, "DescribeRegions");
	assert_done(fixture);
	fixture->secret = "wrong";
	ec2(fixture, "DescribeRegions");
	assert_refused(fixture, "SignatureDoesNotMatch");
	ssm(fixture, "GetParameter", "{\"Name\":\"/a\"}");
	assert_refused(fixture, "InvalidSignatureException");
	fixture->secret = NULL;
	ec2(fixture, "DescribeRegions");
	assert_refused(fixture, "MissingAuthenticationToken");
	fixture->secret = secret;
	fixture->access_key = "AKIAUNKNOWN";
	ec2(fixture, "DescribeRegions");
	assert_refused(fixture, "AuthFailure");
	assert_int_equal(fixture->status, 401);
	fixture_send(fixture, "sts", NULL, "Action=GetCallerIdentity&Version=2011-06-15");
	assert_refused(fixture, "InvalidClientTokenId");
	fixture->access_key = key;
	fixture->signed_at_ms = clock_wall_ms() - 16 * 60 * 1000;
	ec2(fixture, "DescribeRegions");
	assert_refused(fixture, "RequestExpired");
	fixture->signed_at_ms = clock_wall_ms() + 16 * 60 * 1000;
	ssm(fixture, "GetParameter", "{\"Name\":\"/a\"}");
	assert_refused(fixture, "InvalidSignatureException");
}

static void what_is_unknown_is_refused(void **state)
{
	struct fixture *fixture = *state;
	ec2(fixture, "LaunchRocket");
	assert_refused(fixture, "InvalidAction");
	ec2(fixture, "DescribeRegions&Regio.1=x");
	assert_refused(fixture, "UnknownParameter");
	ec2(fixture, "DescribeImages&Filter.1.Name=nmae&Filter.1.Value.1=x");
	assert_refused(fixture, "InvalidParameterValue");
	ssm(fixture, "LaunchRocket", "{}");
	assert_refused(fixture, "UnknownOperationException");
	ssm(fixture, "GetParameter", "[1");
	assert_refused(fixture, "SerializationException");
	fixture_send(fixture, "s3", NULL, "Action=ListBuckets&Version=2006-03-01");
	assert_refused(fixture, "InvalidAction");
	fixture->region = "mars-north-1";
	ec2(fixture, "DescribeRegions");
	assert_refused(fixture, "SignatureDoesNotMatch");
}

/* --- instances --- */

static void an_instance_lives_and_dies(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *id =
		launch_and_wait(fixture, "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=k&"
					 "TagSpecification.1.Tag.1.Value=v");
	assert_string_equal(said(fixture, "reservationSet.1.instancesSet.1.tagSet.1.value"), "v");
	assert_true(str_starts(said(fixture, "reservationSet.1.instancesSet.1.ipAddress"), "127."));
	ec2(fixture, "StartInstances&InstanceId.1=%s", id);
	assert_string_equal(said(fixture, "instancesSet.1.currentState.name"), "running");
	ec2(fixture, "StopInstances&InstanceId.1=%s", id);
	assert_string_equal(said(fixture, "instancesSet.1.currentState.name"), "stopping");
	eventually(fixture, "reservationSet.1.instancesSet.1.instanceState.name", "stopped",
		   "DescribeInstances&InstanceId.1=%s", id);
	ec2(fixture, "RebootInstances&InstanceId.1=%s", id);
	assert_refused(fixture, "IncorrectInstanceState");
	ec2(fixture, "TerminateInstances&InstanceId.1=%s", id);
	assert_done(fixture);
	eventually(fixture, "reservationSet.1.instancesSet.1.instanceState.name", "terminated",
		   "DescribeInstances&InstanceId.1=%s", id);
	ec2(fixture, "StartInstances&InstanceId.1=%s", id);
	assert_refused(fixture, "IncorrectInstanceState");
	ec2(fixture, "DescribeVolumes");
	assert_int_equal(tree_count(tree_get(fixture->reply, "volumeSet")), 0);
	ec2(fixture, "DescribeInstances&InstanceId.1=i-00000000000000000");
	assert_refused(fixture, "InvalidInstanceID.NotFound");
	ec2(fixture, "DescribeInstances&InstanceId.1=instance");
	assert_refused(fixture, "InvalidInstanceID.Malformed");
}

static void a_launch_is_checked(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *ami = newest_base(fixture);
	static const struct {
		const char *more, *code;
	} cases[] = {
		{"&KeyName=none", "InvalidKeyPair.NotFound"},
		{"&SecurityGroupId.1=sg-00000000000000000", "InvalidGroup.NotFound"},
		{"&SubnetId=subnet-00000000000000000", "InvalidSubnetID.NotFound"},
		{"&Placement.AvailabilityZone=us-east-1z", "InvalidParameterValue"},
		{"&UserData=%25%25", "InvalidParameterValue"},
		{"&InstanceInitiatedShutdownBehavior=explode", "InvalidParameterValue"},
		{"&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.VolumeSize=1",
		 "InvalidBlockDeviceMapping"},
		{"&TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=k", "InvalidParameterValue"},
		{"&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=aws:k",
		 "InvalidParameterValue"},
		{"&DryRun=true", "DryRunOperation"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ec2(fixture, "RunInstances&ImageId=%s&InstanceType=%s&MinCount=1&MaxCount=1%s", ami,
		    instance_type_here(), cases[i].more);
		assert_refused(fixture, cases[i].code);
	}
	ec2(fixture, "RunInstances&ImageId=%s&InstanceType=x9.huge&MinCount=1&MaxCount=1", ami);
	assert_refused(fixture, "InvalidParameterValue");
	ec2(fixture, "RunInstances&ImageId=%s&InstanceType=%s&MinCount=2&MaxCount=1", ami, instance_type_here());
	assert_refused(fixture, "InvalidParameterValue");
	ec2(fixture, "DescribeInstances");
	assert_int_equal(tree_count(tree_get(fixture->reply, "reservationSet")), 0);
	ec2(fixture, "DescribeVolumes"); /* what was begun before the refusal is undone */
	assert_int_equal(tree_count(tree_get(fixture->reply, "volumeSet")), 0);
}

static void a_parameter_names_the_image(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *ami = newest_base(fixture);
	ssm(fixture, "PutParameter", "{\"Name\":\"/a/b\",\"Value\":\"%s\",\"Type\":\"String\"}", ami);
	ec2(fixture, "RunInstances&ImageId=resolve:ssm:/a/b:1&InstanceType=%s&MinCount=1&MaxCount=1",
	    instance_type_here());
	assert_string_equal(said(fixture, "instancesSet.1.imageId"), ami);
	ec2(fixture, "RunInstances&ImageId=resolve:ssm:/a/c&InstanceType=%s&MinCount=1&MaxCount=1",
	    instance_type_here());
	assert_refused(fixture, "InvalidParameterValue");
}

static void a_client_token_makes_one(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *first = launch(fixture, "&ClientToken=t");
	_cleanup_(freep) char *again = launch(fixture, "&ClientToken=t");
	assert_string_equal(first, again);
	_cleanup_(freep) char *ami = newest_base(fixture);
	ec2(fixture, "RunInstances&ImageId=%s&InstanceType=%s&MinCount=1&MaxCount=2&ClientToken=t", ami,
	    instance_type_here());
	assert_refused(fixture, "IdempotentParameterMismatch");
	ec2(fixture, "DescribeInstances");
	assert_int_equal(tree_count(tree_get(fixture->reply, "reservationSet")), 1);
}

static void capacity_falls_short_by_zone(void **state)
{
	struct fixture *fixture = *state;
	const char *type = instance_type_here();
	set(fixture, "capacity.%s.us-east-1a=0", type);
	_cleanup_(freep) char *elsewhere = launch(fixture, "");
	assert_string_equal(said(fixture, "instancesSet.1.placement.availabilityZone"), "us-east-1b");
	_cleanup_(freep) char *ami = newest_base(fixture);
	ec2(fixture,
	    "RunInstances&ImageId=%s&InstanceType=%s&MinCount=1&MaxCount=1&Placement.AvailabilityZone=us-east-1a", ami,
	    type);
	assert_refused(fixture, "InsufficientInstanceCapacity");
	assert_int_equal(fixture->status, 500);
	set(fixture, "capacity.%s=2", type);
	ec2(fixture, "RunInstances&ImageId=%s&InstanceType=%s&MinCount=1&MaxCount=5", ami, type);
	assert_int_equal(tree_count(tree_get(fixture->reply, "instancesSet")), 1);
}

static void what_is_new_is_not_found_for_the_lag(void **state)
{
	struct fixture *fixture = *state;
	set(fixture, "lag=1h");
	_cleanup_(freep) char *id = launch(fixture, "");
	ec2(fixture, "DescribeInstances&InstanceId.1=%s", id);
	assert_refused(fixture, "InvalidInstanceID.NotFound");
	ec2(fixture, "DescribeInstances");
	assert_int_equal(tree_count(tree_get(fixture->reply, "reservationSet")), 0);
	set(fixture, "lag=");
	ec2(fixture, "DescribeInstances&InstanceId.1=%s", id);
	assert_done(fixture);
}

static void a_restart_finishes_what_was_under_way(void **state)
{
	struct fixture *fixture = *state;
	set(fixture, "latency.launch=2s");
	_cleanup_(freep) char *id = launch(fixture, "");
	assert_string_equal(said(fixture, "instancesSet.1.instanceState.name"), "pending");
	fixture_reopen(fixture);
	eventually(fixture, "reservationSet.1.instancesSet.1.instanceState.name", "running",
		   "DescribeInstances&InstanceId.1=%s", id);
	fixture_reopen(fixture);
	eventually(fixture, "reservationSet.1.instancesSet.1.instanceState.name", "running",
		   "DescribeInstances&InstanceId.1=%s", id);
}

/* --- images --- */

static void an_image_is_made_copied_and_removed(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *image = bake(fixture, "one");
	_cleanup_(freep) char *snapshot = mem_strdup(said(fixture, "imagesSet.1.blockDeviceMapping.1.ebs.snapshotId"));
	ec2(fixture, "DescribeSnapshots&SnapshotId.1=%s", snapshot);
	assert_string_equal(said(fixture, "snapshotSet.1.status"), "completed");
	assert_null(tree_get(fixture->reply, "snapshotSet.1._layers"));
	fixture->region = "eu-west-1";
	ec2(fixture, "DescribeImages&ImageId.1=%s", image);
	assert_refused(fixture, "InvalidAMIID.NotFound");
	ec2(fixture, "CopyImage&SourceRegion=us-east-1&SourceImageId=%s&Name=one&ClientToken=c", image);
	_cleanup_(freep) char *copy = mem_strdup(said(fixture, "imageId"));
	ec2(fixture, "CopyImage&SourceRegion=us-east-1&SourceImageId=%s&Name=one&ClientToken=c", image);
	assert_string_equal(said(fixture, "imageId"), copy);
	eventually(fixture, "imagesSet.1.imageState", "available", "DescribeImages&ImageId.1=%s", copy);
	assert_string_equal(said(fixture, "imagesSet.1.sourceImageId"), image);
	fixture->region = "us-east-1";
	ec2(fixture, "DeleteSnapshot&SnapshotId=%s", snapshot);
	assert_refused(fixture, "InvalidSnapshot.InUse");
	ec2(fixture, "DeregisterImage&ImageId=%s", image);
	assert_done(fixture);
	ec2(fixture, "DeleteSnapshot&SnapshotId=%s", snapshot);
	assert_done(fixture);
	ec2(fixture, "DescribeImages&ImageId.1=%s", image);
	assert_refused(fixture, "InvalidAMIID.NotFound");
}

static void image_names_are_checked(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *image = bake(fixture, "one");
	_cleanup_(freep) char *instance = launch_and_wait(fixture, "");
	static const struct {
		const char *name, *code;
	} cases[] = {{"one", "InvalidAMIName.Duplicate"},
		     {"ab", "InvalidAMIName.Malformed"},
		     {"a%2Ab", "InvalidAMIName.Malformed"}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ec2(fixture, "CreateImage&InstanceId=%s&Name=%s", instance, cases[i].name);
		assert_refused(fixture, cases[i].code);
	}
}

static void sharing_and_deprecating(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *image = bake(fixture, "one");
	ec2(fixture,
	    "ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.UserId=210987654321&LaunchPermission.Add.2.Group="
	    "all",
	    image);
	assert_done(fixture);
	ec2(fixture, "ModifyImageAttribute&ImageId=%s&LaunchPermission.Remove.1.Group=all", image);
	ec2(fixture, "DescribeImageAttribute&ImageId=%s&Attribute=launchPermission", image);
	assert_int_equal(tree_count(tree_get(fixture->reply, "launchPermission")), 1);
	assert_string_equal(said(fixture, "launchPermission.1.userId"), "210987654321");
	ec2(fixture, "ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.UserId=12", image);
	assert_refused(fixture, "InvalidAMIAttributeItemValue");
	ec2(fixture, "ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.OrganizationArn=o-1", image);
	assert_refused(fixture, "InvalidParameterValue");
	ec2(fixture, "ModifyImageAttribute&ImageId=%s&Description.Value=x&ImdsSupport.Value=v2.0", image);
	assert_refused(fixture, "InvalidParameterCombination");
	ec2(fixture, "EnableImageDeprecation&ImageId=%s&DeprecateAt=2020-01-01T00:00:00Z", image);
	assert_refused(fixture, "InvalidParameterValue");
	ec2(fixture, "EnableImageDeprecation&ImageId=%s&DeprecateAt=2090-01-01T00:00:30Z", image);
	ec2(fixture, "DescribeImages&ImageId.1=%s", image);
	assert_string_equal(said(fixture, "imagesSet.1.deprecationTime"), "2090-01-01T00:00:00.000Z");
	_cleanup_(freep) char *base = newest_base(fixture);
	ec2(fixture, "ModifyImageAttribute&ImageId=%s&Description.Value=mine", base);
	assert_refused(fixture, "AuthFailure");
}

static void an_image_under_the_default_key_is_not_shared(void **state)
{
	struct fixture *fixture = *state;
	static const char encrypted[] =
		"&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.Encrypted=true";
	static const struct {
		const char *key, *code;
	} cases[] = {{"", "InvalidParameter"}, {"&BlockDeviceMapping.1.Ebs.KmsKeyId=alias/bakery", ""}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) char *more = mem_printf("%s%s", encrypted, cases[i].key);
		_cleanup_(freep) char *instance = launch_and_wait(fixture, more);
		ec2(fixture, "CreateImage&InstanceId=%s&Name=encrypted-%zu", instance, i);
		_cleanup_(freep) char *image = mem_strdup(said(fixture, "imageId"));
		ec2(fixture, "ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.UserId=210987654321", image);
		assert_refused(fixture, cases[i].code);
	}
}

static void owners_and_wildcards_select(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *image = bake(fixture, "one-a");
	static const struct {
		const char *query;
		size_t count;
	} cases[] = {
		{"&Owner.1=self", 1},
		{"&Owner.1=136693071363", 5},
		{"&Owner.1=self&Owner.2=136693071363", 6},
		{"&Owner.1=amazon", 7},
		{"&Owner.1=self&Filter.1.Name=name&Filter.1.Value.1=one-?", 1},
		{"&Owner.1=self&Filter.1.Name=name&Filter.1.Value.1=two&Filter.1.Value.2=o*", 1},
		{"&Owner.1=self&Filter.1.Name=name&Filter.1.Value.1=o*&Filter.2.Name=state&Filter.2.Value.1=pending",
		 0},
		{"&ExecutableBy.1=all", 26},
		{"&Filter.1.Name=is-public&Filter.1.Value.1=true", 26},
		{"&Owner.1=self&MaxResults=1", 1},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ec2(fixture, "DescribeImages%s", cases[i].query);
		assert_done(fixture);
		assert_int_equal(tree_count(tree_get(fixture->reply, "imagesSet")), cases[i].count);
	}
}

static void pages_follow_each_other(void **state)
{
	struct fixture *fixture = *state;
	ec2(fixture, "DescribeSubnets&MaxResults=5");
	assert_int_equal(tree_count(tree_get(fixture->reply, "subnetSet")), 5);
	ec2(fixture, "DescribeSubnets&MaxResults=5&NextToken=%s", said(fixture, "nextToken"));
	assert_int_equal(tree_count(tree_get(fixture->reply, "subnetSet")), 2);
	assert_null(tree_get(fixture->reply, "nextToken"));
	ec2(fixture, "DescribeSubnets&MaxResults=5&NextToken=nonsense");
	assert_refused(fixture, "InvalidParameterValue");
}

/* --- groups --- */

static void groups_are_kept_while_in_use(void **state)
{
	struct fixture *fixture = *state;
	ec2(fixture, "CreateSecurityGroup&GroupName=g&GroupDescription=d");
	_cleanup_(freep) char *group = mem_strdup(said(fixture, "groupId"));
	ec2(fixture, "CreateSecurityGroup&GroupName=g&GroupDescription=d");
	assert_refused(fixture, "InvalidGroup.Duplicate");
	static const struct {
		const char *rule, *code;
	} cases[] = {
		{"&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22&IpPermissions.1.ToPort=22&"
		 "IpPermissions.1.IpRanges.1.CidrIp=10.0.0.1/32",
		 ""},
		{"&IpProtocol=tcp&FromPort=22&ToPort=22&CidrIp=10.0.0.1/32", "InvalidPermission.Duplicate"},
		{"&IpProtocol=tcp&FromPort=22&ToPort=22&CidrIp=10.0.0.1", "InvalidParameterValue"},
		{"&IpProtocol=tcp&FromPort=23&ToPort=22&CidrIp=10.0.0.1/32", "InvalidParameterValue"},
		{"&IpProtocol=ssh&FromPort=22&ToPort=22&CidrIp=10.0.0.1/32", "InvalidPermission.Malformed"},
		{"", "MissingParameter"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ec2(fixture, "AuthorizeSecurityGroupIngress&GroupId=%s%s", group, cases[i].rule);
		assert_refused(fixture, cases[i].code);
	}
	_cleanup_(freep) char *more = mem_printf("&SecurityGroupId.1=%s", group);
	_cleanup_(freep) char *instance = launch_and_wait(fixture, more);
	ec2(fixture, "DeleteSecurityGroup&GroupId=%s", group);
	assert_refused(fixture, "DependencyViolation");
	ec2(fixture, "TerminateInstances&InstanceId.1=%s", instance);
	eventually(fixture, "reservationSet.1.instancesSet.1.instanceState.name", "terminated",
		   "DescribeInstances&InstanceId.1=%s", instance);
	ec2(fixture, "RevokeSecurityGroupIngress&GroupId=%s&IpProtocol=tcp&FromPort=22&ToPort=22&CidrIp=10.0.0.1/32",
	    group);
	assert_done(fixture);
	ec2(fixture, "DeleteSecurityGroup&GroupId=%s", group);
	assert_done(fixture);
}

/* --- parameters --- */

static void parameters_have_versions(void **state)
{
	struct fixture *fixture = *state;
	ssm(fixture, "PutParameter", "{\"Name\":\"/a/b\",\"Value\":\"1\",\"Type\":\"String\"}");
	assert_string_equal(said(fixture, "Version"), "1");
	ssm(fixture, "PutParameter", "{\"Name\":\"/a/b\",\"Value\":\"2\",\"Type\":\"String\"}");
	assert_refused(fixture, "ParameterAlreadyExists");
	for (int i = 2; i <= 101; i++)
		ssm(fixture, "PutParameter", "{\"Name\":\"/a/b\",\"Value\":\"%d\",\"Overwrite\":true}", i);
	assert_string_equal(said(fixture, "Version"), "101");
	ssm(fixture, "GetParameter", "{\"Name\":\"/a/b:1\"}");
	assert_refused(fixture, "ParameterVersionNotFound");
	ssm(fixture, "LabelParameterVersion",
	    "{\"Name\":\"/a/b\",\"ParameterVersion\":2,\"Labels\":[\"old\",\"1bad\"]}");
	assert_string_equal(said(fixture, "InvalidLabels.1"), "1bad");
	ssm(fixture, "GetParameter", "{\"Name\":\"/a/b:old\"}");
	assert_string_equal(said(fixture, "Parameter.Value"), "2");
	ssm(fixture, "PutParameter", "{\"Name\":\"/a/b\",\"Value\":\"102\",\"Overwrite\":true}");
	assert_refused(fixture, "ParameterMaxVersionLimitExceeded");
	ssm(fixture, "GetParameterHistory", "{\"Name\":\"/a/b\",\"MaxResults\":50}");
	assert_int_equal(tree_count(tree_get(fixture->reply, "Parameters")), 50);
	assert_string_equal(said(fixture, "NextToken"), "50");
}

static void parameters_are_checked(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		const char *body, *code;
	} cases[] = {
		{"{\"Name\":\"/aws/x\",\"Value\":\"1\",\"Type\":\"String\"}", "AccessDeniedException"},
		{"{\"Name\":\"ssmx\",\"Value\":\"1\",\"Type\":\"String\"}", "ValidationException"},
		{"{\"Name\":\"a/b\",\"Value\":\"1\",\"Type\":\"String\"}", "ValidationException"},
		{"{\"Name\":\"/a b\",\"Value\":\"1\",\"Type\":\"String\"}", "ValidationException"},
		{"{\"Name\":\"/a\",\"Value\":\"1\"}", "ValidationException"},
		{"{\"Name\":\"/a\",\"Value\":\"x\",\"Type\":\"String\",\"DataType\":\"aws:ec2:image\"}",
		 "ValidationException"},
		{"{\"Name\":\"/"
		 "a\",\"Value\":\"1\",\"Type\":\"String\",\"Overwrite\":true,\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"}]"
		 "}",
		 "ValidationException"},
		{"{\"Name\":\"/a\",\"Value\":\"1\",\"Type\":\"String\",\"Valeu\":\"1\"}", "ValidationException"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ssm(fixture, "PutParameter", "%s", cases[i].body);
		assert_refused(fixture, cases[i].code);
	}
}

static void a_parameter_of_an_unknown_image_is_dropped_later(void **state)
{
	struct fixture *fixture = *state;
	ssm(fixture, "PutParameter",
	    "{\"Name\":\"/a\",\"Value\":\"ami-00000000000000000\",\"Type\":\"String\",\"DataType\":\"aws:ec2:image\"}");
	assert_done(fixture);
	ssm(fixture, "GetParameter", "{\"Name\":\"/a\"}");
	assert_refused(fixture, "ParameterNotFound");
	_cleanup_(freep) char *ami = newest_base(fixture);
	ssm(fixture, "PutParameter",
	    "{\"Name\":\"/a\",\"Value\":\"%s\",\"Type\":\"String\",\"DataType\":\"aws:ec2:image\"}", ami);
	ssm(fixture, "GetParameter", "{\"Name\":\"/a\"}");
	assert_string_equal(said(fixture, "Parameter.DataType"), "aws:ec2:image");
}

/* --- faults --- */

static void faults_come_before_or_after_the_effect(void **state)
{
	struct fixture *fixture = *state;
	set(fixture, "fault.CreateSecurityGroup=Unavailable:1");
	ec2(fixture, "CreateSecurityGroup&GroupName=g&GroupDescription=d");
	assert_refused(fixture, "Unavailable");
	assert_int_equal(fixture->status, 503);
	set(fixture, "fault.CreateSecurityGroup=500:1:after");
	ec2(fixture, "CreateSecurityGroup&GroupName=g&GroupDescription=d");
	assert_refused(fixture, "InternalError");
	ec2(fixture, "CreateSecurityGroup&GroupName=g&GroupDescription=d");
	assert_refused(fixture, "InvalidGroup.Duplicate");
	set(fixture, "at=2:reset");
	ec2(fixture, "DescribeRegions");
	assert_int_equal(fixture_send(fixture, "ec2", NULL, "Version=2016-11-15&Action=DescribeRegions"), ANSWER_RESET);
	set(fixture, "at=1:cut");
	assert_int_equal(fixture_send(fixture, "ec2", NULL, "Version=2016-11-15&Action=DescribeRegions"), ANSWER_CUT);
	set(fixture, "hold=1");
	assert_int_equal(fixture_send(fixture, "ec2", NULL, "Version=2016-11-15&Action=DescribeRegions"), ANSWER_NONE);
	set(fixture, "fault.PutParameter=RequestLimitExceeded");
	ssm(fixture, "PutParameter", "{\"Name\":\"/a\",\"Value\":\"1\",\"Type\":\"String\"}");
	assert_refused(fixture, "ThrottlingException");
}

#define cloud_test(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cloud_test(signatures_are_verified_in_each_services_words),
		cloud_test(what_is_unknown_is_refused),
		cloud_test(an_instance_lives_and_dies),
		cloud_test(a_launch_is_checked),
		cloud_test(a_parameter_names_the_image),
		cloud_test(a_client_token_makes_one),
		cloud_test(capacity_falls_short_by_zone),
		cloud_test(what_is_new_is_not_found_for_the_lag),
		cloud_test(a_restart_finishes_what_was_under_way),
		cloud_test(an_image_is_made_copied_and_removed),
		cloud_test(image_names_are_checked),
		cloud_test(sharing_and_deprecating),
		cloud_test(an_image_under_the_default_key_is_not_shared),
		cloud_test(owners_and_wildcards_select),
		cloud_test(pages_follow_each_other),
		cloud_test(groups_are_kept_while_in_use),
		cloud_test(parameters_have_versions),
		cloud_test(parameters_are_checked),
		cloud_test(a_parameter_of_an_unknown_image_is_dropped_later),
		cloud_test(faults_come_before_or_after_the_effect),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
