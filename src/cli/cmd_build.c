/* SPDX-License-Identifier: Apache-2.0
 *
 * `bakery build`: recipes are read and checked all together before anything is launched, then built side by side,
 * parents before children. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/build.h"
#include "bakery/cli.h"
#include "bakery/file.h"
#include "bakery/log.h"
#include "bakery/parallel.h"
#include "bakery/str.h"
#include "context.h"
#include "faults_tell.h"
#include "recipe_args.h"
#include "results.h"
#include "view.h"

struct build_args {
	struct text_list recipes;
	struct variable_args variables;
	const char *channel, *until, *plan;
	int64_t jobs, max_age_s;
	bool all, keep_on_failure, if_changed, no_preflight;
};

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_ENDED };

struct job {
	const char *name; /* of the recipe */
	const struct recipe *recipe;
	const struct plan *plan; /* read from a file; then there is no recipe */
	struct job *parent;	 /* whose image this one starts from, when both are built in this run */
	struct arena *arena;	 /* of the job's thread alone */
	enum job_state state;
	struct build_result result;
	bool unchanged; /* nothing was built: result names the good one */
	struct error err;
};

struct shop {
	struct app *app;
	const struct build_context *context;
	const struct build_args *args;
	struct job *jobs;
	size_t count;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

/* --- one job --- */

static bool plan_of(struct shop *shop, struct job *job, const struct plan **out, struct error *err)
{
	struct app *app = shop->app;
	struct facts facts;
	struct plan *plan;

	*out = job->plan;
	if (job->plan)
		return true;
	if (!facts_gather(app->aws, &app->settings, job->recipe, job->arena, &facts, err) ||
	    !plan_make(&app->settings, job->recipe, &facts, job->arena, &plan, err))
		return false;
	*out = plan;
	return true;
}

static bool skip(struct shop *shop, struct job *job, const struct build_verdict *verdict, struct error *err)
{
	struct skip_row row = {
		.recipe = job->name,
		.build = verdict->build,
		.reason = verdict->why,
		.origin = shop->context->origin,
	};

	job->unchanged = true;
	job->result.status = BUILD_DONE;
	memcpy(job->result.build, verdict->build, sizeof(job->result.build));
	log_info(shop->app->log, "%s: unchanged, nothing is built: %s", job->name, verdict->why);
	return store_skip_add(shop->app->store, &row, err);
}

static bool job_work(struct shop *shop, struct job *job, struct error *err)
{
	struct build_context context = *shop->context;
	struct build_verdict verdict = {0};
	const struct plan *plan;

	if (job->parent && job->parent->err.kind != ERROR_NONE)
		return error_set(err, ERROR_FAILED, "not built, since its source, recipe %s, failed",
				 job->parent->name);
	if (!plan_of(shop, job, &plan, err))
		return false;
	if (shop->args->if_changed) {
		if (!build_compare(shop->context, plan, shop->args->max_age_s, job->arena, &verdict, err))
			return error_context(err, "--if-changed");
		if (verdict.is_current)
			return skip(shop, job, &verdict, err);
	}
	context.why = verdict.why;
	return build_run(&context, plan, &job->result, err);
}

static bool is_ready(const struct job *job)
{
	return job->state == JOB_WAITING && (!job->parent || job->parent->state == JOB_ENDED);
}

/* The next job that can start; NULL when none waits any more. */
static struct job *job_take(struct shop *shop)
{
	struct job *taken = NULL;
	bool waiting = true;

