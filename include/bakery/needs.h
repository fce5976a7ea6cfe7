/* SPDX-License-Identifier: Apache-2.0
 *
 * What a recipe's builds may ask of AWS: the operations, and the values that permissions.def puts into the policy for
 * them. From the recipe and the settings alone. */
#ifndef BAKERY_NEEDS_H
#define BAKERY_NEEDS_H

#include "bakery/permissions.h"
#include "bakery/plan.h"
#include "bakery/recipe.h"

struct needs_scope {
	const char *account; /* NULL: any, "*" */
	const char *region;  /* for recipes that name none; NULL: any, "*" */
	bool with_doctor;    /* also what only `bakery doctor` asks */
};
/* Adds those of one recipe to *out. */
void needs_of_recipe(const struct settings *settings, const struct recipe *recipe, const struct needs_scope *scope,
		     struct permission_needs *out);
/* Adds those of building a plan: what was found for it need not be looked for again. The source image is any, so that
 * a newer one needs the same. */
void needs_of_plan(const struct plan *plan, struct arena *arena, struct permission_needs *out);
/* Adds those of `bakery gc`: in all regions, and only what carries the project's tags. */
void needs_of_gc(const struct settings *settings, const struct needs_scope *scope, struct arena *arena,
		 struct permission_needs *out);
#endif
