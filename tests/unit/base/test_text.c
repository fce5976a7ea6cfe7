/* SPDX-License-Identifier: Apache-2.0 */
#include "../../lib/check.h"
#include "bakery/str.h"

static void globs_match_as_in_aws_filters(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{"debian-12-amd64-*", "debian-12-amd64-20260101-1", true},
		{"debian-12-amd64-*", "debian-12-arm64-20260101-1", false},
		{"*", "", true},
		{"", "", true},
		{"", "x", false},
		{"?", "", false},
		{"a?c", "abc", true},
		{"*abc", "ababc", true},
		{"a*b*c", "aXbYbZc", true},
		{"a*b*c", "aXbYbZ", false},
		{"Abc", "abc", false},
		{"**a**", "a", true},
		{"*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (str_glob(cases[i].pattern, cases[i].text) != cases[i].matches)
			fail_msg("%s / %s", cases[i].pattern, cases[i].text);
	}
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} cases[] = {
		{"0", 0},
		{"30s", 30},
		{"5m", 300},
		{"2h", 7200},
		{"90d", 7776000},
		{"0s", 0},
		{"", -1},
		{"5", -1},
		{"m", -1},
		{"5M", -1},
		{"5mm", -1},
		{"-5m", -1},
		{" 5m", -1},
		{"5 m", -1},
		{"1.5h", -1},
		{"99999999999999999999d", -1},
		{"9223372036854775807d", -1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t seconds = -1;
		bool fine = str_to_duration(cases[i].text, &seconds);
		if (fine != (cases[i].seconds >= 0) || (fine && seconds != cases[i].seconds))
			fail_msg("%s gives %lld", cases[i].text, (long long)seconds);
	}
	assert_false(str_to_duration(NULL, &(int64_t){0}));
}

static void numbers_are_whole_texts(void **state)
{
	int64_t value;

	assert_true(str_to_int("-12", &value));
	assert_int_equal(value, -12);
	assert_true(str_to_int("9223372036854775807", &value));
	assert_false(str_to_int("9223372036854775808", &value));
	assert_false(str_to_int("12x", &value));
	assert_false(str_to_int("", &value));
	assert_false(str_to_int(" 1", &value));
	assert_false(str_to_int("+1", &value));
	assert_false(str_to_int(NULL, &value));
}

static void a_slip_of_the_pen_is_found(void **state)
{
	static const char *const keys[] = {"launch", "connect", "playbooks", "name"};

	assert_int_equal(str_distance("kitten", "sitting"), 3);
	assert_int_equal(str_distance("", "abc"), 3);
	assert_string_equal(str_nearest("lanch", keys, ARRAY_SIZE(keys)), "launch");
	assert_string_equal(str_nearest("playbook", keys, ARRAY_SIZE(keys)), "playbooks");
	assert_null(str_nearest("quantum", keys, ARRAY_SIZE(keys)));
	assert_null(str_nearest("", keys, ARRAY_SIZE(keys)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs_match_as_in_aws_filters),
		cmocka_unit_test(durations),
		cmocka_unit_test(numbers_are_whole_texts),
		cmocka_unit_test(a_slip_of_the_pen_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
