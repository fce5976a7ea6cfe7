/* SPDX-License-Identifier: Apache-2.0
 *
 * `bakery resume`: a build goes on. */
#include "bakery/cli.h"
#include "context.h"
#include "results.h"
#include "view.h"

struct resume_args {
	struct text_list builds;
	bool keep_on_failure;
};

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
	context = context_make(app, view_events(view));
	context.keep_on_failure = args->keep_on_failure;
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
