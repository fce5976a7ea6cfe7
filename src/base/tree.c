/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree: making, reading and changing nodes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/tree.h"
#include "tree_private.h"

struct mark {
	bool is_null;
	struct tree_position position;
};

static void mark_free(struct json_object *json, void *data)
{
	free(data);
}

static struct mark *mark_of(const struct tree *tree)
{
	if (!tree || json_object_get_type(tree_json(tree)) == json_type_double)
		return NULL; /* json-c keeps the text of a double there */
	return json_object_get_userdata(tree_json(tree));
}

static struct mark *mark_need(struct tree *tree)
{
	struct mark *mark = mark_of(tree);

	if (!mark) {
		mark = mem_alloc(sizeof(*mark));
		json_object_set_userdata(tree_json(tree), mark, mark_free);
	}
	return mark;
}

struct tree *tree_mark(struct tree *tree, struct tree_position position)
{
	if (tree && json_object_get_type(tree_json(tree)) != json_type_double)
		mark_need(tree)->position = position;
	return tree;
}

struct tree_position tree_position(const struct tree *tree)
{
	const struct mark *mark = mark_of(tree);

	return mark ? mark->position : (struct tree_position){0};
}

bool tree_is_null(const struct tree *tree)
{
	const struct mark *mark = mark_of(tree);

	return mark && mark->is_null;
}

enum tree_kind tree_kind(const struct tree *tree)
{
	static const enum tree_kind kinds[] = {
		[json_type_null] = TREE_NULL,	[json_type_boolean] = TREE_BOOL,  [json_type_double] = TREE_DOUBLE,
		[json_type_int] = TREE_INT,	[json_type_object] = TREE_OBJECT, [json_type_array] = TREE_ARRAY,
		[json_type_string] = TREE_TEXT,
	};

	if (!tree)
		return TREE_ABSENT;
	return tree_is_null(tree) ? TREE_NULL : kinds[json_object_get_type(tree_json(tree))];
}

const char *tree_kind_name(enum tree_kind kind)
{
	static const char *const names[] = {
		[TREE_ABSENT] = "nothing", [TREE_NULL] = "nothing",    [TREE_BOOL] = "true or false",
		[TREE_INT] = "a number",   [TREE_DOUBLE] = "a number", [TREE_TEXT] = "a text",
		[TREE_ARRAY] = "a list",   [TREE_OBJECT] = "a map",
	};

	return names[kind];
}

static struct tree *alive(struct json_object *json)
{
	if (!json) {
		fputs("bakery: out of memory\n", stderr);
		abort();
	}
	return (struct tree *)json;
}

struct tree *tree_new_object(void)
{
	return alive(json_object_new_object());
}

struct tree *tree_new_array(void)
{
	return alive(json_object_new_array());
}

struct tree *tree_new_null(void)
{
	struct tree *tree = tree_new_text_n("", 0);

	mark_need(tree)->is_null = true;
	return tree;
}

struct tree *tree_new_text(const char *text)
{
	return text ? alive(json_object_new_string(text)) : tree_new_null();
}

struct tree *tree_new_text_n(const char *text, size_t length)
{
	return alive(json_object_new_string_len(text, (int)length));
}

struct tree *tree_new_int(int64_t value)
{
	return alive(json_object_new_int64(value));
}

struct tree *tree_new_bool(bool value)
{
	return alive(json_object_new_boolean(value));
}

struct tree *tree_new_double(double value)
{
	return alive(json_object_new_double(value));
}

void tree_free(struct tree *tree)
{
	json_object_put(tree_json(tree));
}

void tree_freep(struct tree **tree)
{
	tree_free(*tree);
}

static void wipe_texts(const struct tree *tree)
{
	if (tree_kind(tree) == TREE_TEXT)
		mem_wipe((char *)json_object_get_string(tree_json(tree)),
			 (size_t)json_object_get_string_len(tree_json(tree)));
	for (struct tree_iter i = tree_iter(tree); tree_next(&i);)
		wipe_texts(i.value);
}

void tree_wipe_free(struct tree *tree)
{
	wipe_texts(tree);
	tree_free(tree);
}

void tree_wipe_freep(struct tree **tree)
{
	tree_wipe_free(*tree);
}

struct tree *tree_share(const struct tree *tree)
{
	return (struct tree *)json_object_get(tree_json(tree));
}

static struct tree *scalar_copy(const struct tree *tree)
{
	struct json_object *json = tree_json(tree);

	switch (tree_kind(tree)) {
	case TREE_BOOL:
		return tree_new_bool(json_object_get_boolean(json));
	case TREE_INT:
		return tree_new_int(json_object_get_int64(json));
	case TREE_DOUBLE:
		return tree_new_double(json_object_get_double(json));
	case TREE_TEXT:
		return tree_new_text_n(json_object_get_string(json), (size_t)json_object_get_string_len(json));
	default:
		return tree_new_null();
	}
}

struct tree *tree_copy(const struct tree *tree)
{
	struct tree *copy;

	if (!tree)
		return NULL;
	if (tree_kind(tree) == TREE_OBJECT) {
		copy = tree_new_object();
		for (struct tree_iter i = tree_iter(tree); tree_next(&i);)
			tree_set(copy, i.key, tree_copy(i.value));
	} else if (tree_kind(tree) == TREE_ARRAY) {
		copy = tree_new_array();
		for (struct tree_iter i = tree_iter(tree); tree_next(&i);)
			tree_add(copy, tree_copy(i.value));
	} else {
		copy = scalar_copy(tree);
	}
	return mark_of(tree) ? tree_mark(copy, tree_position(tree)) : copy;
}

bool tree_equal(const struct tree *a, const struct tree *b)
{
	return tree_kind(a) == tree_kind(b) && json_object_equal(tree_json(a), tree_json(b));
}

