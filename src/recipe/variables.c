/* SPDX-License-Identifier: Apache-2.0
 *
 * Variables. Texts come from people and may be hostile in a CI of strangers' merge requests: growth, depth and number
 * are bounded. */
#include "variables.h"

#include <string.h>

#include "bakery/playbook.h"
#include "bakery/str.h"

enum {
	MOST_PRODUCED = 8 << 20,
	MOST_VARIABLES = 1000,
	MOST_LEVELS = 32,
	MOST_SUGGESTIONS = 200,
	LONGEST_NAME = 64,
	LONGEST_REFERENCE = 200,
	MOST_FAULTS_A_TEXT = 20,
};

enum piece_kind { PIECE_END, PIECE_TEXT, PIECE_NAME, PIECE_BROKEN };
struct piece {
	enum piece_kind kind;
	const char *data;
	size_t length;
};

static const char name_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

static bool is_name(const char *text, size_t length)
{
	return length > 0 && length <= LONGEST_NAME && strspn(text, name_letters) >= length;
}

/* What stands between {{ and }}, without the white space around it. */
static struct piece reference(const char *open, const char *close)
{
	const char *from = open + 2, *to = close;

	while (from < to && strchr(" \t", *from))
		from++;
	while (to > from && strchr(" \t", to[-1]))
		to--;
	if (is_name(from, (size_t)(to - from)))
		return (struct piece){PIECE_NAME, from, (size_t)(to - from)};
	return (struct piece){PIECE_BROKEN, open, (size_t)(close + 2 - open)};
}

static struct piece next_piece(const char **at)
{
	const char *from = *at, *open = strstr(from, "{{"), *close;

	if (!*from)
		return (struct piece){PIECE_END, from, 0};
	if (open != from) {
		size_t length = open ? (size_t)(open - from) : strlen(from);
		*at = from + length;
		return (struct piece){PIECE_TEXT, from, length};
	}
	if (strncmp(from, "{{{{", 4) == 0) {
		*at = from + 4;
		return (struct piece){PIECE_TEXT, from, 2};
	}
	/* A reference is short and on one line, so that looking for its end is no work even when there is none. */
	size_t length = 0;
	while (length < LONGEST_REFERENCE && from[length] && from[length] != '\n')
		length++;
	close = memmem(from, length, "}}", 2);
	if (!close) {
		*at = from + 2;
		return (struct piece){PIECE_BROKEN, from, length};
	}
	*at = close + 2;
	return reference(from, close);
}

static const char *broken(const struct piece *piece, struct arena *arena)
{
	int length = piece->length > 30 ? 30 : (int)piece->length;

	return arena_printf(arena, "\"%.*s%s\" names no variable (a literal {{ is written {{{{)", length, piece->data,
			    piece->length > 30 ? "..." : "");
}

static const struct text_pair *find(const struct text_map *map, const char *name)
{
	for (size_t i = 0; i < map->count; i++)
		if (str_eq(map->items[i].key, name))
			return &map->items[i];
	return NULL;
}

const char *variables_unknown(const char *name, const struct text_map *known, const struct faults *faults,
			      struct arena *arena)
{
	const char *nearest = NULL, **names = arena_alloc(arena, (known->count + 1) * sizeof(*names));

	for (size_t i = 0; i < known->count; i++)
		names[i] = known->items[i].key;
	if (faults->count < MOST_SUGGESTIONS)
		nearest = str_nearest(name, names, known->count);
	if (nearest)
		return arena_printf(arena, "unknown variable %s (did you mean %s?)", name, nearest);
	return arena_printf(arena, "unknown variable %s", name);
}

/* --- replacing --- */

static bool build_may_stand(const struct scope *scope, const char *key)
{
	for (size_t i = 0; scope->build_keys && scope->build_keys[i]; i++)
		if (str_eq(scope->build_keys[i], key))
			return true;
	return false;
}

static const char *refused_build(const struct scope *scope, struct arena *arena)
{
	_cleanup_(str_free) struct str where = STR_INIT;

	for (size_t i = 0; scope->build_keys[i]; i++)
		str_addf(&where, "%s%s", i ? " and " : "", scope->build_keys[i]);
	return arena_printf(arena, "{{ build }} is known only to %s", where.data);
}

/* One piece's text into out; otherwise what is wrong with it. */
static const char *add_piece(const struct scope *scope, const struct piece *piece, const char *key, struct str *out)
{
	const char *name;
	const struct text_pair *pair;

	if (piece->kind == PIECE_TEXT)
		str_add_n(out, piece->data, piece->length);
	if (piece->kind == PIECE_TEXT)
		return NULL;
	if (piece->kind == PIECE_BROKEN)
		return broken(piece, scope->arena);
	name = arena_strndup(scope->arena, piece->data, piece->length);
	pair = find(scope->known, name);
	if (pair)
		str_add(out, pair->value ? pair->value : "");
	else if (str_eq(name, "build") && scope->build_keys && build_may_stand(scope, key))
		str_add(out, "{{ build }}");
	else if (str_eq(name, "build") && scope->build_keys)
		return refused_build(scope, scope->arena);
	else
		return variables_unknown(name, scope->known, scope->faults, scope->arena);
	return NULL;
}

