/* SPDX-License-Identifier: Apache-2.0
 *
 * `bakery history`, `bakery show` and `bakery log`: what the database knows. They only read. */
#include <stdio.h>
#include <string.h>

#include "bakery/build_page.h"
#include "bakery/command.h"
#include "bakery/evidence.h"
#include "bakery/utf8.h"
#include "build_choose.h"

/* --- history --- */

struct history_args {
	struct text_list recipe;
	int64_t since_s, limit;
	const char *status, *channel;
	bool skipped;
};

static const struct option history_options[] = {
	{"--since", 0, OPTION_DURATION, offsetof(struct history_args, since_s), "TIME",
	 "only builds begun within the last 30m, 12h, 30d"},
	{"--status", 0, OPTION_TEXT, offsetof(struct history_args, status), "STATUS",
	 "running, done, failed, interrupted or quarantined"},
	{"--channel", 0, OPTION_TEXT, offsetof(struct history_args, channel), "NAME",
	 "only builds published to this channel"},
	{"--skipped", 0, OPTION_FLAG, offsetof(struct history_args, skipped), NULL,
	 "what `build --if-changed` did not build, and why"},
	{"--limit", 'n', OPTION_INT, offsetof(struct history_args, limit), "N", "how many at most (50)"},
	{0},
};

static const struct column history_columns[] = {
	{"BUILD", "build"},
	{"RECIPE", "recipe"},
	{"STATUS", "status"},
	{"STARTED (UTC)", "started", COLUMN_TIME},
	{"TOOK", "duration_s", COLUMN_DURATION},
	{"CHANNEL", "channel"},
	{"BY", "user"},
	{"IMAGES", "images.*.ami"},
};
/* Programs get what a person would look up with show. */
static const struct column history_csv_columns[] = {
	{NULL, "build"},	{NULL, "recipe"},     {NULL, "status"},	     {NULL, "started"},
	{NULL, "ended"},	{NULL, "duration_s"}, {NULL, "channel"},     {NULL, "images.*.region"},
	{NULL, "images.*.ami"}, {NULL, "user"},	      {NULL, "host"},	     {NULL, "ci_job"},
	{NULL, "git_commit"},	{NULL, "source_ami"}, {NULL, "plan_sha256"}, {NULL, "error.kind"},
	{NULL, "error.text"},
};

static const struct column skip_columns[] = {
	{"RECIPE", "recipe"}, {"AT (UTC)", "at", COLUMN_TIME}, {"CURRENT", "build"}, {"BY", "user"}, {"WHY", "reason"},
};
static const struct column skip_csv_columns[] = {
	{NULL, "recipe"}, {NULL, "at"},	  {NULL, "build"},  {NULL, "reason"},
	{NULL, "user"},	  {NULL, "host"}, {NULL, "ci_job"},
};

static bool skips_show(struct app *app, const struct history_filter *filter, struct error *err)
{
	_cleanup_(tree_freep) struct tree *skips = NULL;

	if (filter->status)
		return error_set(err, ERROR_USAGE, "what was skipped has no status; leave --status out");
	if (!store_skip_list(app->store, filter, &skips, err))
		return false;
	if (app->format == OUTPUT_CSV)
		return output_rows(stdout, app->format, skips, skip_csv_columns, ARRAY_SIZE(skip_csv_columns), 0, err);
	return output_rows(stdout, app->format, skips, skip_columns, ARRAY_SIZE(skip_columns),
			   output_terminal_width(stdout), err);
}

static bool history_run(struct app *app, void *arguments, struct error *err)
{
	const struct history_args *args = arguments;
	struct history_filter filter = {
		.recipe = args->recipe.count ? args->recipe.items[0] : NULL,
		.status = args->status,
		.channel = args->channel,
		.since_ms = args->since_s ? clock_wall_ms() - args->since_s * 1000 : 0,
		.limit = args->limit,
	};
	_cleanup_(tree_freep) struct tree *builds = NULL;
	if (args->limit < 0)
		return error_set(err, ERROR_USAGE, "--limit wants a number above 0");
	if (args->skipped)
		return skips_show(app, &filter, err);
	if (!store_history(app->store, &filter, &builds, err))
		return false;
	if (app->format == OUTPUT_CSV)
		return output_rows(stdout, app->format, builds, history_csv_columns, ARRAY_SIZE(history_csv_columns), 0,
				   err);
	return output_rows(stdout, app->format, builds, history_columns, ARRAY_SIZE(history_columns),
			   output_terminal_width(stdout), err);
}

