/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan: recipe, settings and facts put together. No AWS here. */
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/plan.h"
#include "bakery/process.h"
#include "bakery/str.h"
#include "scan.h"
#include "waivers.h"

enum { PLAN_FORMAT = 1 };

struct making {
	const struct settings *settings;
	const struct recipe *recipe;
	const struct facts *facts;
	struct arena *arena;
	struct faults faults;
	struct plan *plan;
};

/* What gathering the facts showed already. */
static void facts_check(struct making *making)
{
	for (size_t i = 0; i < making->facts->faults.count; i++)
		faults_add(&making->faults, making->recipe->file, 0, 0, "%s", making->facts->faults.items[i]);
}

/* CreateImage takes boot mode and TPM over from the instance, and that from its image (EC2 API reference,
 * CreateImage). */
static void inheritance_check(struct making *making)
{
	const char *boot_mode = making->facts->source.boot_mode, *tpm = making->facts->source.tpm;
	const struct image_wish *wish = &making->recipe->image;

	if (wish->boot_mode && !str_eq(wish->boot_mode, boot_mode))
		faults_add(&making->faults, making->recipe->file, 0, 0,
			   "image.boot_mode: an image has the boot mode of its source, which is %s here, not %s",
			   boot_mode ? boot_mode : "not told", wish->boot_mode);
	if (wish->tpm && !str_eq(wish->tpm, tpm))
		faults_add(&making->faults, making->recipe->file, 0, 0,
			   "image.tpm: an image has the TPM support of its source, which is %s here, not %s; start "
			   "from an image registered with TPM support",
			   tpm ? tpm : "none", wish->tpm);
}

/* https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/CopyingAMIs.html: "You can't copy an AMI with an associated
 * billingProduct code that was shared with you from another account." */
static void product_check(struct making *making)
{
	const struct text_list *codes = &making->facts->source.product_codes;

	if (codes->count && making->recipe->distribute.share.snapshots)
		faults_add(
			&making->faults, making->recipe->file, 0, 0,
			"distribute.share.snapshots: the source image is a product of AWS Marketplace (%s): accounts "
			"may launch an image of it, but not copy it",
			codes->items[0]);
}

/* EC2 service quotas, "AMI sharing": the accounts of an organization do not count, its ARN does. */
static void share_count_check(struct making *making)
{
	enum { MOST_SHARES = 1000 };
	const struct plan_share *share = &making->plan->share;
	size_t count = share->organizations.count + share->organizational_units.count + share->accounts.count;

	if (count > MOST_SHARES)
		faults_add(
			&making->faults, making->recipe->file, 0, 0,
			"distribute.share: %zu organizations, units and accounts, and EC2 shares an image with at most "
			"%d; an organization or unit counts as one, however many accounts it has",
			count, MOST_SHARES);
}

static const struct channel *channel_find(const struct settings *settings, const char *name)
{
	const struct channel *channels = settings->channels.items;

	for (size_t i = 0; i < settings->channels.count; i++) {
		if (str_eq(channels[i].name, name))
			return &channels[i];
	}
	return NULL;
}

/* A channel that wants approval or time is reached by promotion, not by a build. That it exists, the recipe's own rules
 * say. */
static void channel_check(struct making *making)
{
	const char *name = making->recipe->publish.channel;
	const struct channel *channel = channel_find(making->settings, name);

	if (channel && (channel->soak_s || (channel->approvers.count && !channel->builder_may_approve)))
		faults_add(&making->faults, making->recipe->file, 0, 0,
			   "publish.channel: %s wants %s first; publish to another channel", name,
			   channel->soak_s ? "images to soak" : "an approval");
}

/* EC2 cannot share a snapshot that is encrypted with the account's default key (EC2 user guide, "Share an AMI"). */
static void encryption_check(struct making *making)
{
	const struct recipe *recipe = making->recipe;
	const struct share *share = &recipe->distribute.share;
	bool shared = share->organization || share->organizations.count || share->organizational_units.count ||
		      share->accounts.count;
	const struct region_wish *regions = recipe->distribute.regions.items;

	if (!shared || !recipe->launch.root_volume.encrypted)
		return;
	if (!recipe->launch.root_volume.kms_key)
		faults_add(&making->faults, recipe->file, 0, 0,
			   "launch.root_volume.kms_key: an image encrypted with the account's default key cannot be "
			   "shared; name a key of your own");
	for (size_t i = 0; i < recipe->distribute.regions.count; i++) {
		if (!regions[i].kms_key)
			faults_add(&making->faults, recipe->file, 0, 0,
				   "distribute.regions.%s.kms_key: needed there too, to share the copy",
				   recipe->distribute.regions.keys[i]);
	}
}

