/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as the XML of an EC2 answer: an object or an error; what was read survives the way through JSON. */
#include "bakery/tree.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	_cleanup_(tree_freep) struct tree *tree = tree_from_xml((const char *)data, size, &err);
	_cleanup_(tree_freep) struct tree *again = NULL;
	_cleanup_(str_free) struct str json = STR_INIT;

	must_hold(tree ? tree_kind(tree) == TREE_OBJECT : err.text[0] != '\0');
	if (!tree)
		return 0;
	tree_to_json(tree, &json);
	again = tree_from_json(json.data, json.len, &err);
	must_hold(again && tree_equal(tree, again));
	return 0;
}