const struct command command_history = {
	.name = "history",
	.synopsis = "[RECIPE]",
	.summary = "list builds, newest first",
	.description =
		"A build whose process was killed is listed as interrupted. `bakery show BUILD` tells all about one.",
	.needs = NEEDS_STORE,
	.options = history_options,
	.args_size = sizeof(struct history_args),
	.operands_offset = offsetof(struct history_args, recipe),
	.most_operands = 1,
	.run = history_run,
};

/* --- show --- */

struct show_args {
	struct text_list build;
	bool steps, controls, plan;
};

static const struct option show_options[] = {
	{"--steps", 0, OPTION_FLAG, offsetof(struct show_args, steps), NULL, "every step with its result"},
	{"--controls", 0, OPTION_FLAG, offsetof(struct show_args, controls), NULL,
	 "every control with what it answered on the built machine and on a fresh instance; also as --format junit, "
	 "sarif "
	 "or xccdf"},
	{"--plan", 0, OPTION_FLAG, offsetof(struct show_args, plan), NULL, "the plan as it was carried out"},
	{0},
};

static const struct column step_columns[] = {
	{"PHASE", "phase"},
	{"PLAYBOOK", "playbook"},
	{"STEP", "step"},
	{"RESULT", "result"},
	{"TOOK", "duration_s", COLUMN_DURATION},
	{"TRIES", "attempts", COLUMN_NUMBER},
	{"WHY", "why"},
};
static const struct column control_columns[] = {
	{"CONTROL", "control"},	   {"VERDICT", "verdict"}, {"BUILT", "built.answer"},
	{"FRESH", "fresh.answer"}, {"STEP", "step"},	   {"EVIDENCE", "evidence"},
};
/* Programs get both sides whole. */
static const struct column control_csv_columns[] = {
	{NULL, "control"},	{NULL, "verdict"},	  {NULL, "step"},	    {NULL, "title"},
	{NULL, "built.answer"}, {NULL, "built.evidence"}, {NULL, "built.instance"}, {NULL, "built.at"},
	{NULL, "fresh.answer"}, {NULL, "fresh.evidence"}, {NULL, "fresh.instance"}, {NULL, "fresh.at"},
};

static bool show_page(const struct tree *build, struct error *err)
{
	_cleanup_(str_free) struct str page = STR_INIT;
	build_page(&page, build, output_terminal_width(stdout));
	return output_text(stdout, &page, err);
}

static bool show_plan(struct app *app, const struct tree *build, struct error *err)
{
	return output_object(stdout, app->format == OUTPUT_TABLE ? OUTPUT_JSON : app->format, tree_get(build, "plan"),
			     err);
}

static bool show_controls(struct app *app, const struct tree *build, struct error *err)
{
	_cleanup_(tree_freep) struct tree *rows = NULL;
	_cleanup_(str_free) struct str text = STR_INIT;

	for (int i = 0; app->own_format && evidence_format_names[i]; i++) {
		if (!str_eq(app->own_format, evidence_format_names[i]))
			continue;
		evidence_export(build, (enum evidence_format)i, &text);
		return output_text(stdout, &text, err);
	}
	rows = evidence_rows(build);
	if (app->format == OUTPUT_CSV)
		return output_rows(stdout, app->format, rows, control_csv_columns, ARRAY_SIZE(control_csv_columns), 0,
				   err);
	return output_rows(stdout, app->format, rows, control_columns, ARRAY_SIZE(control_columns),
			   output_terminal_width(stdout), err);
}

static bool show_run(struct app *app, void *arguments, struct error *err)
{
	const struct show_args *args = arguments;
	_cleanup_(tree_freep) struct tree *build = NULL;
	char id[BUILD_ID_SIZE];
	if (app->own_format && !args->controls)
		return error_set(err, ERROR_USAGE, "--format %s is for show --controls", app->own_format);
	if (args->steps + args->controls + args->plan > 1)
		return error_set(err, ERROR_USAGE, "show wants one of --steps, --controls and --plan at a time");
	if (!build_choose(app, &args->build, id, err) || !store_show(app->store, id, &build, err))
		return false;
	int width = output_terminal_width(stdout);
	if (args->steps)
		return output_rows(stdout, app->format, tree_get(build, "steps"), step_columns,
				   ARRAY_SIZE(step_columns), width, err);
	if (args->controls)
		return show_controls(app, build, err);
	if (args->plan)
		return show_plan(app, build, err);
	return app->format == OUTPUT_TABLE ? show_page(build, err) : output_object(stdout, app->format, build, err);
}

const struct command command_show = {
	.name = "show",
	.synopsis = "[BUILD|AMI]",
	.summary = "show one build whole: who, what, images, stages, steps, controls",
	.description = "BUILD is an id or an unambiguous beginning of one; without it the newest build is shown. "
		       "--format json has everything.",
	.needs = NEEDS_STORE,
	.options = show_options,
	.formats = evidence_format_names,
	.args_size = sizeof(struct show_args),
	.operands_offset = offsetof(struct show_args, build),
	.most_operands = 1,
	.run = show_run,
};

