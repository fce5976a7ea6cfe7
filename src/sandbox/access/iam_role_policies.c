/* SPDX-License-Identifier: Apache-2.0
 *
 * A role's policies: its own, which belong to it alone, and attached ones. */
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"
#include "iam.h"
#include "iam_rules.h"

#define INLINE_MOST 10240 /* of all together */
#define ATTACHED_MOST 10

/* --- its own --- */

static bool check_size(struct request *rq, const struct tree *role)
{
	size_t length = 0;
	for (struct tree_iter i = tree_iter(tree_key(role, "_policies")); tree_next(&i);)
		length += strlen(tree_text_or(i.value, NULL, ""));
	return length <= INLINE_MOST ||
	       refuse(rq, "LimitExceeded", "Maximum policy size of %d bytes exceeded for role %s", INLINE_MOST,
		      tree_text(role, "RoleName"));
}

static bool put_role_policy(struct request *rq)
{
	const char *text = arg_or(rq, "PolicyDocument", "");
	_cleanup_(tree_freep) struct tree *role = iam_role_needed(rq);
	if (role == NULL || !iam_name_check(rq, "policyName", arg_or(rq, "PolicyName", ""), 128) ||
	    !iam_document_check(rq, text, POLICY_IDENTITY, INLINE_MOST))
		return false;
	tree_set_text(tree_key(role, "_policies"), arg(rq, "PolicyName"), text);
	if (!check_size(rq, role))
		return false;
	iam_role_keep(rq, role);
	return true;
}

static bool refuse_no_policy(struct request *rq)
{
	return refuse(rq, "NoSuchEntity", "The role policy with name %s cannot be found.",
		      arg_or(rq, "PolicyName", ""));
}

static bool get_role_policy(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *role = iam_role_needed(rq);
	if (role == NULL)
		return false;
	const char *text = tree_text(tree_key(tree_key(role, "_policies"), arg_or(rq, "PolicyName", "")), NULL);
	if (text == NULL)
		return refuse_no_policy(rq);
	tree_set_text(rq->reply, "RoleName", tree_text(role, "RoleName"));
	tree_set_text(rq->reply, "PolicyName", arg(rq, "PolicyName"));
	iam_set_document(rq->reply, "PolicyDocument", text);
	return true;
}

static bool list_role_policies(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *role = iam_role_needed(rq);
	if (role == NULL)
		return false;
	struct tree *names = tree_new_array();
	for (struct tree_iter i = tree_iter(tree_key(role, "_policies")); tree_next(&i);)
		tree_add_text(names, i.key);
	return iam_reply_page(rq, "PolicyNames", names);
}

static bool delete_role_policy(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *role = iam_role_needed(rq);
	if (role == NULL)
		return false;
	const char *name = arg_or(rq, "PolicyName", "");
	if (tree_key(tree_key(role, "_policies"), name) == NULL)
		return refuse_no_policy(rq);
	tree_remove(tree_key(role, "_policies"), name);
	iam_role_keep(rq, role);
	return true;
}

/* --- attached ones --- */

static bool check_policy_arn(struct request *rq)
{
	const char *arn = arg_or(rq, "PolicyArn", "");
	if (!str_starts(arn, "arn:aws:iam::"))
		return refuse(rq, "ValidationError", "ARN %s is not valid.", arn);
	return managed_policy(arn) != NULL ||
	       refuse(rq, "NoSuchEntity", "Policy %s does not exist or is not attachable.", arn);
}

static struct tree *without(const struct tree *attached, const char *arn)
{
	struct tree *left = tree_new_array();
	for (struct tree_iter i = tree_iter(attached); tree_next(&i);)
		if (!str_eq(tree_text(i.value, NULL), arn))
			tree_add(left, tree_share(i.value));
	return left;
}

static bool attach_role_policy(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *role = iam_role_needed(rq);
	if (role == NULL || !check_policy_arn(rq))
		return false;
	struct tree *attached = without(tree_key(role, "_attached"), arg(rq, "PolicyArn"));
	tree_add_text(attached, arg(rq, "PolicyArn"));
	tree_set(role, "_attached", attached);
	if (tree_count(attached) > ATTACHED_MOST)
		return refuse(rq, "LimitExceeded", "Cannot exceed quota for PoliciesPerRole: %d", ATTACHED_MOST);
	iam_role_keep(rq, role);
	return true;
}

static bool detach_role_policy(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *role = iam_role_needed(rq);
	if (role == NULL)
		return false;
	if (!list_has(tree_key(role, "_attached"), arg(rq, "PolicyArn")))
		return refuse(rq, "NoSuchEntity", "Policy %s was not found.", arg(rq, "PolicyArn"));
	tree_set(role, "_attached", without(tree_key(role, "_attached"), arg(rq, "PolicyArn")));
	iam_role_keep(rq, role);
	return true;
}

static bool list_attached_role_policies(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *role = iam_role_needed(rq);
	if (role == NULL)
		return false;
	struct tree *shown = tree_new_array();
	for (struct tree_iter i = tree_iter(tree_key(role, "_attached")); tree_next(&i);) {
		const char *arn = tree_text_or(i.value, NULL, "");
		struct tree *one = tree_add_object(shown);
		tree_set_text(one, "PolicyName", strrchr(arn, '/') + 1);
		tree_set_text(one, "PolicyArn", arn);
	}
	return iam_reply_page(rq, "AttachedPolicies", shown);
}

const struct operation iam_role_policy_operations[] = {
	{"PutRolePolicy", put_role_policy, 0, "RoleName! PolicyName! PolicyDocument!"},
	{"GetRolePolicy", get_role_policy, 0, "RoleName! PolicyName!"},
	{"ListRolePolicies", list_role_policies, 0, "RoleName! " ARGS_IAM_PAGE},
	{"DeleteRolePolicy", delete_role_policy, 0, "RoleName! PolicyName!"},
	{"AttachRolePolicy", attach_role_policy, 0, "RoleName! PolicyArn!"},
	{"DetachRolePolicy", detach_role_policy, 0, "RoleName! PolicyArn!"},
	{"ListAttachedRolePolicies", list_attached_role_policies, 0, "RoleName! PathPrefix " ARGS_IAM_PAGE},
	{NULL},
};
