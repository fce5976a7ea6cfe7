/* SPDX-License-Identifier: Apache-2.0
 *
 * `bakery resume`: a build goes on. `bakery gc`: what builds left behind is removed. */
#include <stdio.h>

#include "ask.h"
#include "bakery/build.h"
#include "bakery/cli.h"
#include "bakery/log.h"
#include "results.h"
#include "view.h"

struct resume_args {
	struct text_list builds;
	bool keep_on_failure;
};

static struct build_context context_make(struct app *app, struct view *view, bool keep_on_failure)
{
	return (struct build_context){
		.store = app->store,
		.aws = app->aws,
		.log = app->log,
		.stop = app->stop,
		.leave = app->leave,
		.events = view ? view_events(view) : (struct build_events){0},
		.origin = build_origin_find(app->settings.folder, app->arena),
		.keep_on_failure = keep_on_failure,
	};
}

static bool choose(struct app *app, const struct text_list *builds, char build[BUILD_ID_SIZE], struct error *err)
{
	if (builds->count)
		return store_find(app->store, builds->items[0], build, err);
	if (!store_build_resumable(app->store, NULL, build, err))
		return false;
	return build[0] ||
	       error_set(err, ERROR_ABSENT, "there is no build that could go on; `bakery history` lists all");
}

static bool resume_run(struct app *app, void *arguments, struct error *err)
{
	const struct resume_args *args = arguments;
	struct view *view = NULL;
	struct build_context context;
	struct build_result result;
	struct error unshown = {0};
	char build[BUILD_ID_SIZE];
	bool done;

	if (!choose(app, &args->builds, build, err) || !view_open(app, 1, &view, err))
		return false;
	context = context_make(app, view, args->keep_on_failure);
	done = build_resume(&context, build, &result, err);
	view_close(view);
	if (!results_show(app, &(struct shown_build){.build = result.build}, 1, &unshown) && done) {
		*err = unshown;
		return false;
	}
	return done;
}

static const struct option resume_options[] = {
	{"--keep-on-failure", 0, OPTION_FLAG, offsetof(struct resume_args, keep_on_failure), NULL,
	 "keep the instance when the build fails again, and say how to get in"},
	{0},
};

const struct command command_resume = {
	.name = "resume",
	.synopsis = "[BUILD]",
	.summary = "go on with a build after a crash, an interruption or a failed late stage",
	.description =
		"Without an argument: the newest build that can go on. The stored plan is read, never the recipe.",
	.needs = NEEDS_STORE | NEEDS_AWS,
	.options = resume_options,
	.args_size = sizeof(struct resume_args),
	.operands_offset = offsetof(struct resume_args, builds),
	.most_operands = 1,
	.run = resume_run,
};

/* --- gc --- */

struct gc_args {
	struct text_list builds;
	bool dry_run;
};

static const struct column held_columns[] = {
	{"BUILD", "build", COLUMN_TEXT}, {"RECIPE", "recipe", COLUMN_TEXT}, {"STATUS", "status", COLUMN_TEXT},
	{"KIND", "kind", COLUMN_TEXT},	 {"REGION", "region", COLUMN_TEXT}, {"ID", "id", COLUMN_TEXT},
	{"SINCE", "since", COLUMN_TIME},
};

/* Images in quarantine are results: `resume` may still publish them. */
static bool is_removable(const struct tree *row, const struct text_list *builds)
{
	bool is_result = str_eq(tree_text(row, "kind"), "image") || str_eq(tree_text(row, "kind"), "copy");

	if (builds->count && !text_list_has(builds, tree_text(row, "build")))
		return false;
	return !(is_result && str_eq(tree_text(row, "status"), "quarantined"));
}

static bool held_find(struct app *app, const struct text_list *wanted, struct tree **out, struct error *err)
{
	struct text_list builds = {arena_alloc(app->arena, (wanted->count + 1) * sizeof(const char *)), 0};
	_cleanup_(tree_freep) struct tree *held = NULL;
	struct tree *rows = tree_new_array();

	*out = rows;
	for (size_t i = 0; i < wanted->count; i++) {
		char build[BUILD_ID_SIZE];
		if (!store_find(app->store, wanted->items[i], build, err))
			return false;
		builds.items[builds.count++] = arena_strdup(app->arena, build);
	}
	if (!store_held(app->store, &held, err))
		return false;
	for (struct tree_iter i = tree_iter(held); tree_next(&i);) {
		if (is_removable(i.value, &builds))
			tree_add(rows, tree_copy(i.value));
	}
	return true;
}

static bool clean_each(struct app *app, const struct tree *rows, struct error *err)
{
	struct build_context context = context_make(app, NULL, false);
	struct error first = {0};
	const char *last = "";

	for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
		const char *build = tree_text_or(i.value, "build", "");
		size_t dropped;

		if (str_eq(build, last))
			continue;
		last = build;
		if (build_clean(&context, build, &dropped, err)) {
			log_info(app->log, "build %s: removed %zu", build, dropped);
			continue;
		}
		log_warn(app->log, "%s", err->text);
		if (first.kind == ERROR_NONE)
			first = *err;
	}
	*err = first;
	return first.kind == ERROR_NONE;
}

static bool gc_run(struct app *app, void *arguments, struct error *err)
{
	const struct gc_args *args = arguments;
	_cleanup_(tree_freep) struct tree *rows = NULL;

	if (!held_find(app, &args->builds, &rows, err) ||
	    !output_rows(stdout, app->format, rows, held_columns, ARRAY_SIZE(held_columns), 0, err))
		return false;
	if (args->dry_run || !tree_count(rows))
		return true;
	if (!ask(app, "remove what is listed above?", err))
		return false;
	return clean_each(app, rows, err);
}

static const struct option gc_options[] = {
	{"--dry-run", 0, OPTION_FLAG, offsetof(struct gc_args, dry_run), NULL, "only list what would be removed"},
	{0},
};

const struct command command_gc = {
	.name = "gc",
	.synopsis = "[BUILD...]",
	.summary = "remove what builds left behind",
	.description = "Reads the ledgers of builds that no living process works on. Lists what would be removed and "
		       "asks; without a terminal nothing is\n"
		       "removed unless --yes is given. Images that are published or in quarantine are never touched.",
	.needs = NEEDS_STORE | NEEDS_AWS,
	.options = gc_options,
	.args_size = sizeof(struct gc_args),
	.operands_offset = offsetof(struct gc_args, builds),
	.most_operands = -1,
	.run = gc_run,
};