struct tree *tree_key(const struct tree *tree, const char *key)
{
	struct json_object *value = NULL;

	if (tree_kind(tree) == TREE_OBJECT)
		json_object_object_get_ex(tree_json(tree), key, &value);
	return (struct tree *)value;
}

struct tree *tree_at(const struct tree *tree, size_t index)
{
	if (tree_kind(tree) != TREE_ARRAY)
		return NULL;
	return (struct tree *)json_object_array_get_idx(tree_json(tree), index);
}

static struct tree *part_get(const struct tree *tree, const char *part, size_t length)
{
	char key[256];
	int64_t index;

	if (length >= sizeof(key))
		return NULL;
	memcpy(key, part, length);
	key[length] = '\0';
	if (tree_kind(tree) == TREE_OBJECT)
		return tree_key(tree, key);
	return str_to_int(key, &index) && index > 0 ? tree_at(tree, (size_t)index - 1) : NULL;
}

struct tree *tree_get(const struct tree *tree, const char *path)
{
	while (tree && path && *path) {
		size_t length = strcspn(path, ".");
		tree = part_get(tree, path, length);
		path += length + (path[length] == '.');
	}
	return (struct tree *)tree;
}

size_t tree_count(const struct tree *tree)
{
	switch (tree_kind(tree)) {
	case TREE_ARRAY:
		return json_object_array_length(tree_json(tree));
	case TREE_OBJECT:
		return (size_t)json_object_object_length(tree_json(tree));
	default:
		return 0;
	}
}

const char *tree_text(const struct tree *tree, const char *path)
{
	const struct tree *node = tree_get(tree, path);

	switch (tree_kind(node)) {
	case TREE_TEXT:
	case TREE_INT:
	case TREE_DOUBLE:
	case TREE_BOOL:
		return json_object_get_string(tree_json(node));
	default:
		return NULL;
	}
}

const char *tree_text_or(const struct tree *tree, const char *path, const char *otherwise)
{
	const char *text = tree_text(tree, path);

	return text ? text : otherwise;
}

int64_t tree_int(const struct tree *tree, const char *path, int64_t otherwise)
{
	const struct tree *node = tree_get(tree, path);
	int64_t value;

	if (tree_kind(node) == TREE_INT || tree_kind(node) == TREE_DOUBLE)
		return json_object_get_int64(tree_json(node));
	if (tree_kind(node) == TREE_TEXT && str_to_int(json_object_get_string(tree_json(node)), &value))
		return value;
	return otherwise;
}

bool tree_bool(const struct tree *tree, const char *path, bool otherwise)
{
	const char *text = tree_text(tree, path);

	if (str_eq(text, "true"))
		return true;
	return str_eq(text, "false") ? false : otherwise;
}

double tree_double(const struct tree *tree, const char *path, double otherwise)
{
	const struct tree *node = tree_get(tree, path);

	if (tree_kind(node) == TREE_INT || tree_kind(node) == TREE_DOUBLE)
		return json_object_get_double(tree_json(node));
	return otherwise;
}

struct tree_iter tree_iter(const struct tree *tree)
{
	return (struct tree_iter){.tree = tree};
}

static bool next_member(struct tree_iter *iter)
{
	struct lh_entry *entry = iter->started ? lh_entry_next((struct lh_entry *)iter->state)
					       : lh_table_head(json_object_get_object(tree_json(iter->tree)));

	iter->state = entry;
	if (!entry)
		return false;
	iter->key = lh_entry_k(entry);
	iter->value = lh_entry_v(entry);
	return true;
}

static bool next_item(struct tree_iter *iter)
{
	size_t index = iter->started ? iter->index + 1 : 0;

	if (index >= tree_count(iter->tree))
		return false;
	iter->value = tree_at(iter->tree, index);
	return true;
}

bool tree_next(struct tree_iter *iter)
{
	enum tree_kind kind = tree_kind(iter->tree);
	bool more = kind == TREE_OBJECT ? next_member(iter) : kind == TREE_ARRAY ? next_item(iter) : false;

	if (iter->started)
		iter->index++;
	iter->started = true;
	return more;
}

void tree_set(struct tree *object, const char *key, struct tree *child)
{
	json_object_object_add(tree_json(object), key, tree_json(child ? child : tree_new_null()));
}

void tree_set_text(struct tree *object, const char *key, const char *text)
{
	tree_set(object, key, tree_new_text(text));
}

void tree_setf(struct tree *object, const char *key, const char *fmt, ...)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	va_list args;

	va_start(args, fmt);
	str_vaddf(&text, fmt, args);
	va_end(args);
	tree_set(object, key, tree_new_text_n(text.data, text.len));
}

void tree_set_int(struct tree *object, const char *key, int64_t value)
{
	tree_set(object, key, tree_new_int(value));
}

void tree_set_bool(struct tree *object, const char *key, bool value)
{
	tree_set(object, key, tree_new_bool(value));
}

void tree_remove(struct tree *object, const char *key)
{
	json_object_object_del(tree_json(object), key);
}

void tree_add(struct tree *array, struct tree *child)
{
	json_object_array_add(tree_json(array), tree_json(child ? child : tree_new_null()));
}

void tree_add_text(struct tree *array, const char *text)
{
	tree_add(array, tree_new_text(text));
}

struct tree *tree_add_object(struct tree *array)
{
	struct tree *object = tree_new_object();

	tree_add(array, object);
	return object;
}

struct tree *tree_set_object(struct tree *object, const char *key)
{
	struct tree *child = tree_new_object();

	tree_set(object, key, child);
	return child;
}

struct tree *tree_set_array(struct tree *object, const char *key)
{
	struct tree *child = tree_new_array();

	tree_set(object, key, child);
	return child;
}
