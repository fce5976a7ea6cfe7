/* SPDX-License-Identifier: Apache-2.0
 *
 * `bakery diff`: what differs between two builds. It only reads the database. */
#include <stdio.h>

#include "bakery/command.h"
#include "bakery/difference.h"
#include "bakery/log.h"

struct diff_args {
	struct text_list builds;
};

struct side { /* of the comparison; owned */
	char id[BUILD_ID_SIZE];
	struct tree *build, *sbom, *etc;
};

static void side_free(struct side *side)
{
	tree_free(side->build);
	tree_free(side->sbom);
	tree_free(side->etc);
}

/* *out stays NULL when the build has none. */
static bool document_load(struct app *app, const char *build, const char *kind, const char *name, struct tree **out,
			  struct error *err)
{
	_cleanup_(str_free) struct str text = STR_INIT;

	if (!store_document_get(app->store, build, kind, name, &text, err)) {
		if (!error_is(err, ERROR_ABSENT))
			return false;
		error_clear(err);
		log_warn(app->log,
			 "build %s has no %s: it ended before its image was tested, or an older bakery made it", build,
			 str_eq(kind, "sbom") ? "SBOM; packages are not compared"
					      : "list of /etc; its files are not compared");
		return true;
	}
	*out = tree_from_json(text.data, text.len, err);
	return *out || error_context(err, "build %s: the stored %s", build, kind);
}

static bool side_load(struct app *app, const char *name, struct side *side, struct error *err)
{
	return store_find(app->store, name, side->id, err) && store_show(app->store, side->id, &side->build, err) &&
	       document_load(app, side->id, "sbom", "cyclonedx", &side->sbom, err) &&
	       document_load(app, side->id, "files", "etc", &side->etc, err);
}

static bool page_print(const struct tree *difference, struct error *err)
{
	_cleanup_(str_free) struct str page = STR_INIT;

	difference_page(&page, difference, output_terminal_width(stdout));
	return output_text(stdout, &page, err);
}

static const struct column row_columns[] = {
	{NULL, "section"}, {NULL, "change"}, {NULL, "name"},	 {NULL, "architecture"},
	{NULL, "before"},  {NULL, "after"},  {NULL, "before_s"}, {NULL, "after_s"},
};

static bool difference_print(struct app *app, const struct tree *difference, struct error *err)
{
	_cleanup_(tree_freep) struct tree *rows = NULL;

	if (app->format == OUTPUT_TABLE)
		return page_print(difference, err);
	if (app->format == OUTPUT_JSON)
		return output_object(stdout, app->format, difference, err);
	rows = difference_rows(difference);
	return output_rows(stdout, app->format, rows, row_columns, ARRAY_SIZE(row_columns), 0, err);
}

static bool diff_run(struct app *app, void *arguments, struct error *err)
{
	const struct diff_args *args = arguments;
	_cleanup_(side_free) struct side a = {0}, b = {0};
	_cleanup_(tree_freep) struct tree *difference = NULL;

	if (!side_load(app, args->builds.items[0], &a, err) || !side_load(app, args->builds.items[1], &b, err))
		return false;
	difference = difference_make(&(struct difference_side){a.build, a.sbom, a.etc},
				     &(struct difference_side){b.build, b.sbom, b.etc});
	return difference_print(app, difference, err);
}

const struct command command_diff = {
	.name = "diff",
	.synopsis = "A B",
	.summary = "what differs between two builds: packages, files, controls, recipe, times",
	.description = "A and B are build ids, beginnings of one, or AMIs; A is the older one by custom. Versions are "
		       "compared as dpkg and\n"
		       "rpm do. Only what differs is shown; --format json has all of it, csv and jsonl a row for each "
		       "difference.",
	.needs = NEEDS_STORE,
	.args_size = sizeof(struct diff_args),
	.operands_offset = offsetof(struct diff_args, builds),
	.least_operands = 2,
	.most_operands = 2,
	.run = diff_run,
};
