/* SPDX-License-Identifier: Apache-2.0
 *
 * The playbooks and files that a recipe uses: looked up beside the file that names them, loaded, hashed. */
#include <string.h>

#include "ansible.h"
#include "bakery/file.h"
#include "bakery/str.h"
#include "load.h"
#include "search.h"

struct use_place {
	const struct load *load;
	const struct tree *node;
	const char *key;
};

static void use_fault(const struct use_place *place, const char *what)
{
	faults_add_at(place->load->faults, place->load->shown, place->node, "%s: %s", place->key, what);
}

static void load_playbook(const struct use_place *place, struct playbook_use *use)
{
	const struct load *load = place->load;
	const struct tree_position at = tree_position(place->node);
	const struct playbook_request request = {
		.settings = load->settings,
		.name_or_file = use->name,
		.folder = load_folder(load, place->node),
		.vars = &use->vars,
		.place = {.file = at.file ? at.file : load->shown, .line = at.line, .column = at.column},
		.key = place->key,
		.arena = load->arena,
		.faults = load->faults,
	};

	use->playbook = playbook_read(&request);
	use->name = use->playbook ? use->playbook->name : use->name;
}

static void load_use(const struct use_place *place, struct playbook_use *use)
{
	const struct tree_position at = tree_position(place->node);
	const struct ansible *wish = &use->ansible_wish;
	bool has_extras = wish->requirements || wish->extra_vars.count || wish->groups.count || wish->secrets.count;

	use->source = arena_printf(place->load->arena, "%s:%d", at.file ? at.file : place->load->shown, at.line);
	use->ansible = use->ansible_wish.playbook ? &use->ansible_wish : NULL;
	if (use->name && use->ansible)
		use_fault(place, "has playbook and ansible; one entry is one of them");
	else if (!use->name && !use->ansible && tree_kind(place->node) == TREE_OBJECT)
		use_fault(place, "needs playbook or ansible");
	else if (use->ansible && use->vars.count)
		use_fault(place, "vars goes with playbook; ansible has extra_vars");
	else if (!use->ansible && has_extras)
		use_fault(place, "requirements, extra_vars, groups and secrets go with ansible");
	else if (use->name)
		load_playbook(place, use);
}

/* Step ids, and with them the evidence, would be ambiguous. */
static void check_twice(const struct use_place *place, const struct playbook_use *uses, size_t index)
{
	for (size_t i = 0; uses[index].playbook && i < index; i++)
		if (uses[i].playbook && str_eq(uses[i].playbook->name, uses[index].playbook->name))
			use_fault(place, arena_printf(place->load->arena, "%s is used twice (first at %s)",
						      uses[i].name, uses[i].source));
}

static void load_uses(const struct load *load, const char *key, const struct struct_list *list)
{
	enum { MOST_USES = 200 };
	const struct tree *node = tree_get(load->tree, key);
	struct playbook_use *uses = list->items;

	if (list->count > MOST_USES)
		load_fault(load, key, "more than %d entries", MOST_USES);
	for (size_t i = 0; i < list->count && list->count <= MOST_USES; i++) {
		const struct use_place place = {.load = load,
						.node = tree_kind(node) == TREE_ARRAY ? tree_at(node, i) : node,
						.key = arena_printf(load->arena, "%s.%zu", key, i + 1)};
		load_use(&place, &uses[i]);
		check_twice(&place, uses, i);
	}
}

void uses_load(const struct load *load)
{
	load_uses(load, "playbooks", &load->recipe->playbooks);
	load_uses(load, "verify.playbooks", &load->recipe->verify.playbooks);
}

static void resolve(const struct load *load, const struct tree *node, const char *key, const char **file,
		    struct tree *files)
{
	struct error err = {0};
	const char *path, *sha256;

	if (!*file || !node)
		return;
	path = search_absolute(load_folder(load, node), *file, load->arena);
	sha256 = file_fingerprint(path, load->arena, &err);
	if (!sha256)
		faults_add_at(load->faults, load->shown, node, "%s: %s", key, file_fault(path, &err, load->arena));
	tree_set_text(files, *file, sha256);
	*file = path;
}

/* The file as written, so that the record does not depend on where the project lies. */
static const char *ansible_name(const struct load *load, const struct playbook_use *uses, size_t index,
				const char *written)
{
	size_t before = 0;

	while (str_starts(written, "./") || str_starts(written, "../"))
		written = strchr(written, '/') + 1;
	for (size_t i = 0; i < index; i++)
		before += uses[i].ansible && str_eq(uses[i].ansible->playbook, uses[index].ansible->playbook);
	return before ? arena_printf(load->arena, "%s (%zu)", written, before + 1) : written;
}

