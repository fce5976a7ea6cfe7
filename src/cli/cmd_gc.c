/* SPDX-License-Identifier: Apache-2.0
 *
 * `bakery gc`: what builds left behind is shown, with why it may go and what it costs, and removed. */
#include <stdio.h>

#include "app.h"
#include "ask.h"
#include "bakery/build.h"
#include "bakery/cli.h"
#include "bakery/log.h"
#include "bakery/parallel.h"
#include "bakery/str.h"
#include "context.h"
#include "gc.h"

static const struct column columns[] = {
	{"KIND", "kind"},
	{"REGION", "region"},
	{"ID", "id"},
	{"BUILD", "build"},
	{"SINCE", "since", COLUMN_TIME},
	{"USD/MONTH", "cost_month_usd", COLUMN_NUMBER},
	{"GC", "action"},
	{"WHY", "reason"},
};
static const struct column csv_columns[] = {
	{NULL, "from"},	 {NULL, "kind"},	   {NULL, "account"},	{NULL, "region"},
	{NULL, "id"},	 {NULL, "build"},	   {NULL, "recipe"},	{NULL, "status"},
	{NULL, "since"}, {NULL, "cost_month_usd"}, {NULL, "removable"}, {NULL, "reason"},
};

/* --- removing --- */

struct tally {
	size_t removed, failed;
	struct error first;
	bool left; /* something that could not be removed */
};

static void tally_add(struct gc *gc, struct tally *tally, const struct error *err)
{
	if (err->kind == ERROR_NONE) {
		tally->removed++;
		return;
	}
	log_warn(gc->app->log, "%s", err->text);
	tally->failed++;
	tally->left |= !str_eq(err->code, LEDGER_UNTOLD);
	if (tally->first.kind == ERROR_NONE)
		tally->first = *err;
}

static void ledgers_clean(struct gc *gc, struct tally *tally)
{
	struct build_context context = context_make(gc->app, (struct build_events){0});

	context.parameter_prefix = gc->options.parameter_prefix;
	for (size_t i = 0; i < gc->ledger.count && !stop_requested(gc->app->stop); i++) {
		struct error err = {0};
		size_t dropped;

		if (!build_clean(&context, gc->ledger.items[i], &dropped, &err)) {
			tally_add(gc, tally, &err);
			continue;
		}
		tally->removed += dropped;
		log_info(gc->app->log, "build %s: removed %zu", gc->ledger.items[i], dropped);
	}
}

struct removal {
	struct gc *gc;
	const struct sweep_found *found;
};

static bool remove_found(void *cookie, struct error *err)
{
	const struct removal *removal = cookie;

	return sweep_remove(removal->found, &removal->gc->options, err);
}

/* Judged once more, since a person may have thought about it for long. An image of a build that the database knows is
 * taken off its record as well. */
static bool remove_one(void *item, struct error *err)
{
	struct removal *removal = item;
	const struct sweep_found *found = removal->found;
	struct build_context context = context_make(removal->gc->app, (struct build_events){0});
	const struct sweep_rules rules = gc_rules(removal->gc, found->in->aws);
	struct sweep_verdict verdict;
	struct sweep_build build;

	if (!sweep_build_find(context.store, found->build, &build, err))
		return false;
	verdict = sweep_judge(found, &build, &rules);
	if (!verdict.removable)
		return error_set(err, ERROR_CONFLICT, "%s in %s stays: %s", found->id, found->region, verdict.reason);
	context.aws = found->in->aws;
	return build.known && found->kind == SWEEP_IMAGE
		       ? build_retire(&context, found->build, found->region, found->id, remove_found, removal, err)
		       : remove_found(removal, err);
}

/* Side by side but for images, whose builds are claimed one at a time. */
static void kind_clean(struct gc *gc, enum sweep_kind kind, struct tally *tally)
{
	enum { AT_ONCE = 8 };
	_cleanup_(freep) struct removal *items = mem_array(gc->found.count + 1, sizeof(*items));
	_cleanup_(freep) struct error *errors = mem_array(gc->found.count + 1, sizeof(*errors));
	struct error first = {0};
	size_t count = 0;

	for (size_t i = 0; i < gc->found.count; i++) {
		if (gc->found.items[i].kind == kind)
			items[count++] = (struct removal){gc, &gc->found.items[i]};
	}
	if (!count || stop_requested(gc->app->stop))
		return;
	if (!parallel_each(items, count, sizeof(*items), kind == SWEEP_IMAGE ? 1 : AT_ONCE, remove_one, errors, &first))
		log_debug(gc->app->log, "%s", first.text);
	for (size_t i = 0; i < count; i++)
		tally_add(gc, tally, &errors[i]);
}

