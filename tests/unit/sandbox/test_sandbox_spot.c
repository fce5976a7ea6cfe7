/* SPDX-License-Identifier: Apache-2.0
 *
 * Spot instances: how they are asked for, refused, taken back; and places where a launch cannot be. */
#include "cloud_fixture.h"

#include "src/sandbox/ec2/transitions.h"

#define SPOT "&InstanceMarketOptions.MarketType=spot"
#define OPTION "&InstanceMarketOptions.SpotOptions."

static void try_launch(struct fixture *fixture, const char *type, const char *more)
{
	_cleanup_(freep) char *ami = newest_base(fixture);
	ec2(fixture, "RunInstances&ImageId=%s&InstanceType=%s&MinCount=1&MaxCount=1%s", ami, type, more);
}

static void state_of(struct fixture *fixture, const char *id, const char *wanted)
{
	eventually(fixture, "reservationSet.1.instancesSet.1.instanceState.name", wanted,
		   "DescribeInstances&InstanceId.1=%s", id);
}

static void a_spot_instance_has_a_request(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *id = launch_and_wait(
		fixture, SPOT "&TagSpecification.1.ResourceType=spot-instances-request&TagSpecification.1.Tag.1.Key=k");
	assert_string_equal(said(fixture, "reservationSet.1.instancesSet.1.instanceLifecycle"), "spot");
	_cleanup_(freep) char *request =
		mem_strdup(said(fixture, "reservationSet.1.instancesSet.1.spotInstanceRequestId"));
	ec2(fixture, "DescribeSpotInstanceRequests&SpotInstanceRequestId.1=%s", request);
	assert_string_equal(said(fixture, "spotInstanceRequestSet.1.state"), "active");
	assert_string_equal(said(fixture, "spotInstanceRequestSet.1.status.code"), "fulfilled");
	assert_string_equal(said(fixture, "spotInstanceRequestSet.1.instanceId"), id);
	assert_string_equal(said(fixture, "spotInstanceRequestSet.1.tagSet.1.key"), "k");
	ec2(fixture, "StopInstances&InstanceId.1=%s", id);
	assert_refused(fixture, "UnsupportedOperation");
	ec2(fixture, "TerminateInstances&InstanceId.1=%s", id);
	state_of(fixture, id, "terminated");
	ec2(fixture, "DescribeSpotInstanceRequests&Filter.1.Name=instance-id&Filter.1.Value.1=%s", id);
	assert_string_equal(said(fixture, "spotInstanceRequestSet.1.state"), "closed");
	assert_string_equal(said(fixture, "spotInstanceRequestSet.1.status.code"), "instance-terminated-by-user");
}

static void a_persistent_one_may_stop(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *id = launch_and_wait(fixture, SPOT OPTION "SpotInstanceType=persistent");
	ec2(fixture, "StopInstances&InstanceId.1=%s", id);
	assert_done(fixture);
	state_of(fixture, id, "stopped");
	ec2(fixture, "DescribeSpotInstanceRequests");
	_cleanup_(freep) char *request = mem_strdup(said(fixture, "spotInstanceRequestSet.1.spotInstanceRequestId"));
	ec2(fixture, "CancelSpotInstanceRequests&SpotInstanceRequestId.1=%s", request);
	assert_string_equal(said(fixture, "spotInstanceRequestSet.1.state"), "cancelled");
	ec2(fixture, "CancelSpotInstanceRequests&SpotInstanceRequestId.1=sir-00000000");
	assert_refused(fixture, "InvalidSpotInstanceRequestID.NotFound");
}

static void spot_is_taken_back(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *id = launch_and_wait(fixture, SPOT);
	_cleanup_(freep) char *other = launch_and_wait(fixture, "");
	transition_interrupt(fixture->cloud, other); /* no spot instance: it stays */
	transition_interrupt(fixture->cloud, id);
	state_of(fixture, id, "terminated");
	assert_string_equal(said(fixture, "reservationSet.1.instancesSet.1.stateReason.code"),
			    "Server.SpotInstanceTermination");
	ec2(fixture, "DescribeSpotInstanceRequests&Filter.1.Name=instance-id&Filter.1.Value.1=%s", id);
	assert_string_equal(said(fixture, "spotInstanceRequestSet.1.status.code"), "instance-terminated-no-capacity");
	state_of(fixture, other, "running");
	set(fixture, "spot.interrupt=20ms");
	_cleanup_(freep) char *brief = launch(fixture, SPOT);
	state_of(fixture, brief, "terminated");
	assert_string_equal(said(fixture, "reservationSet.1.instancesSet.1.reason"), "Server.SpotInstanceTermination");
}

