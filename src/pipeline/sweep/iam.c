/* SPDX-License-Identifier: Apache-2.0
 *
 * Instance profiles and roles that were made for one build: known by their names, and by their tags, which IAM tells
 * only of one at a time. IAM keeps a role that anything hangs on, so removing goes from the outside in. */
#include <stdio.h>

#include "bakery/str.h"
#include "sweep.h"

struct shape {
	enum sweep_kind kind;
	enum aws_operation list, get;
	const char *items, *item, *name;
};
static const struct shape shapes[] = {
	{SWEEP_INSTANCE_PROFILE, AWS_iam_ListInstanceProfiles, AWS_iam_GetInstanceProfile, "InstanceProfiles",
	 "InstanceProfile", "InstanceProfileName"},
	{SWEEP_ROLE, AWS_iam_ListRoles, AWS_iam_GetRole, "Roles", "Role", "RoleName"},
};

/* "bakery-20260102-030405-1a2b-build-5e6f": as the ledger's tokens are. */
static bool is_made_name(const char *name)
{
	return str_glob("bakery-20*-*-*-*-????", name);
}

static bool take_one(struct sweeping *sweeping, const struct shape *shape, const char *name, struct error *err)
{
	struct aws_call call = aws_call(shape->get, sweeping->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	struct sweep_found *found;
	const struct tree *item;
	const char *made;

	aws_arg(&call, shape->name, name);
	if (!sweeping_send(sweeping, &call, &reply, err)) {
		if (!error_is(err, ERROR_ABSENT))
			return false;
		error_clear(err);
		return true;
	}
	item = tree_key(reply, shape->item);
	found = sweeping_add(sweeping, shape->kind, name);
	sweeping_tags(sweeping, found, tree_get(item, "Tags"), "Key", "Value");
	found->made_as = found->id;
	made = tree_text(item, "CreateDate");
	if (!made || !clock_parse_rfc3339(made, &found->made_ms))
		found->made_ms = 0;
	if (!str_eq(found->project, sweeping->options->project))
		sweeping->list.count--;
	return true;
}

static bool look(struct sweeping *sweeping, const struct shape *shape, struct error *err)
{
	struct aws_call call = aws_call(shape->list, sweeping->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;

	if (!sweeping_send(sweeping, &call, &reply, err))
		return false;
	for (struct tree_iter i = tree_iter(tree_get(reply, shape->items)); tree_next(&i);) {
		const char *name = tree_text_or(i.value, shape->name, "");
		if (is_made_name(name) && !take_one(sweeping, shape, name, err))
			return false;
	}
	return true;
}

bool sweep_look_iam(struct sweeping *sweeping, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		if (!look(sweeping, &shapes[i], err))
			return false;
	}
	return true;
}

/* --- removing --- */

struct part { /* what hangs on a role or profile */
	enum aws_operation list, remove;
	const char *name;	  /* of the argument that names the whole */
	const char *items, *item; /* item "": the items are texts */
	const char *argument;
};

static bool parts_remove(const struct sweep_found *found, const struct sweep_options *options, const struct part *part,
			 struct error *err)
{
	struct aws_call call = aws_call(part->list, found->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;

	aws_arg(&call, part->name, found->id);
	call.stop = options->stop;
	if (!aws_send(found->in->aws, &call, &reply, err)) {
		if (!error_is(err, ERROR_ABSENT))
			return false;
		error_clear(err);
		return true;
	}
	for (struct tree_iter i = tree_iter(tree_get(reply, part->items)); tree_next(&i);) {
		struct aws_call removal = aws_call(part->remove, found->region);
		aws_arg(&removal, part->name, found->id);
		aws_arg(&removal, part->argument, tree_text(i.value, part->item));
		if (!sweep_ask(found, options, &removal, err))
			return false;
	}
	return true;
}

bool sweep_profile_remove(const struct sweep_found *found, const struct sweep_options *options, struct error *err)
{
	static const struct part roles = {AWS_iam_GetInstanceProfile,
					  AWS_iam_RemoveRoleFromInstanceProfile,
					  "InstanceProfileName",
					  "InstanceProfile.Roles",
					  "RoleName",
					  "RoleName"};
	struct aws_call call = aws_call(AWS_iam_DeleteInstanceProfile, found->region);

	aws_arg(&call, "InstanceProfileName", found->id);
	if (parts_remove(found, options, &roles, err))
		return sweep_ask(found, options, &call, err);
	aws_call_clear(&call);
	return false;
}

bool sweep_role_remove(const struct sweep_found *found, const struct sweep_options *options, struct error *err)
{
	static const struct part parts[] = {
		{AWS_iam_ListAttachedRolePolicies, AWS_iam_DetachRolePolicy, "RoleName", "AttachedPolicies",
		 "PolicyArn", "PolicyArn"},
		{AWS_iam_ListRolePolicies, AWS_iam_DeleteRolePolicy, "RoleName", "PolicyNames", "", "PolicyName"},
	};
	struct aws_call call;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!parts_remove(found, options, &parts[i], err))
			return false;
	}
	call = aws_call(AWS_iam_DeleteRole, found->region);
	aws_arg(&call, "RoleName", found->id);
	return sweep_ask(found, options, &call, err);
}
