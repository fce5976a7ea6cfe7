/* SPDX-License-Identifier: Apache-2.0
 *
 * Quotas: what they say, and what meets a request that goes past one. */
#include "cloud_fixture.h"

#include "src/sandbox/quotas.h"

static void quotas_are_told(void **state)
{
	struct fixture *fixture = *state;
	quotas(fixture, "GetServiceQuota", "{\"ServiceCode\":\"ec2\",\"QuotaCode\":\"" QUOTA_ON_DEMAND_VCPUS "\"}");
	assert_int_equal((int)tree_double(fixture->reply, "Quota.Value", 0), 1920);
	set(fixture, "quota." QUOTA_ON_DEMAND_VCPUS "=4");
	quotas(fixture, "GetServiceQuota", "{\"ServiceCode\":\"ec2\",\"QuotaCode\":\"" QUOTA_ON_DEMAND_VCPUS "\"}");
	assert_int_equal((int)tree_double(fixture->reply, "Quota.Value", 0), 4);
	quotas(fixture, "GetAWSDefaultServiceQuota",
	       "{\"ServiceCode\":\"ec2\",\"QuotaCode\":\"" QUOTA_ON_DEMAND_VCPUS "\"}");
	assert_int_equal((int)tree_double(fixture->reply, "Quota.Value", 0), 5);
	quotas(fixture, "ListServiceQuotas", "{\"ServiceCode\":\"vpc\",\"MaxResults\":2}");
	assert_int_equal(tree_count(tree_get(fixture->reply, "Quotas")), 2);
	quotas(fixture, "ListServiceQuotas", "{\"ServiceCode\":\"vpc\",\"NextToken\":\"%s\"}",
	       said(fixture, "NextToken"));
	assert_int_equal(tree_count(tree_get(fixture->reply, "Quotas")), 1);
	quotas(fixture, "ListAWSDefaultServiceQuotas", "{\"ServiceCode\":\"rocket\"}");
	assert_refused(fixture, "NoSuchResourceException");
	quotas(fixture, "GetServiceQuota", "{\"ServiceCode\":\"vpc\",\"QuotaCode\":\"" QUOTA_IMAGES "\"}");
	assert_refused(fixture, "NoSuchResourceException");
	quotas(fixture, "ListServices", "{}");
	assert_int_equal(tree_count(tree_get(fixture->reply, "Services")), 3);
}

static void vcpus_are_counted(void **state)
{
	struct fixture *fixture = *state;
	set(fixture, "quota." QUOTA_ON_DEMAND_VCPUS "=2");
	set(fixture, "quota." QUOTA_SPOT_VCPUS "=1");
	_cleanup_(freep) char *id = launch_and_wait(fixture, "");
	_cleanup_(freep) char *ami = newest_base(fixture);
	ec2(fixture, "RunInstances&ImageId=%s&InstanceType=%s&MinCount=1&MaxCount=1", ami, instance_type_here());
	assert_refused(fixture, "VcpuLimitExceeded");
	ec2(fixture,
	    "RunInstances&ImageId=%s&InstanceType=%s&MinCount=1&MaxCount=1&InstanceMarketOptions.MarketType=spot", ami,
	    instance_type_here());
	assert_refused(fixture, "MaxSpotInstanceCountExceeded");
	ec2(fixture, "TerminateInstances&InstanceId.1=%s", id);
	_cleanup_(freep) char *next = launch(fixture, ""); /* what shuts down no longer counts */
	assert_non_null(next);
}

static void images_are_counted(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *image = bake(fixture, "one-a");
	set(fixture, "quota." QUOTA_IMAGES "=1");
	ec2(fixture, "CopyImage&SourceRegion=us-east-1&SourceImageId=%s&Name=two", image);
	assert_refused(fixture, "ResourceLimitExceeded");
	set(fixture, "quota." QUOTA_IMAGE_SHARING "=1");
	ec2(fixture,
	    "ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.UserId=210987654321&LaunchPermission.Add.2.UserId="
	    "345678901234",
	    image);
	assert_refused(fixture, "ResourceLimitExceeded");
	set(fixture, "quota." QUOTA_PUBLIC_IMAGES "=0");
	ec2(fixture, "ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.Group=all", image);
	assert_refused(fixture, "ResourceLimitExceeded");
	set(fixture, "quota." QUOTA_PUBLIC_IMAGES "=1");
	ec2(fixture, "ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.Group=all", image);
	assert_done(fixture);
	fixture->region = "eu-west-1"; /* each region counts for itself */
	ec2(fixture, "CopyImage&SourceRegion=us-east-1&SourceImageId=%s&Name=two", image);
	assert_done(fixture);
}

static void groups_and_parameters_are_counted(void **state)
{
	struct fixture *fixture = *state;
	ec2(fixture, "CreateSecurityGroup&GroupName=g&GroupDescription=d");
	_cleanup_(freep) char *group = mem_strdup(said(fixture, "groupId"));
	set(fixture, "quota." QUOTA_GROUPS "=3"); /* with the two default ones */
	ec2(fixture, "CreateSecurityGroup&GroupName=h&GroupDescription=d");
	assert_refused(fixture, "SecurityGroupLimitExceeded");
	set(fixture, "quota." QUOTA_RULES_PER_GROUP "=1");
	ec2(fixture, "AuthorizeSecurityGroupIngress&GroupId=%s&IpProtocol=tcp&FromPort=22&ToPort=22&CidrIp=10.0.0.0/8",
	    group);
	assert_done(fixture);
	ec2(fixture, "AuthorizeSecurityGroupIngress&GroupId=%s&IpProtocol=tcp&FromPort=23&ToPort=23&CidrIp=10.0.0.0/8",
	    group);
	assert_refused(fixture, "RulesPerSecurityGroupLimitExceeded");
	set(fixture, "quota." QUOTA_PARAMETERS "=1");
	ssm(fixture, "PutParameter", "{\"Name\":\"/a\",\"Value\":\"1\",\"Type\":\"String\"}");
	assert_done(fixture);
	ssm(fixture, "PutParameter", "{\"Name\":\"/b\",\"Value\":\"1\",\"Type\":\"String\"}");
	assert_refused(fixture, "ParameterLimitExceeded");
	ssm(fixture, "PutParameter", "{\"Name\":\"/a\",\"Value\":\"2\",\"Type\":\"String\",\"Overwrite\":true}");
	assert_done(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(quotas_are_told, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(vcpus_are_counted, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(images_are_counted, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(groups_and_parameters_are_counted, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