	pthread_mutex_lock(&shop->lock);
	while (!taken && waiting) {
		waiting = false;
		for (size_t i = 0; i < shop->count && !taken; i++) {
			waiting |= shop->jobs[i].state == JOB_WAITING;
			if (is_ready(&shop->jobs[i]))
				taken = &shop->jobs[i];
		}
		if (!taken && waiting)
			pthread_cond_wait(&shop->changed, &shop->lock);
	}
	if (taken)
		taken->state = JOB_RUNNING;
	pthread_mutex_unlock(&shop->lock);
	return taken;
}

static void job_end(struct shop *shop, struct job *job)
{
	pthread_mutex_lock(&shop->lock);
	job->state = JOB_ENDED;
	pthread_cond_broadcast(&shop->changed);
	pthread_mutex_unlock(&shop->lock);
}

static void *work(void *argument)
{
	struct shop *shop = argument;
	struct job *job;

	while ((job = job_take(shop))) {
		if (job_work(shop, job, &job->err))
			error_clear(&job->err);
		job_end(shop, job);
	}
	return NULL;
}

/* --- reading what is to be built --- */

static bool names_find(struct app *app, struct build_args *args, struct error *err)
{
	if (args->all && args->recipes.count)
		return error_set(err, ERROR_USAGE, "name recipes, or say --all, not both");
	if (!args->all)
		return args->recipes.count ||
		       error_set(err, ERROR_USAGE, "name a recipe, or say --all; `bakery validate` lists them");
	return own_recipes(app, &args->recipes, err);
}

/* All of them, so that every fault of every recipe is shown before anything starts. */
static bool recipes_load(struct app *app, const struct build_args *args, struct job *jobs, struct error *err)
{
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;
	struct recipe_options options = {.region = app->region, .channel = args->channel};

	if (!variables_read(&args->variables, app->arena, &options, err))
		return false;
	for (size_t i = 0; i < args->recipes.count; i++) {
		struct recipe *recipe;

		if (!recipe_read(&app->settings, args->recipes.items[i], &options, app->arena, &recipe, &faults, err))
			return false;
		jobs[i] = (struct job){.name = recipe ? recipe->name : NULL, .recipe = recipe};
	}
	return faults_tell(&faults, err);
}

static bool parents_find(struct job *jobs, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct source_recipe *source = jobs[i].recipe->source.recipe;
		for (size_t j = 0; source && j < count; j++) {
			if (str_eq(jobs[j].name, source->name))
				jobs[i].parent = &jobs[j];
		}
	}
	for (size_t i = 0; i < count; i++) {
		size_t steps = 0;
		for (const struct job *job = &jobs[i]; job; job = job->parent) {
			if (steps++ > count)
				return error_set(
					err, ERROR_INVALID,
					"%s: source.recipe: recipes start from each other's images in a circle",
					jobs[i].recipe->file);
		}
	}
	return true;
}

/* --- the command --- */

static bool verdict(const struct job *jobs, size_t count, struct error *err)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	enum error_kind kind = ERROR_NONE;
	size_t failed = 0;

	for (size_t i = 0; i < count; i++) {
		if (jobs[i].err.kind == ERROR_NONE)
			continue;
		if (kind == ERROR_NONE || error_is(&jobs[i].err, ERROR_LEFTOVER))
			kind = jobs[i].err.kind;
		failed++;
		str_addf(&text, "\n  %s: %s", jobs[i].name, jobs[i].err.text);
	}
	if (!failed)
		return true;
	if (count > 1)
		return error_set(err, kind, "%zu of %zu builds failed:%s", failed, count, text.data);
	*err = jobs[0].err;
	return error_context(err, "%s", jobs[0].name);
}

static bool builds_show(struct app *app, const struct job *jobs, size_t count, struct error *err)
{
	struct shown_build *builds = arena_alloc(app->arena, (count + 1) * sizeof(*builds));
	size_t shown = 0;

	for (size_t i = 0; i < count; i++) {
		if (jobs[i].result.build[0])
			builds[shown++] = (struct shown_build){jobs[i].result.build, jobs[i].unchanged};
	}
	return results_show(app, builds, shown, err);
}

static bool jobs_run(struct app *app, const struct build_args *args, struct job *jobs, size_t count, struct error *err)
{
	struct view *view = NULL;
	struct build_context context;
	struct shop shop = {app, &context, args, jobs, count, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};
	size_t width = args->jobs && (size_t)args->jobs < count ? (size_t)args->jobs : count;
	struct error unshown = {0};
	bool done;

	if (!view_open(app, count, &view, err))
		return false;
	context = context_make(app, view_events(view));
	context.keep_on_failure = args->keep_on_failure;
	context.no_preflight = args->no_preflight;
	context.until = args->until;
	context.plan_from = args->plan && str_eq(args->plan, "-") ? "standard input" : args->plan;
	for (size_t i = 0; i < count; i++)
		jobs[i].arena = arena_new();
	parallel_crew(width, work, &shop);
	view_close(view);
	done = verdict(jobs, count, err);
	if (!builds_show(app, jobs, count, &unshown) && done) {
		*err = unshown;
		done = false;
	}
	for (size_t i = 0; i < count; i++)
		arena_free(jobs[i].arena);
	return done;
}

static bool until_check(const char *until, struct error *err)
{
	_cleanup_(str_free) struct str names = STR_INIT;

	for (const char *const *name = build_stage_names(); *name; name++) {
		if (!until || str_eq(*name, until))
			return true;
		str_addf(&names, "%s%s", names.len ? ", " : "", *name);
	}
	return error_set(err, ERROR_USAGE, "--until: there is no stage \"%s\"; there are %s", until, names.data);
}

