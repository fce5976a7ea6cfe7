/* SPDX-License-Identifier: Apache-2.0
 *
 * `bakery doctor`: whether everything that bakery needs is there, and for a recipe whether a build of it would work;
 * all findings at once. */
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "bakery/cli.h"
#include "bakery/plan.h"
#include "bakery/preflight.h"
#include "bakery/process.h"
#include "bakery/sandbox.h"
#include "bakery/str.h"
#include "faults_tell.h"
#include "recipe_args.h"

struct doctor_args {
	struct text_list recipes;
	struct variable_args variables;
	const char *channel;
};

struct diagnosis {
	struct app *app;
	bool settings_read;
	const struct recipe *recipe; /* NULL: none was named, or it cannot be read */
	struct tree *rows;
	struct error worst; /* a refusal, else the first failure */
};

static const char not_without_settings[] = "not looked at, since the settings cannot be read";

/* Each check says what is well, or fails with what is not. */
typedef bool doctor_check(const struct diagnosis *diagnosis, struct str *well, struct error *err);

static bool settings_check(const struct diagnosis *diagnosis, struct str *well, struct error *err)
{
	struct app *app = diagnosis->app;

	if (!app_open(app, NEEDS_SETTINGS, err))
		return false;
	str_addf(well, "%s", app->settings.file ? app->settings.file : "none; defaults are used");
	return true;
}

static bool recipes_check(const struct diagnosis *diagnosis, struct str *well, struct error *err)
{
	struct app *app = diagnosis->app;
	struct text_map all;

	if (!diagnosis->settings_read)
		return error_set(err, ERROR_FAILED, not_without_settings);
	recipe_list(&app->settings, app->arena, &all);
	str_addf(well, "%zu found", all.count);
	return true;
}

static bool store_check(const struct diagnosis *diagnosis, struct str *well, struct error *err)
{
	struct app *app = diagnosis->app;

	if (!diagnosis->settings_read)
		return error_set(err, ERROR_FAILED, not_without_settings);
	if (!app->store && !app_open(app, NEEDS_STORE, err))
		return false;
	if (!store_record_verify(app->store, err))
		return false;
	str_addf(well, "%s, records unchanged", store_path(app->store));
	return true;
}

static bool credentials_check(const struct diagnosis *diagnosis, struct str *well, struct error *err)
{
	const char *region = diagnosis->recipe ? diagnosis->recipe->launch.region : NULL;
	struct app *app = diagnosis->app;
	struct aws_identity identity;

	if (!app->aws && !app_open(app, NEEDS_AWS, err))
		return false;
	if (!region)
		region = aws_region(app->aws);
	if (!region)
		return error_set(err, ERROR_FAILED,
				 "no region: set AWS_REGION, give --region, or name one in the recipe (launch.region)");
	if (!aws_identity(app->aws, region, &identity, err))
		return false;
	str_addf(well, "%s, from %s, region %s", identity.arn, aws_credentials_source(app->aws), region);
	return true;
}

static bool git_check(const struct diagnosis *diagnosis, struct str *well, struct error *err)
{
	if (!process_available("git"))
		return error_set(err, ERROR_FAILED, "git is not installed; records will lack the commit");
	str_add(well, "found");
	return true;
}

static bool machines_can_run(const struct diagnosis *diagnosis, struct str *well, struct error *err)
{
	if (!sandbox_check(err))
		return false;
	str_add(well, "this host can run the sandbox's machines");
	return true;
}

struct check {
	const char *name;
	bool optional; /* a failure is a warning */
	doctor_check *check;
};

static const struct check settings = {"settings", false, settings_check}; /* before a recipe can be read */

static const struct check others[] = {
	{"recipes", false, recipes_check},	   {"database", false, store_check},
	{"credentials", false, credentials_check}, {"git", true, git_check},
	{"sandbox", true, machines_can_run},
};

static const struct column columns[] = {
	{"CHECK", "check", COLUMN_TEXT},
	{"RESULT", "result", COLUMN_TEXT},
	{"DETAIL", "detail", COLUMN_TEXT},
};

static void row_add(struct diagnosis *diagnosis, const char *check, enum finding_result result, enum error_kind kind,
		    const char *detail)
{
	struct tree *row = tree_add_object(diagnosis->rows);

	tree_set_text(row, "check", check);
	tree_set_text(row, "result", finding_result_name(result));
	tree_set_text(row, "detail", detail);
	if (result == FINDING_FAILED &&
	    (diagnosis->worst.kind == ERROR_NONE || error_exit_status(kind) == error_exit_status(ERROR_DENIED)))
		diagnosis->worst.kind = kind;
}

/* Several faults ("2 faults:", and each on a line) are a row each. */
static void failure_add(struct diagnosis *diagnosis, const char *check, const struct error *failure)
{
	const char *end = strchr(failure->text, '\n');

	if (!end)
		row_add(diagnosis, check, FINDING_FAILED, failure->kind, failure->text);
	while (end) {
		const char *line = end + 1;
		end = strchr(line, '\n');
		row_add(diagnosis, check, FINDING_FAILED, failure->kind,
			arena_strndup(diagnosis->app->arena, line, end ? (size_t)(end - line) : strlen(line)));
	}
}

/* --- a recipe --- */