static bool too_much(struct scope *scope, size_t length, const char *key, const struct tree *node)
{
	bool before = scope->produced > MOST_PRODUCED;

	scope->produced += length;
	if (scope->produced <= MOST_PRODUCED)
		return false;
	if (!before)
		faults_add_at(scope->faults, NULL, node, "%s: with its variables the document grows beyond %d MiB", key,
			      MOST_PRODUCED >> 20);
	return true;
}

static struct tree *replace_text(struct scope *scope, const struct tree *node, const char *key)
{
	const char *text = tree_text(node, NULL), *at = text, *wrong;
	_cleanup_(str_free) struct str out = STR_INIT;
	int faults = 0;

	if (tree_kind(node) != TREE_TEXT || !strstr(text, "{{"))
		return tree_share(node);
	for (struct piece piece = next_piece(&at); piece.kind != PIECE_END; piece = next_piece(&at)) {
		size_t before = out.len;
		wrong = add_piece(scope, &piece, key, &out);
		if (wrong)
			faults_add_at(scope->faults, NULL, node, "%s: %s", key, wrong);
		faults += wrong != NULL;
		if (too_much(scope, out.len - before, key, node) || faults == MOST_FAULTS_A_TEXT)
			break;
	}
	return tree_mark(tree_new_text_n(out.data, out.len), tree_position(node));
}

static struct tree *replace(struct scope *scope, const struct tree *tree, const char *key)
{
	bool is_map = tree_kind(tree) == TREE_OBJECT;
	struct tree *replaced;

	if (!is_map && tree_kind(tree) != TREE_ARRAY)
		return replace_text(scope, tree, key);
	replaced = tree_mark(is_map ? tree_new_object() : tree_new_array(), tree_position(tree));
	for (struct tree_iter i = tree_iter(tree); tree_next(&i);) {
		_cleanup_(str_free) struct str inner = STR_INIT;
		str_addf(&inner, "%s%s", key, *key ? "." : "");
		if (is_map)
			str_add(&inner, i.key);
		else
			str_addf(&inner, "%zu", i.index + 1);
		struct tree *value = replace(scope, i.value, inner.data);
		if (is_map)
			tree_set(replaced, i.key, value);
		else
			tree_add(replaced, value);
	}
	return replaced;
}

static void release_tree(void *tree)
{
	tree_free(tree);
}

struct tree *variables_replace(struct scope *scope, const struct tree *tree, const char *key)
{
	struct tree *replaced = replace(scope, tree, key);

	arena_own(scope->arena, replaced, release_tree);
	return replaced;
}

/* --- templates: files with variables --- */

void variables_check_template(struct scope *scope, const char *text, const char *file)
{
	const char *at = text, *line_start = text, *counted = text, *wrong;
	_cleanup_(str_free) struct str out = STR_INIT;
	int line = 1, faults = 0;

	for (struct piece piece = next_piece(&at); piece.kind != PIECE_END && faults < MOST_FAULTS_A_TEXT;
	     piece = next_piece(&at)) {
		str_clear(&out);
		wrong = add_piece(scope, &piece, "", &out);
		for (; wrong && counted < piece.data; counted++) {
			if (*counted != '\n')
				continue;
			line++;
			line_start = counted + 1;
		}
		faults += wrong != NULL;
		if (wrong)
			faults_add(scope->faults, file, line, (int)(piece.data - line_start) + 1, "%s", wrong);
	}
}

bool template_render(const char *text, const struct text_map *vars, struct str *out, struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;
	const struct scope scope = {.known = vars, .faults = &faults, .arena = arena};
	const char *at = text, *wrong;

	for (struct piece piece = next_piece(&at); piece.kind != PIECE_END; piece = next_piece(&at)) {
		wrong = add_piece(&scope, &piece, "", out);
		if (wrong)
			return error_set(err, ERROR_INVALID, "%s", wrong);
	}
	return true;
}

/* --- declaring --- */

struct declared {
	struct text_map map;
	const struct tree **nodes; /* of values that are still to be expanded, else NULL */
	bool *busy;
	const struct text_map *built_in;
	const char *key;
	struct arena *arena;
	struct faults *faults;
};

static void declared_fault(const struct declared *declared, size_t index, const char *what)
{
	faults_add_at(declared->faults, NULL, declared->nodes[index], "%s.%s: %s", declared->key,
		      declared->map.items[index].key, what);
}

