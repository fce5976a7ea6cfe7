/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the instance can stand: the subnets to try, in order, all of one VPC. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/str.h"
#include "facts_private.h"

/* The filters that select what the recipe asks for. */
static void wish_add(struct gather *gather, struct aws_call *call)
{
	const struct subnets *wish = gather->recipe->launch.subnets;
	char path[48];

	if (!wish) {
		aws_arg(call, "Filter.1.Name", "default-for-az"); /* those of the default VPC */
		aws_arg(call, "Filter.1.Value.1", "true");
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

/* As the recipe names them, which is how they are tried. */
static void order_as_named(struct plan_subnet *subnets, size_t count, const struct text_list *ids)
{
	size_t placed = 0;

	for (size_t i = 0; i < ids->count; i++) {
		for (size_t j = placed; j < count; j++) {
			if (!str_eq(subnets[j].id, ids->items[i]))
				continue;
			struct plan_subnet moved = subnets[j];
			memmove(&subnets[placed + 1], &subnets[placed], (j - placed) * sizeof(moved));
			subnets[placed++] = moved;
		}
	}
}

/* Those with addresses left, of the first one's VPC; others cannot share the temporary security group. */
static void subnets_take(struct gather *gather, const struct tree *found)
{
	const struct subnets *wish = gather->recipe->launch.subnets;
	struct facts *facts = gather->facts;
	struct plan_subnet *all = arena_alloc(gather->arena, (tree_count(found) + 1) * sizeof(*all));
	struct tree *vpcs = tree_new_object();
	size_t count = 0, kept = 0;

	for (struct tree_iter i = tree_iter(found); tree_next(&i);) {
		const char *id = tree_text_or(i.value, "subnetId", "");
		if (tree_int(i.value, "availableIpAddressCount", 1) <= 0)
			continue;
		tree_set_text(vpcs, id, tree_text_or(i.value, "vpcId", ""));
		all[count].id = arena_strdup(gather->arena, id);
		all[count++].zone = arena_strdup(gather->arena, tree_text_or(i.value, "availabilityZone", ""));
	}
	qsort(all, count, sizeof(*all), by_zone);
	if (wish)
		order_as_named(all, count, &wish->ids);
	for (size_t i = 0; i < count; i++) {
		const char *vpc = tree_text(tree_key(vpcs, all[i].id), NULL);
		if (!facts->vpc)
			facts->vpc = arena_strdup(gather->arena, vpc);
		if (str_eq(facts->vpc, vpc))
			all[kept++] = all[i];
	}
	tree_free(vpcs);
	facts->subnets = (struct struct_list){all, kept};
}

static bool none_left(struct gather *gather, size_t found, struct error *err)
{
	const struct facts *facts = gather->facts;

	if (found)
		return error_set(err, ERROR_INVALID,
				 "launch.subnets: no subnet in %s has addresses left (%zu looked at); name others, or "
				 "remove what holds their addresses",
				 facts->region, found);
	if (!gather->recipe->launch.subnets)
		return error_set(err, ERROR_INVALID,
				 "%s has no default VPC with default subnets in account %s; name subnets in the recipe "
				 "(launch.subnets, by ids or tags)",
				 facts->region, facts->account);
	return error_set(err, ERROR_INVALID, "launch.subnets: no subnet in %s of account %s matches", facts->region,
			 facts->account);
}

bool network_find(struct gather *gather, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeSubnets, gather->facts->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;

	call.share_ms = SHARE_MS;
	wish_add(gather, &call);
	if (!aws_send(gather->aws, &call, &reply, err))
		return error_context(err, "network");
	subnets_take(gather, tree_get(reply, "subnetSet"));
	return gather->facts->subnets.count || none_left(gather, tree_count(tree_get(reply, "subnetSet")), err);
}
