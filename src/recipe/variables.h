/* SPDX-License-Identifier: Apache-2.0
 *
 * {{ name }} in texts. A name is letters, digits, - and _; white space inside the braces does not matter; {{{{ is a
 * literal {{. What was put in is not looked at again. */
#ifndef BAKERY_RECIPE_VARIABLES_H
#define BAKERY_RECIPE_VARIABLES_H

#include <stdbool.h>
#include <stddef.h>

#include "bakery/faults.h"
#include "bakery/fields.h"
#include "bakery/mem.h"
#include "bakery/tree.h"

/* Where variables are replaced, and with what. */
struct scope {
	const struct text_map *known;
	const char *const
		*build_keys; /* dotted keys in which {{ build }} may stand, NULL-terminated; it stays. May be NULL */
	struct faults *faults;
	struct arena *arena;
	size_t produced; /* bytes so far: bounded, whatever is written */
};

/* tree with the variables in its texts replaced, positions kept; keys stay. Unknown ones are faults. key: what tree is,
 * dotted. The arena owns it. */
struct tree *variables_replace(struct scope *scope, const struct tree *tree, const char *key);

/* Faults, with their place in file, for what variables_render could not replace. */
void variables_check_template(struct scope *scope, const char *text, const char *file);

/* A document's own variables: a map of texts at node, overridden by given. Own values that use other variables, or
 * built-in ones, are expanded. A value is NULL where the document says null (no default) and none is given: reporting
 * that is the caller's. key: "variables", "vars". */
struct text_map variables_declare(const struct tree *node, const char *key, const struct text_map *given,
				  const struct text_map *built_in, struct arena *arena, struct faults *faults);

/* "unknown variable x (did you mean y?)" in an arena text. */
const char *variables_unknown(const char *name, const struct text_map *known, const struct faults *faults,
			      struct arena *arena);

#endif
