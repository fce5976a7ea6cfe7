/* SPDX-License-Identifier: Apache-2.0
 *
 * `bakery version` and `bakery help`. */
#include <stdio.h>

#include "bakery/cli.h"
#include "bakery/str.h"
#include "config.h"
#include "help.h"

static bool version_run(struct app *app, void *args, struct error *err)
{
	_cleanup_(tree_freep) struct tree *object = tree_new_object();

	if (app->format == OUTPUT_TABLE) {
		puts("bakery " BAKERY_VERSION);
		return true;
	}
	tree_set_text(object, "version", BAKERY_VERSION);
	return output_object(stdout, app->format, object, err);
}

const struct command command_version = {
	.name = "version",
	.summary = "say which version this is",
	.args_size = 1,
	.run = version_run,
};

struct help_args {
	struct text_list words;
};

static bool help_run(struct app *app, void *args, struct error *err)
{
	const struct help_args *help = args;
	_cleanup_(str_free) struct str name = STR_INIT;

	str_add_joined(&name, " ", help->words.items, help->words.count);
	if (!name.len) {
		help_overview(stdout);
		return true;
	}
	for (const struct command *const *command = commands; *command; command++) {
		if (str_eq((*command)->name, name.data)) {
			help_command(stdout, *command);
			return true;
		}
	}
	if (!help_has_group(name.data))
		return error_set(err, ERROR_USAGE, "there is no command \"%s\"; `bakery help` lists them", name.data);
	help_group(stdout, name.data);
	return true;
}

const struct command command_help = {
	.name = "help",
	.synopsis = "[COMMAND]",
	.summary = "explain a command",
	.args_size = sizeof(struct help_args),
	.most_operands = 2,
	.run = help_run,
};
