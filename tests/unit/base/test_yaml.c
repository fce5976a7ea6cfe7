/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bakery/faults.h"

static struct tree *read_ok(const char *yaml)
{
	struct error err = {0};
	struct tree *tree = tree_from_yaml(yaml, strlen(yaml), &err);

	if (!tree)
		print_error("%s\n", err.text);
	assert_non_null(tree);
	return tree;
}

static void values(void **state)
{
	static const struct {
		const char *yaml, *json;
	} cases[] = {
		{"", "null"},
		{"# only a comment\n", "null"},
		{"a: 1", "{\"a\":1}"},
		{"a: -17", "{\"a\":-17}"},
		{"a: 0", "{\"a\":0}"},
		{"a: 0644", "{\"a\":\"0644\"}"},
		{"a: -0", "{\"a\":\"-0\"}"},
		{"a: 1.5", "{\"a\":\"1.5\"}"},
		{"a: 0x1f", "{\"a\":\"0x1f\"}"},
		{"a: 1e3", "{\"a\":\"1e3\"}"},
		{"a: 9223372036854775807", "{\"a\":9223372036854775807}"},
		{"a: 9223372036854775808", "{\"a\":\"9223372036854775808\"}"},
		{"a: 123456789012", "{\"a\":123456789012}"},
		{"a: '1'", "{\"a\":\"1\"}"},
		{"a: \"true\"", "{\"a\":\"true\"}"},
		{"a: true\nb: false", "{\"a\":true,\"b\":false}"},
		{"a: yes\nb: True\nc: on\nd: Null", "{\"a\":\"yes\",\"b\":\"True\",\"c\":\"on\",\"d\":\"Null\"}"},
		{"a:\nb: ~\nc: null\nd: ''", "{\"a\":null,\"b\":null,\"c\":null,\"d\":\"\"}"},
		{"- a\n- [b, {c: d}]\n- {}\n- []", "[\"a\",[\"b\",{\"c\":\"d\"}],{},[]]"},
		{"a: |\n  x\n   y\nb: >-\n  p\n  q\n", "{\"a\":\"x\\n y\\n\",\"b\":\"p q\"}"},
		{"1: a\ntrue: b", "{\"1\":\"a\",\"true\":\"b\"}"},
		{"\xEF\xBB\xBF"
		 "a: b",
		 "{\"a\":\"b\"}"},
		{"---\na: b\n...\n", "{\"a\":\"b\"}"},
		{"a: 2026-01-02", "{\"a\":\"2026-01-02\"}"},
		{"a: \"\xC3\xA4\\t\\u00e4\"", "{\"a\":\"\xC3\xA4\\t\xC3\xA4\"}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(tree_freep) struct tree *tree = read_ok(cases[i].yaml);
		_cleanup_(str_free) struct str json = STR_INIT;
		tree_to_json(tree, &json);
		assert_string_equal(json.data, cases[i].json);
	}
}

static void positions(void **state)
{
	_cleanup_(tree_freep) struct tree *tree =
		read_ok("name: x\nlaunch:\n  region: eu-west-1\n  types:\n  - a\n  - \xC3\xA4: b\n");
	static const struct {
		const char *path;
		struct tree_position at;
	} cases[] = {
		{"", {0, 0, 1, 1}},
		{"name", {1, 1, 1, 7}},
		{"launch", {2, 1, 3, 3}},
		{"launch.region", {3, 3, 3, 11}},
		{"launch.types", {4, 3, 5, 3}},
		{"launch.types.1", {0, 0, 5, 5}},
		{"launch.types.2.\xC3\xA4", {6, 5, 6, 8}}, /* columns count characters */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tree_position at = tree_position(tree_get(tree, cases[i].path));
		assert_int_equal(at.key_line, cases[i].at.key_line);
		assert_int_equal(at.key_column, cases[i].at.key_column);
		assert_int_equal(at.line, cases[i].at.line);
		assert_int_equal(at.column, cases[i].at.column);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *yaml, *text;
	} cases[] = {
		{"a: &x 1", "line 1, column 4: anchors (&x) are not supported"},
		{"a: 1\nb: *a", "line 2, column 4: aliases (*a) are not supported"},
		{"a: !!int 1", "line 1, column 4: tags (tag:yaml.org,2002:int) are not supported"},
		{"a: !x {b: c}", "line 1, column 4: tags (!x) are not supported"},
		{"b: 1\na: 1\nb: 2", "line 3, column 1: b: the key stands twice (first in line 1)"},
		{"{a: 1, a: 2}", "line 1, column 8: a: the key stands twice (first in line 1)"},
		{"a: 1\n---\nb: 2", "line 2, column 1: a second document begins here; one is expected"},
		{"? [a, b]\n: c", "line 1, column 3: a key must be text, not a list"},
		{"? {a: b}\n: c",
		 "line 1, column 3: a key must be text, not a map (a text that begins with {{ needs quotes)"},
		{"a: {{ b }}",
		 "line 1, column 5: a key must be text, not a map (a text that begins with {{ needs quotes)"},
		{"'': c", "line 1, column 1: a key must not be empty"},
		{"a: \"x\\0y\"", "line 1, column 4: text must not hold a NUL character"},
		{"a: [1, 2", "line 2, column 1: did not find expected ',' or ']', while parsing a flow sequence (which "
			     "began in line 1)"},
		{"a: 1\n  b: 2",
		 "line 2, column 4: mapping values are not allowed in this context (is the line indented "
		 "too far? a text that holds \": \" needs quotes)"},
		{"a: b: c",
		 "line 1, column 5: mapping values are not allowed in this context (is the line indented too "
		 "far? a text that holds \": \" needs quotes)"},
		{"a:\n   b: 1\n  c: 2", "line 3, column 3: did not find expected key, while parsing a block mapping "
					"(which began in line 1) (is the line indented as those before it?)"},
		{"a:\n  - b\n c: d",
		 "line 3, column 2: did not find expected key, while parsing a block mapping (which "
		 "began in line 1) (is the line indented as those before it?)"},
		{"a:\n  - b\n  c: 1", "line 3, column 3: did not find expected '-' indicator, while parsing a block "
				      "collection (which began in line 2) (is the line indented as those before it?)"},
		{"a: 1\nb\nc: 2", "line 3, column 1: could not find expected ':', while scanning a simple key (which "
				  "began in line 2) (a key needs a colon and a space behind it)"},
		{"a: @b", "line 1, column 4: found character that cannot start any token, while scanning for the next "
			  "token (which began in line 1) (a tab cannot indent; a text that begins with @, % or ` needs "
			  "quotes)"},
		{"a:\n\t- b", "line 2, column 1: found character that cannot start any token, while scanning for the "
			      "next token (which began in line 2) (a tab cannot indent; a text that begins with @, % "
			      "or ` needs quotes)"},
		{"a: \"x", "line 1, column 6: found unexpected end of stream, while scanning a quoted scalar (which "
			   "began in line 1)"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0};
		assert_null(tree_from_yaml(cases[i].yaml, strlen(cases[i].yaml), &err));
		assert_string_equal(err.text, cases[i].text);
		assert_true(error_is(&err, ERROR_INVALID));
	}
}

static void bytes_that_are_no_text(void **state)
{
	static const char *const cases[] = {"a: \xff", "a: \xC3",
					    "\xff\xfe"
					    "a",
					    "a: \x01", "a: \xED\xA0\x80"};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0};
		assert_null(tree_from_yaml(cases[i], strlen(cases[i]), &err));
		assert_non_null(strstr(err.text, "the text is not valid UTF-8"));
	}
}

