/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine behind field tables: a document's map into a struct. One small decoder for each field
 * type; everything wrong becomes a fault, and the value keeps its default, so that decoding always comes to the end. */
#include "bakery/fields.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bakery/str.h"
#include "fields_private.h"

struct slot { /* one value on its way in */
	const struct field *field;
	const struct tree *node;
	const char *key; /* dotted, for messages */
	void *value;
	const struct fields_context *context;
};

enum {
	LONGEST_SLIP = 64,	/* a longer word is no slip of the pen */
	MOST_SUGGESTIONS = 200, /* with more faults than this the document is something else altogether */
	MOST_SHOWN = 60,
};

static void decode_table(const struct field *table, const struct tree *object, const char *key, void *out,
			 const struct fields_context *context);

static void fault(const struct slot *slot, const char *fmt, ...) printf_like(2, 3);
static void fault(const struct slot *slot, const char *fmt, ...)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	va_list args;

	va_start(args, fmt);
	str_vaddf(&text, fmt, args);
	va_end(args);
	faults_add_at(slot->context->faults, slot->context->file, slot->node, "%s: %s", slot->key, text.data);
}

static bool wrong_kind(const struct slot *slot, const char *wanted)
{
	enum tree_kind kind = tree_kind(slot->node);

	if (kind == TREE_NULL)
		fault(slot, "has no value (it must be %s)", wanted);
	else
		fault(slot, "must be %s, not %s", wanted, tree_kind_name(kind));
	return false;
}

static bool wrong_text(const struct slot *slot, const char *wanted)
{
	const char *text = tree_text(slot->node, NULL);

	fault(slot, "must be %s, not \"%.*s\"%s", wanted, MOST_SHOWN, text, strlen(text) > MOST_SHOWN ? "..." : "");
	return false;
}

static const char *dotted(const struct fields_context *context, const char *key, const char *part)
{
	return *key ? arena_printf(context->arena, "%s.%s", key, part) : arena_strdup(context->arena, part);
}

static bool is_scalar(const struct tree *node)
{
	return tree_text(node, NULL) != NULL;
}

static const char *suggestion(const struct fields_context *context, const char *text, const char *const *known,
			      size_t count)
{
	bool worth_it = strlen(text) <= LONGEST_SLIP && context->faults->count < MOST_SUGGESTIONS;

	return worth_it ? str_nearest(text, known, count) : NULL;
}

static size_t choice_count(const char *const *choices)
{
	size_t count = 0;

	while (choices[count])
		count++;
	return count;
}

static int choice_index(const char *const *choices, const char *text)
{
	for (int i = 0; choices[i]; i++)
		if (str_eq(choices[i], text))
			return i;
	return -1;
}

static bool wrong_choice(const struct slot *slot, const char *text)
{
	_cleanup_(str_free) struct str wanted = STR_INIT;
	size_t count = choice_count(slot->field->choices);
	const char *nearest = suggestion(slot->context, text, slot->field->choices, count);

	str_add(&wanted, count > 1 ? "one of " : "");
	str_add_joined(&wanted, ", ", slot->field->choices, count);
	if (!nearest)
		return wrong_text(slot, wanted.data);
	fault(slot, "must be %s, not \"%s\" (did you mean %s?)", wanted.data, text, nearest);
	return false;
}

static bool within(const struct slot *slot, int64_t value, const char *least, const char *most)
{
	if (slot->field->most == 0 || (value >= slot->field->least && value <= slot->field->most))
		return true;
	fault(slot, "must be between %s and %s, not %s", least, most, tree_text(slot->node, NULL));
	return false;
}

/* --- decoders: true when *value was written --- */

static bool decode_text(const struct slot *slot)
{
	const char *text = tree_text(slot->node, NULL);

	if (!text)
		return wrong_kind(slot, "text");
	if (slot->field->choices && choice_index(slot->field->choices, text) < 0)
		return wrong_choice(slot, text);
	if ((slot->field->flags & FIELD_NOT_EMPTY) && !*text) {
		fault(slot, "must not be empty");
		return false;
	}
	*(const char **)slot->value = arena_strdup(slot->context->arena, text);
	return true;
}