static bool clean(struct gc *gc, struct error *err)
{
	struct tally tally = {0};

	ledgers_clean(gc, &tally);
	for (int kind = 0; kind < SWEEP_KIND_COUNT; kind++)
		kind_clean(gc, (enum sweep_kind)kind, &tally);
	log_info(gc->app->log, "removed %zu", tally.removed);
	if (stop_requested(gc->app->stop))
		return error_set(err, ERROR_STOPPED, "interrupted; `bakery gc` goes on");
	if (!tally.failed)
		return true;
	*err = tally.first;
	if (error_is(err, ERROR_DENIED))
		return error_hint(err, "`bakery iam-policy --gc` prints what gc needs");
	if (tally.left)
		err->kind = ERROR_LEFTOVER;
	return tally.failed > 1 ? error_hint(err, "and %zu more could not be removed", tally.failed - 1) : false;
}

/* --- the command --- */

static bool builds_find(struct gc *gc, struct error *err)
{
	const struct text_list *wanted = &gc->args->builds;

	gc->builds.items = arena_alloc(gc->app->arena, (wanted->count + 1) * sizeof(const char *));
	for (size_t i = 0; i < wanted->count; i++) {
		char build[BUILD_ID_SIZE];
		if (!store_find(gc->app->store, wanted->items[i], build, err))
			return false;
		gc->builds.items[gc->builds.count++] = arena_strdup(gc->app->arena, build);
	}
	return true;
}

static struct text_list regions_wanted(struct gc *gc)
{
	return gc->args->regions.count ? gc->args->regions : gc->app->settings.fleet.regions;
}

static bool show(struct gc *gc, struct error *err)
{
	struct app *app = gc->app;
	bool csv = app->format == OUTPUT_CSV;

	if (!output_rows(stdout, app->format, gc->rows, csv ? csv_columns : columns,
			 csv ? ARRAY_SIZE(csv_columns) : ARRAY_SIZE(columns), 0, err))
		return false;
	if (gc->saves_usd > 0)
		log_info(app->log, "to remove: about $%.2f a month, by AWS's list prices of us-east-1, %s",
			 gc->saves_usd, sweep_prices_of);
	return true;
}

static bool unseen_tell(const struct gc *gc, struct error *err)
{
	if (gc->unseen.kind == ERROR_NONE)
		return true;
	*err = gc->unseen;
	error_context(err, "not everything was looked at");
	return error_is(err, ERROR_DENIED) ? error_hint(err, "`bakery iam-policy --gc` prints what looking needs; with "
							     "--ledger gc reads only the database")
					   : false;
}

static bool gc_walk(struct gc *gc, struct error *err)
{
	if (!builds_find(gc, err) || !gc_find(gc, err) || !show(gc, err))
		return false;
	if (gc->args->dry_run || (!gc->ledger.count && !gc->found.count))
		return unseen_tell(gc, err);
	return ask(gc->app, "remove what is listed above as \"remove\"?", err) && clean(gc, err) &&
	       unseen_tell(gc, err);
}

static bool gc_run(struct app *app, void *arguments, struct error *err)
{
	struct gc gc = {.app = app, .args = arguments};
	bool done;

	if (gc.args->schedule)
		return gc_schedule(gc.args->schedule, err);
	if (gc.args->regions.count)
		app->region = gc.args->regions.items[0];
	if (!app_open(app, NEEDS_STORE | NEEDS_AWS, err))
		return false;
	gc.options = (struct sweep_options){.project = app->settings.project,
					    .parameter_prefix = app->settings.parameter_prefix,
					    .regions = regions_wanted(&gc),
					    .log = app->log,
					    .stop = app->stop};
	gc.rows = tree_new_array();
	done = gc_walk(&gc, err);
	tree_free(gc.rows);
	while (gc.other_count)
		aws_close(gc.others[--gc.other_count]);
	return done;
}

#define AT(member) offsetof(struct gc_args, member)

static const struct option gc_options[] = {
	{"--dry-run", 0, OPTION_FLAG, AT(dry_run), NULL, "only list what would be removed"},
	{"--all", 0, OPTION_FLAG, AT(all), NULL, "list published and finished images, too, which are never removed"},
	{"--images", 0, OPTION_FLAG, AT(with_images), NULL,
	 "remove images of builds that this database does not know, too, if no parameter names them: not where "
	 "several databases share an account"},
	{"--ledger", 0, OPTION_FLAG, AT(ledger_only), NULL, "only what this database's ledgers hold"},
	{"--region", 0, OPTION_TEXTS, AT(regions), "REGION", "look in this region (again for more); else in all"},
	{"--schedule", 0, OPTION_TEXT, AT(schedule), "KIND",
	 "print what runs it every night: gitlab, github, cron or systemd"},
	{0},
};

const struct command command_gc = {
	.name = "gc",
	.synopsis = "[BUILD...]",
	.summary = "remove what builds left behind",
	.description = "Looks into the ledgers of builds that no living process works on, and, by the tags, into all "
		       "regions of the account and of the\n"
		       "settings' fleet.accounts. Lists what would be removed and asks; without a terminal nothing is\n"
		       "removed unless --yes is given. Costs are estimates. What is published, young, or of another "
		       "project is never touched.",
	.needs = NEEDS_SETTINGS,
	.options = gc_options,
	.args_size = sizeof(struct gc_args),
	.operands_offset = AT(builds),
	.most_operands = -1,
	.run = gc_run,
};
