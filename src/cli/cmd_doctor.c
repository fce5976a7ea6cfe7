/* SPDX-License-Identifier: Apache-2.0
 *
 * `bakery doctor`: whether everything that bakery needs is there; all findings at once. */
#include <stdio.h>

#include "app.h"
#include "bakery/cli.h"
#include "bakery/process.h"
#include "bakery/sandbox.h"
#include "bakery/str.h"

/* Each check says what is well, or fails with what is not. */
typedef bool doctor_check(struct app *app, struct str *well, struct error *err);

static bool settings_check(struct app *app, struct str *well, struct error *err)
{
	if (!app_open(app, NEEDS_SETTINGS, err))
		return false;
	str_addf(well, "%s", app->settings.file ? app->settings.file : "none; defaults are used");
	return true;
}

static bool recipes_check(struct app *app, struct str *well, struct error *err)
{
	struct text_map all;

	if (!app->settings.folder)
		return error_set(err, ERROR_FAILED, "not looked at, since the settings cannot be read");
	recipe_list(&app->settings, app->arena, &all);
	str_addf(well, "%zu found", all.count);
	return true;
}

static bool store_check(struct app *app, struct str *well, struct error *err)
{
	if (!app->store && !app_open(app, NEEDS_STORE, err))
		return false;
	if (!store_record_verify(app->store, err))
		return false;
	str_addf(well, "%s, records unchanged", store_path(app->store));
	return true;
}

static bool credentials_check(struct app *app, struct str *well, struct error *err)
{
	struct aws_identity identity;

	if (!app->aws && !app_open(app, NEEDS_AWS, err))
		return false;
	if (!aws_region(app->aws))
		return error_set(err, ERROR_FAILED,
				 "no region: set AWS_REGION, give --region, or name one in the recipe (launch.region)");
	if (!aws_identity(app->aws, NULL, &identity, err))
		return false;
	str_addf(well, "%s, from %s, region %s", identity.arn, aws_credentials_source(app->aws), aws_region(app->aws));
	return true;
}

static bool git_check(struct app *app, struct str *well, struct error *err)
{
	if (!process_available("git"))
		return error_set(err, ERROR_FAILED, "git is not installed; records will lack the commit");
	str_add(well, "found");
	return true;
}

static bool machines_can_run(struct app *app, struct str *well, struct error *err)
{
	if (!sandbox_check(err))
		return false;
	str_add(well, "this host can run the sandbox's machines");
	return true;
}

static const struct {
	const char *name;
	bool optional; /* a failure is a warning */
	doctor_check *check;
} checks[] = {
	{"settings", false, settings_check},
	{"recipes", false, recipes_check},
	{"database", false, store_check},
	{"credentials", false, credentials_check},
	{"git", true, git_check},
	{"sandbox", true, machines_can_run},
};

static const struct column columns[] = {
	{"CHECK", "check", COLUMN_TEXT},
	{"RESULT", "result", COLUMN_TEXT},
	{"DETAIL", "detail", COLUMN_TEXT},
};

static bool doctor_run(struct app *app, void *args, struct error *err)
{
	_cleanup_(tree_freep) struct tree *rows = tree_new_array();
	struct error worst = {0};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		_cleanup_(str_free) struct str well = STR_INIT;
		struct error failure = {0};
		bool fine = checks[i].check(app, &well, &failure);
		struct tree *row = tree_add_object(rows);

		tree_set_text(row, "check", checks[i].name);
		tree_set_text(row, "result", fine ? "ok" : checks[i].optional ? "warning" : "failed");
		tree_set_text(row, "detail", fine ? well.data : failure.text);
		if (!fine && !checks[i].optional && worst.kind == ERROR_NONE)
			worst = failure;
	}
	if (!output_rows(stdout, app->format, rows, columns, ARRAY_SIZE(columns), 0, err))
		return false;
	if (worst.kind == ERROR_NONE)
		return true;
	return error_set(err, worst.kind, "not everything is in order");
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "check settings, database, credentials and tools",
	.args_size = 1,
	.run = doctor_run,
};
