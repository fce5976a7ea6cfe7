/* SPDX-License-Identifier: Apache-2.0
 *
 * --var and --var-file, as several commands take them. */
#include <string.h>

#include "bakery/str.h"
#include "variables.h"

bool variables_read(const struct variable_args *args, struct arena *arena, struct recipe_options *out, struct error *err)
{
	struct text_pair *pairs = arena_alloc(arena, (args->vars.count + 1) * sizeof(*pairs));

	for (size_t i = 0; i < args->vars.count; i++) {
		const char *text = args->vars.items[i], *equals = strchr(text, '=');
		if (!equals || equals == text)
			return error_set(err, ERROR_USAGE, "--var wants NAME=VALUE, not \"%s\"", text);
		pairs[i] = (struct text_pair){arena_strndup(arena, text, (size_t)(equals - text)), equals + 1};
	}
	out->vars = (struct text_map){pairs, args->vars.count};
	out->var_files = args->files;
	return true;
}
