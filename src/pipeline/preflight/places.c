/* SPDX-License-Identifier: Apache-2.0
 *
 * Preflight: where the build works: endpoints, regions, names, types in zones, addresses in subnets. */
#include <stdio.h>

#include "bakery/str.h"
#include "probe.h"

/* What is asked here is what the build asks, too: images by name, and the channel's parameter. */
void check_endpoints(struct probe *probe)
{
	struct aws_call images = aws_call(AWS_ec2_DescribeImages, probe->region), parameter;
	struct error err = {0};

	aws_arg(&images, "Owner.1", "self");
	aws_arg(&images, "Filter.1.Name", "name");
	aws_arg(&images, "Filter.1.Value.1", probe->build->state.image_name);
	if (!probe_ask(probe, ASK_NEEDED, &images, NULL))
		return;
	if (!probe->plan->publish.parameter) {
		probe_ok(probe, "%s: EC2 answers", probe->region);
		return;
	}
	parameter = aws_call(AWS_ssm_GetParameter, probe->region);
	aws_arg(&parameter, "Name", probe->plan->publish.parameter);
	if (build_send(probe->build, &parameter, NULL, &err) || error_is(&err, ERROR_ABSENT))
		probe_ok(probe, "%s: EC2 and Parameter Store answer", probe->region);
	else
		probe_error(probe, ASK_NEEDED, &err);
}

void check_regions(struct probe *probe)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeRegions, probe->region);
	const struct plan_region *copies = probe->plan->copies.items;
	_cleanup_(tree_freep) struct tree *reply = NULL, *enabled = tree_new_object();
	size_t disabled = 0;

	if (!probe_ask(probe, ASK_EXTRA, &call, &reply))
		return;
	for (struct tree_iter i = tree_iter(tree_get(reply, "regionInfo")); tree_next(&i);)
		tree_set_bool(enabled, tree_text_or(i.value, "regionName", ""), true);
	for (size_t i = 0; i < probe->plan->copies.count; i++) {
		if (tree_key(enabled, copies[i].region))
			continue;
		disabled++;
		probe_fail(probe, ERROR_INVALID,
			   "%s is not enabled for account %s; enable it (aws account enable-region), or take it out of "
			   "distribute.regions",
			   copies[i].region, probe->plan->account);
	}
	if (!disabled)
		probe_ok(probe, "all %zu are enabled for the account", probe->plan->copies.count + 1);
}

void check_names(struct probe *probe)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, probe->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const char *taken, *name = probe->build->state.image_name;

	aws_arg(&call, "Owner.1", "self");
	aws_arg(&call, "Filter.1.Name", "name");
	aws_arg(&call, "Filter.1.Value.1", name);
	aws_arg_bool(&call, "IncludeDeprecated", true);
	aws_arg_bool(&call, "IncludeDisabled", true);
	if (!probe_ask(probe, ASK_NEEDED, &call, &reply))
		return;
	taken = tree_text(reply, "imagesSet.1.imageId");
	if (taken)
		probe_fail(probe, ERROR_CONFLICT,
			   "%s has an image named %s already (%s); put {{ build }} into image.name", probe->region,
			   name, taken);
	else
		probe_ok(probe, "%s is free in %s", name, probe->region);
}

/* --- instance types --- */

static const struct tree *type_find(const struct tree *types, const char *name)
{
	for (struct tree_iter i = tree_iter(types); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "instanceType"), name))
			return i.value;
	}
	return NULL;
}

static bool list_has(const struct tree *list, const char *text)
{
	for (struct tree_iter i = tree_iter(list); tree_next(&i);) {
		if (str_eq(tree_text(i.value, NULL), text))
			return true;
	}
	return false;
}

/* In how many of the plan's subnets the type can be had. */
static size_t subnets_with(const struct probe *probe, const struct tree *offerings, const char *type)
{
	const struct plan_subnet *subnets = probe->plan->launch.subnets.items;
	size_t count = 0;

	for (size_t i = 0; i < probe->plan->launch.subnets.count; i++) {
		for (struct tree_iter k = tree_iter(offerings); tree_next(&k);)
			count += str_eq(tree_text(k.value, "instanceType"), type) &&
				 str_eq(tree_text(k.value, "location"), subnets[i].zone);
	}
	return count;
}

