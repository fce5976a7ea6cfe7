/* SPDX-License-Identifier: Apache-2.0
 *
 * An Ansible playbook as a recipe uses it. Only Ansible knows which files it will read, so everything in the playbook's
 * folder is part of what it is: roles, templates, group_vars, files. What lies elsewhere is not, nor are recipes and
 * playbooks of bakery's own, whose hashes do not change with each comment in them. */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

#include "ansible.h"
#include "bakery/file.h"
#include "bakery/str.h"

enum { MOST_FILES = 20000, MOST_DOCUMENT = 1 << 20 };

/* What editors, Git, Python and Ansible itself leave behind. */
static bool is_left_out(const char *name)
{
	static const char *const endings[] = {".pyc", ".retry", ".swp", "~"};
	bool left_out = name[0] == '.' || str_eq(name, "__pycache__");

	for (size_t i = 0; i < ARRAY_SIZE(endings) && !left_out; i++)
		left_out = str_ends(name, endings[i]);
	return left_out;
}

static bool is_own_document(const char *path)
{
	static const char *const keys[] = {"bakery: 1", "playbook: 1"};
	_cleanup_(str_free) struct str text = STR_INIT;
	struct error ignored = {0};
	bool is_own = false;

	if (!str_ends(path, ".yaml") || !file_read(path, MOST_DOCUMENT, &text, &ignored))
		return false;
	for (const char *line = text.data; line && !is_own; line = strchr(line, '\n')) {
		line += *line == '\n';
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
			is_own |= str_starts(line, keys[i]);
	}
	return is_own;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void walk_end(FTS **walk)
{
	if (*walk)
		fts_close(*walk);
}

/* A link that leads nowhere, or back to where it came from, is no file that Ansible could read. */
static bool add_file(const FTSENT *entry, size_t root, struct tree *files, struct error *err)
{
	char hex[SHA256_HEX_SIZE];

	if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS) {
		errno = entry->fts_errno;
		return error_errno(err, "cannot read %s", entry->fts_path);
	}
	if (entry->fts_info != FTS_F || is_own_document(entry->fts_path))
		return true;
	if (tree_count(files) == MOST_FILES)
		return error_set(err, ERROR_INVALID,
				 "more than %d files lie beside it, all of which are part of what it does; give it a "
				 "folder of its own",
				 MOST_FILES);
	if (!file_sha256_hex(entry->fts_path, hex, err))
		return error_context(err, "%s", entry->fts_path);
	tree_set_text(files, entry->fts_path + root + 1, hex);
	return true;
}

static bool folder_add(const char *folder, struct tree *files, struct error *err)
{
	char *const roots[] = {(char *)folder, NULL};
	_cleanup_(walk_end) FTS *walk = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
	FTSENT *entry;

	if (!walk)
		return error_errno(err, "cannot read %s", folder);
	while ((entry = fts_read(walk))) {
		if (entry->fts_level > 0 && is_left_out(entry->fts_name))
			fts_set(walk, entry, FTS_SKIP);
		else if (!add_file(entry, strlen(folder), files, err))
			return false;
	}
	return true;
}

/* Wherever it all lies. */
static const char *fingerprint(const struct ansible *ansible, struct arena *arena, struct error *err)
{
	_cleanup_(tree_freep) struct tree *tree = tree_new_object();
	_cleanup_(freep) char *folder = path_folder(ansible->playbook);
	struct tree *vars = tree_set_object(tree, "extra_vars"), *groups = tree_set_array(tree, "groups");
	const char *requirements = NULL;

	if (!folder_add(folder, tree_set_object(tree, "files"), err))
		return NULL;
	if (ansible->requirements && !(requirements = file_fingerprint(ansible->requirements, arena, err))) {
		error_context(err, "%s", ansible->requirements);
		return NULL;
	}
	tree_set_text(tree, "playbook", ansible->playbook + strlen(folder));
	tree_set_text(tree, "requirements", requirements);
	for (size_t i = 0; i < ansible->extra_vars.count; i++)
		tree_set_text(vars, ansible->extra_vars.items[i].key, ansible->extra_vars.items[i].value);
	for (size_t i = 0; i < ansible->groups.count; i++)
		tree_add_text(groups, ansible->groups.items[i]);
	return tree_fingerprint(tree, arena);
}

static struct struct_list one_step(const struct playbook *playbook, struct arena *arena)
{
	struct step *step = arena_alloc(arena, sizeof(*step));

	*step = (struct step){.kind = STEP_ANSIBLE,
			      .id = playbook->name,
			      .name = playbook->name,
			      .file = playbook->file,
			      .line = 1,
			      .secrets = playbook->ansible->secrets};
	return (struct struct_list){step, 1};
}

const struct playbook *ansible_read(const struct ansible *ansible, const char *name, const char *shown,
				    struct arena *arena, struct error *err)
{
	struct playbook *playbook = arena_alloc(arena, sizeof(*playbook));

	playbook->name = name;
	playbook->file = shown;
	playbook->ansible = ansible;
	playbook->sha256 = fingerprint(ansible, arena, err);
	playbook->steps = one_step(playbook, arena);
	return playbook->sha256 ? playbook : NULL;
}

bool ansible_check(const struct playbook *playbook, struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *now = fingerprint(playbook->ansible, arena, err);

	if (!now)
		return error_context(err, "Ansible playbook %s", playbook->name);
	if (str_eq(now, playbook->sha256))
		return true;
	return error_set(err, ERROR_CONFLICT,
			 "Ansible playbook %s has changed since the plan was made, or what lies in its folder has (the "
			 "sha256 of all was %.12s, is %.12s); bring the files back, or begin anew with `bakery build`",
			 playbook->ansible->playbook, playbook->sha256, now);
}
