/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bakery/faults.h"

static void assert_printed(struct faults *faults, const char *wanted)
{
	_cleanup_(str_free) struct str out = STR_INIT;

	faults_print(faults, &out);
	assert_string_equal(out.data, wanted);
}

static void sorted_by_file_line_column_and_each_once(void **state)
{
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;

	faults_add(&faults, "b.yaml", 1, 1, "first of b");
	faults_add(&faults, "a.yaml", 10, 2, "ten");
	faults_add(&faults, "a.yaml", 9, 7, "nine, later");
	faults_add(&faults, "a.yaml", 9, 3, "nine");
	faults_add(&faults, "a.yaml", 9, 3, "nine");
	faults_add(&faults, "a.yaml", 9, 3, "another thing there");
	faults_add(&faults, "a.yaml", 0, 0, "the whole file");
	faults_add(&faults, NULL, 0, 0, "no file");
	assert_printed(&faults, "no file\n"
				"a.yaml: the whole file\n"
				"a.yaml:9:3: another thing there\n"
				"a.yaml:9:3: nine\n"
				"a.yaml:9:7: nine, later\n"
				"a.yaml:10:2: ten\n"
				"b.yaml:1:1: first of b\n");
}

static void adding_goes_on_after_printing(void **state)
{
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++)
			faults_add(&faults, "x", i + 1, 1, "the same each round");
		_cleanup_(str_free) struct str out = STR_INIT;
		faults_print(&faults, &out);
		assert_int_equal(faults.count, 100);
	}
}

static void a_node_names_its_place(void **state)
{
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;
	_cleanup_(tree_freep) struct tree *node =
		tree_mark(tree_new_text("x"), (struct tree_position){3, 1, 3, 8, NULL});
	_cleanup_(tree_freep) struct tree *merged =
		tree_mark(tree_new_text("x"), (struct tree_position){0, 0, 2, 5, "base.yaml"});

	faults_add_at(&faults, "x.yaml", node, "value");
	faults_add_at_key(&faults, "x.yaml", node, "key");
	faults_add_at(&faults, "x.yaml", merged, "from elsewhere");
	faults_add_at_key(&faults, "x.yaml", merged, "no key: the value's place");
	faults_add_at(&faults, "x.yaml", NULL, "nothing there");
	assert_printed(&faults, "base.yaml:2:5: from elsewhere\n"
				"base.yaml:2:5: no key: the value's place\n"
				"x.yaml: nothing there\n"
				"x.yaml:3:1: key\n"
				"x.yaml:3:8: value\n");
}

static void as_an_error(void **state)
{
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;
	struct error err = {0};

	assert_true(faults_check(&faults, &err));
	faults_add(&faults, "a", 1, 2, "one");
	assert_false(faults_check(&faults, &err));
	assert_true(error_is(&err, ERROR_INVALID));
	assert_string_equal(err.text, "a:1:2: one");
	faults_add(&faults, "a", 2, 2, "two");
	assert_false(faults_check(&faults, &err));
	assert_string_equal(err.text, "2 faults:\na:1:2: one\na:2:2: two");
}

static void an_error_holds_whole_lines_only(void **state)
{
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;
	struct error err = {0};
	int shown = 0, more = 0;

	for (int i = 0; i < 5000; i++)
		faults_add(&faults, "recipes/some.yaml", i + 1, 1, "key%d: unknown key", i);
	assert_false(faults_check(&faults, &err));
	assert_true(strlen(err.text) < sizeof(err.text) - 1);
	for (const char *at = err.text; (at = strstr(at, ": unknown key")); at++)
		shown++;
	assert_int_equal(sscanf(strstr(err.text, "\nand "), "\nand %d more", &more), 1);
	assert_int_equal(shown + more, 5000);
}

static void moving_and_echoes(void **state)
{
	_cleanup_(faults_free) struct faults from = FAULTS_INIT;
	_cleanup_(faults_free) struct faults to = FAULTS_INIT;

	faults_add(&to, "a", 1, 1, "there before");
	faults_add(&from, "a", 2, 1, "cause");
	faults_add(&from, "a", 2, 1, "echo");
	faults_add(&from, "b", 2, 1, "another file");
	faults_add(&from, "a", 1, 1, "stands where only an earlier one stands");
	faults_move(&from, &to);
	assert_int_equal(from.count, 0);
	faults_drop_echoes(&to, 1, 2);
	assert_printed(&to, "a:1:1: stands where only an earlier one stands\n"
			    "a:1:1: there before\n"
			    "a:2:1: cause\n"
			    "b:2:1: another file\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorted_by_file_line_column_and_each_once),
		cmocka_unit_test(adding_goes_on_after_printing),
		cmocka_unit_test(a_node_names_its_place),
		cmocka_unit_test(as_an_error),
		cmocka_unit_test(an_error_holds_whole_lines_only),
		cmocka_unit_test(moving_and_echoes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
