/* SPDX-License-Identifier: Apache-2.0
 *
 * Recipes as several commands take them: --var, --var-file, all of the project. */
#include <string.h>

#include "bakery/str.h"
#include "recipe_args.h"

bool variables_read(const struct variable_args *args, struct arena *arena, struct recipe_options *out,
		    struct error *err)
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

bool own_recipes(struct app *app, struct text_list *out, struct error *err)
{
	struct text_map all;
	const char **names;

	recipe_list_own(&app->settings, app->arena, &all);
	names = arena_alloc(app->arena, (all.count + 1) * sizeof(*names));
	for (size_t i = 0; i < all.count; i++)
		names[i] = all.items[i].key;
	*out = (struct text_list){names, all.count};
	return all.count || error_set(err, ERROR_USAGE, "there are no recipes");
}
