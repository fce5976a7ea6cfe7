/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the instance can stand: the subnets to try, in order, all of one VPC. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/str.h"
#include "facts_private.h"

static bool default_vpc_find(struct gather *gather, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeVpcs, gather->facts->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const char *vpc;

	aws_arg(&call, "Filter.1.Name", "is-default");
	aws_arg(&call, "Filter.1.Value.1", "true");
	if (!aws_send(gather->aws, &call, &reply, err))
		return false;
	vpc = tree_text(reply, "vpcSet.1.vpcId");
	if (!vpc)
		return error_set(err, ERROR_INVALID,
				 "%s has no default VPC in account %s; name subnets in the recipe (launch.subnets, by "
				 "ids or tags)",
				 gather->facts->region, gather->facts->account);
	gather->facts->vpc = arena_strdup(gather->arena, vpc);
	return true;
}

/* The filters that select what the recipe asks for. */
static void wish_add(struct gather *gather, struct aws_call *call)
{
	const struct subnets *wish = gather->recipe->launch.subnets;
	char path[48];

	if (!wish) {
		aws_arg(call, "Filter.1.Name", "vpc-id");
		aws_arg(call, "Filter.1.Value.1", gather->facts->vpc);
		aws_arg(call, "Filter.2.Name", "default-for-az");
		aws_arg(call, "Filter.2.Value.1", "true");
		return;
	}
	for (size_t i = 0; i < wish->ids.count; i++) {
		snprintf(path, sizeof(path), "SubnetId.%zu", i + 1);
		aws_arg(call, path, wish->ids.items[i]);
	}
	for (size_t i = 0; i < wish->tags.count; i++) {
		snprintf(path, sizeof(path), "Filter.%zu.Name", i + 1);
		aws_argf(call, path, "tag:%s", wish->tags.items[i].key);
		snprintf(path, sizeof(path), "Filter.%zu.Value.1", i + 1);
		aws_arg(call, path, wish->tags.items[i].value);
	}
}

static int by_zone(const void *a, const void *b)
{
	const struct plan_subnet *left = a, *right = b;
	int order = strcmp(left->zone, right->zone);

	return order ? order : strcmp(left->id, right->id);
}

/* Those with addresses left, of the first one's VPC; others cannot share the temporary security group. */
static void subnets_take(struct gather *gather, const struct tree *found)
{
	struct facts *facts = gather->facts;
	struct plan_subnet *subnets = arena_alloc(gather->arena, (tree_count(found) + 1) * sizeof(*subnets));
	size_t count = 0;

	for (struct tree_iter i = tree_iter(found); tree_next(&i);) {
		const char *vpc = tree_text_or(i.value, "vpcId", "");
		if (tree_int(i.value, "availableIpAddressCount", 1) <= 0)
			continue;
		if (!facts->vpc)
			facts->vpc = arena_strdup(gather->arena, vpc);
		if (!str_eq(facts->vpc, vpc))
			continue;
		subnets[count].id = arena_strdup(gather->arena, tree_text_or(i.value, "subnetId", ""));
		subnets[count++].zone = arena_strdup(gather->arena, tree_text_or(i.value, "availabilityZone", ""));
	}
	qsort(subnets, count, sizeof(*subnets), by_zone);
	facts->subnets = (struct struct_list){subnets, count};
}

bool network_find(struct gather *gather, struct error *err)
{
	_cleanup_(tree_freep) struct tree *reply = NULL;
	struct aws_call call;

	if (!gather->recipe->launch.subnets && !default_vpc_find(gather, err))
		return error_context(err, "network");
	call = aws_call(AWS_ec2_DescribeSubnets, gather->facts->region);
	wish_add(gather, &call);
	if (!aws_send(gather->aws, &call, &reply, err))
		return error_context(err, "network");
	subnets_take(gather, tree_get(reply, "subnetSet"));
	if (gather->facts->subnets.count)
		return true;
	return error_set(err, ERROR_INVALID, "launch.subnets: no subnet in %s matches, or none has addresses left",
			 gather->facts->region);
}
