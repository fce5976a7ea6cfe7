/* SPDX-License-Identifier: Apache-2.0
 *
 * Two bills of materials: packages by manager, name and architecture, of which several versions may be installed side
 * by side (kernels); files under /opt by their sum. */
#include <string.h>

#include "bakery/mem.h"
#include "difference_private.h"
#include "version.h"

static const char *property(const struct tree *component, const char *name)
{
	for (struct tree_iter i = tree_iter(tree_get(component, "properties")); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "name"), name))
			return tree_text(i.value, "value");
	}
	return NULL;
}

/* {"deb openssl amd64": [component, ...]} */
static struct tree *packages_of(const struct tree *sbom)
{
	struct tree *index = tree_new_object();

	for (struct tree_iter i = tree_iter(tree_get(sbom, "components")); tree_next(&i);) {
		const char *manager = property(i.value, "bakery:package_type");
		const char *architecture = property(i.value, "bakery:architecture");
		_cleanup_(freep) char *key = NULL;
		struct tree *versions;

		if (!manager)
			continue;
		key = mem_printf("%s %s %s", manager, tree_text_or(i.value, "name", "?"),
				 architecture ? architecture : "");
		versions = tree_key(index, key);
		tree_add(versions ? versions : tree_set_array(index, key), tree_share(i.value));
	}
	return index;
}

static const char *version_of(const struct tree *component)
{
	return tree_text_or(component, "version", "");
}

static const struct tree *version_find(const struct tree *versions, const char *version)
{
	for (struct tree_iter i = tree_iter(versions); tree_next(&i);) {
		if (str_eq(version_of(i.value), version))
			return i.value;
	}
	return NULL;
}

static void package_add(struct tree *rows, const char *change, const struct tree *before, const struct tree *after)
{
	const struct tree *either = after ? after : before;
	struct tree *row = row_add(rows, change, tree_text(either, "name"));

	if (before)
		tree_set_text(row, "before", version_of(before));
	if (after)
		tree_set_text(row, "after", version_of(after));
	tree_set_text(row, "architecture", property(either, "bakery:architecture"));
	tree_set_text(row, "type", property(either, "bakery:package_type"));
	tree_set_text(row, "purl", tree_text(either, "purl"));
}

static const char *direction(const struct tree *before, const struct tree *after)
{
	bool is_rpm = str_eq(property(after, "bakery:package_type"), "rpm");
	int order = (is_rpm ? version_compare_rpm : version_compare_deb)(version_of(before), version_of(after));

	return order < 0 ? "upgraded" : order > 0 ? "downgraded" : "changed";
}

/* The versions in `from` that `other` has not. */
static struct tree *only_in(const struct tree *from, const struct tree *other)
{
	struct tree *only = tree_new_array();

	for (struct tree_iter i = tree_iter(from); tree_next(&i);) {
		if (!version_find(other, version_of(i.value)))
			tree_add(only, tree_share(i.value));
	}
	return only;
}

/* One that went and one that came are a package that moved; else each stands for itself. */
static void versions_compare(struct tree *rows, const struct tree *before, const struct tree *after)
{
	_cleanup_(tree_freep) struct tree *gone = only_in(before, after), *come = only_in(after, before);

	if (tree_count(gone) == 1 && tree_count(come) == 1) {
		package_add(rows, direction(tree_at(gone, 0), tree_at(come, 0)), tree_at(gone, 0), tree_at(come, 0));
		return;
	}
	for (struct tree_iter i = tree_iter(gone); tree_next(&i);)
		package_add(rows, "removed", i.value, NULL);
	for (struct tree_iter i = tree_iter(come); tree_next(&i);)
		package_add(rows, "added", NULL, i.value);
}

/* By what happened, in each the order of names. */
static struct tree *grouped(struct tree *rows)
{
	static const char *const order[] = {"added", "removed", "upgraded", "downgraded", "changed"};
	struct tree *sorted = tree_new_array();

	for (size_t c = 0; c < ARRAY_SIZE(order); c++) {
		for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
			if (str_eq(tree_text(i.value, "change"), order[c]))
				tree_add(sorted, tree_share(i.value));
		}
	}
	tree_free(rows);
	return sorted;
}

static const struct tree *os_of(const struct tree *sbom)
{
	for (struct tree_iter i = tree_iter(tree_get(sbom, "components")); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "type"), "operating-system"))
			return i.value;
	}
	return NULL;
}

static void os_compare(struct tree *rows, const struct tree *a, const struct tree *b)
{
	const struct tree *before = os_of(a), *after = os_of(b);
	struct tree *row;

	if (str_eq(tree_text(before, "name"), tree_text(after, "name")) &&
	    str_eq(tree_text(before, "version"), tree_text(after, "version")))
		return;
	row = row_add(rows, "changed", "operating system");
	tree_setf(row, "before", "%s %s", tree_text_or(before, "name", "?"), tree_text_or(before, "version", ""));
	tree_setf(row, "after", "%s %s", tree_text_or(after, "name", "?"), tree_text_or(after, "version", ""));
}

struct tree *difference_packages(const struct tree *a, const struct tree *b)
{
	_cleanup_(tree_freep) struct tree *before = packages_of(a), *after = packages_of(b);
	struct tree *rows = tree_new_array();

	os_compare(rows, a, b);
	for (struct tree_iter i = tree_iter(before); tree_next(&i);)
		versions_compare(rows, i.value, tree_key(after, i.key));
	for (struct tree_iter i = tree_iter(after); tree_next(&i);) {
		if (!tree_key(before, i.key))
			versions_compare(rows, NULL, i.value);
	}
	return grouped(rows);
}

/* --- /opt --- */

/* {path: sum} */
static struct tree *files_of(const struct tree *sbom)
{
	struct tree *index = tree_new_object();

	for (struct tree_iter i = tree_iter(tree_get(sbom, "components")); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "type"), "file"))
			tree_set_text(index, tree_text_or(i.value, "name", "?"),
				      tree_text_or(i.value, "hashes.1.content", ""));
	}
	return index;
}

struct tree *difference_opt(const struct tree *a, const struct tree *b)
{
	_cleanup_(tree_freep) struct tree *before = files_of(a), *after = files_of(b);
	struct tree *rows = tree_new_array();

	for (struct tree_iter i = tree_iter(before); tree_next(&i);) {
		const struct tree *now = tree_key(after, i.key);
		struct tree *row =
			now && tree_equal(i.value, now) ? NULL : row_add(rows, now ? "changed" : "removed", i.key);
		if (row)
			tree_set_text(row, "before", tree_text(i.value, NULL));
		if (row && now)
			tree_set_text(row, "after", tree_text(now, NULL));
	}
	for (struct tree_iter i = tree_iter(after); tree_next(&i);) {
		if (!tree_key(before, i.key))
			tree_set_text(row_add(rows, "added", i.key), "after", tree_text(i.value, NULL));
	}
	return grouped(rows);
}
