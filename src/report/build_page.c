/* SPDX-License-Identifier: Apache-2.0
 *
 * The page of one build. */
#include "bakery/build_page.h"

#include <string.h>

#include "bakery/clock.h"
#include "bakery/evidence.h"
#include "bakery/mem.h"
#include "bakery/output.h"
#include "bakery/utf8.h"
#include "cell.h"

enum { WRAP_AT = 100, OUTPUT_LINES = 20, SHORT_HASH = 12 };

/* --- head --- */

static void fact(struct str *out, const char *name, const struct str *value)
{
	if (value->len)
		str_addf(out, "  %-10s %s\n", name, value->data);
}

/* before + the value at path + after, when there is one. */
static void piece(struct str *out, const struct tree *build, const char *path, const char *before, const char *after)
{
	const char *text = tree_text(build, path);
	if (!text || !*text)
		return;
	str_add(out, out->len ? before : before + strspn(before, ", "));
	utf8_add_visible(out, text, strlen(text));
	str_add(out, after);
}

static void shown(struct str *out, const struct tree *build, const char *path, int kind)
{
	struct column column = {.path = path, .kind = kind};
	cell_shown(out, build, &column);
}

static void when_fact(struct str *out, const struct tree *build)
{
	_cleanup_(str_free) struct str value = STR_INIT;
	shown(&value, build, "started", COLUMN_TIME);
	str_add(&value, " UTC");
	if (tree_text(build, "duration_s")) {
		str_add(&value, tree_text(build, "ended") ? ", took " : ", running for ");
		shown(&value, build, "duration_s", COLUMN_DURATION);
	}
	fact(out, "started", &value);
}

static void who_fact(struct str *out, const struct tree *build)
{
	_cleanup_(str_free) struct str value = STR_INIT;
	piece(&value, build, "user", "", "");
	piece(&value, build, "host", " on ", "");
	piece(&value, build, "ci_job", ", CI job ", "");
	piece(&value, build, "ci_url", " ", "");
	fact(out, "by", &value);
}

static void git_fact(struct str *out, const struct tree *build)
{
	_cleanup_(str_free) struct str value = STR_INIT;
	piece(&value, build, "git_commit", "", "");
	piece(&value, build, "git_branch", " on ", "");
	if (value.len && tree_bool(build, "git_dirty", false))
		str_add(&value, ", with changes not committed");
	fact(out, "commit", &value);
}

static void pair_fact(struct str *out, const struct tree *build, const char *name, const char *first,
		      const char *second, const char *before, const char *after)
{
	_cleanup_(str_free) struct str value = STR_INIT;
	piece(&value, build, first, "", "");
	piece(&value, build, second, before, after);
	fact(out, name, &value);
}

static void holder_fact(struct str *out, const struct tree *build)
{
	_cleanup_(str_free) struct str value = STR_INIT;
	if (!tree_bool(build, "holder.alive", false))
		return;
	piece(&value, build, "holder.pid", "process ", "");
	piece(&value, build, "holder.host", " on ", "");
	fact(out, "worked on", &value);
}

static void ancestors_fact(struct str *out, const struct tree *build)
{
	_cleanup_(str_free) struct str value = STR_INIT;
	for (struct tree_iter i = tree_iter(tree_get(build, "plan.source.ancestors")); tree_next(&i);)
		piece(&value, i.value, NULL, ", ", "");
	fact(out, "ancestors", &value);
}

static void hashes_fact(struct str *out, const struct tree *build)
{
	static const char *const names[][2] = {
		{"plan_sha256", "plan"}, {"recipe_sha256", "recipe"}, {"playbooks_sha256", "playbooks"}};
	_cleanup_(str_free) struct str value = STR_INIT;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (tree_text(build, names[i][0]))
			str_addf(&value, "%s%s %.*s", value.len ? ", " : "", names[i][1], SHORT_HASH,
				 tree_text(build, names[i][0]));
	}
	fact(out, "sha256", &value);
}

