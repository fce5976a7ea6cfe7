/* SPDX-License-Identifier: Apache-2.0
 *
 * The VPC's own addresses: what a temporary security group admits when machines are reached through a bastion of which
 * the recipe says no more. */
#include "facts_private.h"

#include "bakery/str.h"

/* An association whose state is not told is taken as one that holds. */
static void blocks_take(struct gather *gather, const struct tree *list, const char *block, const char *state,
			const char **out, size_t *count)
{
	for (struct tree_iter i = tree_iter(list); tree_next(&i);) {
		if (tree_text(i.value, block) && str_eq(tree_text_or(i.value, state, "associated"), "associated"))
			out[(*count)++] = arena_strdup(gather->arena, tree_text(i.value, block));
	}
}

static bool is_needed(const struct recipe *recipe)
{
	const struct bastion *bastion = recipe->connect.bastion;

	return bastion && !bastion->admit && !recipe->launch.security_groups.count;
}

bool vpc_blocks_find(struct gather *gather, struct error *err)
{
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const struct tree *four, *six;
	struct aws_call call;
	const char **blocks;
	size_t count = 0;

	if (!is_needed(gather->recipe))
		return true;
	call = aws_call(AWS_ec2_DescribeVpcs, gather->facts->region);
	call.share_ms = 60000;
	aws_arg(&call, "VpcId.1", gather->facts->vpc);
	if (!aws_send(gather->aws, &call, &reply, err))
		return error_context(err, "connect.bastion: the addresses of the VPC");
	four = tree_get(reply, "vpcSet.1.cidrBlockAssociationSet");
	six = tree_get(reply, "vpcSet.1.ipv6CidrBlockAssociationSet");
	blocks = arena_alloc(gather->arena, (tree_count(four) + tree_count(six) + 2) * sizeof(*blocks));
	blocks_take(gather, four, "cidrBlock", "cidrBlockState.state", blocks, &count);
	blocks_take(gather, six, "ipv6CidrBlock", "ipv6CidrBlockState.state", blocks, &count);
	if (!count && tree_text(reply, "vpcSet.1.cidrBlock"))
		blocks[count++] = arena_strdup(gather->arena, tree_text(reply, "vpcSet.1.cidrBlock"));
	gather->facts->vpc_blocks = (struct text_list){blocks, count};
	return count || error_set(err, ERROR_REMOTE, "connect.bastion: %s has no addresses; name connect.bastion.admit",
				  gather->facts->vpc);
}
