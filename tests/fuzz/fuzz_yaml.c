/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as YAML: a tree or a fault with its place; what was read survives the way through JSON; the strict and the
 * collecting reader agree. */
#include "bakery/faults.h"
#include "bakery/tree.h"
#include "fuzz.h"

static void check_json(const struct tree *tree)
{
	_cleanup_(str_free) struct str json = STR_INIT;
	_cleanup_(tree_freep) struct tree *copy = tree_copy(tree);
	_cleanup_(tree_freep) struct tree *again = NULL;
	struct error err = {0};

	tree_to_json(tree, &json);
	again = tree_from_json(json.data, json.len, &err);
	must_hold(again && tree_equal(tree, again) && tree_equal(tree, copy));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;
	_cleanup_(str_free) struct str printed = STR_INIT;
	_cleanup_(tree_freep) struct tree *tree = faults_read_yaml(&faults, "f", (const char *)data, size);
	struct error err = {0};
	_cleanup_(tree_freep) struct tree *strict = tree_from_yaml((const char *)data, size, &err);

	must_hold(tree || faults.count > 0);
	must_hold((strict != NULL) == (faults.count == 0));
	must_hold(strict || err.text[0]);
	if (strict) {
		must_hold(tree_equal(tree, strict));
		check_json(strict);
	}
	faults_print(&faults, &printed);
	return 0;
}
