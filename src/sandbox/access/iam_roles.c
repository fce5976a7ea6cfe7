/* SPDX-License-Identifier: Apache-2.0
 *
 * Roles: making, showing, tagging and deleting them. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/sigv4.h"
#include "bakery/str.h"
#include "iam.h"
#include "iam_rules.h"
#include "policy.h"

#define ROLES_MOST 1000
#define TRUST_MOST 2048

/* --- showing --- */

/* IAM sends documents percent-encoded (RFC 3986). */
void iam_set_document(struct tree *into, const char *key, const char *text)
{
	_cleanup_(str_free) struct str encoded = STR_INIT;
	sigv4_encode(&encoded, text, strlen(text));
	tree_set_text(into, key, encoded.data);
}

/* ListRoles leaves tags out. */
struct tree *iam_role_shown(const struct tree *role, bool whole)
{
	static const char *const members[] = {"Path", "RoleName", "RoleId", "Arn", "CreateDate"};
	struct tree *shown = tree_new_object();
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		tree_set_text(shown, members[i], tree_text(role, members[i]));
	iam_set_document(shown, "AssumeRolePolicyDocument", tree_text_or(role, "_trust", ""));
	if (tree_text(role, "Description") != NULL)
		tree_set_text(shown, "Description", tree_text(role, "Description"));
	tree_set_int(shown, "MaxSessionDuration", tree_int(role, "MaxSessionDuration", 3600));
	if (whole && tree_count(tree_key(role, "Tags")) > 0)
		tree_set(shown, "Tags", tree_copy(tree_key(role, "Tags")));
	return shown;
}

struct tree *iam_role_needed(struct request *rq)
{
	const char *name = arg_or(rq, "RoleName", "");
	struct tree *role = iam_find(rq, rq->caller.account, IAM_ROLE, name);
	if (role == NULL)
		refuse(rq, "NoSuchEntity", "The role with name %s cannot be found.", name);
	return role;
}

void iam_role_keep(struct request *rq, const struct tree *role)
{
	iam_put(rq, rq->caller.account, IAM_ROLE, tree_text(role, "RoleName"), role);
}

/* --- making --- */

static bool check_limits(struct request *rq)
{
	int64_t duration_s = arg_int(rq, "MaxSessionDuration", 3600);
	_cleanup_(tree_freep) struct tree *roles = iam_list(rq, rq->caller.account, IAM_ROLE);
	if (duration_s < 3600 || duration_s > 43200)
		return refuse(
			rq, "ValidationError",
			"1 validation error detected: Value '%d' at 'maxSessionDuration' failed to satisfy constraint: "
			"Member must have value between 3600 and 43200",
			(int)duration_s);
	return tree_count(roles) < ROLES_MOST ||
	       refuse(rq, "LimitExceeded", "Cannot exceed quota for RolesPerAccount: %d", ROLES_MOST);
}

static bool check_new_role(struct request *rq)
{
	const char *name = arg_or(rq, "RoleName", "");
	_cleanup_(tree_freep) struct tree *known = iam_find(rq, rq->caller.account, IAM_ROLE, name);
	if (!iam_name_check(rq, "roleName", name, 64) || !iam_path_check(rq) || !check_limits(rq) ||
	    !iam_document_check(rq, arg_or(rq, "AssumeRolePolicyDocument", ""), POLICY_TRUST, TRUST_MOST))
		return false;
	return known == NULL || refuse(rq, "EntityAlreadyExists", "Role with name %s already exists.", name);
}

static bool create_role(struct request *rq)
{
	if (!check_new_role(rq) || !tags_check(rq, arg_tree(rq, "Tags.member"), "Key", "Value"))
		return false;
	_cleanup_(tree_freep) struct tree *role =
		iam_new_role(rq->caller.account, arg_or(rq, "Path", "/"), arg(rq, "RoleName"),
			     arg(rq, "AssumeRolePolicyDocument"), rq->now_ms);
	tree_set_int(role, "MaxSessionDuration", arg_int(rq, "MaxSessionDuration", 3600));
	if (arg(rq, "Description") != NULL)
		tree_set_text(role, "Description", arg(rq, "Description"));
	tree_set(role, "Tags", iam_tags_with(NULL, arg_tree(rq, "Tags.member")));
	iam_role_keep(rq, role);
	tree_set(rq->reply, "Role", iam_role_shown(role, true));
	return true;
}

static bool get_role(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *role = iam_role_needed(rq);
	if (role == NULL)
		return false;
	tree_set(rq->reply, "Role", iam_role_shown(role, true));
	return true;
}

static bool list_roles(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *roles = iam_list(rq, rq->caller.account, IAM_ROLE);
	struct tree *shown = tree_new_array();
	for (struct tree_iter i = tree_iter(roles); tree_next(&i);)
		if (str_starts(tree_text_or(i.value, "Path", "/"), arg_or(rq, "PathPrefix", "/")))
			tree_add(shown, iam_role_shown(i.value, false));
	return iam_reply_page(rq, "Roles", shown);
}

static bool tag_role(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *role = iam_role_needed(rq);
	if (role == NULL || !tags_check(rq, arg_tree(rq, "Tags.member"), "Key", "Value"))
		return false;
	struct tree *tags = iam_tags_with(tree_key(role, "Tags"), arg_tree(rq, "Tags.member"));
	tree_set(role, "Tags", tags);
	if (tree_count(tags) > 50)
		return refuse(rq, "LimitExceeded", "The number of tags has reached the maximum limit.");
	iam_role_keep(rq, role);
	return true;
}

/* --- deleting --- */

static bool in_a_profile(struct request *rq, const char *role)
{
	_cleanup_(tree_freep) struct tree *profiles = iam_list(rq, rq->caller.account, IAM_PROFILE);
	for (struct tree_iter i = tree_iter(profiles); tree_next(&i);)
		if (str_eq(tree_text(i.value, "_role"), role))
			return true;
	return false;
}

static bool delete_role(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *role = iam_role_needed(rq);
	if (role == NULL)
		return false;
	if (str_starts(tree_text_or(role, "Path", ""), "/aws-service-role/"))
		return refuse(rq, "UnmodifiableEntity",
			      "Cannot perform the operation on the protected role '%s' - this role "
			      "is only modifiable by AWS",
			      tree_text(role, "RoleName"));
	if (in_a_profile(rq, tree_text(role, "RoleName")))
		return refuse(rq, "DeleteConflict",
			      "Cannot delete entity, must remove roles from instance profile first.");
	if (tree_count(tree_key(role, "_attached")) > 0)
		return refuse(rq, "DeleteConflict", "Cannot delete entity, must detach all policies first.");
	if (tree_count(tree_key(role, "_policies")) > 0)
		return refuse(rq, "DeleteConflict", "Cannot delete entity, must delete policies first.");
	iam_remove(rq, rq->caller.account, IAM_ROLE, tree_text(role, "RoleName"));
	return true;
}

const struct operation iam_role_operations[] = {
	{"CreateRole", create_role, 0,
	 "RoleName! AssumeRolePolicyDocument! Path Description MaxSessionDuration:int Tags.member.N.Key "
	 "Tags.member.N.Value"},
	{"GetRole", get_role, 0, "RoleName!"},
	{"ListRoles", list_roles, 0, "PathPrefix " ARGS_IAM_PAGE},
	{"TagRole", tag_role, 0, "RoleName! Tags.member.N.Key! Tags.member.N.Value"},
	{"DeleteRole", delete_role, 0, "RoleName!"},
	{NULL},
};
