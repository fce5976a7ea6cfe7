/* SPDX-License-Identifier: Apache-2.0
 *
 * Merges documents. Nodes are shared, so each still knows the file and line it stands in. */
#include "extends.h"

#include <string.h>

#include "bakery/file.h"
#include "bakery/str.h"
#include "document.h"
#include "search.h"

enum { MOST_LEVELS = 16 };

struct level { /* from the document at hand down to the recipe that was asked for */
	const char *path;
	const struct level *above;
	int depth;
};

/* Keys whose members exclude each other: naming another one means that instead. */
static bool are_alternatives(const char *key)
{
	return str_eq(key, "source") || str_eq(key, "subnets");
}

static struct tree *merge(const struct tree *base, const struct tree *child, bool alternatives)
{
	struct tree *merged;

	if (tree_kind(base) != TREE_OBJECT || tree_kind(child) != TREE_OBJECT)
		return tree_share(child);
	/* What the command line puts on top stands nowhere: then the base's place is the better one. */
	merged = tree_mark(tree_new_object(), tree_position(tree_position(child).line ? child : base));
	for (struct tree_iter i = tree_iter(base); tree_next(&i);) {
		const struct tree *over = tree_key(child, i.key);
		if (over && tree_kind(over) != TREE_NULL)
			tree_set(merged, i.key, merge(i.value, over, are_alternatives(i.key)));
		else if (!over && !alternatives)
			tree_set(merged, i.key, tree_share(i.value));
	}
	for (struct tree_iter i = tree_iter(child); tree_next(&i);)
		if (!tree_key(base, i.key))
			tree_set(merged, i.key, tree_share(i.value));
	return merged;
}

struct tree *extends_merge(const struct tree *base, const struct tree *child)
{
	return merge(base, child, false);
}

static const char *find_base(const char *path, const char *name, const struct text_list *folders, struct arena *arena)
{
	_cleanup_(freep) char *folder = path_folder(path);
	const char *tail = str_ends(name, ".yaml") ? "" : ".yaml";
	const char *beside = search_absolute(folder, arena_printf(arena, "%s%s", name, tail), arena);

	if (file_exists(beside))
		return beside;
	return *tail && *name != '/' ? search_file(folders, name, arena) : NULL;
}

static bool in_circle(const struct level *level, const char *path)
{
	for (; level; level = level->above)
		if (str_eq(level->path, path))
			return true;
	return false;
}

static struct tree *read_level(const struct level *level, const struct text_list *folders, struct arena *arena,
			       struct faults *faults);

/* What `extends` names; NULL with a fault at it. */
static struct tree *read_base(const struct level *level, const struct tree *node, const struct text_list *folders,
			      struct arena *arena, struct faults *faults)
{
	const char *name = tree_text(node, NULL);
	const char *path = name && *name ? find_base(level->path, name, folders, arena) : NULL;

	if (!name || !*name)
		faults_add_at(faults, NULL, node, "extends: must be the name of a recipe");
	else if (!path)
		faults_add_at(faults, NULL, node, "extends: there is no recipe %s here or in the search paths", name);
	else if (in_circle(level, path))
		faults_add_at(faults, NULL, node, "extends: %s extends itself over this", name);
	else if (level->depth == MOST_LEVELS)
		faults_add_at(faults, NULL, node, "extends: more than %d documents on top of each other", MOST_LEVELS);
	else
		return read_level(&(struct level){.path = path, .above = level, .depth = level->depth + 1}, folders,
				  arena, faults);
	return NULL;
}

static struct tree *read_level(const struct level *level, const struct text_list *folders, struct arena *arena,
			       struct faults *faults)
{
	struct tree *child = document_read(level->path, search_shown(level->path, arena), arena, faults);
	const struct tree *extends = tree_key(child, "extends");
	struct tree *base = extends ? read_base(level, extends, folders, arena, faults) : NULL;

	if (extends && !base)
		return NULL;
	if (tree_kind(base) == TREE_OBJECT)
		tree_remove(base, "name"); /* which is the base's own: the image of a child would be taken for its */
	return base ? document_keep(extends_merge(base, child), arena) : child;
}

struct tree *extends_read(const char *path, const struct text_list *folders, struct arena *arena, struct faults *faults)
{
	return read_level(&(struct level){.path = search_absolute(NULL, path, arena), .depth = 1}, folders, arena,
			  faults);
}