static bool types_ask(struct probe *probe, struct tree **offerings, struct tree **types)
{
	const struct text_list *wanted = &probe->plan->launch.instance_types;
	struct aws_call offered = aws_call(AWS_ec2_DescribeInstanceTypeOfferings, probe->region);
	struct aws_call described = aws_call(AWS_ec2_DescribeInstanceTypes, probe->region);
	char path[64];

	aws_arg(&offered, "LocationType", "availability-zone");
	aws_arg(&offered, "Filter.1.Name", "instance-type");
	aws_arg(&described, "Filter.1.Name", "instance-type");
	for (size_t i = 0; i < wanted->count; i++) {
		snprintf(path, sizeof(path), "Filter.1.Value.%zu", i + 1);
		aws_arg(&offered, path, wanted->items[i]);
		aws_arg(&described, path, wanted->items[i]);
	}
	if (probe_ask(probe, ASK_EXTRA, &offered, offerings))
		return probe_ask(probe, ASK_EXTRA, &described, types);
	aws_call_clear(&described);
	return false;
}

static bool type_judge(struct probe *probe, const char *name, const struct tree *offerings, const struct tree *types)
{
	const struct tree *type = type_find(types, name);
	const char *processor = probe->plan->source.architecture;
	size_t subnets = subnets_with(probe, offerings, name);

	if (type && processor && !list_has(tree_get(type, "processorInfo.supportedArchitectures"), processor)) {
		probe_fail(probe, ERROR_INVALID, "%s cannot run the source image %s, which is for %s", name,
			   probe->plan->source.ami, processor);
		return false;
	}
	if (!subnets)
		probe_warn(probe, "%s is offered in none of the subnets' zones in %s", name, probe->region);
	return subnets > 0;
}

void check_instance_types(struct probe *probe)
{
	const struct text_list *wanted = &probe->plan->launch.instance_types;
	_cleanup_(tree_freep) struct tree *offerings = NULL, *types = NULL;
	size_t usable = 0;

	if (!types_ask(probe, &offerings, &types))
		return;
	for (size_t i = 0; i < wanted->count; i++)
		usable += type_judge(probe, wanted->items[i], tree_get(offerings, "instanceTypeOfferingSet"),
				     tree_get(types, "instanceTypeSet"));
	if (usable)
		probe_ok(probe, "%zu of %zu can be started in the subnets' zones", usable, wanted->count);
	else
		probe_fail(probe, ERROR_INVALID,
			   "none of launch.instance_types can be started in any subnet; name others, or subnets in "
			   "other zones");
}

/* --- subnets --- */

static void subnet_judge(struct probe *probe, const struct tree *subnet, int64_t *free)
{
	enum { FEW = 5 };
	const char *id = tree_text_or(subnet, "subnetId", "");
	int64_t addresses = tree_int(subnet, "availableIpAddressCount", 0);

	*free += addresses;
	if (addresses < FEW)
		probe_warn(probe, "%s has %lld addresses left", id, (long long)addresses);
	/* bakery asks for a public address by itself; that such a subnet is a private one is a guess, though often a
	 * good one. */
	if (probe->plan->launch.address == ADDRESS_PUBLIC && !tree_bool(subnet, "mapPublicIpOnLaunch", false))
		probe_warn(probe,
			   "%s gives no public addresses by itself; bakery asks for one, which is of use only if the "
			   "subnet's route leads to an internet gateway (else: launch.address: private)",
			   id);
}

void check_subnets(struct probe *probe)
{
	const struct plan_subnet *subnets = probe->plan->launch.subnets.items;
	struct aws_call call = aws_call(AWS_ec2_DescribeSubnets, probe->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	int64_t free = 0;
	char path[32];

	for (size_t i = 0; i < probe->plan->launch.subnets.count; i++) {
		snprintf(path, sizeof(path), "SubnetId.%zu", i + 1);
		aws_arg(&call, path, subnets[i].id);
	}
	if (!probe_ask(probe, ASK_NEEDED, &call, &reply))
		return;
	for (struct tree_iter i = tree_iter(tree_get(reply, "subnetSet")); tree_next(&i);)
		subnet_judge(probe, i.value, &free);
	if (free)
		probe_ok(probe, "%zu subnets, %lld addresses left", probe->plan->launch.subnets.count, (long long)free);
	else
		probe_fail(probe, ERROR_CAPACITY, "no subnet has an address left; name others in launch.subnets");
}