static void load_ansible(const struct load *load, const struct tree *node, const char *key, struct playbook_use *uses,
			 size_t index)
{
	struct playbook_use *use = &uses[index];
	const struct ansible *ansible = use->ansible;
	struct error err = {0};

	if (!ansible || !file_exists(ansible->playbook) ||
	    (ansible->requirements && !file_exists(ansible->requirements)))
		return; /* that is a fault already */
	use->name = ansible_name(load, uses, index, tree_text_or(tree_key(node, "ansible"), NULL, ""));
	use->playbook =
		ansible_read(ansible, use->name, search_shown(ansible->playbook, load->arena), load->arena, &err);
	if (!use->playbook)
		faults_add_at(load->faults, load->shown, node, "%s: %s", key, err.text);
}

static void resolve_ansible(const struct load *load, const char *key, const struct struct_list *list,
			    struct tree *files)
{
	const struct tree *all = tree_get(load->tree, key);
	struct playbook_use *uses = list->items;

	for (size_t i = 0; i < list->count; i++) {
		const char *path = arena_printf(load->arena, "%s.%zu", key, i + 1);
		const struct tree *node = tree_kind(all) == TREE_ARRAY ? tree_at(all, i) : all;
		resolve(load, tree_key(node, "ansible"), arena_printf(load->arena, "%s.ansible", path),
			&uses[i].ansible_wish.playbook, files);
		resolve(load, tree_key(node, "requirements"), arena_printf(load->arena, "%s.requirements", path),
			&uses[i].ansible_wish.requirements, files);
		load_ansible(load, node, path, uses, i);
	}
}

/* In its short form the profile is the policy's name alone. */
static void resolve_policy(const struct load *load, struct tree *files)
{
	static const char key[] = "launch.temporary_profile.policy";
	const struct tree *profile = tree_get(load->tree, "launch.temporary_profile"),
			  *node = tree_kind(profile) == TREE_OBJECT ? tree_key(profile, "policy") : profile;
	struct temporary_profile *wish = (struct temporary_profile *)load->recipe->launch.temporary_profile;

	if (wish)
		resolve(load, node, key, &wish->policy, files);
}

/* Files of this host, not of the recipe: they need not be there yet, and are no part of its hash. */
static void resolve_here(const struct load *load, const struct tree *node, const char **file)
{
	if (*file && node && !str_starts(*file, "~/"))
		*file = search_absolute(load_folder(load, node), *file, load->arena);
}

static void resolve_bastion(const struct load *load)
{
	struct bastion *bastion = (struct bastion *)load->recipe->connect.bastion;

	if (!bastion)
		return;
	resolve_here(load, tree_get(load->tree, "connect.bastion.key"), &bastion->key);
	resolve_here(load, tree_get(load->tree, "connect.bastion.known_hosts"), &bastion->known_hosts);
}

static void resolve_scanners(const struct load *load, const struct scan *scan, struct tree *files)
{
	const struct tree *list = tree_get(load->tree, "scan.scanner");
	struct scanner *scanners = scan->scanners.items;

	for (size_t i = 0; i < scan->scanners.count; i++) {
		const struct tree *item = tree_kind(list) == TREE_ARRAY ? tree_at(list, i) : list;
		const char *key = tree_kind(list) == TREE_ARRAY
					  ? arena_printf(load->arena, "scan.scanner.%zu.datastream", i + 1)
					  : "scan.scanner.datastream";
		if (scanners[i].datastream && !str_starts(scanners[i].datastream, "machine:"))
			resolve(load, tree_key(item, "datastream"), key, &scanners[i].datastream, files);
	}
}

void files_resolve(const struct load *load, struct tree *files)
{
	struct recipe *recipe = load->recipe;
	struct scan *scan = (struct scan *)recipe->scan; /* decoded for this recipe and read by nobody yet */

	resolve(load, tree_get(load->tree, "launch.user_data"), "launch.user_data", &recipe->launch.user_data, files);
	resolve_policy(load, files);
	resolve_bastion(load);
	if (scan) {
		resolve(load, tree_get(load->tree, "scan.exceptions"), "scan.exceptions", &scan->exceptions, files);
		resolve_scanners(load, scan, files);
	}
	resolve_ansible(load, "playbooks", &recipe->playbooks, files);
	resolve_ansible(load, "verify.playbooks", &recipe->verify.playbooks, files);
}
