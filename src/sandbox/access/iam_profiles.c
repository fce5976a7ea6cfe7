/* SPDX-License-Identifier: Apache-2.0
 *
 * Instance profiles: a role's way into an instance. IAM knows a new one at once; EC2 sees it when the lag is over,
 * which is what clients that launch right away stumble over. */
#include <stdio.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"
#include "iam.h"
#include "iam_rules.h"

static struct tree *shown(struct request *rq, const struct tree *profile)
{
	static const char *const members[] = {"Path", "InstanceProfileName", "InstanceProfileId", "Arn", "CreateDate"};
	struct tree *out = tree_new_object();
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		tree_set_text(out, members[i], tree_text(profile, members[i]));
	struct tree *roles = tree_set_array(out, "Roles");
	_cleanup_(tree_freep) struct tree *role =
		iam_find(rq, rq->caller.account, IAM_ROLE, tree_text(profile, "_role"));
	if (role != NULL)
		tree_add(roles, iam_role_shown(role, false));
	if (tree_count(tree_key(profile, "Tags")) > 0)
		tree_set(out, "Tags", tree_copy(tree_key(profile, "Tags")));
	return out;
}

static struct tree *profile_needed(struct request *rq)
{
	const char *name = arg_or(rq, "InstanceProfileName", "");
	struct tree *profile = iam_find(rq, rq->caller.account, IAM_PROFILE, name);
	if (profile == NULL)
		refuse(rq, "NoSuchEntity", "Instance Profile %s cannot be found.", name);
	return profile;
}

static void keep(struct request *rq, struct tree *profile)
{
	tree_set_int(profile, "_changed", rq->now_ms);
	iam_put(rq, rq->caller.account, IAM_PROFILE, tree_text(profile, "InstanceProfileName"), profile);
}

static bool create_profile(struct request *rq)
{
	const char *name = arg_or(rq, "InstanceProfileName", "");
	_cleanup_(tree_freep) struct tree *known = iam_find(rq, rq->caller.account, IAM_PROFILE, name);
	if (!iam_name_check(rq, "instanceProfileName", name, 128) || !iam_path_check(rq) ||
	    !tags_check(rq, arg_tree(rq, "Tags.member"), "Key", "Value"))
		return false;
	if (known != NULL)
		return refuse(rq, "EntityAlreadyExists", "Instance Profile %s already exists.", name);
	_cleanup_(tree_freep) struct tree *profile =
		iam_new_profile(rq->caller.account, arg_or(rq, "Path", "/"), name, rq->now_ms);
	tree_set(profile, "Tags", iam_tags_with(NULL, arg_tree(rq, "Tags.member")));
	keep(rq, profile);
	tree_set(rq->reply, "InstanceProfile", shown(rq, profile));
	return true;
}

static bool get_profile(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *profile = profile_needed(rq);
	if (profile == NULL)
		return false;
	tree_set(rq->reply, "InstanceProfile", shown(rq, profile));
	return true;
}

/* role NULL: of any. */
static bool reply_profiles(struct request *rq, const char *role)
{
	_cleanup_(tree_freep) struct tree *profiles = iam_list(rq, rq->caller.account, IAM_PROFILE);
	struct tree *list = tree_new_array();
	for (struct tree_iter i = tree_iter(profiles); tree_next(&i);)
		if (str_starts(tree_text_or(i.value, "Path", "/"), arg_or(rq, "PathPrefix", "/")) &&
		    (role == NULL || str_eq(tree_text(i.value, "_role"), role)))
			tree_add(list, shown(rq, i.value));
	return iam_reply_page(rq, "InstanceProfiles", list);
}

static bool list_profiles(struct request *rq)
{
	return reply_profiles(rq, NULL);
}

static bool list_profiles_for_role(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *role = iam_role_needed(rq);
	return role != NULL && reply_profiles(rq, tree_text(role, "RoleName"));
}

static bool add_role(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *profile = profile_needed(rq);
	_cleanup_(tree_freep) struct tree *role = profile == NULL ? NULL : iam_role_needed(rq);
	if (role == NULL)
		return false;
	if (tree_text(profile, "_role") != NULL)
		return refuse(rq, "LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
	tree_set_text(profile, "_role", tree_text(role, "RoleName"));
	keep(rq, profile);
	return true;
}

static bool remove_role(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *profile = profile_needed(rq);
	if (profile == NULL)
		return false;
	if (!str_eq(tree_text(profile, "_role"), arg(rq, "RoleName")))
		return refuse(rq, "NoSuchEntity", "The role with name %s cannot be found in the instance profile.",
			      arg(rq, "RoleName"));
	tree_remove(profile, "_role");
	keep(rq, profile);
	return true;
}

static bool delete_profile(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *profile = profile_needed(rq);
	if (profile == NULL)
		return false;
	if (tree_text(profile, "_role") != NULL)
		return refuse(rq, "DeleteConflict",
			      "Cannot delete entity, must remove roles from instance profile first.");
	iam_remove(rq, rq->caller.account, IAM_PROFILE, tree_text(profile, "InstanceProfileName"));
	return true;
}

/* --- for EC2 --- */

static bool refuse_profile(struct request *rq, const char *name, const char *arn)
{
	if (arn != NULL)
		return refuse(
			rq, "InvalidParameterValue",
			"Value (%s) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN",
			arn);
	return refuse(rq, "InvalidParameterValue",
		      "Value (%s) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
		      name);
}

/* A role that was put into it a moment ago. */
static bool change_visible(struct request *rq, const struct tree *profile)
{
	_cleanup_(tree_freep) struct tree *change = tree_new_object();
	tree_set_int(change, "_made", tree_int(profile, "_changed", 0));
	tree_set_text(change, "_kind", tree_text(profile, "_kind"));
	return object_visible(rq, change);
}

bool iam_profile_to_launch(struct request *rq, const char *name, const char *arn, struct tree **out)
{
	char account[16] = "", named[136] = "";
	if (arn != NULL &&
	    (!iam_arn_split(arn, "instance-profile", account, named) || !str_eq(account, rq->caller.account)))
		return refuse_profile(rq, NULL, arn);
	_cleanup_(tree_freep) struct tree *profile =
		iam_find(rq, rq->caller.account, IAM_PROFILE, arn != NULL ? named : name);
	if (profile == NULL || !object_visible(rq, profile) || (arn != NULL && !str_eq(arn, tree_text(profile, "Arn"))))
		return refuse_profile(rq, name, arn);
	if (tree_text(profile, "_role") == NULL || !change_visible(rq, profile))
		return refuse(rq, "InvalidParameterValue", "IAM Instance Profile \"%s\" has no associated IAM Roles",
			      tree_text(profile, "Arn"));
	*out = take(&profile);
	return true;
}

const struct operation iam_profile_operations[] = {
	{"CreateInstanceProfile", create_profile, 0, "InstanceProfileName! Path Tags.member.N.Key Tags.member.N.Value"},
	{"GetInstanceProfile", get_profile, 0, "InstanceProfileName!"},
	{"ListInstanceProfiles", list_profiles, 0, "PathPrefix " ARGS_IAM_PAGE},
	{"ListInstanceProfilesForRole", list_profiles_for_role, 0, "RoleName! " ARGS_IAM_PAGE},
	{"AddRoleToInstanceProfile", add_role, 0, "InstanceProfileName! RoleName!"},
	{"RemoveRoleFromInstanceProfile", remove_role, 0, "InstanceProfileName! RoleName!"},
	{"DeleteInstanceProfile", delete_profile, 0, "InstanceProfileName!"},
	{NULL},
};
