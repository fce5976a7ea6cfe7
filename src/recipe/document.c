/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads documents of people, bounded in size: whoever writes more than a mebibyte of recipe has given the wrong file.
 */
#include "document.h"

#include "bakery/file.h"
#include "bakery/str.h"

enum { MOST_BYTES = 1 << 20 };

static void release_tree(void *tree)
{
	tree_free(tree);
}

struct tree *document_keep(struct tree *tree, struct arena *arena)
{
	if (tree)
		arena_own(arena, tree, release_tree);
	return tree;
}

static void mark_file(struct tree *tree, const char *file)
{
	struct tree_position position = tree_position(tree);

	position.file = file;
	tree_mark(tree, position);
	for (struct tree_iter i = tree_iter(tree); tree_next(&i);)
		mark_file(i.value, file);
}

struct tree *document_read(const char *path, const char *shown, struct arena *arena, struct faults *faults)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	struct error err = {0};
	const char *file = arena_strdup(arena, shown);

	if (!file_read(path, MOST_BYTES, &text, &err)) {
		faults_add(faults, file, 0, 0, "%s", error_is(&err, ERROR_ABSENT) ? "there is no such file" : err.text);
		return NULL;
	}
	struct tree *tree = document_keep(faults_read_yaml(faults, file, text.data, text.len), arena);
	if (tree)
		mark_file(tree, file);
	return tree;
}
