/* SPDX-License-Identifier: Apache-2.0
 *
 * A recipe on its way from file to struct, between recipe.c, rules.c and uses.c. */
#ifndef BAKERY_RECIPE_LOAD_H
#define BAKERY_RECIPE_LOAD_H

#include "bakery/recipe.h"
#include "playbook_private.h"

struct load {
	const struct settings *settings;
	const struct recipe_options *options;
	struct arena *arena;
	struct faults *faults;
	const char *path, *shown; /* absolute, and as people read it */
	const struct tree *tree;  /* extends merged, variables replaced */
	struct recipe *recipe;
};

/* A fault at the value that the dotted path leads to, or at the nearest map around it when it is not written. */
void load_fault(const struct load *load, const char *path, const char *fmt, ...) printf_like(3, 4);
/* The folder of the file in which the node stands (a recipe may extend one that lies elsewhere). */
const char *load_folder(const struct load *load, const struct tree *node);

/* What must hold between keys. */
void rules_check(const struct load *load);
/* Entries of `playbooks` and `verify.playbooks`: checked, playbooks loaded. */
void uses_load(const struct load *load);
/* What playbooks make of the SSH server that is logged in to, once they are loaded. */
void login_check(const struct load *load);
/* `waive`, once the playbooks are loaded. */
void waivers_check(const struct load *load);
/* Files that the recipe names: made absolute, seen, and their hashes added to files (path as written -> sha256). */
void files_resolve(const struct load *load, struct tree *files);

#endif
