/* SPDX-License-Identifier: Apache-2.0
 *
 * Two plans, member by member: what the recipe and its playbooks asked for. Members of a list are found by their names,
 * so that a step that was put in between is one step more and not a change of all that follow. */
#include <string.h>

#include "bakery/mem.h"
#include "difference_private.h"

struct comparing {
	struct tree *rows;
	struct str path;
};

static void compare(struct comparing *comparing, const struct tree *before, const struct tree *after);

/* Where things lie or stand for the while, and sums of what is told by itself. */
static bool says_nothing(const char *path)
{
	static const char *const names[] = {"recipe_file",	  "recipe_sha256", "launch.vpc",
					    "launch.subnets",	  "*.file",	   "*.steps.*.line",
					    "playbooks.*.sha256", "seal.*.sha256", "verify.*.sha256"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		/* An upload's sum is all that is known of its content. */
		if (str_glob(names[i], path) && !str_ends(path, ".upload.sha256"))
			return true;
	}
	return false;
}

static void tell(struct comparing *comparing, const char *change, const struct tree *before, const struct tree *after)
{
	struct tree *row = row_add(comparing->rows, change, comparing->path.data);

	if (before)
		tree_set(row, "before", tree_share(before));
	if (after)
		tree_set(row, "after", tree_share(after));
}

static void member(struct comparing *comparing, const char *key, const struct tree *before, const struct tree *after)
{
	size_t length = comparing->path.len;

	str_addf(&comparing->path, "%s%s", length ? "." : "", key);
	if (!says_nothing(comparing->path.data))
		compare(comparing, before, after);
	comparing->path.len = length;
	comparing->path.data[length] = '\0';
}

static void objects(struct comparing *comparing, const struct tree *before, const struct tree *after)
{
	for (struct tree_iter i = tree_iter(before); tree_next(&i);)
		member(comparing, i.key, i.value, tree_key(after, i.key));
	for (struct tree_iter i = tree_iter(after); tree_next(&i);) {
		if (!tree_key(before, i.key))
			member(comparing, i.key, NULL, i.value);
	}
}

static const char *name_of(const struct tree *item)
{
	static const char *const members[] = {"id", "name", "region", "control", "key"};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		if (tree_text(item, members[i]))
			return tree_text(item, members[i]);
	}
	return NULL;
}

/* {name: item}; the same name again gets a number. NULL when an item has none. */
static struct tree *named(const struct tree *list)
{
	_cleanup_(tree_freep) struct tree *index = tree_new_object();

	for (struct tree_iter i = tree_iter(list); tree_next(&i);) {
		const char *name = tree_kind(i.value) == TREE_OBJECT ? name_of(i.value) : tree_text(i.value, NULL);
		_cleanup_(freep) char *key = mem_strdup(name);

		if (!name)
			return NULL;
		for (int number = 2; tree_key(index, key); number++) {
			freep(&key);
			key = mem_printf("%s#%d", name, number);
		}
		tree_set(index, key, tree_share(i.value));
	}
	return take(&index);
}

/* Of those that both have. */
static bool same_order(const struct tree *before, const struct tree *after)
{
	struct tree_iter a = tree_iter(before), b = tree_iter(after);

	for (;;) {
		bool more_a = tree_next(&a), more_b = tree_next(&b);
		while (more_a && !tree_key(after, a.key))
			more_a = tree_next(&a);
		while (more_b && !tree_key(before, b.key))
			more_b = tree_next(&b);
		if (!more_a || !more_b)
			return true;
		if (!str_eq(a.key, b.key))
			return false;
	}
}

static bool lists(struct comparing *comparing, const struct tree *before, const struct tree *after)
{
	_cleanup_(tree_freep) struct tree *a = named(before), *b = named(after);

	if (!a || !b)
		return false;
	objects(comparing, a, b);
	if (!same_order(a, b))
		tell(comparing, "reordered", NULL, NULL);
	return true;
}

static void compare(struct comparing *comparing, const struct tree *before, const struct tree *after)
{
	enum tree_kind kind = tree_kind(before);

	if (before && after && tree_equal(before, after))
		return;
	if (!before || !after)
		tell(comparing, before ? "removed" : "added", before, after);
	else if (kind == TREE_OBJECT && tree_kind(after) == TREE_OBJECT)
		objects(comparing, before, after);
	else if (kind != TREE_ARRAY || tree_kind(after) != TREE_ARRAY || !lists(comparing, before, after))
		tell(comparing, "changed", before, after);
}

struct tree *difference_plans(const struct tree *a, const struct tree *b)
{
	struct comparing comparing = {.rows = tree_new_array(), .path = STR_INIT};

	compare(&comparing, a, b);
	str_free(&comparing.path);
	return comparing.rows;
}
