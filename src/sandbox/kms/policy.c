/* SPDX-License-Identifier: Apache-2.0
 *
 * Key policies: keeping them, and what they let a caller do together with the caller's own.
 * https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html */
#include <string.h>

#include "../access/caller_policy.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "kms.h"

#define POLICY_MOST 32768

/* The names that point to a key. */
static struct tree *aliases_of(struct request *rq, const struct tree *key)
{
	_cleanup_(tree_freep) struct tree *all =
		state_list(rq->cloud->state, tree_text(key, "AWSAccountId"), rq->region, "kms-alias");
	struct tree *names = tree_new_array();
	for (struct tree_iter i = tree_iter(all); tree_next(&i);)
		if (str_eq(tree_text(i.value, "TargetKeyId"), tree_text(key, "KeyId")))
			tree_add_text(names, tree_text(i.value, "AliasName"));
	return names;
}

/* EC2 asks on the caller's behalf, through itself and for a resource of its own. */
static struct tree *key_context(struct request *rq, const struct tree *key)
{
	struct tree *context = caller_context(rq, &rq->caller);
	bool direct = str_eq(rq->service, "kms");
	tree_set_text(context, "kms:CallerAccount", rq->caller.account);
	tree_set_text(context, "kms:GrantIsForAWSResource", direct ? "false" : "true");
	if (!direct)
		tree_setf(context, "kms:ViaService", "ec2.%s.amazonaws.com", rq->region);
	tree_set_text(context, "kms:KeySpec", tree_text_or(key, "KeySpec", "SYMMETRIC_DEFAULT"));
	tree_set(context, "kms:ResourceAliases", aliases_of(rq, key));
	tree_set_text(context, "kms:KeyUsage", tree_text_or(key, "KeyUsage", "ENCRYPT_DECRYPT"));
	return context;
}

static struct policy_answer key_policy_says(struct request *rq, const struct tree *policy,
					    const struct policy_question *question)
{
	struct policy_principal who = {.account = rq->caller.account,
				       .arn = rq->caller.arn,
				       .role_arn = rq->caller.kind == CALLER_ROLE ? rq->caller.role_arn : NULL};
	struct policy_question asked = *question;
	asked.principal = &who;
	return policy_ask(policy, &asked);
}

/* A key policy that names the caller is enough within an account; one that names an account leaves it to that account's
 * own policies, and another account's always have to agree. A grant goes before both. */
static bool admits(struct request *rq, const struct tree *key, const struct tree *policy, const char *action)
{
	_cleanup_(tree_freep) struct tree *context = key_context(rq, key);
	struct policy_question question = {
		.action = action, .resource = tree_text_or(key, "Arn", "*"), .context = context};
	struct policy_answer keys = key_policy_says(rq, policy, &question);
	struct verdict own = caller_ask(rq, &rq->caller, &question);
	enum policy_word word = own.word;
	bool at_home = str_eq(tree_text_or(key, "AWSAccountId", rq->caller.account), rq->caller.account);
	verdict_clear(&own);
	if (keys.word == POLICY_DENIES || word == POLICY_DENIES)
		return false;
	if (kms_grant_admits(rq, key, action))
		return true;
	return keys.word == POLICY_ALLOWS && (word == POLICY_ALLOWS || (at_home && keys.direct));
}

const char *kms_what_lacks(struct request *rq, const struct tree *key, const char *action)
{
	_cleanup_(tree_freep) struct tree *context = key_context(rq, key);
	struct policy_question question = {
		.action = action, .resource = tree_text_or(key, "Arn", "*"), .context = context};
	_cleanup_(verdict_clear) struct verdict own = caller_ask(rq, &rq->caller, &question);
	return own.word == POLICY_ALLOWS ? "resource-based" : "identity-based";
}

bool kms_admits(struct request *rq, const struct tree *key, const char *action)
{
	struct error err = {0};
	const char *text = tree_text_or(key, "_policy", "{}");
	_cleanup_(tree_freep) struct tree *policy = tree_from_json(text, strlen(text), &err);
	return admits(rq, key, policy, action);
}

/* --- operations --- */

bool kms_policy_check(struct request *rq, const char *policy)
{
	struct error err = {0};
	_cleanup_(tree_freep) struct tree *tree = NULL;
	if (strlen(policy) > POLICY_MOST || !policy_read(policy, strlen(policy), POLICY_RESOURCE, &tree, &err))
		return refuse(rq, "MalformedPolicyDocumentException", "The policy is not a valid key policy: %s",
			      *err.text != '\0' ? err.text : "it is too long");
	_cleanup_(tree_freep) struct tree *key = tree_new_object();
	_cleanup_(tree_freep) struct tree *context = key_context(rq, key);
	struct policy_question question = {.action = "kms:PutKeyPolicy", .resource = "*", .context = context};
	if (arg_bool(rq, "BypassPolicyLockoutSafetyCheck", false) ||
	    key_policy_says(rq, tree, &question).word == POLICY_ALLOWS)
		return true;
	return refuse(rq, "MalformedPolicyDocumentException",
		      "The new key policy will not allow you to update the key policy in the future.");
}

static bool check_policy_name(struct request *rq)
{
	return str_eq(arg_or(rq, "PolicyName", "default"), "default") ||
	       refuse(rq, "NotFoundException", "No such policy exists: %s", arg_or(rq, "PolicyName", ""));
}

static bool get_key_policy(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *key = kms_key_asked(rq, arg_or(rq, "KeyId", ""), "kms:GetKeyPolicy");
	if (key == NULL || !check_policy_name(rq))
		return false;
	tree_set_text(rq->reply, "Policy", tree_text(key, "_policy"));
	tree_set_text(rq->reply, "PolicyName", "default");
	return true;
}

static bool put_key_policy(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *key = kms_key_owned(rq, "kms:PutKeyPolicy");
	if (key == NULL || !check_policy_name(rq) || !kms_policy_check(rq, arg_or(rq, "Policy", "")))
		return false;
	tree_set_text(key, "_policy", arg(rq, "Policy"));
	kms_key_put(rq, key);
	return true;
}

const struct operation kms_policy_operations[] = {
	{"GetKeyPolicy", get_key_policy, 0, "KeyId! PolicyName"},
	{"PutKeyPolicy", put_key_policy, 0, "KeyId! PolicyName Policy! BypassPolicyLockoutSafetyCheck:bool"},
	{NULL},
};
