/* SPDX-License-Identifier: Apache-2.0
 *
 * Removing what was found by its tags. Gone already counts as removed. */
#include "../remove.h"
#include "bakery/str.h"
#include "sweep.h"

static bool plain_remove(const struct sweep_found *found, const struct sweep_options *options,
			 enum aws_operation operation, const char *argument, struct error *err)
{
	struct aws_call call = aws_call(operation, found->region);

	aws_arg(&call, argument, found->id);
	return sweep_ask(found, options, &call, err);
}

/* Only when it is gone can its security group go. */
static bool instance_remove(const struct sweep_found *found, const struct sweep_options *options, struct error *err)
{
	const struct aws_wait_options wait = {.region = found->region, .timeout_s = 600, .stop = options->stop};

	return plain_remove(found, options, AWS_ec2_TerminateInstances, "InstanceId.1", err) &&
	       aws_wait(found->in->aws, AWS_WAIT_instance_terminated, found->id, &wait, NULL, err);
}

/* Somebody may have published it since it was found. */
static bool image_remove_unpublished(const struct sweep_found *found, const struct sweep_options *options,
				     struct error *err)
{
	_cleanup_(tree_freep) struct tree *parameters = NULL;
	const char *parameter;

	if (!sweep_parameters(found->in, options, found->region, &parameters, err))
		return false;
	parameter = tree_text(tree_key(parameters, found->id), "");
	if (parameter)
		return error_set(err, ERROR_CONFLICT, "%s names it by now; it stays", parameter);
	return image_remove(found->in->aws,
			    &(struct image_removal){.region = found->region, .ami = found->id, .stop = options->stop},
			    err);
}

bool sweep_remove(const struct sweep_found *found, const struct sweep_options *options, struct error *err)
{
	bool done = false;

	switch (found->kind) {
	case SWEEP_INSTANCE:
		done = instance_remove(found, options, err);
		break;
	case SWEEP_VOLUME:
		done = plain_remove(found, options, AWS_ec2_DeleteVolume, "VolumeId", err);
		break;
	case SWEEP_INSTANCE_PROFILE:
		done = sweep_profile_remove(found, options, err);
		break;
	case SWEEP_ROLE:
		done = sweep_role_remove(found, options, err);
		break;
	case SWEEP_SECURITY_GROUP:
		done = plain_remove(found, options, AWS_ec2_DeleteSecurityGroup, "GroupId", err);
		break;
	case SWEEP_IMAGE:
		done = image_remove_unpublished(found, options, err);
		break;
	case SWEEP_SNAPSHOT:
		done = plain_remove(found, options, AWS_ec2_DeleteSnapshot, "SnapshotId", err);
		break;
	case SWEEP_KIND_COUNT:
		break;
	}
	return done || error_context(err, "%s %s in %s", sweep_kind_name(found->kind), found->id, found->region);
}
