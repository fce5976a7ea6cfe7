/* SPDX-License-Identifier: Apache-2.0
 *
 * image: the instance is stopped, so that its file systems are at rest, and its volumes become the image. */
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
		return false;
	return build_wait_learning(build, AWS_WAIT_instance_stopped, "stop", build->plan->region, build->state.instance,
				   STOP_TIMEOUT_S, NULL, err);
}

static const char *snapshots_of(struct build *build, const struct tree *image)
{
	_cleanup_(tree_freep) struct tree *list = tree_new_array();
	_cleanup_(str_free) struct str json = STR_INIT;

	for (struct tree_iter i = tree_iter(tree_get(image, "blockDeviceMapping")); tree_next(&i);) {
		if (tree_text(i.value, "ebs.snapshotId"))
			tree_add_text(list, tree_text(i.value, "ebs.snapshotId"));
	}
	tree_to_json(list, &json);
	return arena_strdup(build->arena, json.data);
}

bool stage_image(struct build *build, struct error *err)
{
	const char *region = build->plan->region;
	_cleanup_(tree_freep) struct tree *image = NULL;
	struct build_image *result;
	char ami[ID_SIZE];

	if (!instance_stop(build, err))
		return error_context(err, "stopping %s", build->state.instance);
	if (!build_hold(build, &held_image, region, "image", build->state.instance, ami, err))
		return false;
	if (!build_wait_learning(build, AWS_WAIT_image_available, "image", region, ami, IMAGE_TIMEOUT_S, &image, err))
		return error_context(err, "image %s", ami);
	if (!store_image_put(build->store, build->id, region, ami, build->state.image_name, snapshots_of(build, image),
			     "available", err))
		return false;
	result = arena_alloc(build->arena, (build->plan->copies.count + 1) * sizeof(*result));
	*result = (struct build_image){region, arena_strdup(build->arena, ami)};
	build->state.images = (struct struct_list){result, 1};
	snprintf(build->box.instance, ID_SIZE, "%s", build->state.instance);
	build_note(build, "%s is available", ami);
	return box_terminate(build, &build->box, err);
}
