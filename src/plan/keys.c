/* SPDX-License-Identifier: Apache-2.0
 *
 * The KMS keys of a recipe, looked at before anything starts: what makes launching, copying or sharing fail hours later
 * (Client.InternalError, and no word more) is told here. What is certain is a fault; what only IAM could know, a note.
 */
#include <string.h>

#include "bakery/mem.h"
#include "bakery/parallel.h"
#include "facts_private.h"
#include "keys.h"

struct key_look {
	struct gather *gather;
	const char *place, *region, *key; /* place: the recipe's key */
	struct tree *described, *policy;  /* KeyMetadata, and its policy's document; NULL: not read */
	struct error undescribed, unread;
};

static bool is_shared(const struct share *share)
{
	return share->organization || share->organizations.count || share->organizational_units.count ||
	       share->accounts.count;
}

/* --- asking --- */

static bool key_describe(struct key_look *look, struct error *err)
{
	struct aws_call call = aws_call(AWS_kms_DescribeKey, look->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;

	call.share_ms = SHARE_MS;
	aws_arg(&call, "KeyId", look->key);
	if (!aws_send(look->gather->aws, &call, &reply, err))
		return false;
	look->described = tree_copy(tree_get(reply, "KeyMetadata"));
	return true;
}

static bool policy_read(struct key_look *look, struct error *err)
{
	struct aws_call call = aws_call(AWS_kms_GetKeyPolicy, look->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const char *text;

	call.share_ms = SHARE_MS;
	aws_arg(&call, "KeyId", tree_text(look->described, "Arn"));
	aws_arg(&call, "PolicyName", "default");
	if (!aws_send(look->gather->aws, &call, &reply, err))
		return false;
	text = tree_text_or(reply, "Policy", "");
	look->policy = tree_from_json(text, strlen(text), err);
	return look->policy != NULL;
}

static bool is_own(const struct key_look *look)
{
	return str_eq(tree_text(look->described, "AWSAccountId"), look->gather->facts->account);
}

static bool is_customers(const struct key_look *look)
{
	return str_eq(tree_text_or(look->described, "KeyManager", "CUSTOMER"), "CUSTOMER");
}

/* Never fails: what cannot be read is told by what judges it. */
static bool key_look(void *item, struct error *err)
{
	struct key_look *look = item;
	const struct share *share = &look->gather->recipe->distribute.share;

	if (!key_describe(look, &look->undescribed))
		return true;
	if (is_shared(share) && is_own(look) && is_customers(look) && !policy_read(look, &look->unread))
		tree_freep(&look->policy);
	return true;
}

/* --- judging --- */

static void fault(struct key_look *look, const char *text)
{
	struct gather *gather = look->gather;

	text_list_append(&gather->facts->faults,
			 arena_printf(gather->arena, "%s: %s in %s: %s", look->place, look->key, look->region, text),
			 gather->arena);
}

static void note(struct key_look *look, const char *text)
{
	struct gather *gather = look->gather;

	text_list_append(&gather->facts->notes,
			 arena_printf(gather->arena, "key %s in %s: %s", look->key, look->region, text), gather->arena);
}

/* A key in another account is not told from one that is not there by everybody. */
static void judge_undescribed(struct key_look *look)
{
	struct gather *gather = look->gather;

	if (error_is(&look->undescribed, ERROR_ABSENT))
		fault(look,
		      arena_printf(gather->arena,
				   "there is no such key in account %s; keys and aliases belong to one region: make it "
				   "there, or name the one that is",
				   gather->facts->account));
	else
		note(look, arena_printf(gather->arena, "could not be looked at before the build (%s)",
					look->undescribed.text));
}

static void judge_state(struct key_look *look)
{
	struct arena *arena = look->gather->arena;
	const char *state = tree_text_or(look->described, "KeyState", "Enabled");
	const char *spec = tree_text_or(look->described, "KeySpec", "SYMMETRIC_DEFAULT");
	const char *usage = tree_text_or(look->described, "KeyUsage", "ENCRYPT_DECRYPT");

	if (str_eq(state, "PendingDeletion"))
		fault(look,
		      "the key is about to be deleted; cancel that (aws kms cancel-key-deletion), or name another");
	else if (!str_eq(state, "Enabled"))
		fault(look,
		      arena_printf(arena, "the key is %s; enable it (aws kms enable-key), or name another", state));
	if (!str_eq(spec, "SYMMETRIC_DEFAULT") || !str_eq(usage, "ENCRYPT_DECRYPT"))
		fault(look,
		      arena_printf(arena, "EBS takes only symmetric keys that encrypt and decrypt; this one is %s, %s",
				   spec, usage));
}

static void judge_owner(struct key_look *look)
{
	struct arena *arena = look->gather->arena;
	bool shared = is_shared(&look->gather->recipe->distribute.share);

	if (shared && !is_customers(look))
		fault(look,
		      "it is managed by AWS, and what is encrypted with it cannot be shared: its key policy cannot be "
		      "changed; make a key of your own");
	if (!is_own(look))
		note(look, arena_printf(arena,
					"it belongs to account %s, whose key policy must let this account use it and "
					"create grants%s",
					tree_text_or(look->described, "AWSAccountId", "?"),
					shared ? ", and those that the image is shared with, too" : ""));
}

static void judge_user(struct key_look *look, const struct key_user *user)
{
	struct arena *arena = look->gather->arena;
	_cleanup_(str_free) struct str lacking = STR_INIT;
	const char *kind = user->account ? "account" : user->unit ? "organizational unit" : "organization";
	const char *who = user->account ? user->account : user->unit ? user->unit : user->organization;

	if (!key_policy_admits(look->policy, user, &lacking))
		note(look,
		     arena_printf(arena,
				  "no statement of its key policy admits %s %s; instances of the image would end there "
				  "with Client.InternalError (docs/aws.md, \"Encryption and sharing\", has the policy)",
				  kind, who));
	else if (lacking.len)
		note(look, arena_printf(arena, "its key policy does not give %s %s %s", kind, who, lacking.data));
}

static void judge_users(struct key_look *look)
{
	const struct share *share = &look->gather->recipe->distribute.share;

	if (look->gather->facts->organization_arn)
		judge_user(look, &(struct key_user){.organization = look->gather->facts->organization_arn});
	for (size_t i = 0; i < share->organizations.count; i++)
		judge_user(look, &(struct key_user){.organization = share->organizations.items[i]});
	for (size_t i = 0; i < share->organizational_units.count; i++)
		judge_user(look, &(struct key_user){.unit = share->organizational_units.items[i]});
	for (size_t i = 0; i < share->accounts.count; i++) {
		if (!str_eq(share->accounts.items[i], look->gather->facts->account))
			judge_user(look, &(struct key_user){.account = share->accounts.items[i]});
	}
}

static void judge(struct key_look *look)
{
	if (!look->described) {
		judge_undescribed(look);
		return;
	}
	judge_state(look);
	judge_owner(look);
	if (look->policy)
		judge_users(look);
	else if (look->unread.kind != ERROR_NONE)
		note(look,
		     arena_printf(
			     look->gather->arena,
			     "its policy could not be read, so nobody knows whether it admits those that the image is "
			     "shared with (%s)",
			     look->unread.text));
}

/* --- which keys --- */

static void want(struct gather *gather, struct key_look *looks, size_t *count, const char *place, const char *region,
		 const char *key)
{
	if (key)
		looks[(*count)++] = (struct key_look){.gather = gather, .place = place, .region = region, .key = key};
}

static size_t keys_list(struct gather *gather, struct key_look *looks)
{
	const struct recipe *recipe = gather->recipe;
	const struct region_wish *regions = recipe->distribute.regions.items;
	size_t count = 0;

	if (recipe->launch.root_volume.encrypted)
		want(gather, looks, &count, "launch.root_volume.kms_key", gather->facts->region,
		     recipe->launch.root_volume.kms_key);
	for (size_t i = 0; i < recipe->distribute.regions.count; i++) {
		const char *region = recipe->distribute.regions.keys[i];
		if (!str_eq(region, gather->facts->region))
			want(gather, looks, &count,
			     arena_printf(gather->arena, "distribute.regions.%s.kms_key", region), region,
			     regions[i].kms_key);
	}
	return count;
}

bool keys_find(struct gather *gather, struct error *err)
{
	size_t most = gather->recipe->distribute.regions.count + 1, count;
	_cleanup_(freep) struct key_look *looks = mem_array(most, sizeof(*looks));
	bool done;

	count = keys_list(gather, looks);
	done = !count || parallel_each(looks, count, sizeof(*looks), 0, key_look, NULL, err);
	for (size_t i = 0; i < count; i++) {
		if (done)
			judge(&looks[i]);
		tree_free(looks[i].described);
		tree_free(looks[i].policy);
	}
	return done;
}