static bool decode_int(const struct slot *slot)
{
	char least[32], most[32];
	const char *text = tree_text(slot->node, NULL);
	int64_t value;

	if (!text)
		return wrong_kind(slot, "a whole number");
	if (!str_to_int(text, &value))
		return wrong_text(slot, "a whole number");
	snprintf(least, sizeof(least), "%" PRId64, slot->field->least);
	snprintf(most, sizeof(most), "%" PRId64, slot->field->most);
	if (!within(slot, value, least, most))
		return false;
	*(int64_t *)slot->value = value;
	return true;
}

static bool decode_bool(const struct slot *slot)
{
	const char *text = tree_text(slot->node, NULL);

	if (!text)
		return wrong_kind(slot, "true or false");
	if (!str_eq(text, "true") && !str_eq(text, "false"))
		return wrong_text(slot, "true or false");
	*(bool *)slot->value = str_eq(text, "true") != ((slot->field->flags & FIELD_INVERTED) != 0);
	return true;
}

static bool decode_duration(const struct slot *slot)
{
	char least[32], most[32];
	const char *text = tree_text(slot->node, NULL);
	int64_t seconds;

	if (!text)
		return wrong_kind(slot, "a duration such as 30s, 5m, 2h or 90d");
	if (!str_to_duration(text, &seconds))
		return wrong_text(slot, "a duration such as 30s, 5m, 2h or 90d");
	fields_duration_text(slot->field->least, least);
	fields_duration_text(slot->field->most, most);
	if (!within(slot, seconds, least, most))
		return false;
	*(int64_t *)slot->value = seconds;
	return true;
}

static bool decode_choice(const struct slot *slot)
{
	const char *text = tree_text(slot->node, NULL);
	int index = text ? choice_index(slot->field->choices, text) : -1;

	if (!text)
		return wrong_kind(slot, "text");
	if (index < 0)
		return wrong_choice(slot, text);
	*(int *)slot->value = index;
	return true;
}

static bool not_empty(const struct slot *slot, size_t count)
{
	if (count > 0 || !(slot->field->flags & FIELD_NOT_EMPTY))
		return true;
	fault(slot, "must not be empty");
	return false;
}

/* The slot of an item or a member of a slot's list or map. */
static struct slot inner_slot(const struct slot *slot, const struct tree_iter *at, void *value)
{
	char index[24];

	snprintf(index, sizeof(index), "%zu", at->index + 1);
	return (struct slot){.field = slot->field,
			     .node = at->value,
			     .key = dotted(slot->context, slot->key, at->key ? at->key : index),
			     .value = value,
			     .context = slot->context};
}

static bool decode_text_list(const struct slot *slot)
{
	struct text_list *list = slot->value;
	bool single = is_scalar(slot->node);

	if (!single && tree_kind(slot->node) != TREE_ARRAY)
		return wrong_kind(slot, "a list");
	size_t count = single ? 1 : tree_count(slot->node);
	if (!not_empty(slot, count))
		return false;
	*list = (struct text_list){.items = arena_alloc(slot->context->arena, (count + 1) * sizeof(*list->items))};
	if (single) {
		struct slot item = *slot;
		item.value = &list->items[0];
		list->count = decode_text(&item);
		return list->count == 1;
	}
	for (struct tree_iter i = tree_iter(slot->node); tree_next(&i);) {
		struct slot item = inner_slot(slot, &i, &list->items[list->count]);
		list->count += decode_text(&item);
	}
	return true;
}

static bool decode_text_map(const struct slot *slot)
{
	struct text_map *map = slot->value;
	size_t count = tree_count(slot->node);

	if (tree_kind(slot->node) != TREE_OBJECT)
		return wrong_kind(slot, "a map");
	if (!not_empty(slot, count))
		return false;
	*map = (struct text_map){.items = arena_alloc(slot->context->arena, (count + 1) * sizeof(*map->items))};
	for (struct tree_iter i = tree_iter(slot->node); tree_next(&i);) {
		struct slot member = inner_slot(slot, &i, &map->items[map->count].value);
		bool kept_null = tree_kind(i.value) == TREE_NULL && (slot->field->flags & FIELD_NULL_VALUES);
		map->items[map->count].key = arena_strdup(slot->context->arena, i.key);
		map->count += kept_null || decode_text(&member);
	}
	return true;
}