static void record_fact(struct str *out, const struct tree *build)
{
	const struct tree *records = tree_get(build, "records"), *last = tree_at(records, tree_count(records) - 1);
	_cleanup_(str_free) struct str value = STR_INIT;
	if (!tree_count(records))
		return;
	str_addf(&value, "%s in the chain, %.*s", tree_text_or(last, "record", "?"), SHORT_HASH,
		 tree_text_or(last, "sha256", ""));
	fact(out, "record", &value);
}

static void lines_indented(struct str *out, const char *text, size_t length, const char *indent)
{
	while (length) {
		const char *newline = memchr(text, '\n', length);
		size_t line = newline ? (size_t)(newline - text) : length;
		str_add(out, indent);
		utf8_add_visible(out, text, line);
		str_add_char(out, '\n');
		text += line + (newline != NULL);
		length -= line + (newline != NULL);
	}
}

static void error_add(struct str *out, const struct tree *build)
{
	const char *text = tree_text(build, "error.text");
	if (!text)
		return;
	str_add(out, "\nWhat went wrong\n");
	lines_indented(out, text, strlen(text), "  ");
}

/* How to go on, and until when. */
static void quarantine_fact(struct str *out, const struct tree *build)
{
	_cleanup_(str_free) struct str value = STR_INIT;
	const char *until = tree_text(build, "images.1.retire_after");
	if (!until || !str_eq(tree_text(build, "status"), "quarantined"))
		return;
	str_addf(&value, "until %.10s; `bakery resume %s` tries again", until, tree_text_or(build, "build", "?"));
	fact(out, "quarantine", &value);
}

static void head(struct str *out, const struct tree *build)
{
	str_addf(out, "Build %s of %s: %s\n", tree_text_or(build, "build", "?"), tree_text_or(build, "recipe", "?"),
		 tree_text_or(build, "status", "?"));
	when_fact(out, build);
	who_fact(out, build);
	git_fact(out, build);
	holder_fact(out, build);
	pair_fact(out, build, "source", "source_ami", "source_name", " (", ")");
	pair_fact(out, build, "parent", "plan.source.build", "plan.source.recipe", " of recipe ", "");
	ancestors_fact(out, build);
	pair_fact(out, build, "in", "region", "account", ", account ", "");
	pair_fact(out, build, "channel", "channel", "project", " of project ", "");
	pair_fact(out, build, "bakery", "version", "", "", "");
	hashes_fact(out, build);
	record_fact(out, build);
	quarantine_fact(out, build);
	error_add(out, build);
}

/* --- tables --- */

static void section(struct str *out, const char *title, const struct tree *rows, const struct column *columns,
		    size_t count, int width)
{
	if (!tree_count(rows))
		return;
	str_addf(out, "\n%s\n", title);
	table_print(out, rows, columns, count, 2, width);
}

static const struct column image_columns[] = {
	{"REGION", "region"}, {"IMAGE", "ami"}, {"STATE", "state"}, {"NAME", "name"}};
static const struct column parameter_columns[] = {
	{"REGION", "region"},	{"PARAMETER", "name"}, {"VALUE", "value"}, {"VERSION", "version", COLUMN_NUMBER},
	{"BEFORE", "previous"},
};
static const struct column stage_columns[] = {
	{"STAGE", "stage"},
	{"STATUS", "status"},
	{"STARTED", "started", COLUMN_TIME},
	{"TOOK", "duration_s", COLUMN_DURATION},
	{"WHY", "error.text"},
};
static const struct column launch_columns[] = {
	{"FOR", "purpose"}, {"MARKET", "market"},     {"TYPE", "instance_type"},
	{"ZONE", "zone"},   {"INSTANCE", "instance"}, {"WHY", "code"},
};
static const struct column hold_columns[] = {
	{"KIND", "kind"}, {"REGION", "region"}, {"ID", "id"}, {"FOR", "purpose"}, {"SINCE", "since", COLUMN_TIME},
};

/* --- steps and controls --- */

