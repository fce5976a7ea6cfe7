/* SPDX-License-Identifier: Apache-2.0
 *
 * Recipes as several commands take them: --var, --var-file, all of the project. */
#ifndef BAKERY_CLI_RECIPE_ARGS_H
#define BAKERY_CLI_RECIPE_ARGS_H

#include "bakery/command.h"

struct variable_args {
	struct text_list vars, files;
};

#define VARIABLE_OPTIONS(offset, document)                                                                             \
	{"--var",      0,                                                                                              \
	 OPTION_TEXTS, (offset) + offsetof(struct variable_args, vars),                                                \
	 "NAME=VALUE", "set a variable of the " document},                                                             \
	{                                                                                                              \
		"--var-file", 0, OPTION_TEXTS, (offset) + offsetof(struct variable_args, files), "FILE",               \
			"set variables from a YAML map"                                                                \
	}

bool variables_read(const struct variable_args *args, struct arena *arena, struct recipe_options *out,
		    struct error *err) must_check;

/* The names of the project's own recipes; ERROR_USAGE when there is none. */
bool own_recipes(struct app *app, struct text_list *out, struct error *err) must_check;

#endif
