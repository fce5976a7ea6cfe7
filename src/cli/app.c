/* SPDX-License-Identifier: Apache-2.0
 *
 * What every command may use: opened when the command needs it, released at the end. */
#include <stdlib.h>
#include <unistd.h>

#include "app.h"
#include "ask.h"
#include "bakery/file.h"
#include "bakery/sandbox.h"
#include "bakery/str.h"

static int name_find(const char *const *names, const char *name)
{
	for (int i = 0; names && names[i]; i++) {
		if (str_eq(name, names[i]))
			return i;
	}
	return -1;
}

static bool format_read(struct app *app, const char *name, const char *const *own, struct error *err)
{
	_cleanup_(str_free) struct str also = STR_INIT;
	int usual = name_find(output_format_names, name), special = name_find(own, name);

	if (usual >= 0)
		app->format = (enum output_format)usual;
	if (special >= 0)
		app->own_format = own[special];
	if (usual >= 0 || special >= 0)
		return true;
	for (; own && *own; own++)
		str_addf(&also, "%s%s", own[1] ? ", " : " or ", *own);
	return error_set(err, ERROR_USAGE, "--format wants table, json, jsonl%s csv%s, not \"%s\"",
			 also.len ? "," : " or", also.data, name);
}

static enum log_level level_of(const struct globals *globals)
{
	if (globals->quiet)
		return LOG_LEVEL_WARN;
	if (globals->trace)
		return LOG_LEVEL_TRACE;
	return globals->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
}

bool app_fill(struct app *app, const struct globals *globals, const char *const *formats, struct error *err)
{
	bool terminal = isatty(STDERR_FILENO) && !str_eq(getenv("TERM"), "dumb");
	const char *no_color = getenv("NO_COLOR");

	if (globals->format && !format_read(app, globals->format, formats, err))
		return false;
	app->yes = globals->yes;
	app->color = terminal && !globals->no_color && !(no_color && *no_color);
	app->live = terminal && !globals->quiet;
	app->region = globals->region;
	app->profile = globals->profile;
	app->config = globals->config;
	app->store_path = globals->store;
	app->events = globals->events;
	app->sandbox = globals->sandbox;
	app->log = log_new(STDERR_FILENO, level_of(globals), app->color);
	return true;
}

static const char *store_choose(struct app *app)
{
	const char *from_environment = getenv("BAKERY_STORE");
	_cleanup_(freep) char *state = NULL;

	if (app->store_path)
		return app->store_path;
	if (from_environment && *from_environment)
		return from_environment;
	if (app->settings.store)
		return app->settings.store;
	state = path_state_home();
	return arena_printf(app->arena, "%s/bakery/bakery.db", state);
}

static bool aws_prepare(struct app *app, struct error *err)
{
	struct aws_options options = {.profile = app->profile,
				      .region = app->region,
				      .region_otherwise = tree_text(app->settings.launch, "region"),
				      .log = app->log,
				      .stop = app->leave,
				      .ask = ask_secret,
				      .ask_cookie = app};
	struct sandbox_options sandbox = {.log = app->log, .stop = app->stop};
	struct sandbox_address address;

	if (app->sandbox) {
		if (!sandbox_up(&sandbox, &address, err))
			return error_context(err, "sandbox");
		options.endpoint = address.endpoint;
		options.access_key = address.access_key;
		options.secret_key = address.secret_key;
		if (!options.region)
			options.region = address.region;
	}
	return aws_open(&options, &app->aws, err);
}

static int64_t time_of_aws(void *aws)
{
	return aws_now_ms(aws);
}

bool app_open(struct app *app, unsigned needs, struct error *err)
{
	if (needs & NEEDS_SETTINGS && !settings_load(app->config, ".", app->arena, &app->settings, err))
		return false;
	if ((needs & NEEDS_STORE) == NEEDS_STORE && !store_open(store_choose(app), &app->store, err))
		return false;
	if (!(needs & NEEDS_AWS))
		return true;
	if (!aws_prepare(app, err))
		return false;
	if (app->store)
		store_use_clock(app->store, time_of_aws, app->aws);
	return true;
}

void app_release(struct app *app)
{
	store_close(app->store); /* it has its time from aws */
	aws_close(app->aws);
	log_free(app->log);
}
