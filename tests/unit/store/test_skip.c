/* SPDX-License-Identifier: Apache-2.0
 *
 * What was not built. */
#include "store_fixture.h"

static struct skip_row skip_of(const char *recipe, const char *build, int64_t at_ms)
{
	return (struct skip_row){.recipe = recipe,
				 .build = build,
				 .reason = "as before",
				 .origin = {.user = "ana", .host = "runner-3", .ci_job = "4711"},
				 .at_ms = at_ms};
}

static void newest_first_and_filtered(void **state)
{
	struct fixture *f = *state;
	_cleanup_(tree_freep) struct tree *all = NULL, *some = NULL, *late = NULL, *one = NULL;
	struct skip_row rows[] = {skip_of("web", "b1", 1000), skip_of("web", "b1", 3000), skip_of("db", "b2", 2000)};

	add_build(f, "b1", "web", 0);
	add_build(f, "b2", "db", 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_ok(store_skip_add(f->store, &rows[i], &f->err));
	assert_ok(store_skip_list(f->store, &(struct history_filter){0}, &all, &f->err));
	assert_int_equal(tree_count(all), 3);
	assert_string_equal(tree_text(all, "1.at"), "1970-01-01T00:00:03.000Z");
	assert_string_equal(tree_text(all, "2.recipe"), "db");
	assert_string_equal(tree_text(all, "2.build"), "b2");
	assert_string_equal(tree_text(all, "2.reason"), "as before");
	assert_string_equal(tree_text(all, "2.ci_job"), "4711");
	assert_ok(store_skip_list(f->store, &(struct history_filter){.recipe = "web"}, &some, &f->err));
	assert_int_equal(tree_count(some), 2);
	assert_ok(store_skip_list(f->store, &(struct history_filter){.since_ms = 2500}, &late, &f->err));
	assert_int_equal(tree_count(late), 1);
	assert_ok(store_skip_list(f->store, &(struct history_filter){.limit = 1}, &one, &f->err));
	assert_int_equal(tree_count(one), 1);
}

static void a_build_that_is_not_there(void **state)
{
	struct fixture *f = *state;
	struct skip_row row = skip_of("web", "nobody", 0);

	assert_false(store_skip_add(f->store, &row, &f->err));
	assert_int_equal(f->err.kind, ERROR_ABSENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(newest_first_and_filtered, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_build_that_is_not_there, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
