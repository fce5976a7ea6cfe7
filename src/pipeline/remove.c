/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking an image away: unprotected, deregistered, then its snapshots, which EC2 keeps while an image
 * holds them: its own, or another that somebody made of them, whose they are then. */
#include "remove.h"

#include "bakery/str.h"

struct removing {
	struct aws *aws;
	const struct image_removal *wish;
};

static bool ask(const struct removing *removing, enum aws_operation operation, const char *argument, const char *id,
		struct error *err)
{
	struct aws_call call = aws_call(operation, removing->wish->region);

	aws_arg(&call, argument, id);
	call.stop = removing->wish->stop;
	if (aws_send(removing->aws, &call, NULL, err))
		return true;
	if (!error_is(err, ERROR_ABSENT))
		return false;
	error_clear(err);
	return true;
}

static void include_all(struct aws_call *call)
{
	aws_arg_bool(call, "IncludeDeprecated", true);
	aws_arg_bool(call, "IncludeDisabled", true);
}

/* Somebody may have registered an image of their own with it. */
static bool is_used_elsewhere(const struct removing *removing, const char *snapshot, bool *used, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, removing->wish->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;

	aws_arg(&call, "Owner.1", "self");
	aws_arg(&call, "Filter.1.Name", "block-device-mapping.snapshot-id");
	aws_arg(&call, "Filter.1.Value.1", snapshot);
	include_all(&call);
	call.stop = removing->wish->stop;
	if (!aws_send(removing->aws, &call, &reply, err))
		return false;
	*used = false;
	for (struct tree_iter i = tree_iter(tree_get(reply, "imagesSet")); tree_next(&i);)
		*used |= !str_eq(tree_text(i.value, "imageId"), removing->wish->ami);
	return true;
}

/* What is in use by no other image may be an echo of the one that has just gone. */
static bool snapshot_delete(const struct removing *removing, const char *snapshot, struct error *err)
{
	enum { TRIES = 10, PAUSE_MS = 1000 };

	for (int left = TRIES; !ask(removing, AWS_ec2_DeleteSnapshot, "SnapshotId", snapshot, err); left--) {
		struct error lookup = {0};
		bool used;

		if (!str_eq(err->code, "InvalidSnapshot.InUse") || left == 1 ||
		    !is_used_elsewhere(removing, snapshot, &used, &lookup))
			return false;
		if (used) {
			error_clear(err);
			return true;
		}
		if (!stop_sleep_ms(removing->wish->stop, PAUSE_MS))
			return error_set(err, ERROR_STOPPED, "stopped");
	}
	return true;
}

static bool snapshots_delete(const struct removing *removing, const struct tree *image, struct error *err)
{
	for (struct tree_iter i = tree_iter(tree_get(image, "blockDeviceMapping")); tree_next(&i);) {
		const char *snapshot = tree_text(i.value, "ebs.snapshotId");
		struct error why = {0};

		if (snapshot && !snapshot_delete(removing, snapshot, &why))
			return error_coded(err, why.kind, IMAGE_GONE,
					   "its snapshot %s is left behind, which `bakery gc` removes when it is a "
					   "day old: %s",
					   snapshot, why.text);
	}
	return true;
}

/* EC2 refuses to deregister a protected image. */
static bool unprotect(const struct removing *removing, const struct tree *image, struct error *err)
{
	if (!str_starts(tree_text_or(image, "deregistrationProtection", "disabled"), "enabled"))
		return true;
	return ask(removing, AWS_ec2_DisableImageDeregistrationProtection, "ImageId", removing->wish->ami, err);
}

static bool deregister(const struct removing *removing, const struct tree *image, struct error *err)
{
	if (ask(removing, AWS_ec2_DeregisterImage, "ImageId", removing->wish->ami, err))
		return true;
	if (str_eq(tree_text(image, "deregistrationProtection"), "enabled-with-cooldown"))
		error_hint(err, "its deregistration protection has a cool-down: 24 h after it was switched off the "
				"image can go");
	return false;
}

bool image_remove(struct aws *aws, const struct image_removal *wish, struct error *err)
{
	const struct removing removing = {aws, wish};
	struct aws_call describe = aws_call(AWS_ec2_DescribeImages, wish->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const struct tree *image;

	aws_arg(&describe, "ImageId.1", wish->ami);
	include_all(&describe);
	describe.stop = wish->stop;
	describe.not_yet_s = wish->not_yet_s;
	if (!aws_send(aws, &describe, &reply, err)) {
		if (!error_is(err, ERROR_ABSENT))
			return false;
		error_clear(err);
		return true;
	}
	image = tree_get(reply, "imagesSet.1");
	return unprotect(&removing, image, err) && deregister(&removing, image, err) &&
	       snapshots_delete(&removing, image, err);
}
