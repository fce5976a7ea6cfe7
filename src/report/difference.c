/* SPDX-License-Identifier: Apache-2.0
 *
 * A comparison put together: heads, controls and times here, the rest in a file each. */
#include "bakery/evidence.h"
#include "bakery/mem.h"
#include "difference_private.h"

struct tree *row_add(struct tree *rows, const char *change, const char *name)
{
	struct tree *row = tree_add_object(rows);

	tree_set_text(row, "change", change);
	tree_set_text(row, "name", name);
	tree_set(row, "before", tree_new_null());
	tree_set(row, "after", tree_new_null());
	return row;
}

static struct tree *head(const struct tree *build)
{
	static const char *const members[][2] = {{"build", "build"},	      {"recipe", "recipe"},
						 {"status", "status"},	      {"started", "started"},
						 {"ami", "images.1.ami"},     {"source_ami", "source_ami"},
						 {"duration_s", "duration_s"}};
	struct tree *object = tree_new_object();

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const struct tree *member = tree_get(build, members[i][1]);
		tree_set(object, members[i][0], member ? tree_share(member) : tree_new_null());
	}
	return object;
}

/* --- controls --- */

static const struct tree *same_question(const struct tree *rows, const struct tree *row)
{
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "control"), tree_text(row, "control")) &&
		    str_eq(tree_text(i.value, "step"), tree_text(row, "step")))
			return i.value;
	}
	return NULL;
}

/* What answers for the row's control among the others: the same step, or, when another step took it over, that one. */
static const struct tree *counterpart(const struct tree *others, const struct tree *row, const struct tree *own)
{
	const struct tree *same = same_question(others, row);

	for (struct tree_iter i = tree_iter(others); !same && tree_next(&i);) {
		if (str_eq(tree_text(i.value, "control"), tree_text(row, "control")) && !same_question(own, i.value))
			return i.value;
	}
	return same;
}

static void control_add(struct tree *rows, const char *change, const struct tree *before, const struct tree *after)
{
	const struct tree *either = after ? after : before;
	struct tree *row = row_add(rows, change, tree_text(either, "control"));

	tree_set_text(row, "before", tree_text(before, "verdict"));
	tree_set_text(row, "after", tree_text(after, "verdict"));
	tree_set_text(row, "step", tree_text(either, "step"));
	tree_set_text(row, "title", tree_text(either, "title"));
	tree_set_text(row, "evidence_before", tree_text(before, "evidence"));
	tree_set_text(row, "evidence_after", tree_text(after, "evidence"));
}

static struct tree *controls(const struct tree *a, const struct tree *b)
{
	_cleanup_(tree_freep) struct tree *before = evidence_rows(a), *after = evidence_rows(b);
	struct tree *rows = tree_new_array();

	for (struct tree_iter i = tree_iter(before); tree_next(&i);) {
		const struct tree *now = counterpart(after, i.value, before);
		if (!now)
			control_add(rows, "removed", i.value, NULL);
		else if (!str_eq(tree_text(i.value, "verdict"), tree_text(now, "verdict")))
			control_add(rows, "changed", i.value, now);
	}
	for (struct tree_iter i = tree_iter(after); tree_next(&i);) {
		if (!counterpart(before, i.value, after))
			control_add(rows, "added", NULL, i.value);
	}
	return rows;
}

/* --- times --- */

/* The newest run of the stage. */
static const struct tree *stage_find(const struct tree *build, const char *stage)
{
	const struct tree *found = NULL;

	for (struct tree_iter i = tree_iter(tree_get(build, "stages")); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "stage"), stage))
			found = i.value;
	}
	return found;
}

static struct tree *seconds_of(const struct tree *stage)
{
	const struct tree *seconds = tree_get(stage, "duration_s");

	return seconds ? tree_share(seconds) : tree_new_null();
}

static void stages_add(struct tree *rows, const struct tree *of, const struct tree *a, const struct tree *b)
{
	for (struct tree_iter i = tree_iter(tree_get(of, "stages")); tree_next(&i);) {
		const char *name = tree_text_or(i.value, "stage", "?");
		const struct tree *before = stage_find(a, name), *after = stage_find(b, name);
		struct tree *row;
		bool there = false;

		for (struct tree_iter r = tree_iter(rows); tree_next(&r);)
			there |= str_eq(tree_text(r.value, "name"), name);
		if (there)
			continue;
		row = tree_add_object(rows);
		tree_set_text(row, "name", name);
		tree_set(row, "before_s", seconds_of(before));
		tree_set(row, "after_s", seconds_of(after));
	}
}

static struct tree *stages(const struct tree *a, const struct tree *b)
{
	struct tree *rows = tree_new_array();

	stages_add(rows, a, a, b);
	stages_add(rows, b, a, b);
	return rows;
}

/* --- together --- */

static void section(struct tree *out, const char *name, const struct tree *a, const struct tree *b,
		    struct tree *(*compare)(const struct tree *a, const struct tree *b))
{
	tree_set(out, name, a && b ? compare(a, b) : tree_new_null());
}

struct tree *difference_make(const struct difference_side *a, const struct difference_side *b)
{
	struct tree *out = tree_new_object();

	tree_set(out, "a", head(a->build));
	tree_set(out, "b", head(b->build));
	section(out, "packages", a->sbom, b->sbom, difference_packages);
	section(out, "opt", a->sbom, b->sbom, difference_opt);
	section(out, "etc", a->etc, b->etc, difference_etc);
	section(out, "controls", a->build, b->build, controls);
	section(out, "plan", tree_get(a->build, "plan"), tree_get(b->build, "plan"), difference_plans);
	section(out, "stages", a->build, b->build, stages);
	return out;
}

struct tree *difference_rows(const struct tree *difference)
{
	struct tree *rows = tree_new_array();

	for (struct tree_iter s = tree_iter(difference); tree_next(&s);) {
		if (tree_kind(s.value) != TREE_ARRAY)
			continue;
		for (struct tree_iter i = tree_iter(s.value); tree_next(&i);) {
			struct tree *row = tree_add_object(rows);
			tree_set_text(row, "section", s.key);
			for (struct tree_iter m = tree_iter(i.value); tree_next(&m);)
				tree_set(row, m.key, tree_share(m.value));
		}
	}
	return rows;
}
