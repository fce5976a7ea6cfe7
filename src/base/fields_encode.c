/* SPDX-License-Identifier: Apache-2.0
 *
 * From a struct back to a document, by its field table. An encoder gives NULL when there is nothing to write. */
#include <inttypes.h>
#include <stdio.h>

#include "bakery/fields.h"
#include "bakery/str.h"
#include "fields_private.h"

void fields_duration_text(int64_t seconds, char text[32])
{
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	size_t i = 0;

	while (units[i].seconds > 1 && (seconds == 0 || seconds % units[i].seconds != 0))
		i++;
	snprintf(text, 32, "%" PRId64 "%c", seconds / units[i].seconds, units[i].unit);
}

static struct tree *encode_text_list(const struct field *field, const struct text_list *list)
{
	struct tree *array = list->count || field->otherwise ? tree_new_array() : NULL;

	for (size_t i = 0; i < list->count; i++)
		tree_add_text(array, list->items[i]);
	return array;
}

static struct tree *encode_text_map(const struct text_map *map)
{
	struct tree *object = map->count ? tree_new_object() : NULL;

	for (size_t i = 0; i < map->count; i++)
		tree_set_text(object, map->items[i].key, map->items[i].value);
	return object;
}

static struct tree *encode_struct_list(const struct field *field, const struct struct_list *list)
{
	struct tree *array = list->count ? tree_new_array() : NULL;

	for (size_t i = 0; i < list->count; i++)
		tree_add(array, fields_encode(field->fields, (const char *)list->items + i * field->size));
	return array;
}

static struct tree *encode_struct_map(const struct field *field, const struct struct_map *map)
{
	struct tree *object = map->count ? tree_new_object() : NULL;

	for (size_t i = 0; i < map->count; i++)
		tree_set(object, map->keys[i],
			 fields_encode(field->fields, (const char *)map->items + i * field->size));
	return object;
}

static struct tree *encode_inline(const struct field *field, const void *value)
{
	_cleanup_(tree_freep) struct tree *object = fields_encode(field->fields, value);

	return tree_count(object) ? take(&object) : NULL;
}

static struct tree *encode_text(const char *text)
{
	return text ? tree_new_text(text) : NULL;
}

static struct tree *encode_duration(int64_t seconds)
{
	char text[32];

	fields_duration_text(seconds, text);
	return tree_new_text(text);
}

static struct tree *encode_field(const struct field *field, const void *value)
{
	switch (field->type) {
	case FIELD_TEXT:
		return encode_text(*(const char *const *)value);
	case FIELD_INT:
		return tree_new_int(*(const int64_t *)value);
	case FIELD_BOOL:
		return tree_new_bool(*(const bool *)value != ((field->flags & FIELD_INVERTED) != 0));
	case FIELD_DURATION:
		return encode_duration(*(const int64_t *)value);
	case FIELD_CHOICE:
		return tree_new_text(field->choices[*(const int *)value]);
	case FIELD_TEXT_LIST:
		return encode_text_list(field, value);
	case FIELD_TEXT_MAP:
		return encode_text_map(value);
	case FIELD_STRUCT:
		return *(void *const *)value ? fields_encode(field->fields, *(void *const *)value) : NULL;
	case FIELD_INLINE:
		return encode_inline(field, value);
	case FIELD_STRUCT_LIST:
		return encode_struct_list(field, value);
	case FIELD_STRUCT_MAP:
		return encode_struct_map(field, value);
	case FIELD_TREE:
		return *(struct tree *const *)value ? tree_share(*(struct tree *const *)value) : NULL;
	}
	return NULL;
}

struct tree *fields_encode(const struct field *table, const void *in)
{
	struct tree *object = tree_new_object();

	for (const struct field *field = table; field->key; field++) {
		struct tree *value = encode_field(field, (const char *)in + field->offset);
		if (value)
			tree_set(object, field->key, value);
	}
	return object;
}
