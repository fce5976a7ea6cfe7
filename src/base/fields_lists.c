/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists and maps of texts, as field tables decode them. */
#include <string.h>

#include "bakery/fields.h"
#include "bakery/str.h"

/* Room is doubled whenever the count is a power of two; what the arena held before stays until it dies. */
static void *grown(void *items, size_t count, size_t size, struct arena *arena)
{
	void *more;

	if ((count & (count - 1)) != 0)
		return items;
	more = arena_alloc(arena, (count ? 2 * count : 1) * size);
	if (count)
		memcpy(more, items, count * size);
	return more;
}

void text_list_append(struct text_list *list, const char *text, struct arena *arena)
{
	list->items = grown(list->items, list->count, sizeof(*list->items), arena);
	list->items[list->count++] = text;
}

void text_map_put(struct text_map *map, const char *key, const char *value, struct arena *arena)
{
	for (size_t i = 0; i < map->count; i++) {
		if (str_eq(map->items[i].key, key)) {
			map->items[i].value = value;
			return;
		}
	}
	map->items = grown(map->items, map->count, sizeof(*map->items), arena);
	map->items[map->count++] = (struct text_pair){.key = key, .value = value};
}

const char *text_map_get(const struct text_map *map, const char *key)
{
	for (size_t i = 0; i < map->count; i++)
		if (str_eq(map->items[i].key, key))
			return map->items[i].value;
	return NULL;
}

bool text_list_has(const struct text_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(list->items[i], text))
			return true;
	return false;
}
