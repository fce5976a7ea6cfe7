/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as what a machine says of itself: an inventory, of which both documents can be made, or an error. */
#include "bakery/tree.h"
#include "fuzz.h"
#include "src/pipeline/inspect/inventory.h"

static void is_json(struct tree *document)
{
	_cleanup_(tree_freep) struct tree *owned = document, *again = NULL;
	_cleanup_(str_free) struct str json = STR_INIT;
	struct error err = {0};

	tree_to_json(owned, &json);
	again = tree_from_json(json.data, json.len, &err);
	must_hold(again && tree_equal(owned, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct inventory_subject subject = {
		.build = "b", .recipe = "r", .image_name = "i", .instance = "i-1", .phase = "verify"};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct inventory inventory;
	struct error err = {0};

	if (!inventory_read((const char *)data, size, arena, &inventory, &err)) {
		must_hold(err.text[0] != '\0');
		return 0;
	}
	is_json(inventory_sbom(&inventory, &subject));
	is_json(inventory_etc(&inventory, &subject));
	return 0;
}
