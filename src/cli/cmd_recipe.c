/* SPDX-License-Identifier: Apache-2.0
 *
 * `bakery validate` and `bakery schema`: documents, offline. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/ansible.h"
#include "bakery/cli.h"
#include "bakery/faults.h"
#include "bakery/recipe.h"
#include "bakery/str.h"
#include "faults_tell.h"
#include "recipe_args.h"

struct validate_args {
	struct text_list recipes;
	struct variable_args variables;
};

static const struct column validate_columns[] = {
	{"RECIPE", "recipe", COLUMN_TEXT},
	{"FILE", "file", COLUMN_TEXT},
	{"STEPS", "steps", COLUMN_NUMBER},
	{"CONTROLS", "controls", COLUMN_NUMBER},
};

/* Steps and the different controls of a recipe's playbooks, those of the test included. */
static void count_steps(const struct struct_list *list, int64_t *steps, struct tree *controls)
{
	const struct playbook_use *uses = list->items;

	for (size_t i = 0; i < list->count; i++) {
		const struct playbook *playbook = uses[i].playbook;
		const struct step *items = playbook ? playbook->steps.items : NULL;
		for (size_t k = 0; playbook && k < playbook->steps.count; k++) {
			++*steps;
			for (size_t c = 0; c < items[k].controls.count; c++)
				tree_set_bool(controls, items[k].controls.items[c], true);
		}
	}
}

static void row_add(struct tree *rows, const struct recipe *recipe)
{
	_cleanup_(tree_freep) struct tree *controls = tree_new_object();
	struct tree *row = tree_add_object(rows);
	int64_t steps = 0;

	count_steps(&recipe->playbooks, &steps, controls);
	count_steps(&recipe->verify.playbooks, &steps, controls);
	tree_set_text(row, "recipe", recipe->name);
	tree_set_text(row, "file", recipe->file);
	tree_set_bool(row, "valid", true);
	tree_set_int(row, "steps", steps);
	tree_set_int(row, "controls", (int64_t)tree_count(controls));
	tree_set_text(row, "sha256", recipe->sha256);
}

/* For programs: what is wrong, where. Tables and CSV have valid recipes only; people read the faults on stderr. */
static void faulty_row_add(struct tree *rows, const char *name, struct faults *faults)
{
	struct tree *row = tree_add_object(rows), *list;

	tree_set_text(row, "recipe", name);
	tree_set_bool(row, "valid", false);
	list = tree_set_array(row, "faults");
	faults_sort(faults);
	for (size_t i = 0; i < faults->count; i++) {
		struct tree *fault = tree_add_object(list);
		tree_set_text(fault, "file", faults->items[i].file);
		tree_set_int(fault, "line", faults->items[i].line);
		tree_set_int(fault, "column", faults->items[i].column);
		tree_set_text(fault, "text", faults->items[i].text);
	}
}

/* What a person can know before a build without AWS: that Ansible is here, and can read the playbooks. */
static bool ansible_look(struct app *app, const struct struct_list *list, struct faults *faults, struct error *err)
{
	const struct playbook_use *uses = list->items;

	for (size_t i = 0; i < list->count; i++) {
		const char *line = strrchr(uses[i].source, ':');
		struct error wrong = {0};

		if (!uses[i].ansible ||
		    (ansible_programs_check(&wrong) && ansible_syntax_check(uses[i].playbook, app->stop, &wrong)))
			continue;
		if (error_is(&wrong, ERROR_STOPPED)) {
			*err = wrong;
			return false;
		}
		faults_add(faults, arena_strndup(app->arena, uses[i].source, (size_t)(line - uses[i].source)),
			   atoi(line + 1), 0, "ansible: %s", wrong.text);
	}
	return true;
}

static bool validate_all(struct app *app, const struct text_list *names, const struct recipe_options *options,
			 struct tree *rows, struct faults *faults, struct error *err)
{
	bool for_programs = app->format == OUTPUT_JSON || app->format == OUTPUT_JSONL;

