/* SPDX-License-Identifier: Apache-2.0
 *
 * Images of the project's builds in one region, and snapshots that no image of the account holds. */
#include "bakery/str.h"
#include "sweep.h"

static int64_t time_of(const struct tree *item, const char *path)
{
	const char *text = tree_text(item, path);
	int64_t ms = 0;

	return text && clock_parse_rfc3339(text, &ms) ? ms : 0;
}

static bool is_ours(const struct sweeping *sweeping, const struct sweep_found *found)
{
	return found->build && str_eq(found->project, sweeping->options->project);
}

static void image_take(struct sweeping *sweeping, const struct tree *image, struct tree *used)
{
	struct sweep_found *found = sweeping_add(sweeping, SWEEP_IMAGE, tree_text_or(image, "imageId", ""));

	for (struct tree_iter i = tree_iter(tree_get(image, "blockDeviceMapping")); tree_next(&i);) {
		const char *snapshot = tree_text(i.value, "ebs.snapshotId");
		if (!snapshot)
			continue;
		tree_set_bool(used, snapshot, true);
		found->cost_month_usd += sweep_snapshot_month_usd(tree_int(i.value, "ebs.volumeSize", 0));
	}
	sweeping_tags(sweeping, found, tree_get(image, "tagSet"), "key", "value");
	found->name = arena_strdup(sweeping->arena, tree_text(image, "name"));
	found->made_ms = time_of(image, "creationDate");
	if (!is_ours(sweeping, found))
		sweeping->list.count--;
}

/* All of the account's, since an image that lost its tags still needs its snapshots. */
static bool images_look(struct sweeping *sweeping, struct tree *used, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, sweeping->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;

	aws_arg(&call, "Owner.1", "self");
	aws_arg_bool(&call, "IncludeDeprecated", true);
	aws_arg_bool(&call, "IncludeDisabled", true);
	if (!sweeping_send(sweeping, &call, &reply, err))
		return false;
	for (struct tree_iter i = tree_iter(tree_get(reply, "imagesSet")); tree_next(&i);)
		image_take(sweeping, i.value, used);
	return true;
}

static void snapshot_take(struct sweeping *sweeping, const struct tree *snapshot)
{
	struct sweep_found *found = sweeping_add(sweeping, SWEEP_SNAPSHOT, tree_text_or(snapshot, "snapshotId", ""));

	sweeping_tags(sweeping, found, tree_get(snapshot, "tagSet"), "key", "value");
	found->made_ms = time_of(snapshot, "startTime");
	found->cost_month_usd = sweep_snapshot_month_usd(tree_int(snapshot, "volumeSize", 0));
}

static bool snapshots_look(struct sweeping *sweeping, const struct tree *used, const struct tree *snapshots)
{
	for (struct tree_iter i = tree_iter(snapshots); tree_next(&i);) {
		if (!tree_key(used, tree_text_or(i.value, "snapshotId", "")))
			snapshot_take(sweeping, i.value);
	}
	return true;
}

/* The snapshots first: one whose image comes between the two questions is seen as the image's. */
bool sweep_look_images(struct sweeping *sweeping, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeSnapshots, sweeping->region);
	_cleanup_(tree_freep) struct tree *reply = NULL, *used = tree_new_object();

	aws_arg(&call, "Owner.1", "self");
	aws_arg(&call, "Filter.1.Name", "tag:bakery:project");
	aws_arg(&call, "Filter.1.Value.1", sweeping->options->project);
	aws_arg(&call, "Filter.2.Name", "tag-key");
	aws_arg(&call, "Filter.2.Value.1", "bakery:build");
	return sweeping_send(sweeping, &call, &reply, err) && images_look(sweeping, used, err) &&
	       snapshots_look(sweeping, used, tree_get(reply, "snapshotSet"));
}