/* rows {phase, total, <word>: count ...}: how often each word stands under key, by phase. */
static struct tree *tally(const struct tree *rows, const char *key)
{
	struct tree *phases = tree_new_array();
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
		const char *phase = tree_text_or(i.value, "phase", ""), *word = tree_text_or(i.value, key, "");
		struct tree *found = NULL;
		for (struct tree_iter p = tree_iter(phases); tree_next(&p);) {
			if (str_eq(tree_text(p.value, "phase"), phase))
				found = p.value;
		}
		if (!found) {
			found = tree_add_object(phases);
			tree_set_text(found, "phase", phase);
		}
		tree_set_int(found, "total", tree_int(found, "total", 0) + 1);
		tree_set_int(found, word, tree_int(found, word, 0) + 1);
		tree_set(found, "took_s",
			 tree_new_double(tree_double(found, "took_s", 0) + tree_double(i.value, "duration_s", 0)));
	}
	return phases;
}

static const struct column step_tally_columns[] = {
	{"PHASE", "phase"},
	{"STEPS", "total", COLUMN_NUMBER},
	{"CHANGED", "changed", COLUMN_NUMBER},
	{"UNCHANGED", "unchanged", COLUMN_NUMBER},
	{"OK", "ok", COLUMN_NUMBER},
	{"SKIPPED", "skipped", COLUMN_NUMBER},
	{"FAILED", "failed", COLUMN_NUMBER},
	{"TOOK", "took_s", COLUMN_DURATION},
};
static const struct column control_tally_columns[] = {
	{"PHASE", "phase"},
	{"CONTROLS", "total", COLUMN_NUMBER},
	{"PASS", "pass", COLUMN_NUMBER},
	{"FAIL", "fail", COLUMN_NUMBER},
	{"SKIPPED", "skipped", COLUMN_NUMBER},
	{"WAIVED", "waived", COLUMN_NUMBER},
};
static const struct column scanner_columns[] = {{"SCANNER", "control"}, {"GATE", "answer"}, {"RESULT", "evidence"}};
static const struct column waiver_columns[] = {{"CONTROL", "control"}, {"UNTIL", "expires"}, {"REASON", "reason"}};

/* Words side by side, wrapped below each other. */
struct wrapping {
	struct str *out;
	size_t indent, most, at;
	bool any;
};

static void wrap(struct wrapping *wrapping, const char *word)
{
	_cleanup_(str_free) struct str safe = STR_INIT;
	utf8_add_visible(&safe, word, strlen(word));
	size_t width = output_width(safe.data);
	if (wrapping->any)
		str_add_char(wrapping->out, ',');
	if (wrapping->any && wrapping->at + 2 + width > wrapping->most) {
		str_addf(wrapping->out, "\n%*s", (int)wrapping->indent, "");
		wrapping->at = wrapping->indent;
	} else if (wrapping->any) {
		str_add_char(wrapping->out, ' ');
		wrapping->at++;
	}
	str_add(wrapping->out, safe.data);
	wrapping->at += width + 1;
	wrapping->any = true;
}

static void changed_add(struct str *out, const struct tree *steps, int width)
{
	struct wrapping wrapping = {.out = out, .indent = 11, .at = 11, .most = width > 20 ? (size_t)width : WRAP_AT};
	for (struct tree_iter i = tree_iter(steps); tree_next(&i);) {
		if (!str_eq(tree_text(i.value, "result"), "changed"))
			continue;
		if (!wrapping.any)
			str_add(out, "  changed: ");
		wrap(&wrapping, tree_text_or(i.value, "step", "?"));
	}
	if (wrapping.any)
		str_add_char(out, '\n');
}

/* Where the last lines of a text begin. */
static const char *last_lines(const char *text, size_t length, size_t lines)
{
	const char *at = text + length;
	while (at > text && lines) {
		at--;
		if (at > text && at[-1] == '\n')
			lines--;
	}
	return at;
}

static void output_add(struct str *out, const char *text)
{
	size_t length = strlen(text);
	while (length && text[length - 1] == '\n')
		length--;
	const char *from = last_lines(text, length, OUTPUT_LINES);
	if (from > text)
		str_add(out, "    | ... (all of it: `bakery log`)\n");
	lines_indented(out, from, length - (size_t)(from - text), "    | ");
}

