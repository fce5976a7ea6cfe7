/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan on its way through a file: what `bakery plan` found is what `bakery build --plan` bakes, however the world has
 * changed meanwhile. */
#include <string.h>

#include "bakery/plan.h"
#include "bakery/str.h"

#define HASH_KEY "plan_sha256"

void plan_wrap(const struct plan *plan, struct str *out)
{
	struct error never;
	_cleanup_(tree_freep) struct tree *tree = tree_from_json(plan->json, strlen(plan->json), &never);

	tree_set_text(tree, HASH_KEY, plan->sha256);
	tree_to_json_pretty(tree, out);
	str_add_char(out, '\n');
}

bool plan_unwrap(const struct str *text, struct arena *arena, struct plan **out, struct error *err)
{
	_cleanup_(tree_freep) struct tree *tree = tree_from_json(text->data, text->len, err);
	_cleanup_(str_free) struct str json = STR_INIT;
	const char *promised;

	if (!tree) {
		err->kind = ERROR_INVALID;
		return error_context(err, "not a plan of `bakery plan --format json`");
	}
	if (tree_kind(tree) != TREE_OBJECT || !tree_key(tree, "recipe_sha256"))
		return error_set(err, ERROR_INVALID,
				 "not a plan: `bakery plan RECIPE --out FILE` writes one (--format json prints it)");
	promised = arena_strdup(arena, tree_text(tree, HASH_KEY));
	tree_remove(tree, HASH_KEY);
	tree_to_json_canonical(tree, &json);
	if (!plan_load(json.data, arena, out, err))
		return false;
	if (!promised || str_eq(promised, (*out)->sha256))
		return true;
	return error_set(err, ERROR_INVALID,
			 "it was changed after it was made: its sha256 is %.12s, it says %.12s; make the plan anew "
			 "(or, if the change is meant, take " HASH_KEY " out)",
			 (*out)->sha256, promised);
}
