/* SPDX-License-Identifier: Apache-2.0
 *
 * `bakery sbom`: the software bill of materials of a build's image. It only reads the database. */
#include <stdio.h>
#include <string.h>

#include "bakery/command.h"
#include "build_choose.h"

struct sbom_args {
	struct text_list build;
};

static const char *const sbom_formats[] = {"cyclonedx", NULL};

static const struct column sbom_columns[] = {
	{"TYPE", "type"},	  {"NAME", "name"},	{"VERSION", "version"},
	{"ARCH", "architecture"}, {"SOURCE", "source"}, {"SHA256", "sha256"},
};
static const struct column sbom_csv_columns[] = {
	{NULL, "type"},	  {NULL, "name"},	    {NULL, "version"}, {NULL, "architecture"},
	{NULL, "source"}, {NULL, "source_version"}, {NULL, "purl"},    {NULL, "sha256"},
};

/* Packages first say what they are: deb, rpm. */
static struct tree *row_of(const struct tree *component)
{
	static const char *const members[] = {"type", "name", "version", "purl"};
	static const char prefix[] = "bakery:";
	struct tree *row = tree_new_object();

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		tree_set_text(row, members[i], tree_text(component, members[i]));
	for (struct tree_iter i = tree_iter(tree_get(component, "properties")); tree_next(&i);) {
		const char *name = tree_text_or(i.value, "name", ""), *value = tree_text(i.value, "value");
		if (str_eq(name, "bakery:package_type"))
			tree_set_text(row, "type", value);
		else if (str_starts(name, prefix))
			tree_set_text(row, name + strlen(prefix), value);
	}
	if (tree_text(component, "hashes.1.content"))
		tree_set_text(row, "sha256", tree_text(component, "hashes.1.content"));
	return row;
}

static struct tree *rows_of(const struct tree *sbom)
{
	struct tree *rows = tree_new_array();

	for (struct tree_iter i = tree_iter(tree_get(sbom, "components")); tree_next(&i);)
		tree_add(rows, row_of(i.value));
	return rows;
}

static bool rows_print(struct app *app, const struct str *text, struct error *err)
{
	_cleanup_(tree_freep) struct tree *sbom = tree_from_json(text->data, text->len, err), *rows = NULL;

	if (!sbom)
		return error_context(err, "the stored SBOM");
	rows = rows_of(sbom);
	if (app->format == OUTPUT_CSV)
		return output_rows(stdout, app->format, rows, sbom_csv_columns, ARRAY_SIZE(sbom_csv_columns), 0, err);
	return output_rows(stdout, app->format, rows, sbom_columns, ARRAY_SIZE(sbom_columns),
			   output_terminal_width(stdout), err);
}

static bool sbom_run(struct app *app, void *arguments, struct error *err)
{
	const struct sbom_args *args = arguments;
	_cleanup_(str_free) struct str text = STR_INIT;
	char build[BUILD_ID_SIZE];

	if (!build_choose(app, &args->build, build, err))
		return false;
	if (!store_document_get(app->store, build, "sbom", "cyclonedx", &text, err)) {
		if (error_is(err, ERROR_ABSENT))
			error_set(err, ERROR_ABSENT,
				  "build %s has no SBOM: it ended before its image was tested, or an older bakery made "
				  "it",
				  build);
		return false;
	}
	/* Byte for byte what was stored: its sha256 is the one in the record and in the published metadata. */
	if (app->own_format || app->format == OUTPUT_JSON)
		return output_text(stdout, &text, err);
	return rows_print(app, &text, err);
}

const struct command command_sbom = {
	.name = "sbom",
	.synopsis = "[BUILD|AMI]",
	.summary = "print what is in an image: its software bill of materials",
	.description =
		"--format json (or cyclonedx) is the CycloneDX 1.5 document as it was taken on a fresh instance and "
		"stored;\n"
		"table and csv list its packages and the files under /opt. Without a build, the newest one's.",
	.needs = NEEDS_STORE,
	.formats = sbom_formats,
	.args_size = sizeof(struct sbom_args),
	.operands_offset = offsetof(struct sbom_args, build),
	.most_operands = 1,
	.run = sbom_run,
};
