/* SPDX-License-Identifier: Apache-2.0
 *
 * From a playbook's file to the steps that will run: variables replaced, includes expanded, ids made unique, uploaded
 * files seen and hashed. Everything wrong becomes a fault; nothing is run here. */
#include "bakery/playbook.h"

#include <stdlib.h>
#include <string.h>

#include "bakery/file.h"
#include "bakery/str.h"
#include "document.h"
#include "playbook_private.h"
#include "search.h"
#include "shapes.h"
#include "variables.h"

enum { MOST_LEVELS = 16, MOST_STEPS = 5000, MOST_TEMPLATE = 1 << 20 };

struct whole { /* what one playbook with its includes adds up to */
	struct step *steps;
	size_t count;
	struct tree *ids;	/* id -> "file:line" of the step that has it */
	struct tree *files;	/* path -> true, of every playbook in it */
	struct tree *canonical; /* the steps as they are hashed */
	struct arena *arena;
	struct faults *faults;
};

struct level { /* one file on the way */
	const struct playbook_request *request;
	struct whole *whole;
	const struct level *above;
	int depth;
	const char *path, *shown, *folder, *name;
	struct text_map vars;
	const struct tree *steps; /* with variables replaced */
};

static void request_fault(const struct playbook_request *request, const char *fmt, ...) printf_like(2, 3);
static void request_fault(const struct playbook_request *request, const char *fmt, ...)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	const struct place *place = &request->place;
	va_list args;

	va_start(args, fmt);
	str_vaddf(&text, fmt, args);
	va_end(args);
	faults_add(request->faults, place->file, place->line, place->column, "%s%s%s", request->key,
		   *request->key ? ": " : "", text.data);
}

/* A relative path begins at the file that holds it, which not everybody expects. */
static const char *place_hint(const char *path, const struct playbook_request *request)
{
	const char *shown = search_shown(path, request->arena), *name = request->name_or_file;

	if (str_eq(shown, name) || (str_starts(name, "./") && str_eq(shown, name + 2)))
		return "";
	return arena_printf(request->arena, ": there is no file %s", shown);
}

static const char *find_file(const struct playbook_request *request)
{
	const struct text_list *folders = &request->settings->playbooks;
	const char *path = search_is_path(request->name_or_file)
				   ? search_absolute(request->folder, request->name_or_file, request->arena)
				   : search_file(folders, request->name_or_file, request->arena);

	if (path && file_exists(path))
		return path;
	request_fault(request, "there is no playbook %s%s", request->name_or_file,
		      path ? place_hint(path, request) : search_hint(folders, request->name_or_file, request->arena));
	return NULL;
}

static const char *name_of_file(const char *path, struct arena *arena)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	return arena_strndup(arena, base, strlen(base) - (str_ends(base, ".yaml") ? 5 : 0));
}

static bool in_circle(const struct level *level, const char *path)
{
	for (; level; level = level->above)
		if (str_eq(level->path, path))
			return true;
	return false;
}

static bool may_be_read(const struct level *above, const struct playbook_request *request, struct whole *whole,
			const char *path)
{
	if (in_circle(above, path))
		request_fault(request, "%s includes itself", request->name_or_file);
	else if (tree_key(whole->files, path))
		request_fault(request, "%s is included twice", request->name_or_file);
	else if (above && above->depth == MOST_LEVELS)
		request_fault(request, "more than %d playbooks inside each other", MOST_LEVELS);
	else
		return true;
	return false;
}

/* Variables that the request gives and the playbook does not know, or the other way round. */
static void check_given(const struct level *level)
{
	const struct text_map *given = level->request->vars;

	for (size_t i = 0; i < given->count; i++) {
		bool known = false;
		for (size_t k = 0; k < level->vars.count && !known; k++)
			known = str_eq(level->vars.items[k].key, given->items[i].key);
		if (!known)
			request_fault(level->request, "playbook %s: %s", level->name,
				      variables_unknown(given->items[i].key, &level->vars, level->request->faults,
							level->request->arena));
	}
	for (size_t i = 0; i < level->vars.count; i++)
		if (!level->vars.items[i].value)
			request_fault(level->request, "playbook %s needs a value for its variable %s", level->name,
				      level->vars.items[i].key);
}

