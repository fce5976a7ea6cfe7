/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of KMS: making, looking them up, their states. */
#include <stdio.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "kms.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))
#define MOST_PAGE 1000

char *kms_default_policy(const char *account)
{
	return mem_printf("{\"Version\":\"2012-10-17\",\"Id\":\"key-default-1\",\"Statement\":[{\"Sid\":\"Enable IAM "
			  "User Permissions\",\"Effect\":\"Allow\","
			  "\"Principal\":{\"AWS\":\"arn:aws:iam::%s:root\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}]}",
			  account);
}

/* --- looking up --- */

bool kms_key_enabled(const struct tree *key)
{
	return str_eq(tree_text(key, "KeyState"), "Enabled");
}

bool kms_key_is_aws(const struct tree *key)
{
	return str_eq(tree_text(key, "KeyManager"), "AWS");
}

/* "arn:aws:kms:REGION:ACCOUNT:rest": rest, when the region is the request's; account is filled. */
static const char *split_arn(const struct request *rq, const char *arn, char account[16])
{
	char region[32] = "";
	int length = 0;
	if (sscanf(arn, "arn:aws:kms:%31[a-z0-9-]:%12[0-9]:%n", region, account, &length) != 2 || length == 0)
		return NULL;
	return str_eq(region, rq->region) ? arn + length : NULL;
}

struct tree *kms_key_find(struct request *rq, const char *named)
{
	char account[16];
	const char *id = named;
	snprintf(account, sizeof account, "%s", rq->caller.account);
	if (str_starts(named, "arn:"))
		id = split_arn(rq, named, account);
	if (id == NULL)
		return NULL;
	kms_fill(rq->cloud, account, rq->region); /* it may be another account, which has not asked for anything yet */
	_cleanup_(tree_freep) struct tree *alias =
		str_starts(id, "alias/") ? state_get(rq->cloud->state, account, rq->region, "kms-alias", id) : NULL;
	if (str_starts(id, "alias/"))
		id = tree_text_or(alias, "TargetKeyId", "");
	else if (str_starts(id, "key/"))
		id += strlen("key/");
	_cleanup_(tree_freep) struct tree *key = state_get(rq->cloud->state, account, rq->region, "kms-key", id);
	return key != NULL && object_visible(rq, key) ? take(&key) : NULL;
}

struct tree *kms_key_asked(struct request *rq, const char *named, const char *action)
{
	_cleanup_(tree_freep) struct tree *key = kms_key_find(rq, named);
	if (key == NULL) {
		refuse(rq, "NotFoundException", "%s '%s' does not exist",
		       strstr(named, "alias/") != NULL ? "Alias" : "Key", named);
		return NULL;
	}
	if (kms_admits(rq, key, action))
		return take(&key);
	refuse(rq, "AccessDeniedException",
	       "User: %s is not authorized to perform: %s on resource: %s because no %s policy allows the %s action",
	       rq->caller.arn, action, tree_text(key, "Arn"), kms_what_lacks(rq, key, action), action);
	return NULL;
}

struct tree *kms_key_owned(struct request *rq, const char *action)
{
	_cleanup_(tree_freep) struct tree *key = kms_key_asked(rq, arg_or(rq, "KeyId", ""), action);
	if (key == NULL)
		return NULL;
	if (kms_key_is_aws(key) || !str_eq(tree_text(key, "AWSAccountId"), rq->caller.account)) {
		refuse(rq, "AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s",
		       rq->caller.arn, action, tree_text(key, "Arn"));
		return NULL;
	}
	return take(&key);
}

void kms_key_put(struct request *rq, const struct tree *key)
{
	state_put(rq->cloud->state, tree_text(key, "AWSAccountId"), rq->region, "kms-key", tree_text(key, "KeyId"),
		  key);
}

bool kms_reply_page(struct request *rq, const char *key, struct tree *items)
{
	_cleanup_(tree_freep) struct tree *all = items;
	int64_t most = arg_int(rq, "Limit", 100), offset = 0;
	const char *marker = arg(rq, "Marker");
	if (most < 1 || most > MOST_PAGE)
		return refuse(rq, "ValidationException", "Limit has to be from 1 to %d", MOST_PAGE);
	if (marker != NULL && (!str_to_int(marker, &offset) || offset < 0))
		return refuse(rq, "InvalidMarkerException", "Invalid marker: %s", marker);
	struct tree *page = tree_set_array(rq->reply, key);
	size_t last = (size_t)(offset + most);
	for (size_t i = (size_t)offset; i < tree_count(all) && i < last; i++)
		tree_add(page, tree_share(tree_at(all, i)));
	tree_set_bool(rq->reply, "Truncated", last < tree_count(all));
	if (last < tree_count(all))
		tree_setf(rq->reply, "NextMarker", "%zu", last);
	return true;
}

/* --- operations --- */

static bool check_spec(struct request *rq)
{
	const char *usage = arg_or(rq, "KeyUsage", "ENCRYPT_DECRYPT"),
		   *spec = arg_or(rq, "KeySpec", "SYMMETRIC_DEFAULT");
	if (!str_eq(usage, "ENCRYPT_DECRYPT") || !str_eq(spec, "SYMMETRIC_DEFAULT"))
		return refuse(rq, "UnsupportedOperationException",
			      "The sandbox makes symmetric keys for encryption only, not %s for %s", spec, usage);
	return arg(rq, "Policy") == NULL || kms_policy_check(rq, arg(rq, "Policy"));
}

