/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a snapshot may still take. */
#include "../../lib/check.h"
#include "src/pipeline/pipeline.h"

static void nobody_knows_at_first(void **state)
{
	assert_int_equal(snapshot_left_ms(20000, -1, 0), -1);
	assert_int_equal(snapshot_left_ms(20000, 3, 0), -1);
	assert_int_equal(snapshot_left_ms(20000, 3, 10000), -1);
}

static void memory_and_progress_are_weighed(void **state)
{
	assert_int_equal(snapshot_left_ms(20000, -1, 60000), 40000);
	assert_int_equal(snapshot_left_ms(60000, 50, 0), 60000);
	assert_int_equal(snapshot_left_ms(60000, 50, 100000), 50000);
	assert_int_equal(snapshot_left_ms(60000, 100, 0), 0);
	assert_int_equal(snapshot_left_ms(200000, 50, 100000), 200000);
}

static void the_text_is_for_people(void **state)
{
	static const struct {
		int64_t left_ms;
		const char *text;
	} rows[] = {{-1, ""},
		    {0, ", about 1 s left"},
		    {42400, ", about 42 s left"},
		    {120000, ", about 2 min left"},
		    {89 * 60000, ", about 89 min left"},
		    {(int64_t)3 * 3600000, ", about 3 h left"}};
	char text[LEFT_TEXT_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snapshot_left_text(rows[i].left_ms, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void what_failed_is_told_in_one_sentence(void **state)
{
	struct error errors[3] = {0}, err = {0};

	assert_true(build_errors_join(errors, 3, &err));
	error_coded(&errors[0], ERROR_REMOTE, "Nope", "a: nope");
	error_set(&errors[2], ERROR_FAILED, "c: no");
	assert_false(build_errors_join(errors, 3, &err));
	assert_int_equal(err.kind, ERROR_REMOTE);
	assert_string_equal(err.code, "Nope");
	assert_string_equal(err.text, "a: nope; c: no");
	error_set(&errors[1], ERROR_STOPPED, "b: stopped");
	assert_false(build_errors_join(errors, 3, &err));
	assert_int_equal(err.kind, ERROR_STOPPED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_knows_at_first),
		cmocka_unit_test(memory_and_progress_are_weighed),
		cmocka_unit_test(the_text_is_for_people),
		cmocka_unit_test(what_failed_is_told_in_one_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