/* --- log --- */

struct log_args {
	struct text_list build;
	const char *stage;
	bool raw;
};

static const struct option log_options[] = {
	{"--stage", 0, OPTION_TEXT, offsetof(struct log_args, stage), "NAME", "only what was said in this stage"},
	{"--raw", 0, OPTION_FLAG, offsetof(struct log_args, raw), NULL, "only what the machine printed, byte for byte"},
	{0},
};

struct log_printer {
	const struct log_args *args;
	enum output_format format;
	struct tree *rows; /* JSON and CSV */
	int64_t lines;
};

static const struct column log_columns[] = {
	{NULL, "at"}, {NULL, "stage"}, {NULL, "step"}, {NULL, "stream"}, {NULL, "text"}};

static void line_print(struct str *out, const struct log_line *line, const char *text, size_t length)
{
	char time[CLOCK_TEXT_SIZE];
	clock_rfc3339(line->at_ms, time);
	str_addf(out, "%.8s ", time + 11);
	utf8_add_visible(out, line->stage, strlen(line->stage));
	if (*line->step) {
		str_add_char(out, '/');
		utf8_add_visible(out, line->step, strlen(line->step));
	}
	str_add(out, str_eq(line->stream, "note") ? ": " : str_eq(line->stream, "err") ? " ! " : " | ");
	output_as_seen(out, text, length);
	str_add_char(out, '\n');
}

static void lines_print(const struct log_line *line)
{
	_cleanup_(str_free) struct str out = STR_INIT;
	const char *text = line->data, *end = text + line->length;
	do {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		line_print(&out, line, text, (size_t)((newline ? newline : end) - text));
		text = newline ? newline + 1 : end;
	} while (text < end);
	fwrite(out.data, 1, out.len, stdout);
}

static struct tree *line_object(const struct log_line *line)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	struct tree *object = tree_new_object();
	char time[CLOCK_TEXT_SIZE];
	clock_rfc3339_ms(line->at_ms, time);
	utf8_add_clean(&text, line->data, line->length);
	tree_set_text(object, "at", time);
	tree_set_text(object, "stage", line->stage);
	tree_set_text(object, "step", line->step);
	tree_set_text(object, "stream", line->stream);
	tree_set(object, "text", tree_new_text_n(text.data, text.len));
	return object;
}

static void object_print(struct log_printer *printer, const struct log_line *line)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	struct tree *object = line_object(line);
	if (printer->format != OUTPUT_JSONL) {
		tree_add(printer->rows, object);
		return;
	}
	tree_to_json(object, &text);
	tree_free(object);
	printf("%s\n", text.data);
}

static bool on_line(void *cookie, const struct log_line *line)
{
	struct log_printer *printer = cookie;
	if (printer->args->stage && !str_eq(printer->args->stage, line->stage))
		return true;
	if (printer->args->raw && str_eq(line->stream, "note"))
		return true;
	printer->lines++;
	if (printer->args->raw)
		fwrite(line->data, 1, line->length, stdout);
	else if (printer->format == OUTPUT_TABLE)
		lines_print(line);
	else
		object_print(printer, line);
	return !ferror(stdout);
}

static bool log_run(struct app *app, void *arguments, struct error *err)
{
	const struct log_args *args = arguments;
	_cleanup_(tree_freep) struct tree *rows = tree_new_array();
	struct log_printer printer = {.args = args, .format = app->format, .rows = rows};
	char build[BUILD_ID_SIZE];
	if (args->raw && app->format != OUTPUT_TABLE)
		return error_set(err, ERROR_USAGE, "--raw prints bytes, not %s", output_format_names[app->format]);
	if (!build_choose(app, &args->build, build, err) || !store_log_read(app->store, build, on_line, &printer, err))
		return false;
	if (!args->raw && (app->format == OUTPUT_JSON || app->format == OUTPUT_CSV))
		return output_rows(stdout, app->format, rows, log_columns, ARRAY_SIZE(log_columns), 0, err);
	if (!printer.lines && args->stage)
		log_info(app->log, "build %s said nothing in stage %s", build, args->stage);
	return true;
}

const struct command command_log = {
	.name = "log",
	.synopsis = "[BUILD|AMI]",
	.summary = "print what a build said, and its machines",
	.description = "Lines of the machine's standard output stand behind |, of its standard error behind !, "
		       "bakery's own behind a colon. Without a build, the "
		       "newest one's.",
	.needs = NEEDS_STORE,
	.options = log_options,
	.args_size = sizeof(struct log_args),
	.operands_offset = offsetof(struct log_args, build),
	.most_operands = 1,
	.run = log_run,
};
