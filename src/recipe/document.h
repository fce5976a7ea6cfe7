/* SPDX-License-Identifier: Apache-2.0
 *
 * One YAML file as a tree whose nodes know the file they stand in. */
#ifndef BAKERY_RECIPE_DOCUMENT_H
#define BAKERY_RECIPE_DOCUMENT_H

#include "bakery/faults.h"
#include "bakery/mem.h"
#include "bakery/tree.h"

/* NULL, and a fault, when it cannot be read. shown: the path in messages. The arena owns the tree. */
struct tree *document_read(const char *path, const char *shown, struct arena *arena, struct faults *faults);
/* The arena owns the tree from now on; returns it. */
struct tree *document_keep(struct tree *tree, struct arena *arena);

#endif
