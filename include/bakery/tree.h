/* SPDX-License-Identifier: Apache-2.0
 *
 * One tree for every document: JSON, YAML and XML read into it, JSON written from it. It is json-c's object under
 * the house's name (only tree.c, yaml.c and xml.c know json-c).
 *
 * Paths are dotted; a number counts array items from 1, as EC2 counts: "reservationSet.1.instancesSet.1.instanceId".
 * A part of a path is looked up as a key in an object and as an index in an array. Keys that hold dots are reached with
 * tree_key.
 *
 * Ownership: tree_from_* and tree_new_* return a tree the caller frees; tree_set/tree_add take over the child given
 * to them; what tree_get, tree_key, tree_at and tree_text return is borrowed and lives as long as the root. */
#ifndef BAKERY_TREE_H
#define BAKERY_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bakery/error.h"
#include "bakery/macros.h"
#include "bakery/str.h"

struct tree; /* NULL is an absent tree; every reader accepts it */

enum tree_kind { TREE_ABSENT, TREE_NULL, TREE_BOOL, TREE_INT, TREE_DOUBLE, TREE_TEXT, TREE_ARRAY, TREE_OBJECT };
enum tree_kind tree_kind(const struct tree *tree);
const char *tree_kind_name(enum tree_kind kind); /* "a list", "a map", "text": for messages */

struct tree *tree_new_object(void);
struct tree *tree_new_array(void);
struct tree *tree_new_null(void);
struct tree *tree_new_text(const char *text);
struct tree *tree_new_text_n(const char *text, size_t length);
struct tree *tree_new_int(int64_t value);
struct tree *tree_new_bool(bool value);
struct tree *tree_new_double(double value);
void tree_free(struct tree *tree);
void tree_freep(struct tree **tree);
/* The same for a document with secrets in it, whose texts are overwritten. Only for one that nobody else shares. */
void tree_wipe_free(struct tree *tree);
void tree_wipe_freep(struct tree **tree);
struct tree *tree_share(const struct tree *tree); /* one more owner of the same tree; treat shared trees as read-only */
struct tree *tree_copy(const struct tree *tree);  /* deep; positions are kept */
bool tree_equal(const struct tree *a, const struct tree *b);

/* Reading. A missing path gives NULL, the default or 0; never an error. */
struct tree *tree_get(const struct tree *tree, const char *path);
struct tree *tree_key(const struct tree *tree, const char *key); /* one key of an object, dots and all */
struct tree *tree_at(const struct tree *tree, size_t index);	 /* item of an array, from 0 */
size_t tree_count(const struct tree *tree);			 /* items of an array or keys of an object */
const char *tree_text(const struct tree *tree,
		      const char *path); /* text, or a number or bool written out; NULL for absent, lists, maps. path
					    NULL or "": the node itself */
const char *tree_text_or(const struct tree *tree, const char *path, const char *otherwise);
int64_t tree_int(const struct tree *tree, const char *path, int64_t otherwise); /* also text that is a number */
bool tree_bool(const struct tree *tree, const char *path, bool otherwise);	/* also "true", "false" */
double tree_double(const struct tree *tree, const char *path, double otherwise);

/* for (struct tree_iter i = tree_iter(t); tree_next(&i);) ... i.key (objects, else NULL), i.value, i.index (from 0).
 * Objects keep the order of insertion. Do not change the tree meanwhile. */
struct tree_iter {
	const struct tree *tree;
	const char *key;
	struct tree *value;
	size_t index;
	void *state;
	bool started;
};
struct tree_iter tree_iter(const struct tree *tree);
bool tree_next(struct tree_iter *iter);

/* Writing, on objects and arrays. A NULL text is stored as null. */
void tree_set(struct tree *object, const char *key, struct tree *child);
void tree_set_text(struct tree *object, const char *key, const char *text);
void tree_setf(struct tree *object, const char *key, const char *fmt, ...) printf_like(3, 4);
void tree_set_int(struct tree *object, const char *key, int64_t value);
void tree_set_bool(struct tree *object, const char *key, bool value);
void tree_remove(struct tree *object, const char *key);
void tree_add(struct tree *array, struct tree *child);
void tree_add_text(struct tree *array, const char *text);
struct tree *tree_add_object(struct tree *array);		    /* appends {} and returns it (borrowed) */
struct tree *tree_set_object(struct tree *object, const char *key); /* sets {} and returns it (borrowed) */
struct tree *tree_set_array(struct tree *object, const char *key);  /* sets [] and returns it (borrowed) */

/* Where a node stood in its source (YAML only; 0 when unknown). Lines and columns count from 1. */
struct tree_position {
	int key_line, key_column; /* of its key, when it is a member of a map */
	int line, column;	  /* of the value */
	const char
		*file; /* when documents were merged: the one it came from (borrowed, lives with the tree); else NULL */
};
struct tree_position tree_position(const struct tree *tree);
struct tree *tree_mark(struct tree *tree, struct tree_position position); /* stores where it stood; returns it */

/* Documents. Input is bounded: depth 64, and the caller bounds the bytes. Errors name line and column. */
struct tree *tree_from_json(const char *text, size_t length, struct error *err) must_check;
void tree_to_json(const struct tree *tree, struct str *out);	       /* compact, keys in order of insertion */
void tree_to_json_pretty(const struct tree *tree, struct str *out);    /* two spaces, ends without newline */
void tree_to_json_canonical(const struct tree *tree, struct str *out); /* compact, keys sorted: for hashes */

/* YAML (the JSON-like part): one document; doubled keys, anchors, aliases and tags are refused, with their position.
 * Plain true/false are bools, plain decimal integers without a leading zero are ints, plain null/~/empty is null, all
 * else is text. */
struct tree *tree_from_yaml(const char *text, size_t length, struct error *err) must_check;

/* XML as EC2, STS and Auto Scaling write it: the root element's children become keys of the returned object (the root's
 * own name is dropped); an element whose children are all <item> or all <member> becomes an array; an empty element is
 * ""; a doubled name becomes an array; attributes are dropped. */
struct tree *tree_from_xml(const char *text, size_t length, struct error *err) must_check;

#endif
