/* SPDX-License-Identifier: Apache-2.0
 *
 * image: the instance is stopped, so that its file systems are at rest, and its volumes become the image, which must be
 * what the plan says before anything is done with it. */
#include <stdio.h>

#include "../pipeline.h"
#include "bakery/str.h"

enum { STOP_TIMEOUT_S = 1800, IMAGE_TIMEOUT_S = 4 * 3600 };

/* EC2 cannot stop a one-time spot instance; CreateImage then restarts it, which brings the file systems to rest as
 * well. */
static bool instance_stop(struct build *build, struct error *err)
{
	struct aws_call call;

	if (build->state.spot)
		return true;
	call = aws_call(AWS_ec2_StopInstances, build->plan->region);
	aws_arg(&call, "InstanceId.1", build->state.instance);
	if (!build_send(build, &call, NULL, err))
		return error_context(err, "stopping %s", build->state.instance);
	return build_wait_learning(build, AWS_WAIT_instance_stopped, "stop", build->plan->region, build->state.instance,
				   STOP_TIMEOUT_S, NULL, err) ||
	       error_context(err, "stopping %s", build->state.instance);
}

/* An image that an earlier try asked for needs its instance no more, which may be gone by now. */
static bool image_is_held(struct build *build, bool *held, struct error *err)
{
	struct hold *holds;
	size_t count;

	*held = false;
	if (!store_hold_list(build->store, build->id, build->arena, &holds, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		*held |= str_eq(holds[i].kind, held_image.name) && holds[i].id;
	return true;
}

static bool image_obtain(struct build *build, char ami[ID_SIZE], struct tree **image, struct error *err)
{
	const char *region = build->plan->region;
	bool held, changed;

	if (!image_is_held(build, &held, err) || (!held && !instance_stop(build, err)) ||
	    !build_hold(build, &held_image, region, "image", build->state.instance, ami, err))
		return false;
	return (build_wait_learning(build, AWS_WAIT_image_available, "image", region, ami, IMAGE_TIMEOUT_S, image,
				    err) &&
		image_check(build, *image, err) && image_require_imds(build, region, ami, *image, &changed, err)) ||
	       error_context(err, "image %s", ami);
}

/* The instance costs money while the image is tested and copied; what fails here, tidy does. */
static void instance_give_up(struct build *build)
{
	struct error unended = {0};

	snprintf(build->box.instance, ID_SIZE, "%s", build->state.instance);
	if (!box_terminate(build, &build->box, &unended))
		build_note(build, "%s is not terminated yet: %s", build->box.instance, unended.text);
}

bool stage_image(struct build *build, struct error *err)
{
	const char *region = build->plan->region;
	_cleanup_(tree_freep) struct tree *image = NULL;
	struct build_image *result;
	char ami[ID_SIZE];

	box_keys_forget(build, build->box.purpose); /* sealed: nobody logs in any more */
	if (!image_obtain(build, ami, &image, err) || !image_record(build, region, image, err))
		return false;
	result = arena_alloc(build->arena, sizeof(*result));
	*result = (struct build_image){region, arena_strdup(build->arena, ami), image_snapshots(image, build->arena)};
	build->state.images = (struct struct_list){result, 1};
	build_note(build, "%s is available", ami);
	instance_give_up(build);
	return true;
}
