/* SPDX-License-Identifier: Apache-2.0
 *
 * A comparison for people: only what differs, with counts. */
#include <string.h>

#include "bakery/mem.h"
#include "bakery/utf8.h"
#include "cell.h"
#include "difference_private.h"
#include "lines_diff.h"

enum { MOST_LINES = 40, MOST_VALUE = 100 };

/* --- heads and counts --- */

static void build_line(struct str *out, const char *letter, const struct tree *build)
{
	const char *ami = tree_text(build, "ami");

	str_addf(out, "%s  %s of %s, %s, %.10s%s%s\n", letter, tree_text_or(build, "build", "?"),
		 tree_text_or(build, "recipe", "?"), tree_text_or(build, "status", "?"),
		 tree_text_or(build, "started", ""), ami ? ", " : "", ami ? ami : "");
}

static void counts_add(struct str *out, const struct tree *rows)
{
	static const char *const changes[] = {"added", "removed", "upgraded", "downgraded", "changed", "reordered"};
	bool any = false;

	for (size_t c = 0; c < ARRAY_SIZE(changes); c++) {
		size_t count = 0;
		for (struct tree_iter i = tree_iter(rows); tree_next(&i);)
			count += str_eq(tree_text(i.value, "change"), changes[c]);
		if (!count)
			continue;
		str_addf(out, "%s%zu %s", any ? ", " : "", count, changes[c]);
		any = true;
	}
}

static const char *lacking(const struct tree *difference)
{
	const char *b = tree_text_or(difference, "b.status", "");

	return str_eq(b, "done") ? "one of the builds" : "one of the builds (it may have ended before it was tested)";
}

/* false: there is nothing to show of it. */
static bool titled(struct str *out, const char *title, const struct tree *difference, const char *section,
		   const struct tree *rows)
{
	if (tree_kind(tree_get(difference, section)) == TREE_NULL) {
		str_addf(out, "\n%s: not known of %s\n", title, lacking(difference));
		return false;
	}
	if (!tree_count(rows))
		return false;
	str_addf(out, "\n%s: ", title);
	counts_add(out, rows);
	str_add_char(out, '\n');
	return true;
}

/* --- packages, files, controls --- */

static const struct column package_columns[] = {
	{"CHANGE", "change"}, {"PACKAGE", "name"}, {"ARCH", "architecture"}, {"BEFORE", "before"}, {"AFTER", "after"}};
static const struct column opt_columns[] = {{"CHANGE", "change"}, {"FILE", "name"}};
static const struct column etc_columns[] = {
	{"CHANGE", "change"}, {"FILE", "name"}, {"WHAT", "what.*"}, {"MODE", "mode"}, {"OWNER", "owner"}};
static const struct column control_columns[] = {
	{"CONTROL", "name"}, {"STEP", "step"}, {"BEFORE", "before"}, {"AFTER", "after"}, {"EVIDENCE", "evidence"}};

static void table(struct str *out, const char *title, const struct tree *difference, const char *section,
		  const struct tree *rows, const struct column *columns, size_t count, int width)
{
	if (titled(out, title, difference, section, rows))
		table_print(out, rows, columns, count, 2, width);
}

/* "0644", or "0644 → 0600". */
static void pair_set(struct tree *row, const char *member)
{
	_cleanup_(freep) char *path_before = mem_printf("before.%s", member);
	_cleanup_(freep) char *path_after = mem_printf("after.%s", member);
	const char *before = tree_text(row, path_before), *after = tree_text(row, path_after);

	if (before && after && !str_eq(before, after))
		tree_setf(row, member, "%s → %s", before, after);
	else
		tree_set_text(row, member, after ? after : before);
}

/* {path: row} of the directories that came or went whole. */
static struct tree *whole_directories(const struct tree *rows)
{
	struct tree *index = tree_new_object();

	for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
		bool came = str_eq(tree_text(i.value, "after.type"), "directory");
		bool went = str_eq(tree_text(i.value, "before.type"), "directory");
		if (came != went)
			tree_set(index, tree_text_or(i.value, "name", "?"), tree_share(i.value));
	}
	return index;
}

/* The outermost one that the entry lies in, when it shares its fate. */
static const char *lies_in(const struct tree *directories, const struct tree *row)
{
	_cleanup_(freep) char *path = mem_strdup(tree_text_or(row, "name", ""));
	const char *found = NULL;

	for (char *slash = strrchr(path, '/'); slash && slash != path; slash = strrchr(path, '/')) {
		*slash = '\0';
		const struct tree *directory = tree_key(directories, path);
		if (directory && str_eq(tree_text(directory, "change"), tree_text(row, "change")))
			found = tree_text(directory, "name");
	}
	return found;
}

/* What is shown of a row; below: how many entries lie in it. */
static struct tree *etc_row(const struct tree *entry, int64_t below)
{
	struct tree *row = tree_copy(entry);

	pair_set(row, "mode");
	pair_set(row, "owner");
	if (below)
		tree_setf(row, "name", "%s/ with %lld entries", tree_text_or(entry, "name", "?"), (long long)below);
	return row;
}

/* The rows that people want to see: what an instance makes for itself and what lies in whole directories is counted. */
static struct tree *etc_rows(const struct tree *entries, size_t *of_instance)
{
	_cleanup_(tree_freep) struct tree *directories = whole_directories(entries), *below = tree_new_object();
	struct tree *rows = tree_new_array();

