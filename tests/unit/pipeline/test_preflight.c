/* SPDX-License-Identifier: Apache-2.0
 *
 * What a preflight's findings come to. That the checks find what is wrong,
 * tests/scenario/doctor.sh shows against a cloud. */
#include "../../lib/check.h"
#include "bakery/preflight.h"
#include "bakery/str.h"

static struct struct_list list_of(struct finding *items, size_t count)
{
	return (struct struct_list){items, count};
}

static void nothing_failed(void **state)
{
	struct finding findings[] = {
		{"clock", NULL, FINDING_OK, ERROR_NONE, "fine"},
		{"accounts", NULL, FINDING_WARNING, ERROR_NONE, "a slip?"},
		{"image quota", "us-east-1", FINDING_UNKNOWN, ERROR_NONE, "not allowed to look"},
	};
	struct struct_list list = list_of(findings, ARRAY_SIZE(findings)), none = {0};
	struct error err = {0};

	assert_works(preflight_verdict(&list, &err));
	assert_works(preflight_verdict(&none, &err));
}

static void one_failure_is_told_as_it_is(void **state)
{
	struct finding finding = {"subnets", NULL, FINDING_FAILED, ERROR_CAPACITY, "no subnet has an address left"};
	struct struct_list list = list_of(&finding, 1);
	struct error err = {0};

	assert_fails(preflight_verdict(&list, &err), ERROR_CAPACITY, "subnets: no subnet has an address left");
}

static void all_failures_are_told(void **state)
{
	struct finding findings[] = {
		{"image name", NULL, FINDING_FAILED, ERROR_CONFLICT, "taken"},
		{"clock", NULL, FINDING_OK, ERROR_NONE, "not to be told"},
		{"vCPU quota", NULL, FINDING_FAILED, ERROR_QUOTA, "used up"},
	};
	struct struct_list list = list_of(findings, ARRAY_SIZE(findings));
	struct error err = {0};

	assert_fails(preflight_verdict(&list, &err), ERROR_CONFLICT, "2 findings");
	assert_non_null(strstr(err.text, "image name: taken"));
	assert_non_null(strstr(err.text, "vCPU quota: used up"));
	assert_null(strstr(err.text, "not to be told"));
}

/* Exit 6 is what a script looks at first: no try of any kind helps before that is mended. */
static void a_refusal_weighs_most(void **state)
{
	static const enum error_kind refusals[] = {ERROR_DENIED, ERROR_EXPIRED};

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct finding findings[] = {
			{"image name", NULL, FINDING_FAILED, ERROR_CONFLICT, "taken"},
			{"permissions", NULL, FINDING_FAILED, refusals[i], "no"},
			{"vCPU quota", NULL, FINDING_FAILED, ERROR_QUOTA, "used up"},
		};
		struct struct_list list = list_of(findings, ARRAY_SIZE(findings));
		struct error err = {0};

		assert_fails(preflight_verdict(&list, &err), refusals[i], "3 findings");
		assert_int_equal(error_exit_status(err.kind), 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_failed),
		cmocka_unit_test(one_failure_is_told_as_it_is),
		cmocka_unit_test(all_failures_are_told),
		cmocka_unit_test(a_refusal_weighs_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
