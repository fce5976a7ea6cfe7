/* SPDX-License-Identifier: Apache-2.0
 *
 * What an image must be, held against what EC2 says that it is; and its snapshots. */
#include <stdio.h>
#include <string.h>

#include "bakery/str.h"
#include "pipeline.h"

/* What the recipe wants must be told; what the source image has must not be denied. */
static bool attribute_check(const struct tree *image, const char *key, const char *wanted, const char *inherited,
			    struct error *err)
{
	const char *is = tree_text(image, key), *must = wanted ? wanted : inherited;

	if (!must || str_eq(is, must) || (!wanted && !is))
		return true;
	return error_set(err, ERROR_FAILED, "its %s is %s, and the plan says %s", key, is ? is : "not told", must);
}

/* An image takes these over from the instance it is made of, and that from the source image. */
bool image_check(const struct build *build, const struct tree *image, struct error *err)
{
	const struct plan_source *source = &build->plan->source;
	const struct plan_image *wish = &build->plan->image;

	return attribute_check(image, "architecture", NULL, source->architecture, err) &&
	       attribute_check(image, "bootMode", wish->boot_mode, source->boot_mode, err) &&
	       attribute_check(image, "tpmSupport", wish->tpm, source->tpm, err) &&
	       attribute_check(image, "enaSupport", NULL, source->ena ? "true" : NULL, err);
}

bool image_require_imds(struct build *build, const char *region, const char *ami, const struct tree *image,
			bool *changed, struct error *err)
{
	const char *wanted = build->plan->image.imds;
	struct aws_call call;

	if (!wanted || str_eq(tree_text(image, "imdsSupport"), wanted))
		return true;
	call = aws_call(AWS_ec2_ModifyImageAttribute, region);
	call.not_yet_s = build_settle_s(build);
	aws_arg(&call, "ImageId", ami);
	aws_arg(&call, "ImdsSupport.Value", wanted);
	*changed = true;
	return build_send(build, &call, NULL, err);
}

struct text_list image_snapshots(const struct tree *image, struct arena *arena)
{
	const struct tree *mappings = tree_get(image, "blockDeviceMapping");
	struct text_list list = {arena_alloc(arena, (tree_count(mappings) + 1) * sizeof(const char *)), 0};

	for (struct tree_iter i = tree_iter(mappings); tree_next(&i);) {
		const char *snapshot = tree_text(i.value, "ebs.snapshotId");
		if (snapshot)
			list.items[list.count++] = arena_strdup(arena, snapshot);
	}
	return list;
}

bool image_record(struct build *build, const char *region, const struct tree *image, struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(tree_freep) struct tree *list = tree_new_array();
	_cleanup_(str_free) struct str json = STR_INIT;
	struct text_list snapshots = image_snapshots(image, arena);

	for (size_t i = 0; i < snapshots.count; i++)
		tree_add_text(list, snapshots.items[i]);
	tree_to_json(list, &json);
	return store_image_put(build->store, build->id, region, tree_text_or(image, "imageId", ""),
			       build->state.image_name, json.data, "available", err);
}