/* The document with the variables of its steps replaced. */
static const struct tree *replace_steps(struct level *level, const struct tree *document)
{
	struct scope scope = {.known = &level->vars, .faults = level->request->faults, .arena = level->request->arena};
	struct tree *replaced = document_keep(tree_mark(tree_new_object(), tree_position(document)), scope.arena);

	for (struct tree_iter i = tree_iter(document); tree_next(&i);) {
		bool is_steps = str_eq(i.key, "steps");
		tree_set(replaced, i.key, tree_share(is_steps ? variables_replace(&scope, i.value, i.key) : i.value));
	}
	level->steps = tree_key(replaced, "steps");
	return replaced;
}

static void name_level(struct level *level, const struct tree *document)
{
	const struct tree *node = tree_key(document, "name");
	const char *file_name = name_of_file(level->path, level->request->arena), *name = tree_text(node, NULL);

	level->name = name ? name : file_name;
	if (name && shape_name(name) && !search_is_path(level->request->name_or_file) && !str_eq(name, file_name))
		faults_add_at(level->request->faults, NULL, node, "name: must be %s, as the file is called", file_name);
}

static bool read_wish(struct level *level, struct playbook_wish *wish)
{
	const struct playbook_request *request = level->request;
	const struct tree *document = document_read(level->path, level->shown, request->arena, request->faults);
	const struct fields_context context = {
		.file = level->shown, .faults = request->faults, .arena = request->arena};
	size_t first = request->faults->count, second;

	if (!document)
		return false;
	name_level(level, document);
	level->vars = variables_declare(tree_key(document, "vars"), "vars", request->vars, &(struct text_map){0},
					request->arena, request->faults);
	check_given(level);
	if (tree_kind(document) == TREE_OBJECT)
		document = replace_steps(level, document);
	second = request->faults->count;
	fields_decode(playbook_fields, document, "", wish, &context);
	faults_drop_echoes(request->faults, first, second);
	return true;
}

static struct step *new_step(struct whole *whole)
{
	if ((whole->count & (whole->count - 1)) == 0)
		whole->steps = mem_grow(whole->steps, whole->count ? 2 * whole->count : 1, sizeof(*whole->steps));
	return &whole->steps[whole->count++];
}

static void set_kind(struct step *step, size_t position, struct arena *arena)
{
	static const char *const names[] = {"step", "upload", "download", "reboot"};

	step->kind = step->upload     ? STEP_UPLOAD
		     : step->download ? STEP_DOWNLOAD
		     : step->reboot   ? STEP_REBOOT
				      : STEP_SHELL;
	if (!step->id)
		step->id = arena_printf(arena, "%s-%zu", names[step->kind], position);
}

static void set_id(const struct level *level, struct step *step, const struct tree *node)
{
	struct whole *whole = level->whole;
	const char *id = arena_printf(whole->arena, "%s/%s", level->name, step->id),
		   *first = tree_text(tree_key(whole->ids, id), NULL);
	const struct tree *at = tree_key(node, "id");

	if (!step->name)
		step->name = step->id;
	step->id = id;
	if (first)
		faults_add_at(whole->faults, NULL, at ? at : node, "the id %s stands twice (first at %s)", id, first);
	else
		tree_setf(whole->ids, id, "%s:%d", step->file, step->line);
}

static void check_template(const struct level *level, const char *path)
{
	const char *shown = search_shown(path, level->whole->arena);
	struct scope scope = {.known = &level->vars, .faults = level->whole->faults, .arena = level->whole->arena};
	_cleanup_(str_free) struct str text = STR_INIT;
	struct error err = {0};

	if (!file_read(path, MOST_TEMPLATE, &text, &err))
		faults_add(scope.faults, shown, 0, 0, "%s", err.text);
	else if (strlen(text.data) != text.len)
		faults_add(scope.faults, shown, 0, 0, "a template must be text");
	else
		variables_check_template(&scope, text.data, shown);
}