static void volume_decide(struct making *making)
{
	struct root_volume *volume = &making->plan->launch.root_volume;
	int64_t source_gib = making->facts->source.size_gib;

	*volume = making->recipe->launch.root_volume;
	if (!volume->size_gib)
		volume->size_gib = source_gib;
	if (volume->size_gib < source_gib)
		faults_add(&making->faults, making->recipe->file, 0, 0,
			   "launch.root_volume.size_gib: %lld is less than the source image's %lld GiB",
			   (long long)volume->size_gib, (long long)source_gib);
}

/* Inside a VPC, security groups see the addresses of the bastion there only from private address to private address. */
static void bastion_check(struct making *making)
{
	const struct recipe *recipe = making->recipe;
	const struct bastion *bastion = recipe->connect.bastion;

	if (bastion && !bastion->admit && !recipe->launch.security_groups.count &&
	    recipe->launch.address == ADDRESS_PUBLIC)
		faults_add(
			&making->faults, recipe->file, 0, 0,
			"connect.bastion: say launch.address: private when the bastion stands in the VPC; else say in "
			"connect.bastion.admit which address it comes from");
}

/* Whom a temporary security group lets in instead of this host. */
static struct text_list admit_decide(struct making *making)
{
	const struct bastion *bastion = making->recipe->connect.bastion;
	const char **one;

	if (!bastion || making->recipe->launch.security_groups.count)
		return (struct text_list){0};
	if (!bastion->admit)
		return making->facts->vpc_blocks;
	one = arena_alloc(making->arena, 2 * sizeof(*one));
	one[0] = bastion->admit;
	return (struct text_list){one, 1};
}

static void launch_decide(struct making *making)
{
	const struct launch *wish = &making->recipe->launch;
	struct plan_launch *launch = &making->plan->launch;

	launch->instance_types = wish->instance_types;
	launch->market = wish->market;
	launch->vpc = making->facts->vpc;
	launch->subnets = making->facts->subnets;
	launch->security_groups = wish->security_groups;
	launch->address = wish->address;
	launch->iam_instance_profile = wish->iam_instance_profile;
	launch->admit = admit_decide(making);
	launch->user_data = making->facts->user_data;
	launch->profile_policy = making->facts->profile_policy;
	if (wish->temporary_profile)
		launch->managed_policies = wish->temporary_profile->managed_policies;
	volume_decide(making);
}

static struct struct_list playbooks_of(struct making *making, const struct struct_list *uses)
{
	const struct playbook_use *items = uses->items;
	struct playbook *playbooks = arena_alloc(making->arena, (uses->count + 1) * sizeof(*playbooks));
	size_t count = 0;

	for (size_t i = 0; i < uses->count; i++) {
		if (items[i].playbook)
			playbooks[count++] = *items[i].playbook;
	}
	return (struct struct_list){playbooks, count};
}

static void playbooks_decide(struct making *making)
{
	const struct recipe *recipe = making->recipe;
	const struct playbook *seal;

	making->plan->playbooks = playbooks_of(making, &recipe->playbooks);
	making->plan->verify = playbooks_of(making, &recipe->verify.playbooks);
	making->plan->verify_off = recipe->verify.off;
	making->plan->waivers = recipe->waivers;
	waivers_apply(making->plan, &making->plan->playbooks, making->arena);
	waivers_apply(making->plan, &making->plan->verify, making->arena);
	seal = playbook_load(making->settings, "seal", NULL, &(struct text_map){0}, recipe->file, making->arena,
			     &making->faults);
	if (seal) {
		struct playbook *copy = arena_alloc(making->arena, sizeof(*copy));
		*copy = *seal;
		making->plan->seal = (struct struct_list){copy, 1};
	}
}

static void image_decide(struct making *making)
{
	const struct image_wish *wish = &making->recipe->image;
	struct plan_image *image = &making->plan->image;

	image->name = wish->name;
	image->description = wish->description ? wish->description : making->recipe->description;
	image->imds = wish->imds;
	image->boot_mode = wish->boot_mode;
	image->deprecate_after_s = wish->deprecate_after_s;
	image->tpm = wish->tpm;
	image->protect = wish->deregistration_protection.enabled;
	image->protect_cooldown = wish->deregistration_protection.cooldown;
}

