/* SPDX-License-Identifier: Apache-2.0
 *
 * A role and an instance profile for one build alone, both named by the ledger's token, so that either is found again.
 * Making them may be done twice over: what is there already counts as made. IAM keeps a role that anything still hangs
 * on, so dropping goes from the outside in. */
#include <stdio.h>

#include "bakery/str.h"
#include "pipeline.h"

#define INLINE_POLICY "bakery"

static bool is_china(const char *region)
{
	return str_starts(region, "cn-");
}

/* Who may take the role: EC2, for its instances ("Service principals" of the China regions: amazonaws.com.cn). */
static void trust_add(struct aws_call *call, const char *region)
{
	aws_argf(call, "AssumeRolePolicyDocument",
		 "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":"
		 "\"ec2.amazonaws.com%s\"},\"Action\":\"sts:AssumeRole\"}]}",
		 is_china(region) ? ".cn" : "");
}

/* IAM, too, is only consistent in the end: what was made a moment ago may not be known yet. */
static struct aws_call iam_call(const struct build *build, enum aws_operation operation, const struct hold *hold)
{
	struct aws_call call = aws_call(operation, hold->region);

	call.not_yet_s = build_settle_s(build);
	return call;
}

static bool send_unless(struct build *build, struct aws_call *call, const char *fine_code, struct error *err)
{
	if (build_send(build, call, NULL, err))
		return true;
	if (!str_eq(err->code, fine_code))
		return false;
	error_clear(err);
	return true;
}

static bool role_make(struct build *build, const struct hold *hold, struct error *err)
{
	struct aws_call call = aws_call(AWS_iam_CreateRole, hold->region);

	aws_arg(&call, "RoleName", hold->token);
	aws_argf(&call, "Description", "bakery build %s, removed when it ends", build->id);
	trust_add(&call, hold->region);
	build_tag_plain(build, &call, "Tags.member", hold->purpose, hold->token);
	return send_unless(build, &call, "EntityAlreadyExists", err);
}

static bool policies_add(struct build *build, const struct hold *hold, struct error *err)
{
	const struct plan_launch *launch = &build->plan->launch;
	struct aws_call call;

	if (launch->profile_policy) {
		call = iam_call(build, AWS_iam_PutRolePolicy, hold);
		aws_arg(&call, "RoleName", hold->token);
		aws_arg(&call, "PolicyName", INLINE_POLICY);
		aws_arg(&call, "PolicyDocument", launch->profile_policy);
		if (!build_send(build, &call, NULL, err))
			return false;
	}
	for (size_t i = 0; i < launch->managed_policies.count; i++) {
		call = iam_call(build, AWS_iam_AttachRolePolicy, hold);
		aws_arg(&call, "RoleName", hold->token);
		aws_arg(&call, "PolicyArn", launch->managed_policies.items[i]);
		if (!build_send(build, &call, NULL, err))
			return error_context(err, "%s", launch->managed_policies.items[i]);
	}
	return true;
}

/* A profile takes one role; a second call says that there is one. */
static bool profile_make(struct build *build, const struct hold *hold, struct error *err)
{
	struct aws_call call = aws_call(AWS_iam_CreateInstanceProfile, hold->region);

	aws_arg(&call, "InstanceProfileName", hold->token);
	build_tag_plain(build, &call, "Tags.member", hold->purpose, hold->token);
	if (!send_unless(build, &call, "EntityAlreadyExists", err))
		return false;
	call = iam_call(build, AWS_iam_AddRoleToInstanceProfile, hold);
	aws_arg(&call, "InstanceProfileName", hold->token);
	aws_arg(&call, "RoleName", hold->token);
	return send_unless(build, &call, "LimitExceeded", err);
}

static bool make(struct build *build, const struct hold *hold, const void *wish, char id[ID_SIZE], struct error *err)
{
	if (!role_make(build, hold, err) || !policies_add(build, hold, err) || !profile_make(build, hold, err))
		return error_context(err, "launch.temporary_profile");
	snprintf(id, ID_SIZE, "%s", hold->token);
	return true;
}

static bool exists(struct build *build, enum aws_operation operation, const char *key, const struct hold *hold,
		   bool *found, struct error *err)
{
	struct aws_call call = aws_call(operation, hold->region);

	aws_arg(&call, key, hold->token);
	*found = build_send(build, &call, NULL, err);
	if (!*found && !error_is(err, ERROR_ABSENT))
		return false;
	error_clear(err);
	return true;
}

static bool find(struct build *build, const struct hold *hold, char id[ID_SIZE], struct error *err)
{
	bool found;

	if (!exists(build, AWS_iam_GetInstanceProfile, "InstanceProfileName", hold, &found, err) ||
	    (!found && !exists(build, AWS_iam_GetRole, "RoleName", hold, &found, err)))
		return false;
	if (found)
		snprintf(id, ID_SIZE, "%s", hold->token);
	return true;
}

/* One thing off the name; gone already is fine. That something still hangs on it may be an echo of what was just taken
 * off. */
static bool take_off(struct build *build, enum aws_operation operation, const struct hold *hold, const char *name_key,
		     const char *other_key, const char *other, struct error *err)
{
	enum { TRIES = 10, PAUSE_MS = 1000 };

	for (int left = TRIES;; left--) {
		struct aws_call call = aws_call(operation, hold->region);

		aws_arg(&call, name_key, hold->id);
		if (other_key)
			aws_arg(&call, other_key, other);
		if (build_send(build, &call, NULL, err))
			return true;
		if (error_is(err, ERROR_ABSENT)) {
			error_clear(err);
			return true;
		}
		if (!str_eq(err->code, "DeleteConflict") || !left || !stop_sleep_ms(build_stop(build), PAUSE_MS))
			return false;
	}
}

static bool drop(struct build *build, const struct hold *hold, struct error *err)
{
	const struct plan_launch *launch = &build->plan->launch;

	if (!take_off(build, AWS_iam_RemoveRoleFromInstanceProfile, hold, "InstanceProfileName", "RoleName", hold->id,
		      err) ||
	    !take_off(build, AWS_iam_DeleteInstanceProfile, hold, "InstanceProfileName", NULL, NULL, err))
		return false;
	for (size_t i = 0; i < launch->managed_policies.count; i++) {
		if (!take_off(build, AWS_iam_DetachRolePolicy, hold, "RoleName", "PolicyArn",
			      launch->managed_policies.items[i], err))
			return false;
	}
	if (launch->profile_policy &&
	    !take_off(build, AWS_iam_DeleteRolePolicy, hold, "RoleName", "PolicyName", INLINE_POLICY, err))
		return false;
	return take_off(build, AWS_iam_DeleteRole, hold, "RoleName", NULL, NULL, err);
}

const struct held_kind held_instance_profile = {
	.name = "instance_profile",
	.completes = true,
	.make = make,
	.find = find,
	.drop = drop,
};
