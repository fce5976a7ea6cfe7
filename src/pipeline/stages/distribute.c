/* SPDX-License-Identifier: Apache-2.0
 *
 * distribute: copies in the other regions, side by side; then what every image of the result gets: IMDSv2, a date of
 * deprecation. */
#include "../pipeline.h"
#include "bakery/parallel.h"
#include "bakery/str.h"

enum { COPY_TIMEOUT_S = 6 * 3600 };

struct copying {
	struct build *build;
	const struct plan_region *region;
	char ami[ID_SIZE];
};

static bool copy_start(struct copying *copying, struct error *err)
{
	struct build *build = copying->build;
	const char *region = copying->region->region;

	if (!build_hold(build, &held_copy, region, region, copying->region, copying->ami, err))
		return error_context(err, "copy to %s", region);
	return store_image_put(build->store, build->id, region, copying->ami, build->state.image_name, "[]", "pending",
			       err);
}

static bool copy_finish(void *item, struct error *err)
{
	struct copying *copying = item;
	struct build *build = copying->build;
	const char *region = copying->region->region;
	_cleanup_(tree_freep) struct tree *image = NULL;
	_cleanup_(freep) char *snapshots = NULL;
	const char *snapshot;

	if (!build_wait_learning(build, AWS_WAIT_image_available, "copy", region, copying->ami, COPY_TIMEOUT_S, &image,
				 err))
		return error_context(err, "copy %s in %s", copying->ami, region);
	snapshot = tree_text(image, "blockDeviceMapping.1.ebs.snapshotId");
	snapshots = snapshot ? mem_printf("[\"%s\"]", snapshot) : mem_strdup("[]");
	build_note(build, "%s in %s is available", copying->ami, region);
	return store_image_put(build->store, build->id, region, copying->ami, build->state.image_name, snapshots,
			       "available", err);
}

static void images_take(struct build *build, const struct copying *copies, size_t count)
{
	struct build_image *images = arena_alloc(build->arena, (count + 1) * sizeof(*images));

	images[0] = *(struct build_image *)build->state.images.items;
	for (size_t i = 0; i < count; i++)
		images[i + 1] =
			(struct build_image){copies[i].region->region, arena_strdup(build->arena, copies[i].ami)};
	build->state.images = (struct struct_list){images, count + 1};
}

struct finishing {
	struct build *build;
	const struct build_image *image;
};

static bool imds_set(const struct finishing *finishing, struct error *err)
{
	struct aws_call call;

	if (!finishing->build->plan->image.imds)
		return true;
	call = aws_call(AWS_ec2_ModifyImageAttribute, finishing->image->region);
	call.not_yet_s = SETTLE_S;
	aws_arg(&call, "ImageId", finishing->image->ami);
	aws_arg(&call, "ImdsSupport.Value", finishing->build->plan->image.imds);
	return build_send(finishing->build, &call, NULL, err);
}

static bool deprecation_set(const struct finishing *finishing, struct error *err)
{
	const struct build *build = finishing->build;
	struct aws_call call;
	char at[CLOCK_TEXT_SIZE];

	if (!build->plan->image.deprecate_after_s)
		return true;
	clock_rfc3339(build->started_ms + build->plan->image.deprecate_after_s * 1000, at);
	call = aws_call(AWS_ec2_EnableImageDeprecation, finishing->image->region);
	call.not_yet_s = SETTLE_S;
	aws_arg(&call, "ImageId", finishing->image->ami);
	aws_arg(&call, "DeprecateAt", at);
	return build_send(finishing->build, &call, NULL, err);
}

static bool image_finish(void *item, struct error *err)
{
	const struct finishing *finishing = item;

	return (imds_set(finishing, err) && deprecation_set(finishing, err)) ||
	       error_context(err, "%s in %s", finishing->image->ami, finishing->image->region);
}

static bool images_finish(struct build *build, struct error *err)
{
	size_t count = build->state.images.count;
	_cleanup_(freep) struct finishing *items = mem_array(count, sizeof(*items));

	for (size_t i = 0; i < count; i++)
		items[i] = (struct finishing){build, (struct build_image *)build->state.images.items + i};
	return parallel_each(items, count, sizeof(*items), 0, image_finish, NULL, err);
}

bool stage_distribute(struct build *build, struct error *err)
{
	const struct plan_region *regions = build->plan->copies.items;
	size_t count = build->plan->copies.count;
	_cleanup_(freep) struct copying *copies = mem_array(count, sizeof(*copies));

	for (size_t i = 0; i < count; i++) {
		copies[i] = (struct copying){.build = build, .region = &regions[i]};
		if (!copy_start(&copies[i], err))
			return false;
	}
	if (count && !parallel_each(copies, count, sizeof(*copies), 0, copy_finish, NULL, err))
		return false;
	images_take(build, copies, count);
	return images_finish(build, err);
}