static bool preflight_add(struct diagnosis *diagnosis, const struct plan *plan, struct error *err)
{
	struct app *app = diagnosis->app;
	const struct build_context context = {
		.store = app->store, .aws = app->aws, .log = app->log, .stop = app->stop, .leave = app->leave};
	struct struct_list findings;
	const struct finding *items;

	if (!preflight_run(&context, plan, PREFLIGHT_DOCTOR, app->arena, &findings, err))
		return false;
	items = findings.items;
	for (size_t i = 0; i < findings.count; i++)
		row_add(diagnosis, items[i].check, items[i].result, items[i].kind, items[i].detail);
	return true;
}

/* What could not be found is one finding; the rest is looked at all the same, as far as it does not depend on that. */
static bool recipe_diagnose(struct diagnosis *diagnosis, const struct recipe *recipe, struct error *err)
{
	struct app *app = diagnosis->app;
	struct error unfound = {0}, unmade = {0};
	struct facts facts;
	struct plan *plan = NULL;
	bool found = facts_gather(app->aws, &app->settings, recipe, app->arena, &facts, &unfound);
	bool made = facts.account && plan_make(&app->settings, recipe, &facts, app->arena, &plan, &unmade);

	if (error_is(&unfound, ERROR_STOPPED)) {
		*err = unfound;
		return false;
	}
	if (!found)
		failure_add(diagnosis, "plan", &unfound);
	else if (!made)
		failure_add(diagnosis, "plan", &unmade);
	else
		row_add(diagnosis, "plan", FINDING_OK, ERROR_NONE, plan->source.found_by);
	return !made || preflight_add(diagnosis, plan, err);
}

static bool recipe_read_in(struct app *app, const struct doctor_args *args, struct recipe **recipe, struct error *err)
{
	struct recipe_options options = {.region = app->region, .channel = args->channel};

	return variables_read(&args->variables, app->arena, &options, err) &&
	       recipe_load(&app->settings, args->recipes.items[0], &options, app->arena, recipe, err);
}

/* --- the command --- */

static bool check_run(struct diagnosis *diagnosis, const struct check *check)
{
	_cleanup_(str_free) struct str well = STR_INIT;
	struct error failure = {0};
	bool done = check->check(diagnosis, &well, &failure);

	if (done)
		row_add(diagnosis, check->name, FINDING_OK, ERROR_NONE, well.data);
	else if (check->optional)
		row_add(diagnosis, check->name, FINDING_WARNING, ERROR_NONE, failure.text);
	else
		failure_add(diagnosis, check->name, &failure);
	return done;
}

/* Why a recipe cannot be read is a finding; that there is none of that name ends it all. */
static bool recipe_take(struct diagnosis *diagnosis, const struct doctor_args *args, struct error *unread,
			struct error *err)
{
	struct recipe *recipe;

	if (!args->recipes.count || !diagnosis->settings_read)
		return true;
	if (recipe_read_in(diagnosis->app, args, &recipe, unread)) {
		diagnosis->recipe = recipe;
		return true;
	}
	if (error_is(unread, ERROR_USAGE))
		*err = *unread;
	return !error_is(unread, ERROR_USAGE);
}

static bool recipe_run(struct diagnosis *diagnosis, const struct error *unread, struct error *err)
{
	if (unread->kind != ERROR_NONE)
		failure_add(diagnosis, "recipe", unread);
	return !diagnosis->recipe || !diagnosis->app->aws || recipe_diagnose(diagnosis, diagnosis->recipe, err);
}

static bool doctor_run(struct app *app, void *arguments, struct error *err)
{
	const struct doctor_args *args = arguments;
	_cleanup_(tree_freep) struct tree *rows = tree_new_array();
	struct diagnosis diagnosis = {.app = app, .rows = rows};
	struct error unread = {0};

	diagnosis.settings_read = check_run(&diagnosis, &settings);
	if (!recipe_take(&diagnosis, args, &unread, err))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		check_run(&diagnosis, &others[i]);
	if (!recipe_run(&diagnosis, &unread, err) ||
	    !output_rows(stdout, app->format, rows, columns, ARRAY_SIZE(columns), 0, err))
		return false;
	if (diagnosis.worst.kind == ERROR_NONE)
		return true;
	return error_set(err, diagnosis.worst.kind, "not everything is in order");
}

#define AT(member) offsetof(struct doctor_args, member)

static const struct option doctor_options[] = {
	VARIABLE_OPTIONS(AT(variables), "recipe"),
	{"--channel", 0, OPTION_TEXT, AT(channel), "NAME", "publish to this channel instead of the recipe's"},
	{0},
};

const struct command command_doctor = {
	.name = "doctor",
	.synopsis = "[RECIPE]",
	.summary = "check settings, database, credentials and tools; with a recipe, whether a build of it would work",
	.description =
		"With a recipe: everything that can be known before anything is made: endpoints, permissions, names, "
		"types, addresses, quotas,\n"
		"accounts. All findings are told at once; nothing is changed. \"unknown\" is what these credentials "
		"may not look at.",
	.options = doctor_options,
	.args_size = sizeof(struct doctor_args),
	.operands_offset = AT(recipes),
	.most_operands = 1,
	.run = doctor_run,
};
