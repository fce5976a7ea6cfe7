/* SPDX-License-Identifier: Apache-2.0
 *
 * docs/database.md: every query it shows works on a real database, and every table is explained. */
#include "store_fixture.h"

#include <sqlite3.h>

/* The sqlite3 shell's own. */
static void as_it_is(sqlite3_context *context, int count, sqlite3_value **values)
{
	sqlite3_result_value(context, values[0]);
}

static void document_read(struct fixture *f, struct str *text)
{
	const char *source = getenv("BAKERY_SOURCE_FOLDER");
	_cleanup_(freep) char *path = path_join(source ? source : ".", "docs/database.md");
	assert_ok(file_read(path, 1 << 20, text, &f->err));
}

static void queries_work(void **state)
{
	struct fixture *f = *state;
	_cleanup_(str_free) struct str text = STR_INIT;
	sqlite3 *db;
	int count = 0;
	document_read(f, &text);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	sqlite3_create_function(db, "sqlar_uncompress", 2, SQLITE_UTF8, NULL, as_it_is, NULL, NULL);
	for (char *at = text.data; (at = strstr(at, "```sql\n")); count++) {
		char *end = strstr(at += 7, "```"), *message = NULL;
		assert_non_null(end);
		*end = '\0';
		if (sqlite3_exec(db, at, NULL, NULL, &message) != SQLITE_OK)
			fail_msg("%s\n%s", at, message);
		at = end + 1;
	}
	assert_true(count >= 7);
	sqlite3_close(db);
}

static int explained(void *cookie, int count, char **values, char **names)
{
	_cleanup_(freep) char *row = mem_printf("\n| `%s` |", values[0]);
	if (!strstr(cookie, row))
		fail_msg("docs/database.md does not explain table %s", values[0]);
	return 0;
}

static void tables_are_explained(void **state)
{
	struct fixture *f = *state;
	_cleanup_(str_free) struct str text = STR_INIT;
	sqlite3 *db;
	document_read(f, &text);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "SELECT name FROM sqlite_schema WHERE type = 'table'", explained, text.data, NULL),
		SQLITE_OK);
	sqlite3_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(queries_work, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(tables_are_explained, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
