/* SPDX-License-Identifier: Apache-2.0
 *
 * What build and resume print when they are through: a row for each build and, for people, where the images are. */
#include <stdio.h>

#include "results.h"

static const struct column columns[] = {
	{"RECIPE", "recipe", COLUMN_TEXT},	    {"BUILD", "build", COLUMN_TEXT},
	{"STATUS", "status", COLUMN_TEXT},	    {"TOOK", "duration_s", COLUMN_DURATION},
	{"REGION", "images.1.region", COLUMN_TEXT}, {"IMAGE", "images.1.ami", COLUMN_TEXT},
};

static const struct column image_columns[] = {
	{"RECIPE", "recipe", COLUMN_TEXT},	 {"BUILD", "build", COLUMN_TEXT},   {"STATUS", "status", COLUMN_TEXT},
	{"TOOK", "duration_s", COLUMN_DURATION}, {"REGION", "region", COLUMN_TEXT}, {"IMAGE", "ami", COLUMN_TEXT},
	{"PARAMETER", "parameter", COLUMN_TEXT},
};

static const char *parameter_of(const struct tree *build, const char *ami)
{
	for (struct tree_iter i = tree_iter(tree_key(build, "parameters")); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "value"), ami))
			return tree_text(i.value, "name");
	}
	return NULL;
}

static void image_rows_add(struct tree *rows, const struct tree *build)
{
	static const char *const keys[] = {"recipe", "build", "status", "duration_s"};
	const struct tree *images = tree_key(build, "images");
	size_t count = tree_count(images) ? tree_count(images) : 1;

	for (size_t i = 0; i < count; i++) {
		const struct tree *image = tree_at(images, i);
		struct tree *row = tree_add_object(rows);

		for (size_t j = 0; j < ARRAY_SIZE(keys); j++) {
			if (tree_key(build, keys[j]))
				tree_set(row, keys[j], tree_copy(tree_key(build, keys[j])));
		}
		if (!image)
			continue;
		tree_set_text(row, "region", tree_text(image, "region"));
		tree_set_text(row, "ami", tree_text(image, "ami"));
		if (parameter_of(build, tree_text(image, "ami")))
			tree_set_text(row, "parameter", parameter_of(build, tree_text(image, "ami")));
	}
}

/* How long the good build took once says nothing of now. */
static void mark_unchanged(struct tree *build)
{
	tree_set_text(build, "status", "unchanged");
	tree_remove(build, "duration_s");
}

bool results_show(struct app *app, const struct shown_build *builds, size_t count, struct error *err)
{
	_cleanup_(tree_freep) struct tree *rows = tree_new_array(), *lines = tree_new_array();

	for (size_t i = 0; i < count; i++) {
		_cleanup_(tree_freep) struct tree *build = NULL;
		if (!store_show(app->store, builds[i].build, &build, err))
			return false;
		if (builds[i].unchanged)
			mark_unchanged(build);
		image_rows_add(lines, build);
		tree_add(rows, take(&build));
	}
	if (!count)
		return true;
	if (app->format == OUTPUT_TABLE)
		return output_rows(stdout, app->format, lines, image_columns, ARRAY_SIZE(image_columns), 0, err);
	return output_rows(stdout, app->format, rows, columns, ARRAY_SIZE(columns), 0, err);
}