static bool create_key(struct request *rq)
{
	char id[37];
	if (!check_spec(rq))
		return false;
	crypto_random_uuid(id);
	_cleanup_(freep) char *policy = kms_default_policy(rq->caller.account);
	_cleanup_(tree_freep) struct tree *key = kms_key_new(rq->caller.account, rq->region, id, rq->now_ms);
	tree_set_text(key, "Description", arg_or(rq, "Description", ""));
	tree_set_text(key, "_policy", arg_or(rq, "Policy", policy));
	tree_set(key, "_tags", arg_tree(rq, "Tags") == NULL ? tree_new_array() : tree_copy(arg_tree(rq, "Tags")));
	put_new_object(rq, "kms-key", id, key);
	tree_set(rq->reply, "KeyMetadata", tree_share(key));
	return true;
}

static bool describe_key(struct request *rq)
{
	struct tree *key = kms_key_asked(rq, arg_or(rq, "KeyId", ""), "kms:DescribeKey");
	if (key != NULL)
		tree_set(rq->reply, "KeyMetadata", key);
	return key != NULL;
}

static bool list_keys(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *keys = list_objects(rq, "kms-key");
	struct tree *list = tree_new_array();
	for (struct tree_iter i = tree_iter(keys); tree_next(&i);) {
		struct tree *one = tree_add_object(list);
		tree_set_text(one, "KeyId", tree_text(i.value, "KeyId"));
		tree_set_text(one, "KeyArn", tree_text(i.value, "Arn"));
	}
	return kms_reply_page(rq, "Keys", list);
}

static bool refuse_state(struct request *rq, const struct tree *key)
{
	return refuse(rq, "KMSInvalidStateException", "%s is %s.", tree_text(key, "Arn"),
		      str_eq(tree_text(key, "KeyState"), "PendingDeletion") ? "pending deletion"
									    : tree_text(key, "KeyState"));
}

static void set_state(struct tree *key, const char *state)
{
	tree_set_text(key, "KeyState", state);
	tree_set_bool(key, "Enabled", str_eq(state, "Enabled"));
	if (!str_eq(state, "PendingDeletion"))
		tree_remove(key, "DeletionDate");
}

static bool switch_key(struct request *rq, const char *action, const char *state)
{
	_cleanup_(tree_freep) struct tree *key = kms_key_owned(rq, action);
	if (key == NULL)
		return false;
	if (str_eq(tree_text(key, "KeyState"), "PendingDeletion"))
		return refuse_state(rq, key);
	set_state(key, state);
	kms_key_put(rq, key);
	return true;
}

static bool enable_key(struct request *rq)
{
	return switch_key(rq, "kms:EnableKey", "Enabled");
}

static bool disable_key(struct request *rq)
{
	return switch_key(rq, "kms:DisableKey", "Disabled");
}

static bool schedule_key_deletion(struct request *rq)
{
	int64_t days = arg_int(rq, "PendingWindowInDays", 30);
	_cleanup_(tree_freep) struct tree *key = kms_key_owned(rq, "kms:ScheduleKeyDeletion");
	if (key == NULL)
		return false;
	if (days < 7 || days > 30)
		return refuse(rq, "ValidationException", "PendingWindowInDays has to be from 7 to 30");
	if (str_eq(tree_text(key, "KeyState"), "PendingDeletion"))
		return refuse_state(rq, key);
	set_state(key, "PendingDeletion");
	tree_set(key, "DeletionDate", tree_new_double((double)(rq->now_ms + days * DAY_MS) / 1000));
	kms_key_put(rq, key);
	tree_set_text(rq->reply, "KeyId", tree_text(key, "Arn"));
	tree_set(rq->reply, "DeletionDate", tree_share(tree_key(key, "DeletionDate")));
	tree_set_text(rq->reply, "KeyState", "PendingDeletion");
	tree_set_int(rq->reply, "PendingWindowInDays", days);
	return true;
}

/* The key comes back disabled. */
static bool cancel_key_deletion(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *key = kms_key_owned(rq, "kms:CancelKeyDeletion");
	if (key == NULL)
		return false;
	if (!str_eq(tree_text(key, "KeyState"), "PendingDeletion"))
		return refuse(rq, "KMSInvalidStateException", "%s is not pending deletion.", tree_text(key, "Arn"));
	set_state(key, "Disabled");
	kms_key_put(rq, key);
	tree_set_text(rq->reply, "KeyId", tree_text(key, "Arn"));
	return true;
}

static bool get_key_rotation_status(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *key = kms_key_asked(rq, arg_or(rq, "KeyId", ""), "kms:GetKeyRotationStatus");
	if (key == NULL)
		return false;
	tree_set_bool(rq->reply, "KeyRotationEnabled", tree_bool(key, "_rotation", false));
	tree_set_text(rq->reply, "KeyId", tree_text(key, "KeyId"));
	if (tree_bool(key, "_rotation", false))
		tree_set_int(rq->reply, "RotationPeriodInDays", 365);
	return true;
}

const struct operation kms_key_operations[] = {
	{"CreateKey", create_key, 0,
	 "Policy Description KeyUsage KeySpec BypassPolicyLockoutSafetyCheck:bool Tags.N.TagKey Tags.N.TagValue"},
	{"DescribeKey", describe_key, 0, "KeyId! GrantTokens.N"},
	{"ListKeys", list_keys, 0, "Limit:int Marker"},
	{"EnableKey", enable_key, 0, "KeyId!"},
	{"DisableKey", disable_key, 0, "KeyId!"},
	{"ScheduleKeyDeletion", schedule_key_deletion, 0, "KeyId! PendingWindowInDays:int"},
	{"CancelKeyDeletion", cancel_key_deletion, 0, "KeyId!"},
	{"GetKeyRotationStatus", get_key_rotation_status, 0, "KeyId!"},
	{NULL},
};
