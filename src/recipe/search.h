/* SPDX-License-Identifier: Apache-2.0
 *
 * Names to files: recipes and playbooks in their search paths, and how a path is shown to people. */
#ifndef BAKERY_RECIPE_SEARCH_H
#define BAKERY_RECIPE_SEARCH_H

#include <stdbool.h>

#include "bakery/fields.h"
#include "bakery/mem.h"

/* "name" is looked up; "./name", "folder/name" and "name.yaml" are paths. */
bool search_is_path(const char *name_or_file);
/* Absolute, from the working directory when folder is NULL; "." and ".." are resolved by the letter. */
const char *search_absolute(const char *folder, const char *name, struct arena *arena);
/* As people want to read it: relative when it lies below the working directory. */
const char *search_shown(const char *path, struct arena *arena);
/* The first folder's NAME.yaml, or NULL. */
const char *search_file(const struct text_list *folders, const char *name, struct arena *arena);
/* All NAME.yaml directly in the folders: name -> file, sorted by name, the first folder that has a name wins. */
void search_all(const struct text_list *folders, struct arena *arena, struct text_map *out);
/* " (did you mean debian-12?)", or " (there are: a, b)", or "". */
const char *search_hint(const struct text_list *folders, const char *name, struct arena *arena);

#endif
