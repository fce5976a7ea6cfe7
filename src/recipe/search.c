/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks names up in folders. Nothing is read here but the folders' lists. */
#include "search.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/str.h"

static void closedirp(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

bool search_is_path(const char *name_or_file)
{
	return strchr(name_or_file, '/') || str_ends(name_or_file, ".yaml");
}

/* Drops "." and resolves ".." in an absolute path, in place. */
static void normalize(char *path)
{
	char *out = path;

	for (char *part = path; *part;) {
		char *end = strchrnul(part + 1, '/');
		size_t length = (size_t)(end - part); /* with the slash before it */
		bool up = length == 3 && memcmp(part, "/..", 3) == 0;
		bool same = length == 1 || (length == 2 && memcmp(part, "/.", 2) == 0);
		if (up)
			while (out > path && *--out != '/')
				;
		if (!up && !same) {
			memmove(out, part, length);
			out += length;
		}
		part = end;
	}
	if (out == path)
		*out++ = '/';
	*out = '\0';
}

static char *working_folder(void)
{
	char *folder = getcwd(NULL, 0);

	return folder ? folder : mem_strdup("/");
}

const char *search_absolute(const char *folder, const char *name, struct arena *arena)
{
	_cleanup_(freep) char *working = working_folder();
	_cleanup_(freep) char *base = path_join(working, folder ? folder : "");
	_cleanup_(freep) char *path = path_join(base, name);

	normalize(path);
	return arena_strdup(arena, path);
}

const char *search_shown(const char *path, struct arena *arena)
{
	_cleanup_(freep) char *working = working_folder();
	size_t length = strlen(working);
	bool below = strncmp(path, working, length) == 0 && path[length] == '/' && path[length + 1];

	return arena_strdup(arena, below ? path + length + 1 : path);
}

const char *search_file(const struct text_list *folders, const char *name, struct arena *arena)
{
	for (size_t i = 0; i < folders->count; i++) {
		const char *path = arena_printf(arena, "%s/%s.yaml", folders->items[i], name);
		if (file_exists(path))
			return path;
	}
	return NULL;
}

static bool has_key(const struct text_map *map, const char *key)
{
	for (size_t i = 0; i < map->count; i++)
		if (str_eq(map->items[i].key, key))
			return true;
	return false;
}

static void add_folder(const char *path, struct arena *arena, struct text_map *out)
{
	_cleanup_(closedirp) DIR *folder = opendir(path);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		size_t length = strlen(entry->d_name);
		if (entry->d_name[0] == '.' || length < 6 || !str_ends(entry->d_name, ".yaml"))
			continue;
		const char *name = arena_strndup(arena, entry->d_name, length - 5);
		if (!has_key(out, name))
			text_map_put(out, name, arena_printf(arena, "%s/%s", path, entry->d_name), arena);
	}
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct text_pair *)a)->key, ((const struct text_pair *)b)->key);
}

void search_all(const struct text_list *folders, struct arena *arena, struct text_map *out)
{
	*out = (struct text_map){0};
	for (size_t i = 0; i < folders->count; i++)
		add_folder(folders->items[i], arena, out);
	if (out->count > 1)
		qsort(out->items, out->count, sizeof(*out->items), by_key);
}

const char *search_hint(const struct text_list *folders, const char *name, struct arena *arena)
{
	_cleanup_(str_free) struct str hint = STR_INIT;
	struct text_map all;
	struct text_list names = {0};

	search_all(folders, arena, &all);
	for (size_t i = 0; i < all.count; i++)
		text_list_append(&names, all.items[i].key, arena);
	const char *nearest = strlen(name) < 64 ? str_nearest(name, names.items, names.count) : NULL;
	if (nearest)
		return arena_printf(arena, " (did you mean %s?)", nearest);
	if (names.count == 0)
		return "";
	str_add(&hint, " (there are: ");
	str_add_joined(&hint, ", ", names.items, names.count < 20 ? names.count : 20);
	str_add(&hint, names.count > 20 ? ", ...)" : ")");
	return arena_strdup(arena, hint.data);
}