	*of_instance = 0;
	for (struct tree_iter i = tree_iter(entries); tree_next(&i);) {
		const char *top = lies_in(directories, i.value);
		if (top)
			tree_set_int(below, top, tree_int(tree_key(below, top), NULL, 0) + 1);
	}
	for (struct tree_iter i = tree_iter(entries); tree_next(&i);) {
		if (tree_bool(i.value, "of_instance", false))
			++*of_instance;
		else if (!lies_in(directories, i.value))
			tree_add(rows, etc_row(i.value,
					       tree_int(tree_key(below, tree_text_or(i.value, "name", "?")), NULL, 0)));
	}
	return rows;
}

static void etc(struct str *out, const struct tree *difference, int width)
{
	size_t of_instance;
	_cleanup_(tree_freep) struct tree *rows = etc_rows(tree_get(difference, "etc"), &of_instance);

	table(out, "Files under /etc", difference, "etc", rows, etc_columns, ARRAY_SIZE(etc_columns), width);
	if (tree_count(rows) && of_instance)
		str_addf(out, "  (besides %zu that every instance makes for itself)\n", of_instance);
}

static void controls(struct str *out, const struct tree *difference, int width)
{
	_cleanup_(tree_freep) struct tree *rows = tree_new_array();

	for (struct tree_iter i = tree_iter(tree_get(difference, "controls")); tree_next(&i);) {
		struct tree *row = tree_copy(i.value);
		const char *now = tree_text(i.value, "evidence_after");
		tree_set_text(row, "evidence", now ? now : tree_text(i.value, "evidence_before"));
		tree_add(rows, row);
	}
	table(out, "Controls", difference, "controls", rows, control_columns, ARRAY_SIZE(control_columns), width);
}

/* --- plan --- */

static bool is_short(const struct tree *value)
{
	const char *text = tree_text(value, NULL);

	return text && strlen(text) <= MOST_VALUE && !strchr(text, '\n');
}

static void value_add(struct str *out, const struct tree *value)
{
	_cleanup_(str_free) struct str text = STR_INIT;

	if (tree_text(value, NULL))
		str_add(&text, tree_text(value, NULL));
	else
		tree_to_json(value, &text);
	utf8_add_visible(out, text.data, text.len > MOST_VALUE ? MOST_VALUE : text.len);
	str_add(out, text.len > MOST_VALUE ? "..." : "");
}

static void plan_row(struct str *out, const struct tree *row)
{
	const struct tree *before = tree_get(row, "before"), *after = tree_get(row, "after");
	const char *change = tree_text_or(row, "change", "");
	const struct tree *only = str_eq(change, "added") ? after : before;

	str_addf(out, "  %s", tree_text_or(row, "name", ""));
	if (str_eq(change, "changed") && is_short(before) && is_short(after)) {
		str_add(out, ": ");
		value_add(out, before);
		str_add(out, " → ");
		value_add(out, after);
	} else if (str_eq(change, "changed") && tree_text(before, NULL) && tree_text(after, NULL)) {
		str_add(out, ":\n");
		lines_diff(out, tree_text(before, NULL), tree_text(after, NULL), "    ", MOST_LINES);
		return;
	} else {
		str_addf(out, " %s", change);
		if (is_short(only)) {
			str_add(out, ": ");
			value_add(out, only);
		}
	}
	str_add_char(out, '\n');
}

static void plan(struct str *out, const struct tree *difference)
{
	const struct tree *rows = tree_get(difference, "plan");

	if (!titled(out, "Recipe and playbooks", difference, "plan", rows))
		return;
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);)
		plan_row(out, i.value);
}

/* --- times --- */

static const struct column stage_columns[] = {
	{"STAGE", "name"}, {"BEFORE", "before_s", COLUMN_DURATION}, {"AFTER", "after_s", COLUMN_DURATION}};

/* No build takes as long as another: a tenth and a second is worth a line. */
static bool is_notable(const struct tree *row)
{
	double before = tree_double(row, "before_s", 0), after = tree_double(row, "after_s", 0);
	double longer = before > after ? before : after, shorter = before > after ? after : before;

	return longer - shorter >= 1 && longer - shorter >= 0.1 * longer;
}

static void times(struct str *out, const struct tree *difference, int width)
{
	_cleanup_(tree_freep) struct tree *rows = tree_new_array(), *whole = tree_new_object();

	for (struct tree_iter i = tree_iter(tree_get(difference, "stages")); tree_next(&i);) {
		if (is_notable(i.value))
			tree_add(rows, tree_share(i.value));
	}
	if (!tree_count(rows))
		return;
	tree_set_text(whole, "name", "whole build");
	tree_set(whole, "before_s", tree_share(tree_get(difference, "a.duration_s")));
	tree_set(whole, "after_s", tree_share(tree_get(difference, "b.duration_s")));
	tree_add(rows, take(&whole));
	str_add(out, "\nTimes (of stages that took another time)\n");
	table_print(out, rows, stage_columns, ARRAY_SIZE(stage_columns), 2, width);
}

void difference_page(struct str *out, const struct tree *difference, int width)
{
	size_t length;

	build_line(out, "a", tree_get(difference, "a"));
	build_line(out, "b", tree_get(difference, "b"));
	length = out->len;
	table(out, "Packages", difference, "packages", tree_get(difference, "packages"), package_columns,
	      ARRAY_SIZE(package_columns), width);
	table(out, "Files under /opt", difference, "opt", tree_get(difference, "opt"), opt_columns,
	      ARRAY_SIZE(opt_columns), width);
	etc(out, difference, width);
	controls(out, difference, width);
	plan(out, difference);
	if (out->len == length)
		str_add(out, "\nNo difference.\n");
	times(out, difference, width);
}
