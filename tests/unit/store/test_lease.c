/* SPDX-License-Identifier: Apache-2.0
 *
 * Leases: one build at a time, taken over when its holder has ended or died. */
#include "store_fixture.h"

#include <sqlite3.h>

static void taken_is(struct fixture *f, const char *build, const char *wanted_holder)
{
	char holder[BUILD_ID_SIZE];
	assert_ok(store_lease_take(f->store, "publish x", build, holder, &f->err));
	assert_string_equal(holder, wanted_holder);
}

static void two_builds(struct fixture *f)
{
	add_build(f, "b1", "r", 0);
	add_build(f, "b2", "r", 1);
	taken_is(f, "b1", "");
	taken_is(f, "b2", "b1");
}

static void one_has_it_until_it_gives_it_back(void **state)
{
	struct fixture *f = *state;
	char holder[BUILD_ID_SIZE];
	two_builds(f);
	taken_is(f, "b1", ""); /* its own already */
	assert_ok(store_lease_take(f->store, "publish y", "b2", holder, &f->err));
	assert_string_equal(holder, "");
	assert_ok(store_lease_give(f->store, "publish x", "b2", &f->err)); /* not its to give */
	taken_is(f, "b2", "b1");
	assert_ok(store_lease_give(f->store, "publish x", "b1", &f->err));
	taken_is(f, "b2", "");
	taken_is(f, "b1", "b2");
}

static void it_ends_with_the_build(void **state)
{
	struct fixture *f = *state;
	two_builds(f);
	assert_ok(store_build_end(f->store, "b1", BUILD_QUARANTINED, NULL, &f->err));
	taken_is(f, "b2", "");
}

static void it_ends_with_the_process(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;
	two_builds(f);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "UPDATE claim SET start = start - 1 WHERE build = (SELECT id FROM build WHERE "
				      "build = 'b1')",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	taken_is(f, "b2", "");
}

static void an_unknown_build_gets_none(void **state)
{
	struct fixture *f = *state;
	char holder[BUILD_ID_SIZE];
	assert_false(store_lease_take(f->store, "publish x", "nope", holder, &f->err));
	assert_int_equal(f->err.kind, ERROR_ABSENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		TEST(one_has_it_until_it_gives_it_back),
		TEST(it_ends_with_the_build),
		TEST(it_ends_with_the_process),
		TEST(an_unknown_build_gets_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