static void spot_options_are_checked(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		const char *more, *code;
	} cases[] = {
		{SPOT OPTION "MaxPrice=0.0001", "SpotMaxPriceTooLow"},
		{SPOT OPTION "SpotInstanceType=sometimes", "InvalidParameterValue"},
		{SPOT OPTION "InstanceInterruptionBehavior=stop", "InvalidParameterCombination"},
		{"&InstanceMarketOptions.MarketType=fish", "InvalidParameterValue"},
		{SPOT OPTION "MaxPrice=10&DryRun=true", "DryRunOperation"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		try_launch(fixture, instance_type_here(), cases[i].more);
		assert_refused(fixture, cases[i].code);
	}
	ec2(fixture, "DescribeSpotPriceHistory&InstanceType.1=m5.large&AvailabilityZone=us-east-1b");
	assert_int_equal(tree_count(tree_get(fixture->reply, "spotPriceHistorySet")), 1);
	assert_true(strtod(said(fixture, "spotPriceHistorySet.1.spotPrice"), NULL) > 0.01);
}

static void spot_has_a_capacity_of_its_own(void **state)
{
	struct fixture *fixture = *state;
	const char *type = instance_type_here();
	set(fixture, "capacity.spot.%s=0", type);
	try_launch(fixture, type, SPOT);
	assert_refused(fixture, "InsufficientInstanceCapacity");
	try_launch(fixture, type, "");
	assert_done(fixture);
	set(fixture, "capacity.spot.%s=", type);
	set(fixture, "capacity.spot.%s.us-east-1a=0", type);
	try_launch(fixture, type, SPOT "&Placement.AvailabilityZone=us-east-1a");
	assert_refused(fixture, "InsufficientInstanceCapacity");
	try_launch(fixture, type, SPOT);
	assert_string_equal(said(fixture, "instancesSet.1.placement.availabilityZone"), "us-east-1b");
}

static void some_places_do_not_do(void **state)
{
	struct fixture *fixture = *state;
	const char *scarce = str_eq(cloud_architecture(), "arm64") ? "r6g.large" : "c7i.large";
	try_launch(fixture, scarce, "&Placement.AvailabilityZone=us-east-1c");
	assert_refused(fixture, "Unsupported");
	ec2(fixture,
	    "DescribeInstanceTypeOfferings&LocationType=availability-zone&Filter.1.Name=instance-type&"
	    "Filter.1.Value.1=%s",
	    scarce);
	assert_int_equal(tree_count(tree_get(fixture->reply, "instanceTypeOfferingSet")), 2);
	ec2(fixture, "DescribeSubnets&Filter.1.Name=tag:tier&Filter.1.Value.1=full");
	assert_string_equal(said(fixture, "subnetSet.1.availableIpAddressCount"), "0");
	_cleanup_(freep) char *full = mem_printf("&SubnetId=%s", said(fixture, "subnetSet.1.subnetId"));
	try_launch(fixture, instance_type_here(), full);
	assert_refused(fixture, "InsufficientFreeAddressesInSubnet");
}

static void a_private_subnet_gives_no_public_address(void **state)
{
	struct fixture *fixture = *state;
	static const char query[] = "DescribeSubnets&Filter.1.Name=tag:tier&Filter.1.Value.1=build";
	ec2(fixture, query);
	assert_int_equal(tree_count(tree_get(fixture->reply, "subnetSet")), 3);
	assert_string_equal(said(fixture, "subnetSet.1.availableIpAddressCount"), "251");
	_cleanup_(freep) char *subnet = mem_printf("&SubnetId=%s", said(fixture, "subnetSet.1.subnetId"));
	_cleanup_(freep) char *id = launch_and_wait(fixture, subnet);
	assert_null(tree_get(fixture->reply, "reservationSet.1.instancesSet.1.ipAddress"));
	assert_true(str_starts(said(fixture, "reservationSet.1.instancesSet.1.privateIpAddress"), "127."));
	ec2(fixture, query);
	assert_string_equal(said(fixture, "subnetSet.1.availableIpAddressCount"), "250");
	ec2(fixture, "TerminateInstances&InstanceId.1=%s", id);
	state_of(fixture, id, "terminated");
	ec2(fixture, query);
	assert_string_equal(said(fixture, "subnetSet.1.availableIpAddressCount"), "251");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_spot_instance_has_a_request, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_persistent_one_may_stop, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(spot_is_taken_back, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(spot_options_are_checked, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(spot_has_a_capacity_of_its_own, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(some_places_do_not_do, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_private_subnet_gives_no_public_address, fixture_setup,
						fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
