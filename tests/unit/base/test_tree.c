/* SPDX-License-Identifier: Apache-2.0 */
#include "../../lib/check.h"
#include "bakery/mem.h"
#include "bakery/tree.h"

static struct tree *json(const char *text)
{
	struct error err = {0};
	struct tree *tree = tree_from_json(text, strlen(text), &err);

	if (!tree)
		fail_msg("%s: %s", text, err.text);
	return tree;
}

static void paths_count_from_one(void **state)
{
	_cleanup_(tree_freep) struct tree *tree =
		json("{\"a\":[{\"b\":\"x\"},{\"b\":7}],\"1\":true,\"d.e\":\"dotted\"}");

	assert_string_equal(tree_text(tree, "a.1.b"), "x");
	assert_string_equal(tree_text(tree, "a.2.b"), "7");
	assert_int_equal(tree_int(tree, "a.2.b", 0), 7);
	assert_string_equal(tree_text(tree, "1"), "true");
	assert_null(tree_text(tree, "a.0.b"));
	assert_null(tree_text(tree, "a.3.b"));
	assert_null(tree_text(tree, "a.x"));
	assert_null(tree_text(tree, "a"));
	assert_null(tree_text(NULL, "a"));
	assert_null(tree_get(tree, "d.e"));
	assert_string_equal(tree_text(tree_key(tree, "d.e"), NULL), "dotted");
	assert_int_equal(tree_count(tree_get(tree, "a")), 2);
	assert_int_equal(tree_int(tree, "nothing", -1), -1);
}

static void null_is_neither_text_nor_absent(void **state)
{
	_cleanup_(tree_freep) struct tree *tree = json("{\"a\":null,\"b\":[null]}");

	assert_int_equal(tree_kind(tree_get(tree, "a")), TREE_NULL);
	assert_int_equal(tree_kind(tree_get(tree, "b.1")), TREE_NULL);
	assert_int_equal(tree_kind(tree_get(tree, "c")), TREE_ABSENT);
	assert_null(tree_text(tree, "a"));
	assert_string_equal(tree_text_or(tree, "a", "other"), "other");
}

static void iteration_keeps_the_order(void **state)
{
	_cleanup_(tree_freep) struct tree *tree = json("{\"z\":1,\"a\":2,\"m\":3}");
	char keys[8] = "";

	for (struct tree_iter i = tree_iter(tree); tree_next(&i);) {
		keys[i.index] = i.key[0];
		assert_int_equal(tree_int(i.value, NULL, 0), (int64_t)i.index + 1);
	}
	assert_string_equal(keys, "zam");
	for (struct tree_iter i = tree_iter(NULL); tree_next(&i);)
		fail();
}

static void copies_are_deep(void **state)
{
	_cleanup_(tree_freep) struct tree *tree = json("{\"a\":[1,\"x\",null,true,1.5,{}]}");
	_cleanup_(tree_freep) struct tree *copy = tree_copy(tree);

	assert_true(tree_equal(tree, copy));
	tree_add_text(tree_get(copy, "a"), "more");
	assert_int_equal(tree_count(tree_get(tree, "a")), 6);
	assert_false(tree_equal(tree, copy));
	assert_int_equal(tree_kind(tree_get(copy, "a.3")), TREE_NULL);
}

static void writing(void **state)
{
	_cleanup_(tree_freep) struct tree *tree = tree_new_object();
	_cleanup_(str_free) struct str out = STR_INIT;
	struct tree *list = tree_set_array(tree, "list");

	tree_set_text(tree, "text", "a\"b\n");
	tree_set_text(tree, "none", NULL);
	tree_set_int(tree, "int", -5);
	tree_set_bool(tree, "bool", true);
	tree_setf(tree, "fmt", "%d", 3);
	tree_set_text(tree_add_object(list), "k", "v");
	tree_set_text(tree, "text", "replaced");
	tree_remove(tree, "bool");
	tree_to_json(tree, &out);
	assert_string_equal(out.data,
			    "{\"list\":[{\"k\":\"v\"}],\"text\":\"replaced\",\"none\":null,\"int\":-5,\"fmt\":\"3\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_count_from_one),
		cmocka_unit_test(null_is_neither_text_nor_absent),
		cmocka_unit_test(iteration_keeps_the_order),
		cmocka_unit_test(copies_are_deep),
		cmocka_unit_test(writing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