static void failed_add(struct str *out, const struct tree *steps)
{
	for (struct tree_iter i = tree_iter(steps); tree_next(&i);) {
		if (!str_eq(tree_text(i.value, "result"), "failed"))
			continue;
		_cleanup_(str_free) struct str line = STR_INIT;
		piece(&line, i.value, "playbook", "", "/");
		piece(&line, i.value, "step", "", "");
		piece(&line, i.value, "file", " (", "");
		piece(&line, i.value, "line", ":", ")");
		piece(&line, i.value, "why", ": ", "");
		str_addf(out, "  failed: %s\n", line.data);
		output_add(out, tree_text_or(i.value, "output", ""));
	}
}

static bool is_of_scanner(const struct tree *control)
{
	return str_eq(tree_text(control, "phase"), "scan");
}

/* A scanner's rules are hundreds; its own row says what they come to. */
static void scanners_add(struct str *out, const struct tree *controls, int width)
{
	_cleanup_(tree_freep) struct tree *rows = tree_new_array();
	for (struct tree_iter i = tree_iter(controls); tree_next(&i);) {
		if (is_of_scanner(i.value) && str_eq(tree_text(i.value, "control"), tree_text(i.value, "step")))
			tree_add(rows, tree_share(i.value));
	}
	section(out, "Scanners (each rule: --controls)", rows, scanner_columns, ARRAY_SIZE(scanner_columns), width);
}

static void controls_failed_add(struct str *out, const struct tree *controls)
{
	for (struct tree_iter i = tree_iter(controls); tree_next(&i);) {
		if (!str_eq(tree_text(i.value, "answer"), "fail") || is_of_scanner(i.value))
			continue;
		_cleanup_(str_free) struct str line = STR_INIT;
		piece(&line, i.value, "control", "", "");
		piece(&line, i.value, "step", " (", ")");
		piece(&line, i.value, "phase", " in ", "");
		piece(&line, i.value, "evidence", ": ", "");
		str_addf(out, "  fails: %s\n", line.data);
	}
}

static void steps_and_controls(struct str *out, const struct tree *build, int width)
{
	const struct tree *steps = tree_get(build, "steps");
	_cleanup_(tree_freep) struct tree *controls = evidence_newest(build), *step_tally = tally(steps, "result"),
					  *control_tally = tally(controls, "answer");
	section(out, "Steps (each: --steps; what they printed: bakery log)", step_tally, step_tally_columns,
		ARRAY_SIZE(step_tally_columns), width);
	changed_add(out, steps, width);
	failed_add(out, steps);
	section(out, "Controls (each with its evidence: --controls)", control_tally, control_tally_columns,
		ARRAY_SIZE(control_tally_columns), width);
	controls_failed_add(out, controls);
	scanners_add(out, controls, width);
	section(out, "Waived by the recipe", tree_get(build, "plan.waivers"), waiver_columns,
		ARRAY_SIZE(waiver_columns), width);
}

/* The last column says what went wrong; where nothing did, it would be empty. */
static void section_with_why(struct str *out, const char *title, const struct tree *rows, const struct column *columns,
			     size_t count, int width)
{
	bool any = false;
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);)
		any |= tree_text(i.value, columns[count - 1].path) != NULL;
	section(out, title, rows, columns, any ? count : count - 1, width);
}

void build_page(struct str *out, const struct tree *build, int width)
{
	head(out, build);
	section(out, "Images", tree_get(build, "images"), image_columns, ARRAY_SIZE(image_columns), width);
	section(out, "Parameters", tree_get(build, "parameters"), parameter_columns, ARRAY_SIZE(parameter_columns),
		width);
	section_with_why(out, "Stages", tree_get(build, "stages"), stage_columns, ARRAY_SIZE(stage_columns), width);
	section_with_why(out, "Instances asked for", tree_get(build, "launches"), launch_columns,
			 ARRAY_SIZE(launch_columns), width);
	steps_and_controls(out, build, width);
	section(out, "Still held in AWS (`bakery resume` goes on with the build, `bakery gc` removes it)",
		tree_get(build, "holds"), hold_columns, ARRAY_SIZE(hold_columns), width);
}
