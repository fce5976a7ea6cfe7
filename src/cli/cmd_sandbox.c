/* SPDX-License-Identifier: Apache-2.0
 *
 * `bakery sandbox ...`: the local cloud. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "bakery/cli.h"
#include "bakery/mem.h"
#include "bakery/sandbox.h"
#include "bakery/str.h"

struct sandbox_args {
	const char *folder, *record, *policy, *name, *owner, *base;
	int64_t port, ready_fd;
	struct text_list settings, operands;
};
#define AT(member) offsetof(struct sandbox_args, member)
#define FOLDER_OPTION                                                                                                  \
	{                                                                                                              \
		"--folder", 0, OPTION_TEXT, AT(folder), "FOLDER",                                                      \
			"where its state is; default $BAKERY_SANDBOX, else ~/.local/state/bakery/sandbox"              \
	}
#define SERVE_OPTIONS                                                                                                  \
	FOLDER_OPTION, {"--port", 0, OPTION_INT, AT(port), "PORT", "on 127.0.0.1; default: any free one"},             \
		{"--set",      0,                                                                                      \
		 OPTION_TEXTS, AT(settings),                                                                           \
		 "NAME=VALUE", "latency.launch=3s, fault.CreateImage=500:2, ... (see docs/sandbox.md)"},               \
		{"--policy",                                                                                           \
		 0,                                                                                                    \
		 OPTION_TEXT,                                                                                          \
		 AT(policy),                                                                                           \
		 "FILE",                                                                                               \
		 "an IAM policy document: all that the sandbox's user may do; '' lifts it (default: everything)"},     \
	{                                                                                                              \
		"--record", 0, OPTION_TEXT, AT(record), "FILE",                                                        \
			"write each request and reply to FILE, one JSON line each"                                     \
	}

static const struct option folder_options[] = {FOLDER_OPTION, {NULL}};
static const struct option up_options[] = {SERVE_OPTIONS, {NULL}};
static const struct option serve_options[] = {
	SERVE_OPTIONS,
	{"--ready-fd", 0, OPTION_INT, AT(ready_fd), "FD", "descriptor that is told when it answers"},
	{NULL}};
static const struct option import_options[] = {
	FOLDER_OPTION,
	{"--name", 0, OPTION_TEXT, AT(name), "NAME", "the image's name; default: imported"},
	{"--owner", 0, OPTION_TEXT, AT(owner), "ACCOUNT",
	 "the account that owns the image; default: the sandbox's own"},
	{"--base", 0, OPTION_TEXT, AT(base), "SYSTEM",
	 "no new image: the files of a system that is only described (amazon-linux-2023, rhel-9, rocky-9)"},
	{NULL}};

/* The list with a NULL at its end; lives in the arena. */
static const char *const *terminated(struct app *app, const struct text_list *list)
{
	const char **items = arena_alloc(app->arena, (list->count + 1) * sizeof *items);
	if (list->count > 0)
		memcpy(items, list->items, list->count * sizeof *items);
	return items;
}

static struct sandbox_options options_of(struct app *app, const struct sandbox_args *args)
{
	return (struct sandbox_options){
		.folder = args->folder,
		.port = (int)args->port,
		.settings = terminated(app, &args->settings),
		.policy = args->policy,
		.record = args->record,
		.ready_fd = (int)args->ready_fd,
		.log = app->log,
		.stop = app->stop,
	};
}

/* --- up, serve, down, reset --- */

static bool show_address(struct app *app, const struct sandbox_address *address, struct error *err)
{
	_cleanup_(tree_freep) struct tree *object = tree_new_object();
	tree_set_text(object, "endpoint", address->endpoint);
	tree_set_text(object, "region", address->region);
	tree_set_int(object, "pid", address->pid);
	return output_object(stdout, app->format, object, err);
}

static bool up_run(struct app *app, void *args, struct error *err)
{
	struct sandbox_options options = options_of(app, args);
	struct sandbox_address address;
	return sandbox_up(&options, &address, err) && show_address(app, &address, err);
}

const struct command command_sandbox_up = {
	.name = "sandbox up",
	.summary = "start the local cloud, or find the one that runs",
	.description = "Starts the sandbox in the background and waits until it answers. The first time it makes a "
		       "Debian root file system for\n"
		       "its machines, which takes a minute or two and needs the network. Settings given with --set are "
		       "also set on one\n"
		       "that runs already, and so is its policy.",
	.options = up_options,
	.args_size = sizeof(struct sandbox_args),
	.run = up_run,
};

