/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>

#include "../../lib/check.h"
#include "bakery/clock.h"

static void times_as_text(void **state)
{
	const int64_t at = 1767323045678; /* 2026-01-02T03:04:05.678Z */
	char text[CLOCK_TEXT_SIZE];
	int64_t back;

	clock_rfc3339(at, text);
	assert_string_equal(text, "2026-01-02T03:04:05Z");
	clock_rfc3339_ms(at, text);
	assert_string_equal(text, "2026-01-02T03:04:05.678Z");
	assert_true(clock_parse_rfc3339(text, &back));
	assert_int_equal(back, at);
	clock_basic(at, text);
	assert_string_equal(text, "20260102T030405Z");
	assert_true(clock_parse_rfc3339("2026-01-02T05:04:05.678+02:00", &back));
	assert_int_equal(back, at);
}

static void texts_that_are_no_times(void **state)
{
	static const char *const broken[] = {
		"", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02T03:04:05Zx", "2026-13-02T03:04:05Z", "x"};
	int64_t back;

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		if (clock_parse_rfc3339(broken[i], &back))
			fail_msg("%s", broken[i]);
	}
}

static void durations_for_people(void **state)
{
	char text[CLOCK_TEXT_SIZE];

	clock_duration(450, text);
	assert_string_equal(text, "0.4s");
	clock_duration(59999, text);
	assert_string_equal(text, "59.9s");
	clock_duration(245000, text);
	assert_string_equal(text, "4m05s");
	clock_duration(3720000, text);
	assert_string_equal(text, "1h02m");
}

static void *ask_to_stop(void *argument)
{
	stop_request(argument, SIGTERM);
	return NULL;
}

static void sleep_ends_when_stopped(void **state)
{
	int64_t began = clock_mono_ms();
	struct stop stop;
	pthread_t thread;

	stop_init(&stop);
	assert_true(stop_sleep_ms(&stop, 1));
	assert_int_equal(pthread_create(&thread, NULL, ask_to_stop, &stop), 0);
	assert_false(stop_sleep_ms(&stop, 60000));
	assert_true(clock_mono_ms() - began < 30000);
	pthread_join(thread, NULL);
	stop_request(&stop, SIGINT);
	assert_int_equal(stop.signal, SIGTERM);
	assert_int_equal(stop.requests, 2);
	stop_close(&stop);
	assert_false(stop_requested(NULL));
}

static void condition_waits_end(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t condition;
	int64_t until_ms = clock_mono_ms() + 30;

	condition_init(&condition);
	pthread_mutex_lock(&lock);
	while (condition_wait(&condition, &lock, until_ms))
		;
	assert_true(clock_mono_ms() >= until_ms);
	assert_false(condition_wait(&condition, &lock, until_ms - 1000));
	pthread_mutex_unlock(&lock);
	pthread_cond_destroy(&condition);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_as_text),	cmocka_unit_test(texts_that_are_no_times),
		cmocka_unit_test(durations_for_people), cmocka_unit_test(sleep_ends_when_stopped),
		cmocka_unit_test(condition_waits_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
