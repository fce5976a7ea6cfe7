/* SPDX-License-Identifier: Apache-2.0
 *
 * From a recipe's file to struct recipe: find, extend, replace variables, decode, check, load playbooks, hash. Every
 * fault of recipe and playbooks is found in one run. */
#include "bakery/recipe.h"

#include <stdlib.h>
#include <string.h>

#include "bakery/file.h"
#include "bakery/str.h"
#include "document.h"
#include "extends.h"
#include "load.h"
#include "search.h"
#include "shapes.h"
#include "variables.h"

static const char build_variable[] = "{{ build }}"; /* as variables.c leaves it */

char *recipe_with_build(const char *text, const char *build)
{
	struct str out = STR_INIT;

	for (const char *at; (at = strstr(text, build_variable)); text = at + sizeof(build_variable) - 1) {
		str_add_n(&out, text, (size_t)(at - text));
		str_add(&out, build);
	}
	str_add(&out, text);
	return str_take(&out);
}

void load_fault(const struct load *load, const char *path, const char *fmt, ...)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	_cleanup_(freep) char *around = mem_strdup(path);
	const struct tree *node = tree_get(load->tree, path);
	va_list args;

	va_start(args, fmt);
	str_vaddf(&text, fmt, args);
	va_end(args);
	while (!node && *around) {
		char *dot = strrchr(around, '.');
		*(dot ? dot : around) = '\0';
		node = tree_get(load->tree, around);
	}
	faults_add_at(load->faults, load->shown, node, "%s: %s", path, text.data);
}

const char *load_folder(const struct load *load, const struct tree *node)
{
	const char *file = tree_position(node).file;
	_cleanup_(freep) char *folder = path_folder(file ? file : load->path);

	return search_absolute(NULL, folder, load->arena);
}

/* --- finding --- */

static bool find(struct load *load, const char *name_or_file, struct error *err)
{
	const struct text_list *folders = &load->settings->recipes;
	bool is_path = search_is_path(name_or_file);

	load->path = is_path ? search_absolute(NULL, name_or_file, load->arena)
			     : search_file(folders, name_or_file, load->arena);
	if (!load->path)
		return error_set(err, ERROR_USAGE, "there is no recipe %s%s", name_or_file,
				 search_hint(folders, name_or_file, load->arena));
	if (is_path && !file_exists(load->path))
		return error_set(err, ERROR_USAGE, "there is no recipe file %s", name_or_file);
	load->shown = search_shown(load->path, load->arena);
	return true;
}

/* --- the document --- */

static void put(struct tree *document, const char *outer, const char *inner, const char *value, const char *option)
{
	struct tree *map = tree_set_object(document, outer);

	tree_set(map, inner, tree_mark(tree_new_text(value), (struct tree_position){.file = option}));
}

/* Settings' defaults beneath, the command line on top. */
static struct tree *complete(const struct load *load, struct tree *document)
{
	_cleanup_(tree_freep) struct tree *beneath = tree_new_object();
	_cleanup_(tree_freep) struct tree *top = tree_new_object();
	_cleanup_(tree_freep) struct tree *based = NULL;

	if (load->settings->launch)
		tree_set(beneath, "launch", tree_share(load->settings->launch));
	if (load->options->region)
		put(top, "launch", "region", load->options->region, "--region");
	if (load->options->channel)
		put(top, "publish", "channel", load->options->channel, "--channel");
	based = extends_merge(beneath, document);
	return document_keep(extends_merge(based, top), load->arena);
}

static const char *file_name(const struct load *load)
{
	const char *base = strrchr(load->path, '/') + 1;

	return arena_strndup(load->arena, base, strlen(base) - (str_ends(base, ".yaml") ? 5 : 0));
}

/* --- variables --- */

static bool is_declared(const struct tree *variables, const char *name)
{
	return tree_key(variables, name) != NULL;
}

static const char *unknown(const struct load *load, const struct tree *variables, const char *name)
{
	struct text_map known = {0};

	for (struct tree_iter i = tree_iter(variables); tree_next(&i);)
		text_map_put(&known, i.key, "", load->arena);
	return variables_unknown(name, &known, load->faults, load->arena);
}

static void give_from_file(const struct load *load, const char *file, const struct tree *variables,
			   struct text_map *given)
{
	const struct tree *document = document_read(file, file, load->arena, load->faults);

