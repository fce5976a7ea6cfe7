/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be made to go wrong besides errors: clocks that differ, things that are seen late, regions that are not
 * open.
 */
#include "cloud_fixture.h"

static void the_cloud_has_a_clock_of_its_own(void **state)
{
	struct fixture *fixture = *state;
	set(fixture, "clock=+20m");
	ec2(fixture, "DescribeRegions");
	assert_refused(fixture, "RequestExpired");
	fixture->signed_at_ms = clock_wall_ms() + 20 * 60 * 1000;
	ec2(fixture, "DescribeRegions");
	assert_done(fixture);
	set(fixture, "clock=-20m");
	fixture->signed_at_ms = 0;
	ssm(fixture, "DescribeParameters", "{}");
	assert_refused(fixture, "InvalidSignatureException");
	fixture->signed_at_ms = clock_wall_ms() - 20 * 60 * 1000;
	ssm(fixture, "DescribeParameters", "{}");
	assert_done(fixture);
	set(fixture, "clock=");
	fixture->signed_at_ms = 0;
	ec2(fixture, "DescribeRegions");
	assert_done(fixture);
}

static void one_kind_lags(void **state)
{
	struct fixture *fixture = *state;
	set(fixture, "lag.security-group=1h");
	ec2(fixture, "CreateSecurityGroup&GroupName=g&GroupDescription=d");
	_cleanup_(freep) char *group = mem_strdup(said(fixture, "groupId"));
	ec2(fixture, "DescribeSecurityGroups&GroupId.1=%s", group);
	assert_refused(fixture, "InvalidGroup.NotFound");
	ssm(fixture, "PutParameter", "{\"Name\":\"/a\",\"Value\":\"1\",\"Type\":\"String\"}");
	ssm(fixture, "GetParameter", "{\"Name\":\"/a\"}");
	assert_done(fixture);
	set(fixture, "lag=1h");
	ssm(fixture, "GetParameter", "{\"Name\":\"/a\"}");
	assert_refused(fixture, "ParameterNotFound");
	set(fixture, "lag.security-group=0"); /* what is said of the one kind counts */
	ec2(fixture, "DescribeSecurityGroups&GroupId.1=%s", group);
	assert_done(fixture);
}

static void a_region_is_opted_in_to(void **state)
{
	struct fixture *fixture = *state;
	ec2(fixture, "DescribeRegions&RegionName.1=eu-south-1");
	assert_string_equal(said(fixture, "regionInfo.1.optInStatus"), "not-opted-in");
	fixture->region = "eu-south-1";
	ec2(fixture, "DescribeRegions");
	assert_refused(fixture, "AuthFailure");
	ssm(fixture, "DescribeParameters", "{}");
	assert_refused(fixture, "UnrecognizedClientException");
	set(fixture, "optin.eu-south-1=on");
	ec2(fixture, "DescribeRegions&RegionName.1=eu-south-1");
	assert_string_equal(said(fixture, "regionInfo.1.optInStatus"), "opted-in");
}

static void an_error_has_the_status_that_was_asked_for(void **state)
{
	struct fixture *fixture = *state;
	set(fixture, "fault.DescribeRegions=InternalError/503:2");
	for (int i = 0; i < 2; i++) {
		ec2(fixture, "DescribeRegions");
		assert_refused(fixture, "InternalError");
		assert_int_equal(fixture->status, 503);
	}
	ec2(fixture, "DescribeRegions");
	assert_done(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_cloud_has_a_clock_of_its_own, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(one_kind_lags, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_region_is_opted_in_to, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(an_error_has_the_status_that_was_asked_for, fixture_setup,
						fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
