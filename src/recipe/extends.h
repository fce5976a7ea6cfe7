/* SPDX-License-Identifier: Apache-2.0
 *
 * `extends`: a document on top of another one. */
#ifndef BAKERY_RECIPE_EXTENDS_H
#define BAKERY_RECIPE_EXTENDS_H

#include "bakery/faults.h"
#include "bakery/fields.h"
#include "bakery/mem.h"
#include "bakery/tree.h"

/* The document at path with all that it extends beneath it; `extends` is looked up beside the document that names it,
 * then in folders. NULL, and a fault, when one of them cannot be read or they go round in a circle. The arena owns the
 * tree. */
struct tree *extends_read(const char *path, const struct text_list *folders, struct arena *arena,
			  struct faults *faults);

/* child over base: maps merge, everything else of the child's replaces; a null takes an inherited value away. `source`
 * and `subnets` are alternatives: what the child does not name in them goes. A new tree, to be freed. */
struct tree *extends_merge(const struct tree *base, const struct tree *child);

#endif