static void expand(struct declared *declared, size_t index, int level);

/* The value of a variable that another one uses; NULL: what is wrong with it is in *wrong. */
static const char *value_for(struct declared *declared, const char *name, int level, const char **wrong)
{
	const struct text_pair *pair = find(&declared->map, name), *built_in = find(declared->built_in, name);
	size_t index = pair ? (size_t)(pair - declared->map.items) : 0;

	if (built_in)
		return built_in->value;
	if (!pair)
		*wrong = variables_unknown(name, &declared->map, declared->faults, declared->arena);
	else if (declared->busy[index])
		*wrong = "is made of itself";
	else if (level == MOST_LEVELS)
		*wrong = "is made of too many others";
	if (*wrong)
		return NULL;
	expand(declared, index, level + 1);
	return pair->value ? pair->value : "";
}

static void add_declared_piece(struct declared *declared, size_t index, const struct piece *piece, int level,
			       struct str *out)
{
	const char *wrong = NULL, *value;

	if (piece->kind == PIECE_TEXT) {
		str_add_n(out, piece->data, piece->length);
		return;
	}
	if (piece->kind == PIECE_BROKEN) {
		declared_fault(declared, index, broken(piece, declared->arena));
		return;
	}
	value = value_for(declared, arena_strndup(declared->arena, piece->data, piece->length), level, &wrong);
	if (wrong)
		declared_fault(declared, index, wrong);
	else
		str_add(out, value);
}

static void expand(struct declared *declared, size_t index, int level)
{
	const char *at = declared->map.items[index].value;
	_cleanup_(str_free) struct str out = STR_INIT;

	if (!declared->nodes[index] || !at || !strstr(at, "{{"))
		return;
	declared->busy[index] = true;
	for (struct piece piece = next_piece(&at); piece.kind != PIECE_END; piece = next_piece(&at)) {
		add_declared_piece(declared, index, &piece, level, &out);
		if (out.len <= MOST_PRODUCED / MOST_VARIABLES)
			continue;
		declared_fault(declared, index, "grows too long");
		break;
	}
	declared->busy[index] = false;
	declared->nodes[index] = NULL;
	declared->map.items[index].value = arena_strdup(declared->arena, out.data);
}

static bool may_be_declared(struct declared *declared, const char *name, const struct tree *node)
{
	if (find(declared->built_in, name) || str_eq(name, "build"))
		faults_add_at_key(declared->faults, NULL, node, "%s.%s: is built in", declared->key, name);
	else if (!is_name(name, strlen(name)))
		faults_add_at_key(declared->faults, NULL, node,
				  "%s.%s: a variable's name is letters, digits, - and _, at most %d", declared->key,
				  name, LONGEST_NAME);
	else if (tree_kind(node) != TREE_NULL && !tree_text(node, NULL))
		faults_add_at(declared->faults, NULL, node, "%s.%s: must be text, not %s", declared->key, name,
			      tree_kind_name(tree_kind(node)));
	else
		return true;
	return false;
}

static void declare(struct declared *declared, const char *name, const struct tree *node, const struct text_map *given)
{
	const struct text_pair *over = find(given, name);
	size_t index = declared->map.count;

	if (!may_be_declared(declared, name, node))
		return;
	declared->map.items[index].key = arena_strdup(declared->arena, name);
	declared->map.items[index].value = over ? over->value : arena_strdup(declared->arena, tree_text(node, NULL));
	declared->nodes[index] = over ? NULL : node;
	declared->map.count++;
}

struct text_map variables_declare(const struct tree *node, const char *key, const struct text_map *given,
				  const struct text_map *built_in, struct arena *arena, struct faults *faults)
{
	size_t count = tree_count(node);
	struct declared declared = {.built_in = built_in, .key = key, .arena = arena, .faults = faults};

	if (node && tree_kind(node) != TREE_OBJECT)
		faults_add_at(faults, NULL, node, "%s: must be a map, not %s", key, tree_kind_name(tree_kind(node)));
	if (tree_kind(node) != TREE_OBJECT)
		return declared.map;
	if (count > MOST_VARIABLES) {
		faults_add_at(faults, NULL, node, "%s: more than %d variables", key, MOST_VARIABLES);
		return declared.map;
	}
	declared.map.items = arena_alloc(arena, (count + 1) * sizeof(*declared.map.items));
	declared.nodes = arena_alloc(arena, (count + 1) * sizeof(*declared.nodes));
	declared.busy = arena_alloc(arena, (count + 1) * sizeof(*declared.busy));
	for (struct tree_iter i = tree_iter(node); tree_next(&i);)
		declare(&declared, i.key, i.value, given);
	for (size_t i = 0; i < declared.map.count; i++)
		expand(&declared, i, 1);
	return declared.map;
}