	for (size_t i = 0; i < names->count; i++) {
		_cleanup_(faults_free) struct faults own = FAULTS_INIT;
		struct recipe *recipe;
		if (!recipe_read(&app->settings, names->items[i], options, app->arena, &recipe, &own, err))
			return false;
		if (recipe && (!ansible_look(app, &recipe->playbooks, &own, err) ||
			       !ansible_look(app, &recipe->verify.playbooks, &own, err)))
			return false;
		if (recipe && !own.count)
			row_add(rows, recipe);
		else if (for_programs)
			faulty_row_add(rows, names->items[i], &own);
		faults_move(&own, faults);
	}
	return true;
}

static bool validate_run(struct app *app, void *arguments, struct error *err)
{
	struct validate_args *args = arguments;
	struct recipe_options options = {.region = app->region};
	_cleanup_(tree_freep) struct tree *rows = tree_new_array();
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;

	return variables_read(&args->variables, app->arena, &options, err) &&
	       (args->recipes.count || own_recipes(app, &args->recipes, err)) &&
	       validate_all(app, &args->recipes, &options, rows, &faults, err) &&
	       ((app->format == OUTPUT_TABLE && !tree_count(rows)) ||
		output_rows(stdout, app->format, rows, validate_columns, ARRAY_SIZE(validate_columns), 0, err)) &&
	       faults_tell(&faults, err);
}

static const struct option validate_options[] = {
	VARIABLE_OPTIONS(offsetof(struct validate_args, variables), "recipe"),
	{0},
};

const struct command command_validate = {
	.name = "validate",
	.synopsis = "[RECIPE...]",
	.summary = "check recipes and their playbooks; offline",
	.description = "Prints every fault of every recipe as file:line:column: key: what is wrong, and exits with 3 "
		       "when there is one.\n"
		       "Without a name, all recipes in the search paths are checked. Ansible playbooks are read by "
		       "ansible-playbook --syntax-check.",
	.needs = NEEDS_SETTINGS,
	.options = validate_options,
	.args_size = sizeof(struct validate_args),
	.operands_offset = offsetof(struct validate_args, recipes),
	.most_operands = -1,
	.run = validate_run,
};

/* --- schema --- */

struct schema_args {
	struct text_list kinds;
	bool reference;
};

static const struct {
	const char *name;
	const struct field *fields;
} kinds[] = {{"recipe", recipe_fields}, {"playbook", playbook_fields}, {"settings", settings_fields}};

static bool schema_print(const struct field *fields, bool reference)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	_cleanup_(tree_freep) struct tree *schema = NULL;

	if (reference) {
		fields_reference(fields, &text);
	} else {
		schema = fields_schema(fields);
		tree_to_json_pretty(schema, &text);
		str_add(&text, "\n");
	}
	fputs(text.data, stdout);
	return true;
}

static bool schema_run(struct app *app, void *arguments, struct error *err)
{
	const struct schema_args *args = arguments;
	const char *wanted = args->kinds.count ? args->kinds.items[0] : "recipe";

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_eq(kinds[i].name, wanted))
			return schema_print(kinds[i].fields, args->reference);
	return error_set(err, ERROR_USAGE, "there is no schema of \"%s\"; there are recipe, playbook and settings",
			 wanted);
}

static const struct option schema_options[] = {
	{"--reference", 0, OPTION_FLAG, offsetof(struct schema_args, reference), NULL,
	 "print the keys as a Markdown table instead"},
	{0},
};

const struct command command_schema = {
	.name = "schema",
	.synopsis = "[recipe|playbook|settings]",
	.summary = "print the JSON Schema of a document, for editors",
	.description = "With the YAML language server: `bakery schema recipe > recipe.schema.json`, and at the top of "
		       "a recipe\n"
		       "# yaml-language-server: $schema=recipe.schema.json",
	.options = schema_options,
	.args_size = sizeof(struct schema_args),
	.operands_offset = offsetof(struct schema_args, kinds),
	.most_operands = 1,
	.run = schema_run,
};
