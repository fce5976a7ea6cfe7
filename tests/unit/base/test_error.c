/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "../../lib/check.h"

static void context_goes_in_front(void **state)
{
	struct error err = {0};

	assert_false(error_coded(&err, ERROR_TRANSIENT, "RequestLimitExceeded", "CopyImage: %s", "slow down"));
	assert_false(error_context(&err, "stage %s", "distribute"));
	assert_false(error_hint(&err, "try %d times", 3));
	assert_string_equal(err.text, "stage distribute: CopyImage: slow down; try 3 times");
	assert_string_equal(err.code, "RequestLimitExceeded");
	assert_true(error_is(&err, ERROR_TRANSIENT));
}

static void its_own_text_may_be_an_argument(void **state)
{
	struct error err = {0};

	error_set(&err, ERROR_FAILED, "inner");
	error_set(&err, ERROR_USAGE, "outer (%s)", err.text);
	assert_string_equal(err.text, "outer (inner)");
}

static void long_texts_are_cut_not_overrun(void **state)
{
	struct error err = {0};
	char text[3 * sizeof(err.text)];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	error_set(&err, ERROR_FAILED, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	error_context(&err, "context");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "context: xxx", 12);
	error_context(&err, "%s", text);
	error_hint(&err, "more");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void a_missing_file_is_absent(void **state)
{
	struct error err = {0};

	errno = ENOENT;
	error_errno(&err, "cannot open %s", "x");
	assert_string_equal(err.text, "cannot open x: No such file or directory");
	assert_int_equal(err.kind, ERROR_ABSENT);
	errno = EIO;
	error_errno(&err, "cannot read");
	assert_int_equal(err.kind, ERROR_INTERNAL);
	error_clear(&err);
	assert_int_equal(err.kind, ERROR_NONE);
	assert_string_equal(err.text, "");
}

/* The contract of docs/cli.md. */
static void exit_statuses(void **state)
{
	assert_int_equal(error_exit_status(ERROR_NONE), 0);
	assert_int_equal(error_exit_status(ERROR_FAILED), 1);
	assert_int_equal(error_exit_status(ERROR_REMOTE), 1);
	assert_int_equal(error_exit_status(ERROR_USAGE), 2);
	assert_int_equal(error_exit_status(ERROR_INVALID), 3);
	assert_int_equal(error_exit_status(ERROR_REFUSED), 4);
	assert_int_equal(error_exit_status(ERROR_NONCOMPLIANT), 5);
	assert_int_equal(error_exit_status(ERROR_DENIED), 6);
	assert_int_equal(error_exit_status(ERROR_STOPPED), 7);
	assert_int_equal(error_exit_status(ERROR_LEFTOVER), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(context_goes_in_front),
		cmocka_unit_test(its_own_text_may_be_an_argument),
		cmocka_unit_test(long_texts_are_cut_not_overrun),
		cmocka_unit_test(a_missing_file_is_absent),
		cmocka_unit_test(exit_statuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
