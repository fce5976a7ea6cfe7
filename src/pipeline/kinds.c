/* SPDX-License-Identifier: Apache-2.0
 *
 * What a ledger can hold: how each kind of resource is asked for, found again and removed. Instances have a file of
 * their own. */
#include <stdio.h>

#include "bakery/str.h"
#include "pipeline.h"
#include "remove.h"

static bool gone(struct error *err)
{
	if (!error_is(err, ERROR_ABSENT))
		return false;
	error_clear(err);
	return true;
}

bool held_is_denied_since_gone(struct build *build, const struct hold *hold, enum aws_operation describe,
			       const char *argument, struct error *err)
{
	static const char state[] = "reservationSet.1.instancesSet.1.instanceState.name";
	struct aws_call call = aws_call(describe, hold->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	struct error lookup = {0};
	bool there;

	if (!error_is(err, ERROR_DENIED)) {
		aws_call_clear(&call);
		return false;
	}
	aws_arg(&call, argument, hold->id);
	call.not_yet_s = build_unsettled_s(build, hold);
	there = build_send(build, &call, &reply, &lookup) ? !str_eq(tree_text(reply, state), "terminated")
							  : !error_is(&lookup, ERROR_ABSENT);
	if (!there)
		error_clear(err);
	return !there;
}

/* The name is taken, by this very build: an earlier request arrived after all. */
static bool found_again(struct build *build, const struct held_kind *kind, const struct hold *hold, char id[ID_SIZE],
			struct error *err)
{
	struct error lookup = {0};

	if (!build_find_shown(build, kind, hold, id, &lookup) || !id[0])
		return false; /* with AWS's refusal */
	error_clear(err);
	return true;
}

/* --- security groups: the token is the name --- */

static bool group_make(struct build *build, const struct hold *hold, const void *wish, char id[ID_SIZE],
		       struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_CreateSecurityGroup, hold->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;

	aws_arg(&call, "GroupName", hold->token);
	aws_argf(&call, "GroupDescription", "bakery build %s, removed when it ends", build->id);
	aws_arg(&call, "VpcId", build->plan->launch.vpc);
	build_tag(build, &call, 1, "security-group", hold->purpose, hold->token);
	if (!build_send(build, &call, &reply, err))
		return str_eq(err->code, "InvalidGroup.Duplicate") &&
		       found_again(build, &held_security_group, hold, id, err);
	snprintf(id, ID_SIZE, "%s", tree_text_or(reply, "groupId", ""));
	return id[0] || error_set(err, ERROR_REMOTE, "CreateSecurityGroup answered without a group id");
}

static bool group_find(struct build *build, const struct hold *hold, char id[ID_SIZE], struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeSecurityGroups, hold->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;

	aws_arg(&call, "Filter.1.Name", "group-name");
	aws_arg(&call, "Filter.1.Value.1", hold->token);
	if (!build_send(build, &call, &reply, err))
		return false;
	snprintf(id, ID_SIZE, "%s", tree_text_or(reply, "securityGroupInfo.1.groupId", ""));
	return true;
}

/* The interface of an instance that has just ended may still be seen in it. */
static bool group_drop(struct build *build, const struct hold *hold, struct error *err)
{
	enum { TRIES = 10, PAUSE_MS = 1000 };

	for (int left = TRIES;; left--) {
		struct aws_call call = aws_call(AWS_ec2_DeleteSecurityGroup, hold->region);

		aws_arg(&call, "GroupId", hold->id);
		call.not_yet_s = build_unsettled_s(build, hold);
		if (build_send(build, &call, NULL, err) || gone(err) ||
		    held_is_denied_since_gone(build, hold, AWS_ec2_DescribeSecurityGroups, "GroupId.1", err))
			return true;
		if (!str_eq(err->code, "DependencyViolation"))
			return false;
		if (left == 1)
			return error_hint(err,
					  "something that bakery did not make uses it: "
					  "`aws ec2 describe-network-interfaces --region %s --filters "
					  "Name=group-id,Values=%s` shows what",
					  hold->region, hold->id);
		if (!stop_sleep_ms(build_stop(build), PAUSE_MS))
			return false;
	}
}

const struct held_kind held_security_group = {
	.name = "security_group",
	.make = group_make,
	.find = group_find,
	.drop = group_drop,
};

/* --- images: the name is the token, unique in the region --- */

static bool image_find(struct build *build, const struct hold *hold, char id[ID_SIZE], struct error *err)
{
	_cleanup_(tree_freep) struct tree *reply = NULL;
	struct aws_call call;

	if (!build->state.image_name)
		return true; /* nothing can have been named before the name was made */
	call = aws_call(AWS_ec2_DescribeImages, hold->region);
	aws_arg(&call, "Owner.1", "self");
	aws_arg(&call, "Filter.1.Name", "name");
	aws_arg(&call, "Filter.1.Value.1", build->state.image_name);
	aws_arg(&call, "Filter.2.Name", "tag:bakery:build");
	aws_arg(&call, "Filter.2.Value.1", build->id);
	if (!build_send(build, &call, &reply, err))
		return false;
	snprintf(id, ID_SIZE, "%s", tree_text_or(reply, "imagesSet.1.imageId", ""));
	return true;
}

static bool image_sent(struct build *build, struct aws_call *call, const struct hold *hold, char id[ID_SIZE],
		       struct error *err)
{
	_cleanup_(tree_freep) struct tree *reply = NULL;

	if (!build_send(build, call, &reply, err)) {
		if (!str_eq(err->code, "InvalidAMIName.Duplicate"))
			return false;
		return found_again(build, &held_image, hold, id, err) ||
		       error_hint(err, "another image of this account has that name");
	}
	snprintf(id, ID_SIZE, "%s", tree_text_or(reply, "imageId", ""));
	return id[0] ||
	       error_set(err, ERROR_REMOTE, "%s answered without an image id", aws_operation_name(call->operation));
}

static bool image_make(struct build *build, const struct hold *hold, const void *wish, char id[ID_SIZE],
		       struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_CreateImage, hold->region);

	aws_arg(&call, "InstanceId", wish);
	aws_arg(&call, "Name", build->state.image_name);
	aws_arg(&call, "Description", build->state.image_description);
	build_tag(build, &call, 1, "image", hold->purpose, hold->token);
	build_tag(build, &call, 2, "snapshot", hold->purpose, hold->token);
	return image_sent(build, &call, hold, id, err);
}

