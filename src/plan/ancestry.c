/* SPDX-License-Identifier: Apache-2.0
 *
 * What an image of ours stands on, told by the tags that each build leaves: bakery:source is the image it began with,
 * in the region where it was baked. The way up ends at the first image without tags that this account can see. */
#include "bakery/str.h"
#include "facts_private.h"

enum { MOST_ANCESTORS = 16 };

struct step_up {
	const char *id, *region;
};

/* A copy keeps its original's tags, so that what it began with is of the original's region. */
static struct step_up step_up(struct gather *gather, const struct tree *image, const char *region)
{
	return (struct step_up){
		.id = arena_strdup(gather->arena, image_tag(image, "bakery:source")),
		.region = arena_strdup(gather->arena, tree_text_or(image, "sourceImageRegion", region)),
	};
}

/* *images: empty when the image is gone, or of a region that these credentials may not look into. A filter does not
 * mind, unlike ImageId. */
static bool look(struct gather *gather, const struct step_up *at, struct tree **images, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, at->region);

	call.share_ms = SHARE_MS;
	aws_arg(&call, "Filter.1.Name", "image-id");
	aws_arg(&call, "Filter.1.Value.1", at->id);
	aws_arg_bool(&call, "IncludeDeprecated", true);
	aws_arg_bool(&call, "IncludeDisabled", true);
	if (aws_send(gather->aws, &call, images, err))
		return true;
	if (!error_is(err, ERROR_DENIED))
		return error_context(err, "ancestor %s in %s", at->id, at->region);
	error_clear(err);
	return true;
}

bool ancestry_find(struct gather *gather, const struct tree *image, struct error *err)
{
	struct plan_source *source = &gather->facts->source;
	struct step_up at = step_up(gather, image, gather->facts->region);

	source->build = arena_strdup(gather->arena, image_tag(image, "bakery:build"));
	source->recipe = arena_strdup(gather->arena, image_tag(image, "bakery:recipe"));
	while (at.id && !text_list_has(&source->ancestors, at.id) && source->ancestors.count < MOST_ANCESTORS) {
		_cleanup_(tree_freep) struct tree *reply = NULL;
		const struct tree *ancestor;

		text_list_append(&source->ancestors, at.id, gather->arena);
		if (!look(gather, &at, &reply, err))
			return false;
		ancestor = tree_get(reply, "imagesSet.1");
		if (image_tag(ancestor, "bakery:revoked")) {
			return image_refuse(gather, ancestor, IMAGE_REVOKED, err) ||
			       error_context(err, "%s is built on a revoked image", source->ami);
		}
		at = step_up(gather, ancestor, at.region);
	}
	return true;
}
