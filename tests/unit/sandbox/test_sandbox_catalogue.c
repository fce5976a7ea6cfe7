/* SPDX-License-Identifier: Apache-2.0
 *
 * The public images among which a choice can go wrong, and what keeps an image from being launched, copied or
 * deregistered. */
#include "cloud_fixture.h"

#define DEBIAN "&Owner.1=136693071363"

static bool host_is_arm(void)
{
	return str_eq(cloud_architecture(), "arm64");
}

static char *marketplace_image(struct fixture *fixture)
{
	ec2(fixture, "DescribeImages&Owner.1=aws-marketplace");
	assert_done(fixture);
	return mem_strdup(said(fixture, "imagesSet.1.imageId"));
}

static void the_newest_is_not_always_the_one(void **state)
{
	struct fixture *fixture = *state;
	const char *own = host_is_arm() ? "arm64" : "amd64", *other = host_is_arm() ? "amd64" : "arm64";
	ec2(fixture, "DescribeImages" DEBIAN "&Filter.1.Name=name&Filter.1.Value.1=debian-12-%s-*", own);
	assert_int_equal(tree_count(tree_get(fixture->reply, "imagesSet")), 2);
	ec2(fixture,
	    "DescribeImages" DEBIAN "&IncludeDeprecated=true&Filter.1.Name=name&Filter.1.Value.1=debian-12-%s-*", own);
	assert_int_equal(tree_count(tree_get(fixture->reply, "imagesSet")), 3);
	assert_string_equal(said(fixture, "imagesSet.3.deprecationTime"), "2026-01-17T00:00:00.000Z");
	assert_string_equal(said(fixture, "imagesSet.3.imageOwnerAlias"), "amazon");
	_cleanup_(freep) char *deprecated = mem_strdup(said(fixture, "imagesSet.3.imageId"));
	ec2(fixture, "DescribeImages&ImageId.1=%s", deprecated);
	assert_string_equal(said(fixture, "imagesSet.1.imageId"), deprecated);
	ec2(fixture, "DescribeImages" DEBIAN "&Filter.1.Name=name&Filter.1.Value.1=debian-12-%s-*", other);
	assert_string_equal(said(fixture, "imagesSet.1.architecture"), host_is_arm() ? "x86_64" : "arm64");
	ssm(fixture, "GetParameter", "{\"Name\":\"/aws/service/debian/release/12/latest/%s\"}", own);
	_cleanup_(freep) char *base = newest_base(fixture);
	ssm(fixture, "GetParameter", "{\"Name\":\"/aws/service/debian/release/12/latest/%s\"}", own);
	assert_string_equal(said(fixture, "Parameter.Value"), base);
	ec2(fixture, "DescribeImages&Owner.1=903794441882&Filter.1.Name=state&Filter.1.Value.1=pending");
	ec2(fixture, "RunInstances&ImageId=%s&InstanceType=%s&MinCount=1&MaxCount=1",
	    said(fixture, "imagesSet.1.imageId"), instance_type_here());
	assert_refused(fixture, "InvalidAMIID.Unavailable");
}

static void a_product_wants_a_subscription(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *image = marketplace_image(fixture);
	_cleanup_(freep) char *code = mem_strdup(said(fixture, "imagesSet.1.productCodes.1.productCode"));
	assert_string_equal(said(fixture, "imagesSet.1.tpmSupport"), "v2.0");
	ec2(fixture, "RunInstances&ImageId=%s&InstanceType=%s&MinCount=1&MaxCount=1", image, instance_type_here());
	assert_refused(fixture, "OptInRequired");
	assert_int_equal(fixture->status, 401);
	assert_non_null(strstr(fixture->body.data, code));
	ec2(fixture, "CopyImage&SourceRegion=us-east-1&SourceImageId=%s&Name=copy", image);
	assert_refused(fixture, "InvalidRequest");
	set(fixture, "subscribed.%s=yes", code);
	ec2(fixture, "RunInstances&ImageId=%s&InstanceType=%s&MinCount=1&MaxCount=1", image, instance_type_here());
	assert_done(fixture);
	_cleanup_(freep) char *instance = mem_strdup(said(fixture, "instancesSet.1.instanceId"));
	eventually(fixture, "reservationSet.1.instancesSet.1.instanceState.name", "running",
		   "DescribeInstances&InstanceId.1=%s", instance);
	ec2(fixture, "CreateImage&InstanceId=%s&Name=child", instance);
	_cleanup_(freep) char *child = mem_strdup(said(fixture, "imageId"));
	ec2(fixture, "DescribeImageAttribute&ImageId=%s&Attribute=productCodes", child);
	assert_string_equal(said(fixture, "productCodes.1.productCode"), code);
	ec2(fixture, "ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.Group=all", child);
	assert_refused(fixture, "InvalidParameterCombination");
	ec2(fixture, "ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.UserId=210987654321", child);
	assert_done(fixture);
}

static void a_protected_image_stays(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(freep) char *image = bake(fixture, "kept");
	ec2(fixture, "EnableImageDeregistrationProtection&ImageId=%s", image);
	assert_string_equal(said(fixture, "return"), "enabled-without-cooldown");
	ec2(fixture, "DescribeImages&ImageId.1=%s", image);
	assert_string_equal(said(fixture, "imagesSet.1.deregistrationProtection"), "enabled-without-cooldown");
	ec2(fixture, "DeregisterImage&ImageId=%s", image);
	assert_refused(fixture, "OperationNotPermitted");
	ec2(fixture, "EnableImageDeregistrationProtection&ImageId=%s&WithCooldown=true", image);
	assert_done(fixture);
	ec2(fixture, "DisableImageDeregistrationProtection&ImageId=%s", image);
	assert_string_equal(said(fixture, "return"), "disabled");
	ec2(fixture, "DeregisterImage&ImageId=%s", image);
	assert_refused(fixture, "OperationNotPermitted");
	set(fixture, "latency.cooldown=0");
	ec2(fixture, "DisableImageDeregistrationProtection&ImageId=%s", image);
	ec2(fixture, "EnableImageDeregistrationProtection&ImageId=%s", image);
	ec2(fixture, "DisableImageDeregistrationProtection&ImageId=%s", image);
	ec2(fixture, "DeregisterImage&ImageId=%s", image);
	assert_done(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_newest_is_not_always_the_one, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_product_wants_a_subscription, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_protected_image_stays, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