static void check_templates(const struct level *level, const struct transfer *upload)
{
	struct upload_list list;
	struct error err = {0};

	if (!upload_list(upload->from, level->whole->arena, &list, &err))
		faults_add(level->whole->faults, upload->from, 0, 0, "%s", err.text);
	for (size_t i = 0; i < list.count; i++)
		if (!list.items[i].is_folder)
			check_template(level, list.items[i].path);
}

/* An upload with its file looked up beside the playbook; *sha256: of its content, NULL with a fault. */
static const struct transfer *resolve_upload(const struct level *level, const struct transfer *wish,
					     const struct tree *node, const char *key, const char **sha256)
{
	struct arena *arena = level->whole->arena;
	struct transfer *upload = arena_alloc(arena, sizeof(*upload));
	struct error err = {0};

	*upload = *wish;
	if (!wish->from)
		return upload;
	upload->from = search_absolute(level->folder, wish->from, arena);
	bool found = upload_fingerprint(upload, arena, &err);
	*sha256 = upload->sha256;
	if (!found)
		faults_add_at(level->whole->faults, NULL, tree_get(node, "upload.from"), "%s.upload.from: %s", key,
			      file_fault(upload->from, &err, arena));
	else if (upload->is_template)
		check_templates(level, upload);
	if (upload->is_template)
		upload->vars = level->vars;
	return upload;
}

/* The step as it is hashed: what it does, wherever it stands and wherever its file lies. */
static void add_canonical(struct whole *whole, const struct step_wish *wish, const char *sha256)
{
	struct tree *tree = fields_encode(step_fields, wish), *upload = tree_key(tree, "upload");

	if (upload) {
		tree_remove(upload, "from");
		tree_set_text(upload, "sha256", sha256);
	}
	tree_add(whole->canonical, tree);
}

static void add_step(const struct level *level, struct step_wish *wish, const struct tree *node, const char *key,
		     size_t position)
{
	struct whole *whole = level->whole;
	struct step *step = &wish->step;
	const char *sha256 = NULL;

	step->file = level->shown;
	step->line = tree_position(node).line;
	set_kind(step, position, whole->arena);
	set_id(level, step, node);
	if (step->upload)
		step->upload = resolve_upload(level, step->upload, node, key, &sha256);
	add_canonical(whole, wish, sha256);
	*new_step(whole) = *step;
}

static const char *read_level(struct level *level);

static void include(const struct level *level, const struct step_wish *wish, const struct tree *node, const char *key)
{
	const struct tree_position at = tree_position(tree_key(node, "include"));
	struct playbook_request request = *level->request;
	struct level inner = {.request = &request, .whole = level->whole, .above = level, .depth = level->depth + 1};

	request.name_or_file = wish->include;
	request.folder = level->folder;
	request.vars = &wish->vars;
	request.place = (struct place){.file = level->shown, .line = at.line, .column = at.column};
	request.key = arena_printf(request.arena, "%s.include", key);
	read_level(&inner);
}

static void expand(const struct level *level, const struct playbook_wish *wish)
{
	struct step_wish *steps = wish->steps.items;

	for (size_t i = 0; i < wish->steps.count && level->whole->count < MOST_STEPS; i++) {
		const struct tree *node = tree_at(level->steps, i);
		const char *key = arena_printf(level->whole->arena, "steps.%zu", i + 1);
		step_check(&steps[i], node, key, level->whole->faults);
		if (steps[i].include)
			include(level, &steps[i], node, key);
		else
			add_step(level, &steps[i], node, key, i + 1);
	}
	if (level->whole->count == MOST_STEPS)
		request_fault(level->request, "more than %d steps", MOST_STEPS);
}

