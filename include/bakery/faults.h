/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults in what a person wrote, collected so that one run reports all of them:
 *
 *     recipes/debian-12.yaml:7:3: lanch: unknown key (did you mean launch?)
 */
#ifndef BAKERY_FAULTS_H
#define BAKERY_FAULTS_H

#include <stddef.h>

#include "bakery/error.h"
#include "bakery/str.h"
#include "bakery/tree.h"

struct fault {
	char *file;
	int line, column; /* 0: unknown */
	char *text;	  /* "key: what is wrong (did you mean ...)" */
};

struct faults {
	struct fault *items;
	size_t count;
};
#define FAULTS_INIT                                                                                                    \
	{                                                                                                              \
		0                                                                                                      \
	}

void faults_free(struct faults *faults);
void faults_add(struct faults *faults, const char *file, int line, int column, const char *fmt, ...) printf_like(5, 6);
/* The same at a node's position: of its value, or of its key. A node that knows the file it came from names that one.
 */
void faults_add_at(struct faults *faults, const char *file, const struct tree *node, const char *fmt, ...)
	printf_like(4, 5);
void faults_add_at_key(struct faults *faults, const char *file, const struct tree *node, const char *fmt, ...)
	printf_like(4, 5);
void faults_move(struct faults *from, struct faults *to); /* from is empty then */
/* Of the faults from `second` on, those that stand where one of the faults [first, second) stands are only its echo:
 * they go. */
void faults_drop_echoes(struct faults *faults, size_t first, size_t second);

/* Reads a YAML document (rules: tree.h) and goes on after what can be gone on after, so that a doubled key does not
 * hide the rest. NULL when its syntax is broken; a fault says where. Free it with tree_free. */
struct tree *faults_read_yaml(struct faults *faults, const char *file, const char *text, size_t length) must_check;

void faults_sort(struct faults *faults); /* by file, line, column; each once */
/* Sorted; one a line. */
void faults_print(struct faults *faults, struct str *out);
/* false and ERROR_INVALID with the faults as text when there are any ("3 faults:\n..."), else true. Whole lines only:
 * those that err cannot hold are counted in a last line; who wants all of them prints them with faults_print. */
bool faults_check(struct faults *faults, struct error *err) must_check;

#endif