static void every_fault_in_one_reading(void **state)
{
	static const char yaml[] = "a: &x 1\n"
				   "a: {deep: [1, {er: 2}]}\n"
				   "b: *x\n"
				   "c: !t [*x]\n"
				   "d: {e: 1, e: 2, e: 3}\n"
				   "f: good\n";
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;
	_cleanup_(str_free) struct str out = STR_INIT;
	_cleanup_(tree_freep) struct tree *tree = faults_read_yaml(&faults, "f.yaml", yaml, strlen(yaml));

	assert_string_equal(tree_text(tree, "f"), "good");
	assert_string_equal(tree_text(tree, "a"), "1"); /* the first one counts */
	faults_print(&faults, &out);
	assert_string_equal(out.data, "f.yaml:1:4: anchors (&x) are not supported\n"
				      "f.yaml:2:1: a: the key stands twice (first in line 1)\n"
				      "f.yaml:3:4: aliases (*x) are not supported\n"
				      "f.yaml:4:4: tags (!t) are not supported\n"
				      "f.yaml:4:8: aliases (*x) are not supported\n"
				      "f.yaml:5:11: e: the key stands twice (first in line 5)\n"
				      "f.yaml:5:17: e: the key stands twice (first in line 5)\n");
}

static struct tree *nested(size_t depth, struct error *err)
{
	_cleanup_(str_free) struct str yaml = STR_INIT;

	for (size_t i = 0; i < depth; i++)
		str_add_char(&yaml, '[');
	for (size_t i = 0; i < depth; i++)
		str_add_char(&yaml, ']');
	return tree_from_yaml(yaml.data, yaml.len, err);
}

static void depth_is_bounded(void **state)
{
	struct error err = {0};
	_cleanup_(tree_freep) struct tree *deepest = nested(64, &err);

	assert_non_null(deepest);
	assert_null(nested(65, &err));
	assert_string_equal(err.text, "line 1, column 65: lists and maps are nested deeper than 64");
	assert_null(nested(100000, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(positions),
		cmocka_unit_test(refused),
		cmocka_unit_test(bytes_that_are_no_text),
		cmocka_unit_test(every_fault_in_one_reading),
		cmocka_unit_test(depth_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