	if (document && tree_kind(document) != TREE_OBJECT)
		faults_add_at(load->faults, file, document, "must be a map of variables, not %s",
			      tree_kind_name(tree_kind(document)));
	for (struct tree_iter i = tree_iter(document); i.tree && tree_next(&i);) {
		if (!is_declared(variables, i.key))
			faults_add_at_key(load->faults, file, i.value, "%s", unknown(load, variables, i.key));
		else if (!tree_text(i.value, NULL))
			faults_add_at(load->faults, file, i.value, "%s: must be text, not %s", i.key,
				      tree_kind_name(tree_kind(i.value)));
		else
			text_map_put(given, i.key, tree_text(i.value, NULL), load->arena);
	}
}

static struct text_map given_variables(const struct load *load, const struct tree *variables)
{
	const struct recipe_options *options = load->options;
	struct text_map given = {0};

	for (size_t i = 0; i < options->var_files.count; i++)
		give_from_file(load, options->var_files.items[i], variables, &given);
	for (size_t i = 0; i < options->vars.count; i++) {
		const struct text_pair *pair = &options->vars.items[i];
		if (is_declared(variables, pair->key))
			text_map_put(&given, pair->key, pair->value, load->arena);
		else
			faults_add(load->faults, "--var", 0, 0, "%s", unknown(load, variables, pair->key));
	}
	return given;
}

static void check_all_given(const struct load *load, const struct text_map *map, const struct tree *variables)
{
	for (size_t i = 0; i < map->count; i++)
		if (!map->items[i].value)
			faults_add_at(load->faults, load->shown, tree_key(variables, map->items[i].key),
				      "variables.%s: has no value here: give one with --var %s=...", map->items[i].key,
				      map->items[i].key);
}

/* The resolved variables in place of the written ones. */
static struct tree *resolved(const struct text_map *map, const struct tree *variables)
{
	struct tree *tree = tree_mark(tree_new_object(), tree_position(variables));

	for (size_t i = 0; i < map->count; i++)
		tree_set(tree, map->items[i].key,
			 tree_mark(tree_new_text(map->items[i].value),
				   tree_position(tree_key(variables, map->items[i].key))));
	return tree;
}

static struct tree *replace_variables(const struct load *load, const struct tree *document, const char *name)
{
	static const char *const build_keys[] = {"image.name", "image.description", NULL};
	static const char *const literal[] = {"bakery", "extends", "name"};
	const struct tree *variables = tree_key(document, "variables");
	const struct text_map given = given_variables(load, variables);
	struct text_map known = {0}, built_in = {0}, own;
	struct scope scope = {.known = &known, .build_keys = build_keys, .faults = load->faults, .arena = load->arena};
	struct tree *replaced = document_keep(tree_mark(tree_new_object(), tree_position(document)), load->arena);

	text_map_put(&built_in, "recipe", name, load->arena);
	own = variables_declare(variables, "variables", &given, &built_in, load->arena, load->faults);
	check_all_given(load, &own, variables);
	for (size_t i = 0; i < own.count; i++)
		text_map_put(&known, own.items[i].key, own.items[i].value, load->arena);
	text_map_put(&known, "recipe", name, load->arena);
	for (struct tree_iter i = tree_iter(document); tree_next(&i);) {
		bool is_literal = false;
		for (size_t k = 0; k < ARRAY_SIZE(literal) && !is_literal; k++)
			is_literal = str_eq(literal[k], i.key);
		if (str_eq(i.key, "variables"))
			tree_set(replaced, i.key, resolved(&own, variables));
		else
			tree_set(replaced, i.key,
				 tree_share(is_literal ? i.value : variables_replace(&scope, i.value, i.key)));
	}
	return replaced;
}

/* --- the struct --- */

static void name_recipe(const struct load *load, const char *name_or_file)
{
	struct recipe *recipe = load->recipe;
	const char *called = file_name(load);

	if (recipe->name && shape_name(recipe->name) && !search_is_path(name_or_file) && !str_eq(recipe->name, called))
		load_fault(load, "name", "must be %s, as the file is called", called);
	if (!recipe->name)
		recipe->name = called;
	if (!tree_get(load->tree, "image.name"))
		recipe->image.name = arena_printf(load->arena, "%s-%s", recipe->name, build_variable);
}

static void fill_scanners(const struct scan *scan)
{
	struct scanner *scanners = scan ? scan->scanners.items : NULL;

	for (size_t i = 0; scan && i < scan->scanners.count; i++)
		if (!scanners[i].kind && scanners[i].command.count)
			scanners[i].kind = "command";
}

static void add_playbook_hashes(struct tree *document, const char *key, const struct struct_list *list)
{
	const struct playbook_use *uses = list->items;
	struct tree *hashes = tree_set_array(document, key);

	for (size_t i = 0; i < list->count; i++)
		tree_add_text(hashes, uses[i].playbook ? uses[i].playbook->sha256 : NULL);
}