/* The playbook's name, or NULL when there is nothing to read. */
static const char *read_level(struct level *level)
{
	const struct playbook_request *request = level->request;
	struct playbook_wish wish = {0};

	level->path = find_file(request);
	if (!level->path || !may_be_read(level->above, request, level->whole, level->path))
		return NULL;
	_cleanup_(freep) char *folder = path_folder(level->path);
	level->folder = arena_strdup(request->arena, folder);
	level->shown = search_shown(level->path, request->arena);
	tree_set_bool(level->whole->files, level->path, true);
	if (!read_wish(level, &wish))
		return NULL;
	expand(level, &wish);
	return level->name;
}

static const char *whole_fingerprint(const struct level *level)
{
	_cleanup_(tree_freep) struct tree *tree = tree_new_object();
	struct tree *vars = tree_set_object(tree, "vars");

	tree_set_text(tree, "name", level->name);
	for (size_t i = 0; i < level->vars.count; i++)
		tree_set_text(vars, level->vars.items[i].key, level->vars.items[i].value);
	tree_set(tree, "steps", tree_share(level->whole->canonical));
	return tree_fingerprint(tree, level->whole->arena);
}

static const struct playbook *finish(const struct level *level)
{
	struct whole *whole = level->whole;
	struct playbook *playbook = arena_alloc(whole->arena, sizeof(*playbook));
	struct step *steps = arena_alloc(whole->arena, (whole->count + 1) * sizeof(*steps));

	if (whole->count)
		memcpy(steps, whole->steps, whole->count * sizeof(*steps));
	*playbook = (struct playbook){.name = level->name,
				      .file = level->shown,
				      .vars = level->vars,
				      .steps = {.items = steps, .count = whole->count},
				      .sha256 = whole_fingerprint(level)};
	return playbook;
}

const struct playbook *playbook_read(const struct playbook_request *request)
{
	_cleanup_(tree_freep) struct tree *ids = tree_new_object();
	_cleanup_(tree_freep) struct tree *files = tree_new_object();
	_cleanup_(tree_freep) struct tree *canonical = tree_new_array();
	struct whole whole = {
		.ids = ids, .files = files, .canonical = canonical, .arena = request->arena, .faults = request->faults};
	struct level level = {.request = request, .whole = &whole, .depth = 1};
	const struct playbook *playbook = read_level(&level) ? finish(&level) : NULL;

	free(whole.steps);
	return playbook;
}

/* The number after the last colon, cut off; 0 when there is none. */
static int cut_number(char *text)
{
	char *colon = strrchr(text, ':');
	int64_t number;

	if (!colon || !str_to_int(colon + 1, &number) || number <= 0 || number > 1000000000)
		return 0;
	*colon = '\0';
	return (int)number;
}

struct place place_parse(const char *where, struct arena *arena)
{
	char *file = arena_strdup(arena, where ? where : "");
	int last = cut_number(file), first = last ? cut_number(file) : 0;

	return (struct place){.file = file, .line = first ? first : last, .column = first ? last : 0};
}

void playbook_vars_read(const char *file, struct text_map *vars, struct arena *arena, struct faults *faults)
{
	const struct tree *document = document_read(file, file, arena, faults);

	if (document && tree_kind(document) != TREE_OBJECT)
		faults_add_at(faults, file, document, "must be a map of variables, not %s",
			      tree_kind_name(tree_kind(document)));
	for (struct tree_iter i = tree_iter(document); tree_next(&i);) {
		if (i.key && tree_text(i.value, NULL))
			text_map_put(vars, i.key, tree_text(i.value, NULL), arena);
		else if (i.key)
			faults_add_at(faults, file, i.value, "%s: must be text, not %s", i.key,
				      tree_kind_name(tree_kind(i.value)));
	}
}

const struct playbook *playbook_load(const struct settings *settings, const char *name_or_file, const char *relative_to,
				     const struct text_map *vars, const char *where, struct arena *arena,
				     struct faults *faults)
{
	const struct playbook_request request = {.settings = settings,
						 .name_or_file = name_or_file,
						 .folder = relative_to,
						 .vars = vars ? vars : &(const struct text_map){0},
						 .place = place_parse(where, arena),
						 .key = "",
						 .arena = arena,
						 .faults = faults};

	return playbook_read(&request);
}