static bool serve_run(struct app *app, void *args, struct error *err)
{
	struct sandbox_options options = options_of(app, args);
	return sandbox_serve(&options, err);
}

const struct command command_sandbox_serve = {
	.name = "sandbox serve",
	.summary = "serve the local cloud in the foreground",
	.options = serve_options,
	.args_size = sizeof(struct sandbox_args),
	.run = serve_run,
};

static bool down_run(struct app *app, void *args, struct error *err)
{
	struct sandbox_options options = options_of(app, args);
	if (sandbox_down(&options, err))
		return true;
	if (!error_is(err, ERROR_ABSENT))
		return false;
	log_info(app->log, "%s", err->text);
	error_clear(err);
	return true;
}

const struct command command_sandbox_down = {
	.name = "sandbox down",
	.summary = "stop the local cloud and its machines; what it knows is kept",
	.options = folder_options,
	.args_size = sizeof(struct sandbox_args),
	.run = down_run,
};

static bool reset_run(struct app *app, void *args, struct error *err)
{
	struct sandbox_options options = options_of(app, args);
	return ask(app, "Stop the sandbox and remove all its instances, images and parameters?", err) &&
	       sandbox_reset(&options, err);
}

const struct command command_sandbox_reset = {
	.name = "sandbox reset",
	.summary = "stop the local cloud and forget everything in it",
	.options = folder_options,
	.args_size = sizeof(struct sandbox_args),
	.run = reset_run,
};

/* --- status --- */

struct section {
	const char *title, *key;
	const struct column *columns;
	size_t count;
};

static const struct column instance_columns[] = {
	{"INSTANCE", "instance"}, {"STATE", "state"},	  {"ZONE", "zone"},   {"TYPE", "type"},
	{"IMAGE", "image"},	  {"ADDRESS", "address"}, {"LOGIN", "login"}, {"LAUNCHED", "launched", COLUMN_TIME}};
static const struct column image_columns[] = {{"REGION", "region"},
					      {"IMAGE", "image"},
					      {"STATE", "state"},
					      {"CREATED", "created", COLUMN_TIME},
					      {"NAME", "name"}};
static const struct column parameter_columns[] = {
	{"REGION", "region"}, {"PARAMETER", "name"}, {"VERSION", "version", COLUMN_NUMBER}, {"VALUE", "value"}};
static const struct section sections[] = {
	{"instances", "instances", instance_columns, ARRAY_SIZE(instance_columns)},
	{"own images", "images", image_columns, ARRAY_SIZE(image_columns)},
	{"parameters", "parameters", parameter_columns, ARRAY_SIZE(parameter_columns)},
};

static bool status_table(const struct tree *status, struct error *err)
{
	printf("endpoint  %s\nfolder    %s\nprocess   %s\nstarted   %s\n", tree_text_or(status, "endpoint", ""),
	       tree_text_or(status, "folder", ""), tree_text_or(status, "pid", ""),
	       tree_text_or(status, "started", ""));
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		const struct tree *rows = tree_key(status, sections[i].key);
		if (tree_count(rows) == 0) {
			printf("\nno %s\n", sections[i].title);
			continue;
		}
		putchar('\n');
		if (!output_rows(stdout, OUTPUT_TABLE, rows, sections[i].columns, sections[i].count, 0, err))
			return false;
	}
	return true;
}

static bool status_run(struct app *app, void *args, struct error *err)
{
	struct sandbox_options options = options_of(app, args);
	_cleanup_(tree_freep) struct tree *status = NULL;
	if (!sandbox_status(&options, &status, err))
		return false;
	return app->format == OUTPUT_TABLE ? status_table(status, err)
					   : output_object(stdout, app->format, status, err);
}

const struct command command_sandbox_status = {
	.name = "sandbox status",
	.summary = "show the local cloud's instances, images, parameters and settings",
	.options = folder_options,
	.args_size = sizeof(struct sandbox_args),
	.run = status_run,
};

/* --- operations --- */

static const struct column operation_columns[] = {{"SERVICE", "service"}, {"OPERATION", "operation"}};