/* One struct, from a map or from its shorthand. */
static void decode_struct_at(const struct slot *slot, void *out)
{
	const char *shorthand = slot->field->shorthand;
	bool is_map = tree_kind(slot->node) == TREE_OBJECT || !slot->node;

	if (!is_map && shorthand && (is_scalar(slot->node) || tree_kind(slot->node) == TREE_ARRAY)) {
		_cleanup_(tree_freep) struct tree *object = tree_mark(tree_new_object(), tree_position(slot->node));
		tree_set(object, shorthand, tree_share(slot->node));
		decode_table(slot->field->fields, object, slot->key, out, slot->context);
		return;
	}
	if (!is_map)
		wrong_kind(slot, "a map");
	decode_table(slot->field->fields, is_map ? slot->node : NULL, slot->key, out, slot->context);
}

static bool decode_struct(const struct slot *slot)
{
	void *out = arena_alloc(slot->context->arena, slot->field->size);

	decode_struct_at(slot, out);
	*(void **)slot->value = out;
	return true;
}

static bool decode_inline(const struct slot *slot)
{
	decode_struct_at(slot, slot->value);
	return true;
}

static bool decode_struct_list(const struct slot *slot)
{
	struct struct_list *list = slot->value;
	bool is_list = tree_kind(slot->node) == TREE_ARRAY;
	bool single = !is_list && tree_kind(slot->node) != TREE_NULL && (slot->field->flags & FIELD_SINGLE);
	size_t count = single ? 1 : tree_count(slot->node);

	if (!is_list && !single)
		return wrong_kind(slot, "a list");
	if (!not_empty(slot, count))
		return false;
	*list = (struct struct_list){.items = arena_alloc(slot->context->arena, (count + 1) * slot->field->size),
				     .count = count};
	if (single) {
		decode_struct_at(slot, list->items);
		return true;
	}
	for (struct tree_iter i = tree_iter(slot->node); tree_next(&i);) {
		struct slot item = inner_slot(slot, &i, (char *)list->items + i.index * slot->field->size);
		decode_struct_at(&item, item.value);
	}
	return true;
}

/* [a, b] in place of {a: {}, b: {}}; NULL (with faults) when an item is no text or comes twice. */
static struct tree *map_of_list(const struct slot *slot)
{
	struct tree *map = tree_new_object();

	for (struct tree_iter i = tree_iter(slot->node); tree_next(&i);) {
		struct slot item = inner_slot(slot, &i, NULL);
		const char *text = tree_text(i.value, NULL);
		if (!text)
			wrong_kind(&item, "text");
		else if (tree_key(map, text))
			fault(&item, "%s stands twice", text);
		else
			tree_set(map, text, tree_mark(tree_new_null(), tree_position(i.value)));
	}
	return map;
}

static bool decode_struct_map(const struct slot *slot)
{
	struct struct_map *map = slot->value;
	_cleanup_(tree_freep) struct tree *node =
		tree_kind(slot->node) == TREE_ARRAY ? map_of_list(slot) : tree_share(slot->node);
	size_t count = tree_count(node), size = slot->field->size;

	if (tree_kind(node) != TREE_OBJECT)
		return wrong_kind(slot, "a map");
	if (!not_empty(slot, count))
		return false;
	*map = (struct struct_map){.keys = arena_alloc(slot->context->arena, (count + 1) * sizeof(*map->keys)),
				   .items = arena_alloc(slot->context->arena, (count + 1) * size),
				   .count = count};
	for (struct tree_iter i = tree_iter(node); tree_next(&i);) {
		struct slot member = inner_slot(slot, &i, (char *)map->items + i.index * size);
		map->keys[i.index] = arena_strdup(slot->context->arena, i.key);
		_cleanup_(tree_freep) struct tree *empty = tree_mark(tree_new_object(), tree_position(i.value));
		if (tree_kind(i.value) == TREE_NULL)
			member.node = empty;
		decode_struct_at(&member, member.value);
	}
	return true;
}

static bool decode_tree(const struct slot *slot)
{
	*(const struct tree **)slot->value = slot->node;
	return true;
}