/* The recipe as it will be built, whatever files it was spread over and wherever they lie. Taken before paths are made
 * absolute. */
static struct tree *canonical(const struct load *load)
{
	struct tree *document = fields_encode(recipe_fields, load->recipe);

	tree_remove(document, "extends");
	tree_remove(document, "variables"); /* what they did is in the texts */
	return document;
}

static void hash(const struct load *load, struct tree *document, struct tree *files)
{
	tree_set(document, "files", tree_share(files));
	add_playbook_hashes(document, "playbooks_sha256", &load->recipe->playbooks);
	add_playbook_hashes(document, "verify_sha256", &load->recipe->verify.playbooks);
	load->recipe->sha256 = tree_fingerprint(document, load->arena);
}

static void decode(struct load *load, const char *name_or_file)
{
	const struct fields_context context = {.file = load->shown, .faults = load->faults, .arena = load->arena};
	_cleanup_(tree_freep) struct tree *files = tree_new_object();
	_cleanup_(tree_freep) struct tree *document = NULL;

	load->recipe = arena_alloc(load->arena, sizeof(*load->recipe));
	fields_decode(recipe_fields, load->tree, "", load->recipe, &context);
	load->recipe->file = load->shown;
	load->recipe->folder = load_folder(load, NULL);
	name_recipe(load, name_or_file);
	fill_scanners(load->recipe->scan);
	document = canonical(load);
	rules_check(load);
	uses_load(load);
	login_check(load);
	waivers_check(load);
	files_resolve(load, files);
	hash(load, document, files);
}

static void read_document(struct load *load, const char *name_or_file)
{
	struct tree *document = extends_read(load->path, &load->settings->recipes, load->arena, load->faults);
	size_t first = load->faults->count, second;
	const char *name;

	if (!document)
		return;
	if (tree_kind(document) != TREE_OBJECT) {
		faults_add_at(load->faults, load->shown, document, "a recipe must be a map, not %s",
			      tree_kind_name(tree_kind(document)));
		return;
	}
	if (tree_key(document, "playbook") && !tree_key(document, "bakery")) {
		faults_add_at(load->faults, load->shown, document,
			      "is a playbook, not a recipe; `bakery playbook compile` checks one by itself");
		return;
	}
	document = complete(load, document);
	name = tree_text_or(tree_key(document, "name"), NULL, file_name(load));
	load->tree = replace_variables(load, document, name);
	second = load->faults->count;
	decode(load, name_or_file);
	faults_drop_echoes(load->faults, first, second);
}

bool recipe_read(const struct settings *settings, const char *name_or_file, const struct recipe_options *options,
		 struct arena *arena, struct recipe **out, struct faults *faults, struct error *err)
{
	static const struct recipe_options none;
	_cleanup_(faults_free) struct faults own = FAULTS_INIT;
	struct load load = {.settings = settings, .options = options ? options : &none, .arena = arena, .faults = &own};

	*out = NULL;
	if (!find(&load, name_or_file, err))
		return false;
	read_document(&load, name_or_file);
	if (own.count == 0)
		*out = load.recipe;
	faults_move(&own, faults);
	return true;
}

bool recipe_load(const struct settings *settings, const char *name_or_file, const struct recipe_options *options,
		 struct arena *arena, struct recipe **out, struct error *err)
{
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;

	return recipe_read(settings, name_or_file, options, arena, out, &faults, err) && faults_check(&faults, err);
}

static void list_in(const struct text_list *folders, struct arena *arena, struct text_map *out)
{
	struct text_map all;
	_cleanup_(arena_freep) struct arena *scratch = arena_new();

	search_all(folders, arena, &all);
	*out = (struct text_map){0};
	for (size_t i = 0; i < all.count; i++) {
		_cleanup_(faults_free) struct faults ignored = FAULTS_INIT; /* loading the recipe will tell them */
		const struct tree *tree = document_read(all.items[i].value, all.items[i].value, scratch, &ignored);
		if (!tree || tree_key(tree, "bakery"))
			text_map_put(out, all.items[i].key, all.items[i].value, arena);
	}
}

void recipe_list(const struct settings *settings, struct arena *arena, struct text_map *out)
{
	list_in(&settings->recipes, arena, out);
}

void recipe_list_own(const struct settings *settings, struct arena *arena, struct text_map *out)
{
	struct text_list own = settings->recipes;

	own.count -= own.count > 1; /* the shipped ones are last */
	list_in(&own, arena, out);
	if (!out->count)
		recipe_list(settings, arena, out);
}
