/* SPDX-License-Identifier: Apache-2.0
 *
 * What time it is at AWS: told by answers, gone on by a clock that nobody can set. */
#include "../../lib/check.h"
#include "src/aws/aws_private.h"
#include "src/aws/clock_skew.h"

#define NOW_MS 1767323045000
#define HOUR_MS 3600000

static int64_t fixed_clock(void)
{
	return NOW_MS;
}

static void before_the_first_answer_it_is_this_hosts(void **state)
{
	struct aws aws = {.host_less_boot_ms = clock_wall_ms() - clock_boot_ms()};

	assert_in_range(aws_now_ms(&aws), clock_wall_ms() - 1000, clock_wall_ms() + 1000);
	assert_in_range(aws_clock_ahead_ms(&aws) + 1000, 0, 2000);
	assert_false(aws_now_is_told(&aws));
	clock_told(&aws, 0, 10); /* an answer without a date */
	assert_false(aws_now_is_told(&aws));
	clock_told(&aws, aws_now_ms(&aws), 10);
	assert_true(aws_now_is_told(&aws));
}

static void answers_are_believed_where_they_must_be(void **state)
{
	static const struct {
		int64_t date_ms, took_ms, ahead_ms;
	} cases[] = {
		{NOW_MS, 0, 0},
		{NOW_MS + 2 * HOUR_MS, 50, 2 * HOUR_MS},
		{NOW_MS - 2 * HOUR_MS, 50, -2 * HOUR_MS},
		{NOW_MS - 999, 50, 0},	    /* a Date has whole seconds */
		{NOW_MS + 1500, 50, 0},	    /* and clocks are never quite the same */
		{NOW_MS - 40000, 40000, 0}, /* held up on its way */
		{NOW_MS - 40000, 1000, -40000},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct aws aws = {.clock = fixed_clock};

		clock_told(&aws, cases[i].date_ms, cases[i].took_ms);
		assert_int_equal(aws_now_ms(&aws), NOW_MS + cases[i].ahead_ms);
	}
}

static void an_idea_that_is_right_does_not_tremble(void **state)
{
	struct aws aws = {.clock = fixed_clock};

	clock_told(&aws, NOW_MS + HOUR_MS, 50);
	for (int i = 0; i < 10; i++)
		clock_told(&aws, NOW_MS + HOUR_MS - i * 100, i * 100);
	assert_int_equal(aws.told_ahead_ms, HOUR_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_the_first_answer_it_is_this_hosts),
		cmocka_unit_test(answers_are_believed_where_they_must_be),
		cmocka_unit_test(an_idea_that_is_right_does_not_tremble),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
