/* SPDX-License-Identifier: Apache-2.0
 *
 * Which version is newer. What the tables say was asked of dpkg 1.21 and rpm 4.18. */
#include "tests/lib/check.h"

#include "bakery/mem.h"
#include "bakery/process.h"
#include "src/report/version.h"

struct pair {
	const char *older, *newer;
};

static int sign(int order)
{
	return (order > 0) - (order < 0);
}

static void in_order(int (*compare)(const char *a, const char *b), const char *a, const char *b, int wanted)
{
	if (sign(compare(a, b)) != wanted || sign(compare(b, a)) != -wanted)
		fail_msg("%s and %s: %d and %d, not %d", a, b, compare(a, b), compare(b, a), wanted);
}

static const struct pair deb_newer[] = {
	{"1.0", "1.1"},
	{"1.9", "1.10"},
	{"1.0", "1:0.1"},
	{"2:1", "10:0"},
	{"1.0~rc1", "1.0"},
	{"1.0~~", "1.0~"},
	{"1.0~~a", "1.0~"},
	{"1.0", "1.0a"},
	{"1.0a", "1.0+"},
	{"1.0a", "1.0b"},
	{"1.0A", "1.0a"},
	{"1.0-1", "1.0-2"},
	{"1.0-9", "1.0-10"},
	{"1.0", "1.0-1"},
	{"1.0-1~deb12u1", "1.0-1"},
	{"1.0-1", "1.0-1+b1"},
	{"1.0-1+b9", "1.0-1+b10"},
	{"3.0.11-1~deb12u1", "3.0.11-1~deb12u2"},
	{"1.0-a-1", "1.0-a-2"},
	{"7.6-0", "7.6p2-4"},
	{"1.0+dfsg-1", "1.0.dfsg-1"},
	{"99999999999999999998", "99999999999999999999"},
};
static const struct pair deb_same[] = {
	{"1.0", "0:1.0"}, {"1.0", "1.00"}, {"1.0-0", "1.0"}, {"1.0", "1.0"}, {"01:1.0", "1:1.0"},
};

static void test_deb(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(deb_newer); i++)
		in_order(version_compare_deb, deb_newer[i].older, deb_newer[i].newer, -1);
	for (size_t i = 0; i < ARRAY_SIZE(deb_same); i++)
		in_order(version_compare_deb, deb_same[i].older, deb_same[i].newer, 0);
}

/* dpkg itself, where there is one, says the same of the whole table. */
static void dpkg_agrees(const struct pair *pair, const char *relation)
{
	const char *const argv[] = {"dpkg", "--compare-versions", pair->older, relation, pair->newer, NULL};
	const struct process process = {.argv = argv, .timeout_ms = 20000};
	struct error err = {0};
	int status = 0;

	assert_works(process_run(&process, &status, NULL, NULL, &err));
	if (status)
		fail_msg("dpkg does not find %s %s %s", pair->older, relation, pair->newer);
}

static void test_dpkg_agrees(void **state)
{
	if (!process_available("dpkg"))
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(deb_newer); i++)
		dpkg_agrees(&deb_newer[i], "lt");
	for (size_t i = 0; i < ARRAY_SIZE(deb_same); i++)
		dpkg_agrees(&deb_same[i], "eq");
}

static const struct pair rpm_newer[] = {
	{"1.0-1", "1.1-1"},
	{"1.9-1", "1.10-1"},
	{"2.0-1", "1:1.0-1"},
	{"1.0-1.el9", "1.0-2.el9"},
	{"1.0", "1.0.1"},
	{"1.0.1", "1.0.1a"},
	{"5.5p1", "5.5p10"},
	{"10xyz", "10.1xyz"},
	{"xyz.4", "8"},
	{"xyz10", "xyz10.1"},
	{"5.5p2", "5.6p1"},
	{"1.0~rc1", "1.0"},
	{"1.0~rc1", "1.0~rc2"},
	{"1.0~rc1~git123", "1.0~rc1"},
	{"1.0", "1.0^"},
	{"1.0^git1", "1.01"},
	{"1.0^git1", "1.0^git2"},
	{"1.0^20160101", "1.0.1"},
	{"1.0~rc1", "1.0~rc1^git1"},
	{"1.0^git1~pre", "1.0^git1"},
	{"6.0", "6.0.rc1"},
	{"20101121", "20101122"},
	{"3.0.fc", "3.0.0_fc"},
};
static const struct pair rpm_same[] = {
	{"1.0-1", "0:1.0-1"}, {"2_0", "2.0"}, {"1.0.", "1.0"}, {"a", "a+"}, {"+_", "_+"}, {"1.0010", "1.010"},
};

static void test_rpm(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rpm_newer); i++)
		in_order(version_compare_rpm, rpm_newer[i].older, rpm_newer[i].newer, -1);
	for (size_t i = 0; i < ARRAY_SIZE(rpm_same); i++)
		in_order(version_compare_rpm, rpm_same[i].older, rpm_same[i].newer, 0);
}

static void test_odd_ones_end(void **state)
{
	static const char *const odd[] = {"", ":", "-", "~", "^", "::", "--", "a:b-c", ":-", "~~^^~"};

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		assert_int_equal(version_compare_deb(odd[i], odd[i]), 0);
		assert_int_equal(version_compare_rpm(odd[i], odd[i]), 0);
		for (size_t j = 0; j < ARRAY_SIZE(odd); j++) {
			assert_int_equal(sign(version_compare_deb(odd[i], odd[j])),
					 -sign(version_compare_deb(odd[j], odd[i])));
			assert_int_equal(sign(version_compare_rpm(odd[i], odd[j])),
					 -sign(version_compare_rpm(odd[j], odd[i])));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deb),
		cmocka_unit_test(test_dpkg_agrees),
		cmocka_unit_test(test_rpm),
		cmocka_unit_test(test_odd_ones_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
