/* SPDX-License-Identifier: Apache-2.0
 *
 * What must hold between a recipe's keys: everything that AWS would refuse later, in the middle of a build, and that
 * can be known now. */
#include <inttypes.h>
#include <string.h>

#include "bakery/partition.h"
#include "bakery/str.h"
#include "load.h"
#include "shapes.h"

static bool written(const struct load *load, const char *path)
{
	return tree_get(load->tree, path) != NULL;
}

static void check_source(const struct load *load)
{
	static const char *const kinds[] = {"ami", "ssm", "id", "recipe"};
	const struct tree *source = tree_key(load->tree, "source");
	_cleanup_(str_free) struct str found = STR_INIT;
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (tree_key(source, kinds[i]))
			str_addf(&found, "%s%s", count++ ? " and " : "", kinds[i]);
	if (count == 0 && (!source || tree_kind(source) == TREE_OBJECT))
		load_fault(load, "source", "is missing: exactly one of ami, ssm, id and recipe");
	if (count > 1)
		load_fault(load, "source", "has %s; exactly one of ami, ssm, id and recipe can be the source",
			   found.data);
	const struct source_recipe *parent = load->recipe->source.recipe;
	if (parent && str_eq(parent->name, load->recipe->name))
		load_fault(load, "source.recipe", "a recipe cannot be built on itself");
}

static void check_needed(const struct load *load)
{
	if (!written(load, "launch.instance_types"))
		load_fault(load, "launch.instance_types",
			   "is missing (here, in what the recipe extends, or in the settings)");
	if (!written(load, "connect.user"))
		load_fault(load, "connect.user",
			   "is missing: the source image's login name, such as admin, ubuntu or ec2-user");
	if (!written(load, "playbooks"))
		load_fault(load, "playbooks", "is missing: what is done on the instance (an empty list for nothing)");
}

/* By AWS's naming: letters, generation, then attributes, of which a leading g is Graviton. Families whose name alone
 * says nothing stay unknown. */
const char *instance_type_processor(const char *type)
{
	size_t family = strcspn(type, "0123456789"), generation = strspn(type + family, "0123456789");
	char attribute = type[family + generation];

	if (attribute == 'g' || strncmp(type, "a1.", 3) == 0)
		return "arm64";
	return family == 1 && strchr("cmrt", *type) ? "x86_64" : NULL;
}

/* An image is for one processor: what the recipe says, else what its first type has. */
static void check_processor(const struct load *load)
{
	const struct source_ami *ami = load->recipe->source.ami;
	const struct text_list *types = &load->recipe->launch.instance_types;
	const char *wanted = ami ? ami->architecture : NULL, *whose = "the source image";

	for (size_t i = 0; i < types->count; i++) {
		const char *has = instance_type_processor(types->items[i]);
		if (has && wanted && !str_eq(has, wanted))
			load_fault(load, "launch.instance_types", "%s is %s, %s %s", types->items[i], has, whose,
				   wanted);
		if (has && !wanted) {
			wanted = has;
			whose = types->items[i];
		}
	}
}

static void check_subnets(const struct load *load)
{
	const struct subnets *subnets = load->recipe->launch.subnets;

	if (subnets && subnets->ids.count && subnets->tags.count)
		load_fault(load, "launch.subnets", "has ids and tags; one of them can say which");
}

struct volume_limits {
	const char *type;
	int64_t least_iops, most_iops, iops_per_gib;
	bool needs_iops;
};

