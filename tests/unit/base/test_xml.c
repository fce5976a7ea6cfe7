/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bakery/str.h"
#include "bakery/tree.h"

static void shapes(void **state)
{
	static const struct {
		const char *xml, *json;
	} cases[] = {
		{"<R/>", "{}"},
		{"<R>text</R>", "{}"},
		{"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<R xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\n "
		 " <a>1</a>\n</R>\n",
		 "{\"a\":\"1\"}"},
		{"<R><a/><b></b><c>\n  </c><d> </d></R>", "{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\" \"}"},
		{"<R><set><item><x>1</x></item></set></R>", "{\"set\":[{\"x\":\"1\"}]}"},
		{"<R><set><item>1</item><item/><item><x>2</x></item></set></R>",
		 "{\"set\":[\"1\",\"\",{\"x\":\"2\"}]}"},
		{"<R><set>\n <member>1</member>\n <member>2</member>\n</set></R>", "{\"set\":[\"1\",\"2\"]}"},
		{"<R><set><item><item>1</item></item></set></R>", "{\"set\":[[\"1\"]]}"},
		{"<R><a>1</a><b/><a>2</a><a>3</a></R>", "{\"a\":[\"1\",\"2\",\"3\"],\"b\":\"\"}"},
		/* A list within a doubled name stays a list of its own. */
		{"<R><a><item>1</item></a><a><item>2</item></a></R>", "{\"a\":[[\"1\"],[\"2\"]]}"},
		/* Neither all <item> nor all <member>: no list. */
		{"<R><m><item>1</item><x/><item>2</item></m></R>", "{\"m\":{\"item\":[\"1\",\"2\"],\"x\":\"\"}}"},
		{"<R><m><item>1</item><member>2</member></m></R>", "{\"m\":{\"item\":\"1\",\"member\":\"2\"}}"},
		{"<R><m><x/><item>1</item></m></R>", "{\"m\":{\"x\":\"\",\"item\":\"1\"}}"},
		{"<R><item>1</item><item>2</item></R>", "{\"item\":[\"1\",\"2\"]}"},
		{"<R><a b=\"c\">x</a></R>", "{\"a\":\"x\"}"},
		{"<R><a>&lt;&amp;&gt;&#228;</a><b><![CDATA[<x>]]></b></R>", "{\"a\":\"<&>\xC3\xA4\",\"b\":\"<x>\"}"},
		{"<R><a>one<b/>two</a></R>", "{\"a\":{\"b\":\"\"}}"},
		{"<R><o>QWJj\nRGVm\n</o></R>", "{\"o\":\"QWJj\\nRGVm\\n\"}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0};
		_cleanup_(tree_freep) struct tree *tree = tree_from_xml(cases[i].xml, strlen(cases[i].xml), &err);
		_cleanup_(str_free) struct str json = STR_INIT;
		assert_string_equal(err.text, "");
		tree_to_json(tree, &json);
		assert_string_equal(json.data, cases[i].json);
	}
}

static void paths_of_an_ec2_answer(void **state)
{
	static const char xml[] =
		"<DescribeInstancesResponse "
		"xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId><reservationSet>"
		"<item><instancesSet><item><instanceId>i-1</instanceId><instanceState><code>16</code><name>running</"
		"name>"
		"</instanceState><tagSet><item><key>a</key><value/></item></tagSet></item></instancesSet></item>"
		"</reservationSet></DescribeInstancesResponse>";
	struct error err = {0};
	_cleanup_(tree_freep) struct tree *tree = tree_from_xml(xml, strlen(xml), &err);

	assert_string_equal(tree_text(tree, "reservationSet.1.instancesSet.1.instanceState.name"), "running");
	assert_int_equal(tree_int(tree, "reservationSet.1.instancesSet.1.instanceState.code", 0), 16);
	assert_string_equal(tree_text(tree, "reservationSet.1.instancesSet.1.tagSet.1.value"), "");
}

static void refused(void **state)
{
	static const struct {
		const char *xml, *text;
	} cases[] = {
		{"", "no element found"},
		{"not xml", "syntax error"},
		{"<a><b></a>", "line 1, column 9: mismatched tag"},
		{"<a>", "no element found"},
		{"<a/>\n<b/>", "line 2, column 1: junk after document element"},
		{"<a>&nbsp;</a>", "undefined entity"},
		{"<!DOCTYPE a><a/>", "a document type is refused"},
		{"<!DOCTYPE a [<!ENTITY l \"lol\"><!ENTITY m \"&l;&l;&l;&l;\">]><a>&m;</a>",
		 "a document type is refused"},
		{"<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", "a document type is refused"},
		{"<a>\xff</a>", "not well-formed"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0};
		assert_null(tree_from_xml(cases[i].xml, strlen(cases[i].xml), &err));
		if (!strstr(err.text, cases[i].text))
			print_error("%s: %s\n", cases[i].xml, err.text);
		assert_non_null(strstr(err.text, cases[i].text));
	}
}

static void cut_anywhere_is_an_error_and_no_leak(void **state)
{
	static const char xml[] = "<R><set><item><a>1</a><a>2</a></item><item/></set><m><item>1</item><x/></m></R>";

	for (size_t length = 0; length < strlen(xml); length++) {
		struct error err = {0};
		assert_null(tree_from_xml(xml, length, &err));
	}
}

static struct tree *nested(size_t depth, struct error *err)
{
	_cleanup_(str_free) struct str xml = STR_INIT;

	for (size_t i = 0; i < depth; i++)
		str_add(&xml, "<a>");
	for (size_t i = 0; i < depth; i++)
		str_add(&xml, "</a>");
	return tree_from_xml(xml.data, xml.len, err);
}

static void depth_is_bounded(void **state)
{
	struct error err = {0};
	_cleanup_(tree_freep) struct tree *deepest = nested(64, &err);

	assert_non_null(deepest);
	assert_null(nested(65, &err));
	assert_non_null(strstr(err.text, "nested too deep"));
	assert_null(nested(1000000, &err));
}

static void long_answers_go_in_by_parts(void **state)
{
	_cleanup_(str_free) struct str xml = STR_INIT;
	struct error err = {0};

	str_add(&xml, "<R><set>");
	for (int i = 0; i < 100000; i++)
		str_addf(&xml, "<item><id>%d</id><text>some text of some length</text></item>", i);
	str_add(&xml, "</set></R>");
	_cleanup_(tree_freep) struct tree *tree = tree_from_xml(xml.data, xml.len, &err);
	assert_int_equal(tree_count(tree_key(tree, "set")), 100000);
	assert_string_equal(tree_text(tree, "set.100000.id"), "99999");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes),	    cmocka_unit_test(paths_of_an_ec2_answer),
		cmocka_unit_test(refused),	    cmocka_unit_test(cut_anywhere_is_an_error_and_no_leak),
		cmocka_unit_test(depth_is_bounded), cmocka_unit_test(long_answers_go_in_by_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
