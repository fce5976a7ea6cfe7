/* SPDX-License-Identifier: Apache-2.0 */
#include "../../lib/check.h"
#include "bakery/mem.h"
#include "bakery/tree.h"

static void documents_come_back_as_they_were(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"null",
		"true",
		"12",
		"-9223372036854775808",
		"\"\"",
		"\"\\u0001\\n\\t\\\"\\\\\"",
		"[1,[2,[3,{\"a\":null}]]]",
		"1.5",
		"{\"b\":1,\"a\":2}",
		"\"\xc3\xa4\"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct error err = {0};
		_cleanup_(tree_freep) struct tree *tree = tree_from_json(texts[i], strlen(texts[i]), &err);
		_cleanup_(str_free) struct str out = STR_INIT;
		if (!tree)
			fail_msg("%s: %s", texts[i], err.text);
		tree_to_json(tree, &out);
		assert_string_equal(out.data, texts[i]);
	}
}

static void canonical_form_sorts_keys(void **state)
{
	struct error err = {0};
	const char *text = " {\"b\": {\"z\":1, \"y\":2}, \"a\": [3, 1]} ";
	_cleanup_(tree_freep) struct tree *tree = tree_from_json(text, strlen(text), &err);
	_cleanup_(str_free) struct str canonical = STR_INIT, pretty = STR_INIT;

	tree_to_json_canonical(tree, &canonical);
	assert_string_equal(canonical.data, "{\"a\":[3,1],\"b\":{\"y\":2,\"z\":1}}");
	tree_to_json_pretty(tree, &pretty);
	assert_string_equal(pretty.data,
			    "{\n  \"b\": {\n    \"z\": 1,\n    \"y\": 2\n  },\n  \"a\": [\n    3,\n    1\n  ]\n}");
}

static void broken_ones_are_refused_with_a_position(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "too early"},  {"{", "too early"}, {"{\"a\":1}}", "line 1, column 8"}, {"{\n  \"a\" 1}", "line 2"},
		{"[1,]", "line 1"}, {"nope", "line 1"}, {"{} {}", "behind the end"},	    {"\"\xff\"", "line 1"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0};
		_cleanup_(tree_freep) struct tree *tree = tree_from_json(cases[i].text, strlen(cases[i].text), &err);
		if (tree || !strstr(err.text, cases[i].says))
			fail_msg("%s: %s", cases[i].text, tree ? "accepted" : err.text);
	}
}

static void depth_is_bounded(void **state)
{
	struct error err = {0};
	char text[401];
	_cleanup_(tree_freep) struct tree *tree = NULL;

	memset(text, '[', 200);
	memset(text + 200, ']', 200);
	text[400] = '\0';
	tree = tree_from_json(text, 400, &err);
	assert_null(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_come_back_as_they_were),
		cmocka_unit_test(canonical_form_sorts_keys),
		cmocka_unit_test(broken_ones_are_refused_with_a_position),
		cmocka_unit_test(depth_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
