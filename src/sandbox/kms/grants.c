/* SPDX-License-Identifier: Apache-2.0
 *
 * Grants: what lets Auto Scaling's role in another account launch an encrypted image. */
#include <stdio.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "kms.h"

static const char *const grantable[] = {
	"CreateGrant",	 "Decrypt",	"DescribeKey", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext",
	"ReEncryptFrom", "ReEncryptTo", "RetireGrant", NULL};

static bool check_operations(struct request *rq)
{
	for (struct tree_iter i = tree_iter(arg_tree(rq, "Operations")); tree_next(&i);) {
		const char *name = tree_text_or(i.value, NULL, "");
		bool known = false;
		for (size_t g = 0; grantable[g] != NULL; g++)
			known = known || str_eq(grantable[g], name);
		if (!known)
			return refuse(rq, "ValidationException",
				      "Grant operation %s is not one that a symmetric key can grant", name);
	}
	return true;
}

static bool check_grantee(struct request *rq)
{
	const char *grantee = arg(rq, "GranteePrincipal");
	if (grantee == NULL)
		return refuse(rq, "ValidationException",
			      "1 validation error detected: Value null at 'granteePrincipal' failed to satisfy "
			      "constraint: Member must not be null");
	if (!str_starts(grantee, "arn:aws:iam::") && !str_starts(grantee, "arn:aws:sts::"))
		return refuse(rq, "InvalidArnException", "ARN does not refer to a valid principal: %s", grantee);
	return true;
}

static bool refuse_unusable(struct request *rq, const struct tree *key)
{
	if (str_eq(tree_text(key, "KeyState"), "Disabled"))
		return refuse(rq, "DisabledException", "%s is disabled.", tree_text(key, "Arn"));
	return refuse(rq, "KMSInvalidStateException", "%s is pending deletion.", tree_text(key, "Arn"));
}

static void keep_grant(struct request *rq, const struct tree *key, const char *id)
{
	static const char *const copied[] = {"Name", "GranteePrincipal", "RetiringPrincipal"};
	_cleanup_(tree_freep) struct tree *grant = tree_new_object();
	tree_set_text(grant, "KeyId", tree_text(key, "Arn"));
	tree_set_text(grant, "GrantId", id);
	for (size_t i = 0; i < ARRAY_SIZE(copied); i++)
		if (arg(rq, copied[i]) != NULL)
			tree_set_text(grant, copied[i], arg(rq, copied[i]));
	tree_set(grant, "CreationDate", tree_new_double((double)(rq->now_ms / 1000)));
	tree_setf(grant, "IssuingAccount", "arn:aws:iam::%s:root", rq->caller.account);
	tree_set(grant, "Operations", tree_copy(arg_tree(rq, "Operations")));
	if (arg_tree(rq, "Constraints") != NULL)
		tree_set(grant, "Constraints", tree_copy(arg_tree(rq, "Constraints")));
	state_put(rq->cloud->state, tree_text(key, "AWSAccountId"), rq->region, "kms-grant", id, grant);
}

static bool would_have_done(struct request *rq)
{
	return refuse(rq, "DryRunOperationException",
		      "The request would have succeeded, but the DryRun option is set.");
}

static struct tree *grants_of(struct request *rq, const struct tree *key)
{
	_cleanup_(tree_freep) struct tree *all =
		state_list(rq->cloud->state, tree_text(key, "AWSAccountId"), rq->region, "kms-grant");
	struct tree *list = tree_new_array();
	for (struct tree_iter i = tree_iter(all); tree_next(&i);)
		if (str_eq(tree_text(i.value, "KeyId"), tree_text(key, "Arn")))
			tree_add(list, tree_share(i.value));
	return list;
}

/* A named grant that is asked for again with the same parameters is the one that there is. */
static bool earlier_grant(struct request *rq, const struct tree *key, char id[65])
{
	_cleanup_(tree_freep) struct tree *all = grants_of(rq, key);
	_cleanup_(freep) char *issuer = mem_printf("arn:aws:iam::%s:root", rq->caller.account);
	for (struct tree_iter i = tree_iter(all); arg(rq, "Name") != NULL && tree_next(&i);) {
		if (!str_eq(tree_text(i.value, "Name"), arg(rq, "Name")) ||
		    !str_eq(tree_text(i.value, "GranteePrincipal"), arg(rq, "GranteePrincipal")) ||
		    !str_eq(tree_text(i.value, "IssuingAccount"), issuer) ||
		    !tree_equal(tree_key(i.value, "Operations"), arg_tree(rq, "Operations")))
			continue;
		snprintf(id, 65, "%s", tree_text_or(i.value, "GrantId", ""));
		return true;
	}
	return false;
}