static void share_decide(struct making *making)
{
	const struct share *wish = &making->recipe->distribute.share;
	struct plan_share *share = &making->plan->share;

	share->organizations = wish->organizations;
	share->organizational_units = wish->organizational_units;
	share->accounts = wish->accounts;
	share->snapshots = wish->snapshots;
	share->consumer_role = wish->consumer_role;
	share->auto_scaling_grant = wish->auto_scaling_grant;
	if (making->facts->organization_arn && !text_list_has(&share->organizations, making->facts->organization_arn)) {
		const char **arns = arena_alloc(making->arena, (share->organizations.count + 1) * sizeof(*arns));
		arns[0] = making->facts->organization_arn;
		for (size_t i = 0; i < share->organizations.count; i++)
			arns[i + 1] = share->organizations.items[i];
		share->organizations = (struct text_list){arns, share->organizations.count + 1};
	}
}

static void copies_decide(struct making *making)
{
	const struct struct_map *wish = &making->recipe->distribute.regions;
	const struct region_wish *regions = wish->items;
	struct plan_region *copies = arena_alloc(making->arena, (wish->count + 1) * sizeof(*copies));
	size_t count = 0;

	for (size_t i = 0; i < wish->count; i++) {
		if (!str_eq(wish->keys[i], making->facts->region))
			copies[count++] = (struct plan_region){wish->keys[i], regions[i].kms_key};
	}
	making->plan->copies = (struct struct_list){copies, count};
}

static void publish_decide(struct making *making)
{
	struct plan_publish *publish = &making->plan->publish;

	publish->channel = making->recipe->publish.channel;
	if (!publish->channel)
		return;
	publish->parameter = arena_printf(making->arena, "%s/%s/%s", making->settings->parameter_prefix,
					  making->recipe->name, publish->channel);
	publish->metadata_parameter = arena_printf(making->arena, "%s/metadata", publish->parameter);
}

/* The settings' tags, then the recipe's over them. */
static struct text_map tags_merge(const struct text_map *under, const struct text_map *over, struct arena *arena)
{
	struct text_pair *items = arena_alloc(arena, (under->count + over->count + 1) * sizeof(*items));
	size_t count = 0;

	for (size_t i = 0; i < under->count; i++) {
		if (!text_map_get(over, under->items[i].key))
			items[count++] = under->items[i];
	}
	for (size_t i = 0; i < over->count; i++)
		items[count++] = over->items[i];
	return (struct text_map){items, count};
}

static const char *playbooks_hash(const struct plan *plan, struct arena *arena)
{
	const struct struct_list *lists[] = {&plan->playbooks, &plan->seal, &plan->verify, &plan->scanning};
	_cleanup_(str_free) struct str all = STR_INIT;
	char hex[SHA256_HEX_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct playbook *playbooks = lists[i]->items;
		for (size_t j = 0; j < lists[i]->count; j++)
			str_addf(&all, "%s %s\n", playbooks[j].name, playbooks[j].sha256);
	}
	crypto_sha256_hex(all.data, all.len, hex);
	return arena_strdup(arena, hex);
}

static void identify(struct plan *plan, struct arena *arena)
{
	_cleanup_(tree_freep) struct tree *tree = fields_encode(plan_fields, plan);
	_cleanup_(str_free) struct str json = STR_INIT;
	char hex[SHA256_HEX_SIZE];

	tree_to_json_canonical(tree, &json);
	crypto_sha256_hex(json.data, json.len, hex);
	plan->json = arena_strdup(arena, json.data);
	plan->sha256 = arena_strdup(arena, hex);
	plan->playbooks_sha256 = playbooks_hash(plan, arena);
}

/* The plan may be baked on another host than this. */
static void notes_take(struct making *making)
{
	struct text_list *notes = &making->plan->notes;

	*notes = (struct text_list){0};
	for (size_t i = 0; i < making->facts->notes.count; i++)
		text_list_append(notes, making->facts->notes.items[i], making->arena);
	if (plan_uses_ansible(making->plan) && !process_available("ansible-playbook"))
		text_list_append(notes,
				 "playbooks: some are Ansible's, and ansible-playbook is not on this host (on Debian: "
				 "apt-get install ansible-core)",
				 making->arena);
}