static bool args_check(const struct build_args *args, struct error *err)
{
	if (args->max_age_s && !args->if_changed)
		return error_set(err, ERROR_USAGE, "--max-age says when --if-changed builds all the same; give both");
	if (!args->plan)
		return true;
	if (args->recipes.count || args->all)
		return error_set(err, ERROR_USAGE, "--plan FILE says what is built; name no recipe beside it");
	if (args->channel || args->variables.vars.count || args->variables.files.count)
		return error_set(err, ERROR_USAGE,
				 "a plan is decided: --var, --var-file and --channel belong to `bakery plan`");
	return true;
}

/* In another account the same ids would mean other things, or none. */
static bool plan_account_check(struct app *app, const struct plan *plan, struct error *err)
{
	struct aws_identity identity;

	if (!aws_identity(app->aws, plan->region, &identity, err))
		return false;
	return str_eq(identity.account, plan->account) ||
	       error_set(err, ERROR_DENIED, "it is for account %s, but the credentials are of %s", plan->account,
			 identity.account);
}

static bool plan_open(struct app *app, const char *file, struct job *job, struct error *err)
{
	enum { MOST_PLAN = 64 << 20 };
	const char *path = str_eq(file, "-") ? "/dev/stdin" : file;
	_cleanup_(str_free) struct str text = STR_INIT;
	struct plan *plan = NULL;

	if (!file_read(path, MOST_PLAN, &text, err))
		return error_context(err, "--plan");
	if (!plan_unwrap(&text, app->arena, &plan, err) || !plan_account_check(app, plan, err) ||
	    !plan_waivers_check(plan, err) || !plan_files_check(plan, err))
		return error_context(err, "plan %s", file);
	*job = (struct job){.name = plan->recipe, .plan = plan};
	return true;
}

static bool build_command(struct app *app, void *arguments, struct error *err)
{
	struct build_args *args = arguments;
	struct job *jobs, planned;

	if (!args_check(args, err) || !until_check(args->until, err))
		return false;
	if (args->plan)
		return plan_open(app, args->plan, &planned, err) && jobs_run(app, args, &planned, 1, err);
	if (!names_find(app, args, err))
		return false;
	jobs = arena_alloc(app->arena, args->recipes.count * sizeof(*jobs));
	return recipes_load(app, args, jobs, err) && parents_find(jobs, args->recipes.count, err) &&
	       jobs_run(app, args, jobs, args->recipes.count, err);
}

#define AT(member) offsetof(struct build_args, member)

static const struct option build_options[] = {
	VARIABLE_OPTIONS(AT(variables), "recipe"),
	{"--all", 0, OPTION_FLAG, AT(all), NULL, "every recipe of the project (the shipped ones when it has none)"},
	{"--jobs", 'j', OPTION_INT, AT(jobs), "N", "at most N builds at once (default: all)"},
	{"--channel", 0, OPTION_TEXT, AT(channel), "NAME", "publish to this channel instead of the recipe's"},
	{"--plan", 0, OPTION_TEXT, AT(plan), "FILE",
	 "bake exactly the plan that `bakery plan --out FILE` wrote (-: standard input)"},
	{"--if-changed", 0, OPTION_FLAG, AT(if_changed), NULL,
	 "only when recipe, playbooks or source image differ from the last good build, or its images are gone"},
	{"--max-age", 0, OPTION_DURATION, AT(max_age_s), "TIME",
	 "with --if-changed: also when the last good build is older (30d); updates of packages are not seen otherwise"},
	{"--until", 0, OPTION_TEXT, AT(until), "STAGE", "stop after this stage"},
	{"--no-preflight", 0, OPTION_FLAG, AT(no_preflight), NULL,
	 "do not look at permissions, quotas and the like before anything is made (bakery doctor)"},
	{"--keep-on-failure", 0, OPTION_FLAG, AT(keep_on_failure), NULL,
	 "keep the instance when a build fails, and say how to get in"},
	{0},
};

const struct command command_build = {
	.name = "build",
	.synopsis = "RECIPE... | --all | --plan FILE",
	.summary = "bake images: launch, provision, seal, image, test, distribute, share, publish",
	.description = "Recipes are names in the search paths, or files. All are checked before anything is launched; "
		       "then they are built side by side,\n"
		       "a recipe that starts from another one's image after that one. The first Ctrl-C stops and "
		       "cleans up (exit 7), the second\n"
		       "leaves at once; `bakery resume` goes on, `bakery gc` removes what is left.\n"
		       "--if-changed cannot see what a playbook fetches, such as newer packages: let --max-age bring "
		       "those in.",
	.needs = NEEDS_STORE | NEEDS_AWS,
	.options = build_options,
	.args_size = sizeof(struct build_args),
	.operands_offset = AT(recipes),
	.most_operands = -1,
	.run = build_command,
};