static bool create_grant(struct request *rq)
{
	char id[65];
	_cleanup_(tree_freep) struct tree *key = kms_key_asked(rq, arg_or(rq, "KeyId", ""), "kms:CreateGrant");
	if (key == NULL || !check_grantee(rq) || !check_operations(rq))
		return false;
	if (!kms_key_enabled(key))
		return refuse_unusable(rq, key);
	if (arg_bool(rq, "DryRun", false))
		return would_have_done(rq);
	if (!earlier_grant(rq, key, id)) {
		crypto_random_hex(id, 64);
		keep_grant(rq, key, id);
	}
	tree_set_text(rq->reply, "GrantId", id);
	tree_setf(rq->reply, "GrantToken", "AQpAM2RhZ%s", id);
	return true;
}

static bool list_grants(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *key = kms_key_asked(rq, arg_or(rq, "KeyId", ""), "kms:ListGrants");
	if (key == NULL)
		return false;
	const char *id = arg(rq, "GrantId"), *grantee = arg(rq, "GranteePrincipal");
	_cleanup_(tree_freep) struct tree *all = grants_of(rq, key);
	struct tree *list = tree_new_array();
	for (struct tree_iter i = tree_iter(all); tree_next(&i);)
		if ((id == NULL || str_eq(tree_text(i.value, "GrantId"), id)) &&
		    (grantee == NULL || str_eq(tree_text(i.value, "GranteePrincipal"), grantee)))
			tree_add(list, tree_share(i.value));
	return kms_reply_page(rq, "Grants", list);
}

static bool revoke_grant(struct request *rq)
{
	const char *id = arg_or(rq, "GrantId", "");
	_cleanup_(tree_freep) struct tree *key = kms_key_asked(rq, arg_or(rq, "KeyId", ""), "kms:RevokeGrant");
	if (key == NULL)
		return false;
	const char *owner = tree_text(key, "AWSAccountId");
	_cleanup_(tree_freep) struct tree *grant = state_get(rq->cloud->state, owner, rq->region, "kms-grant", id);
	if (grant == NULL || !str_eq(tree_text(grant, "KeyId"), tree_text(key, "Arn")))
		return refuse(rq, "NotFoundException", "Grant with id %s not found", id);
	if (arg_bool(rq, "DryRun", false))
		return would_have_done(rq);
	state_remove(rq->cloud->state, owner, rq->region, "kms-grant", id);
	return true;
}

static bool grantee_is_caller(const struct request *rq, const char *grantee)
{
	_cleanup_(freep) char *root = mem_printf("arn:aws:iam::%s:root", rq->caller.account);
	return str_eq(grantee, rq->caller.arn) || str_eq(grantee, root) || str_eq(grantee, rq->caller.role_arn);
}

bool kms_grant_admits(struct request *rq, const struct tree *key, const char *action)
{
	_cleanup_(tree_freep) struct tree *all = grants_of(rq, key);
	const char *operation = str_starts(action, "kms:") ? action + strlen("kms:") : action;
	for (struct tree_iter i = tree_iter(all); tree_next(&i);)
		if (grantee_is_caller(rq, tree_text_or(i.value, "GranteePrincipal", "")) &&
		    list_has(tree_key(i.value, "Operations"), operation))
			return true;
	return false;
}

const struct operation kms_grant_operations[] = {
	{"CreateGrant", create_grant, 0,
	 "KeyId! GranteePrincipal RetiringPrincipal Operations.N! Constraints.EncryptionContextSubset.* "
	 "Constraints.EncryptionContextEquals.* Constraints.SourceArn GrantTokens.N Name DryRun:bool"},
	{"ListGrants", list_grants, 0, "KeyId! Limit:int Marker GrantId GranteePrincipal"},
	{"RevokeGrant", revoke_grant, 0, "KeyId! GrantId! DryRun:bool"},
	{NULL},
};