/* https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html */
static const struct volume_limits *limits_of(const char *type)
{
	static const struct volume_limits limits[] = {
		{"gp3", 3000, 80000, 500, false},
		{"io1", 100, 64000, 50, true},
		{"io2", 100, 256000, 1000, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (str_eq(limits[i].type, type))
			return &limits[i];
	return NULL;
}

static void check_iops(const struct load *load, const struct volume_limits *limits)
{
	const struct root_volume *volume = &load->recipe->launch.root_volume;

	if (!limits && volume->iops)
		load_fault(load, "launch.root_volume.iops", "cannot be chosen for %s (only for gp3, io1 and io2)",
			   volume->type);
	if (!limits)
		return;
	if (limits->needs_iops && !volume->iops)
		load_fault(load, "launch.root_volume.iops", "is missing: %s needs it", volume->type);
	if (volume->iops && (volume->iops < limits->least_iops || volume->iops > limits->most_iops))
		load_fault(load, "launch.root_volume.iops",
			   "must be between %" PRId64 " and %" PRId64 " for %s, not %" PRId64, limits->least_iops,
			   limits->most_iops, volume->type, volume->iops);
	/* 3000 are gp3's for any size. */
	if (volume->size_gib && volume->iops > 3000 && volume->iops > volume->size_gib * limits->iops_per_gib)
		load_fault(load, "launch.root_volume.iops",
			   "%s has at most %" PRId64 " a GiB: %" PRId64 " for %" PRId64 " GiB", volume->type,
			   limits->iops_per_gib, volume->size_gib * limits->iops_per_gib, volume->size_gib);
}

static void check_volume(const struct load *load)
{
	const struct root_volume *volume = &load->recipe->launch.root_volume;
	int64_t iops = volume->iops ? volume->iops : 3000;

	check_iops(load, limits_of(volume->type));
	if (volume->throughput && !str_eq(volume->type, "gp3"))
		load_fault(load, "launch.root_volume.throughput", "cannot be chosen for %s (only for gp3)",
			   volume->type);
	else if (volume->throughput > iops / 4)
		load_fault(load, "launch.root_volume.throughput",
			   "%" PRId64 " MiB/s need %" PRId64 " iops (4 for each), there are %" PRId64,
			   volume->throughput, volume->throughput * 4, iops);
	if (volume->kms_key && !volume->encrypted)
		load_fault(load, "launch.root_volume.kms_key", "goes with encrypted: true only");
}

/* A key's ARN names its region, and keys work only there. */
static void check_key_region(const struct load *load, const char *path, const char *key, const char *region)
{
	const char *at = key && str_starts(key, "arn:") ? strstr(key, ":kms:") : NULL;
	size_t length = at ? strcspn(at + 5, ":") : 0;

	if (at && region && (strlen(region) != length || memcmp(at + 5, region, length) != 0))
		load_fault(load, path, "is a key of %.*s, not of %s", (int)length, at + 5, region);
}

static void check_keys(const struct load *load)
{
	const struct struct_map *regions = &load->recipe->distribute.regions;
	const struct region_wish *wishes = regions->items;

	check_key_region(load, "launch.root_volume.kms_key", load->recipe->launch.root_volume.kms_key,
			 load->recipe->launch.region);
	for (size_t i = 0; i < regions->count; i++)
		check_key_region(load, arena_printf(load->arena, "distribute.regions.%s.kms_key", regions->keys[i]),
				 wishes[i].kms_key, regions->keys[i]);
}

/* Regions of different partitions never meet. */
static void check_regions(const struct load *load)
{
	const struct struct_map *regions = &load->recipe->distribute.regions;
	const char *home = load->recipe->launch.region;

	for (size_t i = 0; home && i < regions->count; i++) {
		const char *path = arena_printf(load->arena, "distribute.regions.%s", regions->keys[i]);
		const struct partition *from = partition_of(home), *to = partition_of(regions->keys[i]);
		if (str_eq(regions->keys[i], home))
			load_fault(load, path, "the image is made there (launch.region): leave it out");
		else if (from != to)
			load_fault(load, path, "images cannot be copied from %s to %s", from->name, to->name);
	}
}

static void check_profiles(const struct load *load)
{
	const struct launch *launch = &load->recipe->launch;

	if (launch->temporary_profile && launch->iam_instance_profile)
		load_fault(load, "launch.temporary_profile",
			   "there is an iam_instance_profile; one of them can be used");
}

static void check_share(const struct load *load)
{
	const struct share *share = &load->recipe->distribute.share;

	if (share->snapshots && !share->accounts.count)
		load_fault(load, "distribute.share.snapshots",
			   "EC2 shares snapshots with accounts only, not with organizations: name accounts");
	if (share->consumer_role && !share->accounts.count)
		load_fault(load, "distribute.share.consumer_role", "there are no accounts it could be taken in");
	if (share->auto_scaling_grant && !share->consumer_role)
		load_fault(load, "distribute.share.auto_scaling_grant",
			   "needs a consumer_role: only the accounts themselves can grant it");
}

static void check_image(const struct load *load)
{
	const struct image_wish *image = &load->recipe->image;
	_cleanup_(freep) char *name = recipe_with_build(image->name ? image->name : "", "20261122-083012-7f3a");
	const char *text = image->description ? image->description : load->recipe->description;

	if (!shape_image_name(name))
		load_fault(load, "image.name",
			   "must be 3 to 128 letters, digits and ()[] ./-'@_ (it comes out as \"%.140s\")", name);
	if (text && strlen(text) > 255)
		load_fault(load, image->description ? "image.description" : "description",
			   "is the image's description: at most 255 bytes, not %zu", strlen(text));
}

static void check_deadlines(const struct load *load)
{
	const struct recipe *recipe = load->recipe;
	const struct retain *retain = &recipe->retain;

	if (recipe->connect.timeout_s >= recipe->deadline_s)
		load_fault(load, "connect.timeout", "must be shorter than the deadline of the whole build");
	if (retain->disable_after_s && retain->deprecate_after_s > retain->disable_after_s)
		load_fault(load, "retain.disable_after", "must not come before deprecate_after");
	if (retain->deregister_after_s && retain->disable_after_s > retain->deregister_after_s)
		load_fault(load, "retain.deregister_after", "must not come before disable_after");
	else if (retain->deregister_after_s && retain->deprecate_after_s > retain->deregister_after_s)
		load_fault(load, "retain.deregister_after", "must not come before deprecate_after");
}

static void check_channel(const struct load *load)
{
	const struct struct_list *known = &load->settings->channels;
	const struct channel *channels = known->items;
	const char *wanted = load->recipe->publish.channel, *names[64], *nearest;
	size_t count = 0;

	for (; count < known->count && count < ARRAY_SIZE(names); count++) {
		names[count] = channels[count].name ? channels[count].name : "";
		if (str_eq(names[count], wanted))
			return;
	}
	nearest = wanted && count ? str_nearest(wanted, names, count) : NULL;
	if (wanted && count)
		load_fault(load, "publish.channel", "the settings have no channel %s%s%s%s", wanted,
			   nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
}

static bool same_scanner(const struct scanner *a, const struct scanner *b)
{
	return str_eq(a->kind, b->kind) && str_eq(a->profile, b->profile) && !a->command.count;
}

static void check_scanner(const struct load *load, const char *path, const struct scanner *scanners, size_t index)
{
	const struct scanner *scanner = &scanners[index];
	bool is_openscap = str_eq(scanner->kind, "openscap");

	if (is_openscap && !scanner->profile)
		load_fault(load, path, "openscap needs a profile, such as anssi_bp28_minimal");
	if (!is_openscap && scanner->kind && (scanner->profile || scanner->datastream))
		load_fault(load, path, "%s is for openscap alone", scanner->profile ? "profile" : "datastream");
	for (size_t i = 0; i < index; i++) {
		if (same_scanner(&scanners[i], scanner)) {
			load_fault(load, path, "the same scanner twice");
			return;
		}
	}
}

static void check_scan(const struct load *load)
{
	const struct scan *scan = load->recipe->scan;
	const struct scanner *scanners = scan ? scan->scanners.items : NULL;
	const struct tree *node = tree_get(load->tree, "scan.scanner");

	for (size_t i = 0; scan && i < scan->scanners.count; i++) {
		const char *path = tree_kind(node) == TREE_ARRAY ? arena_printf(load->arena, "scan.scanner.%zu", i + 1)
								 : "scan.scanner";
		const struct tree *item = tree_get(load->tree, path);
		bool is_command = str_eq(scanners[i].kind, "command"), has_command = tree_key(item, "command");
		check_scanner(load, path, scanners, i);
		if (has_command && tree_key(item, "kind") && !is_command)
			load_fault(load, path, "a command of your own is not one of the kinds: leave kind out");
		else if (!has_command && (is_command || (tree_kind(item) == TREE_OBJECT && !tree_key(item, "kind"))))
			load_fault(load, path, "needs a kind or a command");
	}
}

static void check_verify(const struct load *load)
{
	if (load->recipe->verify.off && load->recipe->scan)
		load_fault(load, "scan", "a fresh instance is scanned, and there is none when verify is off");
	if (load->recipe->verify.off && load->recipe->verify.playbooks.count)
		load_fault(load, "verify.playbooks", "nothing runs them when verify is off");
}

/* The playbooks that harden SSH leave host keys of NIST's curves out unless told otherwise; with no other host key on
 * the instance, nobody could log in to it any more. */
void login_check(const struct load *load)
{
	static const char variable[] = "ssh_host_key_algorithms";
	const struct struct_list *list = &load->recipe->playbooks;
	const struct playbook_use *uses = list->items;

	for (size_t i = 0; load->recipe->connect.key_type == SSH_KEY_ECDSA && i < list->count; i++) {
		const struct playbook *playbook = uses[i].playbook;
		const char *value = playbook ? text_map_get(&playbook->vars, variable) : NULL;

		if (value && !strstr(value, "ecdsa-sha2-nistp256"))
			load_fault(load, arena_printf(load->arena, "playbooks.%zu", i + 1),
				   "%s admits no ecdsa-sha2-nistp256, which the host keys of connect.key_type: ecdsa "
				   "are: name it in %s",
				   playbook->name, variable);
	}
}

void rules_check(const struct load *load)
{
	static void (*const rules[])(const struct load *load) = {
		check_source, check_needed,  check_processor, check_subnets,   check_volume,
		check_keys,   check_regions, check_image,     check_deadlines, check_channel,
		check_scan,   check_verify,  check_profiles,  check_share,
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		rules[i](load);
}