static bool operations_run(struct app *app, void *args, struct error *err)
{
	_cleanup_(tree_freep) struct tree *rows = sandbox_operations();
	(void)args;
	return output_rows(stdout, app->format, rows, operation_columns, ARRAY_SIZE(operation_columns), 0, err);
}

const struct command command_sandbox_operations = {
	.name = "sandbox operations",
	.summary = "list what the local cloud offers: services and operations",
	.run = operations_run,
};

/* --- env, set, exec, import --- */

static bool env_run(struct app *app, void *args, struct error *err)
{
	struct sandbox_options options = options_of(app, args);
	struct sandbox_address address;
	if (!sandbox_find(&options, &address, err))
		return error_hint(err, "bakery sandbox up");
	printf("export AWS_ENDPOINT_URL=%s\n", address.endpoint);
	printf("export AWS_ACCESS_KEY_ID=%s\n", address.access_key);
	printf("export AWS_SECRET_ACCESS_KEY=%s\n", address.secret_key);
	printf("export AWS_DEFAULT_REGION=%s\n", address.region);
	printf("export AWS_REGION=%s\n", address.region);
	printf("export AWS_PAGER=\n");
	return true;
}

const struct command command_sandbox_env = {
	.name = "sandbox env",
	.summary = "print the shell lines that point an AWS client at the local cloud",
	.description = "eval \"$(bakery sandbox env)\"; aws --endpoint-url \"$AWS_ENDPOINT_URL\" ec2 describe-images "
		       "--owners self\n"
		       "(an awscli older than 2.13, such as Debian 12's, does not know AWS_ENDPOINT_URL by itself)",
	.options = folder_options,
	.args_size = sizeof(struct sandbox_args),
	.run = env_run,
};

static bool set_run(struct app *app, void *arguments, struct error *err)
{
	const struct sandbox_args *args = arguments;
	struct sandbox_options options = options_of(app, args);
	return sandbox_set(&options, terminated(app, &args->operands), err);
}

const struct command command_sandbox_set = {
	.name = "sandbox set",
	.synopsis = "NAME=VALUE...",
	.summary = "change settings of the running local cloud: latencies, faults, capacity",
	.options = folder_options,
	.args_size = sizeof(struct sandbox_args),
	.operands_offset = AT(operands),
	.least_operands = 1,
	.most_operands = -1,
	.run = set_run,
};

static bool exec_run(struct app *app, void *arguments, struct error *err)
{
	const struct sandbox_args *args = arguments;
	struct sandbox_options options = options_of(app, args);
	static const char *const shell[] = {"/bin/bash", "-l", NULL};
	const char *const *all = terminated(app, &args->operands);
	int status = 0;
	if (!sandbox_exec(&options, all[0], args->operands.count > 1 ? all + 1 : shell, &status, err))
		return false;
	return status == 0 || error_set(err, ERROR_FAILED, "it ended with status %d", status);
}

const struct command command_sandbox_exec = {
	.name = "sandbox exec",
	.synopsis = "INSTANCE [COMMAND...]",
	.summary = "run a command, or a shell, as root inside an instance's machine",
	.options = folder_options,
	.args_size = sizeof(struct sandbox_args),
	.operands_offset = AT(operands),
	.least_operands = 1,
	.most_operands = -1,
	.run = exec_run,
};

static bool import_run(struct app *app, void *arguments, struct error *err)
{
	const struct sandbox_args *args = arguments;
	struct sandbox_options options = options_of(app, args);
	char ami[32];
	if (args->base != NULL && (args->name != NULL || args->owner != NULL))
		return error_set(err, ERROR_USAGE,
				 "--base goes without --name and --owner: the publisher's images have theirs");
	if (args->base != NULL)
		return sandbox_import_base(&options, args->operands.items[0], args->base, err);
	if (!sandbox_import(&options, args->operands.items[0], args->name == NULL ? "imported" : args->name,
			    args->owner, ami, err))
		return false;
	_cleanup_(tree_freep) struct tree *object = tree_new_object();
	tree_set_text(object, "ami", ami);
	return output_object(stdout, app->format, object, err);
}

const struct command command_sandbox_import = {
	.name = "sandbox import",
	.synopsis = "TARBALL|FOLDER",
	.summary = "make a public image, in every region, of a root file system",
	.options = import_options,
	.args_size = sizeof(struct sandbox_args),
	.operands_offset = AT(operands),
	.least_operands = 1,
	.most_operands = 1,
	.run = import_run,
};
