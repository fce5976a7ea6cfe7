/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers of both machines, side by side. */
#include "bakery/build_page.h"
#include "bakery/mem.h"
#include "evidence_private.h"

const char *const evidence_format_names[] = {"junit", "sarif", "xccdf", NULL};

/* The machine that a phase runs on. What is asked while sealing is asked of the built one, and nowhere else. */
static bool is_fresh(const char *phase)
{
	return !str_eq(phase, "provision") && !str_eq(phase, "seal");
}

static struct tree *row_find(struct tree *rows, const char *control, const char *step)
{
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "control"), control) && str_eq(tree_text(i.value, "step"), step))
			return i.value;
	}
	return NULL;
}

/* The newest run of the step in that phase: it knows the step's name, place and time. */
static const struct tree *step_find(const struct tree *build, const char *phase, const char *step)
{
	const struct tree *found = NULL;

	for (struct tree_iter i = tree_iter(tree_get(build, "steps")); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "step"), step) && str_eq(tree_text(i.value, "phase"), phase))
			found = i.value;
	}
	return found;
}

static struct tree *row_new(struct tree *rows, const struct tree *answer, const struct tree *step)
{
	struct tree *row = tree_add_object(rows);

	tree_set_text(row, "control", tree_text(answer, "control"));
	tree_set_text(row, "step", tree_text(answer, "step"));
	tree_set_text(row, "title", tree_text(step, "name"));
	tree_set_text(row, "verdict", NULL);
	tree_set_text(row, "answer", NULL);
	tree_set_bool(row, "drift", false);
	tree_set_text(row, "file", tree_text(step, "file"));
	tree_set_int(row, "line", tree_int(step, "line", 0));
	tree_set(row, "built", tree_new_null());
	tree_set(row, "fresh", tree_new_null());
	return row;
}

static void answer_add(struct tree *rows, const struct tree *build, const struct tree *answer)
{
	static const char *const members[] = {"answer", "evidence", "phase", "instance", "at"};
	const char *phase = tree_text_or(answer, "phase", ""), *step = tree_text_or(answer, "step", "");
	struct tree *row = row_find(rows, tree_text(answer, "control"), step), *side;
	const struct tree *run = step_find(build, phase, step);

	if (!row)
		row = row_new(rows, answer, run);
	side = tree_set_object(row, is_fresh(phase) ? "fresh" : "built");
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		tree_set_text(side, members[i], tree_text(answer, members[i]));
	if (run)
		tree_set(side, "took_s", tree_share(tree_get(run, "duration_s")));
}

static bool has_drifted(const struct tree *row, bool tested)
{
	const char *now = tree_text_or(row, "fresh.answer", "");

	return tested && str_eq(tree_text(row, "built.phase"), "provision") &&
	       str_eq(tree_text(row, "built.answer"), "pass") && !str_eq(now, "pass") && !str_eq(now, "waived");
}

static void verdict_set(struct tree *row, bool tested)
{
	const char *side = tree_kind(tree_get(row, "fresh")) == TREE_OBJECT ? "fresh" : "built";
	const struct tree *counts = tree_get(row, side);

	if (!has_drifted(row, tested)) {
		tree_set_text(row, "verdict", tree_text(counts, "answer"));
		tree_set_text(row, "answer", tree_text(counts, "answer"));
		tree_set_text(row, "evidence", tree_text(counts, "evidence"));
		return;
	}
	tree_set_text(row, "verdict", "drift");
	tree_set_text(row, "answer", "fail");
	tree_set_bool(row, "drift", true);
	tree_setf(row, "evidence", "built: %s; fresh: %s", tree_text_or(row, "built.evidence", ""),
		  tree_text_or(row, "fresh.evidence", "not asked for"));
}

struct tree *evidence_newest(const struct tree *build)
{
	struct tree *newest = tree_new_array();
	for (struct tree_iter i = tree_iter(tree_get(build, "controls")); tree_next(&i);) {
		if (tree_bool(i.value, "newest", true))
			tree_add(newest, tree_share(i.value));
	}
	return newest;
}

struct tree *evidence_rows(const struct tree *build)
{
	_cleanup_(tree_freep) struct tree *answers = evidence_newest(build);
	struct tree *rows = tree_new_array();
	bool tested = false;

	for (struct tree_iter i = tree_iter(answers); tree_next(&i);) {
		answer_add(rows, build, i.value);
		tested |= str_eq(tree_text(i.value, "phase"), "verify");
	}
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);)
		verdict_set(i.value, tested);
	return rows;
}

void evidence_export(const struct tree *build, enum evidence_format format, struct str *out)
{
	static void (*const exporters[])(const struct tree *, const struct tree *,
					 struct str *) = {evidence_junit, evidence_sarif, evidence_xccdf};
	_cleanup_(tree_freep) struct tree *rows = evidence_rows(build);

	exporters[format](build, rows, out);
}