static bool (*const decoders[])(const struct slot *slot) = {
	[FIELD_TEXT] = decode_text,
	[FIELD_INT] = decode_int,
	[FIELD_BOOL] = decode_bool,
	[FIELD_DURATION] = decode_duration,
	[FIELD_CHOICE] = decode_choice,
	[FIELD_TEXT_LIST] = decode_text_list,
	[FIELD_TEXT_MAP] = decode_text_map,
	[FIELD_STRUCT] = decode_struct,
	[FIELD_INLINE] = decode_inline,
	[FIELD_STRUCT_LIST] = decode_struct_list,
	[FIELD_STRUCT_MAP] = decode_struct_map,
	[FIELD_TREE] = decode_tree,
};

static const size_t sizes[] = {
	[FIELD_TEXT] = sizeof(char *),
	[FIELD_INT] = sizeof(int64_t),
	[FIELD_BOOL] = sizeof(bool),
	[FIELD_DURATION] = sizeof(int64_t),
	[FIELD_CHOICE] = sizeof(int),
	[FIELD_TEXT_LIST] = sizeof(struct text_list),
	[FIELD_TEXT_MAP] = sizeof(struct text_map),
	[FIELD_STRUCT] = sizeof(void *),
	[FIELD_INLINE] = 0,
	[FIELD_STRUCT_LIST] = sizeof(struct struct_list),
	[FIELD_STRUCT_MAP] = sizeof(struct struct_map),
	[FIELD_TREE] = sizeof(struct tree *),
};

/* The value a field has when the document does not name it. */
static void set_default(const struct field *field, void *value, const struct fields_context *context)
{
	struct field unchecked = *field;
	_cleanup_(tree_freep) struct tree *node = field->otherwise ? tree_new_text(field->otherwise) : NULL;

	memset(value, 0, sizes[field->type]);
	if (field->type == FIELD_INLINE)
		decode_table(field->fields, NULL, "", value, context);
	if (field->type == FIELD_BOOL && (field->flags & FIELD_INVERTED))
		*(bool *)value = true;
	if (!node)
		return;
	unchecked.most = 0; /* a default may stand outside of what can be written */
	struct slot slot = {.field = &unchecked, .node = node, .key = field->key, .value = value, .context = context};
	decoders[field->type](&slot);
}

static void decode_field(const struct field *field, const struct tree *object, const char *key, void *out,
			 const struct fields_context *context)
{
	struct fields_context at = *context;
	struct slot slot = {.field = field,
			    .node = tree_key(object, field->key),
			    .key = dotted(context, key, field->key),
			    .value = (char *)out + field->offset,
			    .context = &at};

	at.key = slot.key;
	if (!slot.node) {
		if (field->flags & FIELD_REQUIRED)
			faults_add_at(context->faults, context->file, object, "%s: is missing", slot.key);
		return;
	}
	if (decoders[field->type](&slot) && field->check)
		field->check(&at, slot.node, slot.value);
}

static void check_keys(const struct field *table, const struct tree *object, const char *key,
		       const struct fields_context *context)
{
	const char *known[64];
	size_t count = 0;

	for (; table[count].key && count < ARRAY_SIZE(known); count++)
		known[count] = table[count].key;
	for (struct tree_iter i = tree_iter(object); tree_next(&i);) {
		bool found = false;
		for (size_t k = 0; k < count && !found; k++)
			found = str_eq(known[k], i.key);
		if (found)
			continue;
		const char *nearest = suggestion(context, i.key, known, count);
		faults_add_at_key(context->faults, context->file, i.value,
				  nearest ? "%s: unknown key (did you mean %s?)" : "%s: unknown key",
				  dotted(context, key, i.key), nearest);
	}
}

static void decode_table(const struct field *table, const struct tree *object, const char *key, void *out,
			 const struct fields_context *context)
{
	/* All defaults first: nested tables with offset 0 share the struct with the fields beside them. */
	for (const struct field *field = table; field->key; field++)
		set_default(field, (char *)out + field->offset, context);
	if (!object)
		return;
	check_keys(table, object, key, context);
	for (const struct field *field = table; field->key; field++)
		decode_field(field, object, key, out, context);
}

void fields_decode(const struct field *table, const struct tree *object, const char *key, void *out,
		   const struct fields_context *context)
{
	bool is_map = tree_kind(object) == TREE_OBJECT;

	if (!is_map)
		faults_add_at(context->faults, context->file, object, "%s%smust be a map, not %s", key,
			      *key ? ": " : "", tree_kind_name(tree_kind(object)));
	decode_table(table, is_map ? object : NULL, key, out, context);
}
