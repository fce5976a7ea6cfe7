/* SPDX-License-Identifier: Apache-2.0
 *
 * Instances, volumes and security groups that carry the project's tag, in one region. Only what could be removed: a
 * volume in use goes with its instance. */
#include <stdio.h>

#include "bakery/str.h"
#include "sweep.h"

struct shape { /* of a description */
	enum sweep_kind kind;
	enum aws_operation operation;
	const char *list, *id, *made, *made_as;
	const char *state_filter; /* and the states that are of interest */
	const char *states[5];
};
static const struct shape shapes[] = {
	{SWEEP_INSTANCE,
	 AWS_ec2_DescribeInstances,
	 "reservationSet",
	 "instanceId",
	 "launchTime",
	 "clientToken",
	 "instance-state-name",
	 {"pending", "running", "stopping", "stopped"}},
	{SWEEP_VOLUME, AWS_ec2_DescribeVolumes, "volumeSet", "volumeId", "createTime", NULL, "status", {"available"}},
	{SWEEP_SECURITY_GROUP,
	 AWS_ec2_DescribeSecurityGroups,
	 "securityGroupInfo",
	 "groupId",
	 NULL,
	 "groupName",
	 NULL,
	 {NULL}},
};

static double cost_of(enum sweep_kind kind, const struct tree *item)
{
	if (kind == SWEEP_VOLUME)
		return sweep_volume_month_usd(tree_text(item, "volumeType"), tree_int(item, "size", 0));
	if (kind != SWEEP_INSTANCE || str_starts(tree_text_or(item, "instanceState.name", ""), "stop"))
		return 0;
	return sweep_instance_month_usd(tree_text(item, "instanceType"));
}

static void take_one(struct sweeping *sweeping, const struct shape *shape, const struct tree *item)
{
	struct sweep_found *found = sweeping_add(sweeping, shape->kind, tree_text_or(item, shape->id, ""));
	const char *made = shape->made ? tree_text(item, shape->made) : NULL;

	sweeping_tags(sweeping, found, tree_get(item, "tagSet"), "key", "value");
	if (!made || !clock_parse_rfc3339(made, &found->made_ms))
		found->made_ms = 0;
	found->made_as = shape->made_as ? arena_strdup(sweeping->arena, tree_text_or(item, shape->made_as, "")) : NULL;
	found->cost_month_usd = cost_of(shape->kind, item);
}

static bool look(struct sweeping *sweeping, const struct shape *shape, struct error *err)
{
	struct aws_call call = aws_call(shape->operation, sweeping->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	char path[32];

	aws_arg(&call, "Filter.1.Name", "tag:bakery:project");
	aws_arg(&call, "Filter.1.Value.1", sweeping->options->project);
	aws_arg(&call, "Filter.2.Name", "tag-key");
	aws_arg(&call, "Filter.2.Value.1", "bakery:build");
	if (shape->state_filter)
		aws_arg(&call, "Filter.3.Name", shape->state_filter);
	for (int i = 0; shape->states[i]; i++) {
		snprintf(path, sizeof(path), "Filter.3.Value.%d", i + 1);
		aws_arg(&call, path, shape->states[i]);
	}
	if (!sweeping_send(sweeping, &call, &reply, err))
		return false;
	for (struct tree_iter i = tree_iter(tree_get(reply, shape->list)); tree_next(&i);) {
		if (shape->kind != SWEEP_INSTANCE)
			take_one(sweeping, shape, i.value);
		for (struct tree_iter k = tree_iter(tree_get(i.value, "instancesSet")); tree_next(&k);)
			take_one(sweeping, shape, k.value);
	}
	return true;
}

bool sweep_look_ec2(struct sweeping *sweeping, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		if (!look(sweeping, &shapes[i], err))
			return false;
	}
	return true;
}