static void head_fill(struct making *making)
{
	const struct recipe *recipe = making->recipe;
	struct plan *plan = making->plan;

	plan->format = PLAN_FORMAT;
	plan->recipe = recipe->name;
	plan->description = recipe->description;
	plan->owner = recipe->owner;
	plan->project = making->settings->project;
	plan->recipe_file = recipe->file;
	plan->recipe_sha256 = recipe->sha256;
	plan->account = making->facts->account;
	plan->region = making->facts->region;
	plan->source = making->facts->source;
	plan->connect = recipe->connect;
	plan->deadline_s = recipe->deadline_s;
	plan->tags = tags_merge(&making->settings->tags, &recipe->image.tags, making->arena);
}

bool plan_make(const struct settings *settings, const struct recipe *recipe, const struct facts *facts,
	       struct arena *arena, struct plan **out, struct error *err)
{
	struct making making = {.settings = settings, .recipe = recipe, .facts = facts, .arena = arena};
	bool fine;

	making.plan = arena_alloc(arena, sizeof(*making.plan));
	facts_check(&making);
	inheritance_check(&making);
	channel_check(&making);
	encryption_check(&making);
	bastion_check(&making);
	head_fill(&making);
	launch_decide(&making);
	playbooks_decide(&making);
	scan_decide(settings, recipe, making.plan, arena, &making.faults);
	image_decide(&making);
	copies_decide(&making);
	share_decide(&making);
	product_check(&making);
	share_count_check(&making);
	publish_decide(&making);
	fine = faults_check(&making.faults, err);
	faults_free(&making.faults);
	if (!fine)
		return false;
	identify(making.plan, arena);
	notes_take(&making);
	waivers_note(making.plan, &making.plan->notes, arena);
	*out = making.plan;
	return true;
}

bool plan_load(const char *json, struct arena *arena, struct plan **out, struct error *err)
{
	_cleanup_(tree_freep) struct tree *tree = tree_from_json(json, strlen(json), err);
	struct faults faults = FAULTS_INIT;
	struct plan *plan = arena_alloc(arena, sizeof(*plan));
	bool fine;

	if (!tree)
		return error_context(err, "stored plan");
	if (tree_int(tree, "format", 0) != PLAN_FORMAT)
		return error_set(err, ERROR_INVALID, "stored plan: its format is %s; this version reads %d",
				 tree_text_or(tree, "format", "missing"), PLAN_FORMAT);
	fields_decode(plan_fields, tree, "", plan,
		      &(struct fields_context){.file = "stored plan", .faults = &faults, .arena = arena});
	fine = faults_check(&faults, err);
	faults_free(&faults);
	if (!fine)
		return false;
	identify(plan, arena);
	*out = plan;
	return true;
}

static bool files_check(const struct struct_list *list, struct error *err)
{
	const struct playbook *playbooks = list->items;

	for (size_t i = 0; i < list->count; i++) {
		const struct step *steps = playbooks[i].steps.items;
		if (playbooks[i].ansible && !ansible_check(&playbooks[i], err))
			return false;
		for (size_t j = 0; j < playbooks[i].steps.count; j++) {
			if (steps[j].upload && !upload_check(steps[j].upload, err))
				return error_context(err, "step %s", steps[j].id);
		}
	}
	return true;
}

bool plan_files_check(const struct plan *plan, struct error *err)
{
	return files_check(&plan->playbooks, err) && files_check(&plan->seal, err) && files_check(&plan->verify, err) &&
	       files_check(&plan->scanning, err);
}

static bool has_ansible(const struct struct_list *list)
{
	const struct playbook *playbooks = list->items;
	bool has = false;

	for (size_t i = 0; i < list->count; i++)
		has |= playbooks[i].ansible != NULL;
	return has;
}

bool plan_uses_ansible(const struct plan *plan)
{
	return has_ansible(&plan->playbooks) || has_ansible(&plan->verify);
}

size_t plan_step_count(const struct plan *plan)
{
	const struct playbook *playbooks = plan->playbooks.items;
	size_t count = 0;

	for (size_t i = 0; i < plan->playbooks.count; i++)
		count += playbooks[i].steps.count;
	return count;
}

size_t plan_control_count(const struct plan *plan)
{
	const struct playbook *playbooks = plan->playbooks.items;
	size_t count = 0;

	for (size_t i = 0; i < plan->playbooks.count; i++) {
		const struct step *steps = playbooks[i].steps.items;
		for (size_t j = 0; j < playbooks[i].steps.count; j++)
			count += steps[j].controls.count;
	}
	return count;
}
