/* SPDX-License-Identifier: Apache-2.0
 *
 * Field tables: one table per struct drives decoding, unknown-key faults with a suggestion, defaults, encoding back to
 * a tree, the JSON Schema and the reference page. Recipe, playbook, settings and plan are such tables; nobody writes
 * getters.
 *
 * A table ends with an entry whose key is NULL. Decoded texts, lists and structs live in the arena. */
#ifndef BAKERY_FIELDS_H
#define BAKERY_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bakery/faults.h"
#include "bakery/mem.h"
#include "bakery/tree.h"

enum field_type {
	FIELD_TEXT,	   /* const char *; ints and bools in the document are taken as written */
	FIELD_INT,	   /* int64_t */
	FIELD_BOOL,	   /* bool */
	FIELD_DURATION,	   /* int64_t seconds; written "30s" "5m" "2h" "90d" */
	FIELD_CHOICE,	   /* int: index into choices */
	FIELD_TEXT_LIST,   /* struct text_list; a single text is taken as a list of one */
	FIELD_TEXT_MAP,	   /* struct text_map; values are scalars */
	FIELD_STRUCT,	   /* T *: NULL when absent; described by fields, size */
	FIELD_INLINE,	   /* T itself: all defaults when absent. With offset 0 the nested table may name members of the
			      outer struct */
	FIELD_STRUCT_LIST, /* struct struct_list of T */
	FIELD_STRUCT_MAP,  /* struct struct_map: key -> T (a null value gives an all-default T; a list of texts is taken
			      as keys) */
	FIELD_TREE, /* const struct tree *: kept as it stands, checked elsewhere; fields, if any, only feed the schema
		     */
};

enum field_flags {
	FIELD_REQUIRED = 1,
	FIELD_NOT_EMPTY = 2,	/* empty text, list or map is a fault */
	FIELD_SINGLE = 4,	/* FIELD_STRUCT_LIST: a single item is taken as a list of one */
	FIELD_NULL_VALUES = 16, /* FIELD_TEXT_MAP: a null value is kept, as NULL */
	FIELD_INVERTED = 8,	/* FIELD_BOOL: kept the other way round ("enabled: false" sets a member `off`) */
};

struct text_list {
	const char **items;
	size_t count;
};
struct text_pair {
	const char *key, *value;
};
struct text_map {
	struct text_pair *items;
	size_t count;
};
struct struct_list {
	void *items;
	size_t count;
}; /* items: T[count] */
struct struct_map {
	const char **keys;
	void *items;
	size_t count;
}; /* parallel: keys[i] -> ((T *)items)[i] */

struct fields_context { /* what a check may need to report well */
	const char *file;
	struct faults *faults;
	struct arena *arena;
	const char *key; /* of the value a check looks at, dotted, for its messages; callers of fields_decode leave it
			    NULL */
};

struct field {
	const char *key;
	size_t offset;
	enum field_type type;
	unsigned flags;
	const char *otherwise;	    /* default, as it would be written; NULL: zero */
	const char *const *choices; /* FIELD_CHOICE, or to restrict FIELD_TEXT and FIELD_TEXT_LIST: NULL-terminated */
	const struct field *fields; /* of a nested struct */
	size_t size;		    /* of a nested struct; not needed for FIELD_INLINE */
	const char *shorthand; /* nested struct: a text, number, bool or list in its place means {shorthand: that} */
	int64_t least, most;   /* FIELD_INT, FIELD_DURATION: bounds, when most is not 0 */
	/* Looks at one decoded value and the node it came from; adds faults. May be NULL. */
	void (*check)(const struct fields_context *context, const struct tree *node, const void *value);
	const char *doc; /* one sentence; feeds the reference page and the schema */
};

/* Decodes object into *out (the whole struct is written: defaults first). Adds a fault for each thing wrong (unknown
 * key, wrong type, missing, out of bounds) and goes on. `key` names the object in messages ("launch.root_volume"; "" at
 * the top). */
void fields_decode(const struct field *table, const struct tree *object, const char *key, void *out,
		   const struct fields_context *context);

/* The reverse: an object with the keys in the table's order; absent texts, lists, maps and structs are left out.
 * Durations are written as "90d"-style text, so that decode(encode(x)) is x. */
struct tree *fields_encode(const struct field *table, const void *in);

/* JSON Schema (2020-12) of the table, with docs as descriptions. */
struct tree *fields_schema(const struct field *table);

/* The table as Markdown rows "key, value, default, meaning", nested tables with dotted keys. */
void fields_reference(const struct field *table, struct str *out);

const char *text_map_get(const struct text_map *map, const char *key); /* NULL when absent */
bool text_list_has(const struct text_list *list, const char *text);
/* These only build lists and maps that the caller began himself (from {0}); texts are borrowed, room comes from the
 * arena. */
void text_list_append(struct text_list *list, const char *text, struct arena *arena);
void text_map_put(struct text_map *map, const char *key, const char *value,
		  struct arena *arena); /* replaces a value that is there */

#endif
