/* SPDX-License-Identifier: Apache-2.0
 *
 * The source image: found by owner and name, by a public parameter, by id, or as an image of our own. */
#include <stdio.h>
#include <string.h>

#include "bakery/str.h"
#include "facts_private.h"

/* The newest of several matches; creation dates are RFC 3339 in UTC, so their order is the texts' order. */
static const struct tree *newest(const struct tree *images)
{
	const struct tree *best = NULL;

	for (struct tree_iter i = tree_iter(images); tree_next(&i);) {
		const char *date = tree_text_or(i.value, "creationDate", "");
		if (!best || strcmp(date, tree_text_or(best, "creationDate", "")) > 0)
			best = i.value;
	}
	return best;
}

static int64_t root_size_gib(const struct tree *image, const char *root_device)
{
	for (struct tree_iter i = tree_iter(tree_get(image, "blockDeviceMapping")); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "deviceName"), root_device))
			return tree_int(i.value, "ebs.volumeSize", 0);
	}
	return 0;
}

static bool source_fill(struct gather *gather, const struct tree *image, const char *found_by, struct error *err)
{
	struct plan_source *source = &gather->facts->source;
	struct arena *arena = gather->arena;

	source->ami = arena_strdup(arena, tree_text(image, "imageId"));
	source->name = arena_strdup(arena, tree_text(image, "name"));
	source->owner = arena_strdup(arena, tree_text(image, "imageOwnerId"));
	source->created = arena_strdup(arena, tree_text(image, "creationDate"));
	source->architecture = arena_strdup(arena, tree_text(image, "architecture"));
	source->root_device = arena_strdup(arena, tree_text(image, "rootDeviceName"));
	source->boot_mode = arena_strdup(arena, tree_text(image, "bootMode"));
	source->found_by = found_by;
	if (!source->ami || !source->root_device)
		return error_set(err, ERROR_REMOTE, "source image (%s): its description has no id or root device",
				 found_by);
	source->size_gib = root_size_gib(image, source->root_device);
	if (!str_eq(tree_text_or(image, "rootDeviceType", "ebs"), "ebs"))
		return error_set(err, ERROR_INVALID,
				 "source image %s: its root device is not an EBS volume; bakery bakes EBS images",
				 source->ami);
	return true;
}

static bool images_ask(struct gather *gather, struct aws_call *call, const char *found_by, struct error *err)
{
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const struct tree *image;

	if (!aws_send(gather->aws, call, &reply, err))
		return error_context(err, "source image (%s)", found_by);
	image = newest(tree_get(reply, "imagesSet"));
	if (!image)
		return error_set(err, ERROR_ABSENT,
				 "source image (%s): no available image matches in %s; look at it with "
				 "`aws ec2 describe-images`",
				 found_by, gather->facts->region);
	return source_fill(gather, image, found_by, err);
}

static void filter_add(struct aws_call *call, size_t number, const char *name, const char *value)
{
	char path[48];

	snprintf(path, sizeof(path), "Filter.%zu.Name", number);
	aws_arg(call, path, name);
	snprintf(path, sizeof(path), "Filter.%zu.Value.1", number);
	aws_arg(call, path, value);
}

/* Only available images, so that a publisher's pending or failed one is never taken for the newest. */
static bool by_ami(struct gather *gather, struct error *err)
{
	const struct source_ami *ami = gather->recipe->source.ami;
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, gather->facts->region);
	const char *found_by = arena_printf(gather->arena, "owner %s, name %s",
					    ami->owners.count ? ami->owners.items[0] : "any", ami->name);
	char path[32];
	size_t number = 1;

	for (size_t i = 0; i < ami->owners.count; i++) {
		snprintf(path, sizeof(path), "Owner.%zu", i + 1);
		aws_arg(&call, path, ami->owners.items[i]);
	}
	filter_add(&call, number++, "name", ami->name);
	filter_add(&call, number++, "state", "available");
	if (ami->architecture)
		filter_add(&call, number++, "architecture", ami->architecture);
	for (size_t i = 0; i < ami->filters.count; i++)
		filter_add(&call, number++, ami->filters.items[i].key, ami->filters.items[i].value);
	return images_ask(gather, &call, found_by, err);
}

static bool by_id(struct gather *gather, const char *id, const char *found_by, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, gather->facts->region);

	aws_arg(&call, "ImageId.1", id);
	filter_add(&call, 1, "state", "available");
	return images_ask(gather, &call, found_by, err);
}

static bool by_parameter(struct gather *gather, const char *name, struct error *err)
{
	struct aws_call call = aws_call(AWS_ssm_GetParameter, gather->facts->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const char *id;

	aws_arg(&call, "Name", name);
	if (!aws_send(gather->aws, &call, &reply, err))
		return error_context(err, "source image (parameter %s)", name);
	id = tree_text(reply, "Parameter.Value");
	if (!id || !str_starts(id, "ami-"))
		return error_set(err, ERROR_INVALID, "source image: parameter %s holds \"%s\", not an image id", name,
				 id ? id : "");
	return by_id(gather, id, arena_printf(gather->arena, "parameter %s", name), err);
}

static bool by_recipe(struct gather *gather, struct error *err)
{
	const struct source_recipe *source = gather->recipe->source.recipe;
	const char *name = arena_printf(gather->arena, "%s/%s/%s", gather->settings->parameter_prefix, source->name,
					source->channel);

	if (by_parameter(gather, name, err))
		return true;
	if (error_is(err, ERROR_ABSENT))
		error_hint(err, "build and publish recipe %s to channel %s first", source->name, source->channel);
	return false;
}

bool source_find(struct gather *gather, struct error *err)
{
	const struct source *source = &gather->recipe->source;

	if (source->ami)
		return by_ami(gather, err);
	if (source->ssm)
		return by_parameter(gather, source->ssm, err);
	if (source->recipe)
		return by_recipe(gather, err);
	return by_id(gather, source->id, arena_printf(gather->arena, "id %s", source->id), err);
}