static bool copy_make(struct build *build, const struct hold *hold, const void *wish, char id[ID_SIZE],
		      struct error *err)
{
	const struct build_image *source = build->state.images.items;
	const struct plan_region *region = wish;
	struct aws_call call = aws_call(AWS_ec2_CopyImage, hold->region);

	aws_arg(&call, "SourceImageId", source->ami);
	aws_arg(&call, "SourceRegion", source->region);
	aws_arg(&call, "Name", build->state.image_name);
	aws_arg(&call, "Description", build->state.image_description);
	aws_arg(&call, "ClientToken", hold->token);
	if (region->kms_key) {
		aws_arg_bool(&call, "Encrypted", true);
		aws_arg(&call, "KmsKeyId", region->kms_key);
	}
	build_tag(build, &call, 1, "image", hold->purpose, hold->token);
	build_tag(build, &call, 2, "snapshot", hold->purpose, hold->token);
	return image_sent(build, &call, hold, id, err);
}

static bool image_drop(struct build *build, const struct hold *hold, struct error *err)
{
	const struct image_removal removal = {.region = hold->region,
					      .ami = hold->id,
					      .not_yet_s = build_unsettled_s(build, hold),
					      .stop = build_stop(build)};

	return image_check_unpublished(build, hold, err) && image_remove(build->aws, &removal, err);
}

const struct held_kind held_image = {
	.name = "image",
	.is_result = true,
	.make = image_make,
	.find = image_find,
	.drop = image_drop,
};

const struct held_kind held_copy = {
	.name = "copy",
	.is_result = true,
	.make = copy_make,
	.find = image_find,
	.drop = image_drop,
};
