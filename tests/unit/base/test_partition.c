/* SPDX-License-Identifier: Apache-2.0
 *
 * Regions find their partition. That the table is AWS's own is for tests/models to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bakery/macros.h"
#include "bakery/partition.h"

static void test_regions(void **state)
{
	static const char *const pairs[][2] = {
		{"us-east-1", "aws"},
		{"eu-west-1", "aws"},
		{"mx-central-1", "aws"},
		{"xx-new-1", "aws"},
		{"", "aws"},
		{"cn-north-1", "aws-cn"},
		{"us-gov-west-1", "aws-us-gov"},
		{"us-iso-east-1", "aws-iso"},
		{"us-isob-east-1", "aws-iso-b"},
		{"us-isof-south-1", "aws-iso-f"},
		{"eu-isoe-west-1", "aws-iso-e"},
		{"eusc-de-east-1", "aws-eusc"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		assert_string_equal(partition_of(pairs[i][0])->name, pairs[i][1]);
}

static void test_arns(void **state)
{
	assert_string_equal(partition_of_arn("arn:aws:iam::123456789012:role/a")->name, "aws");
	assert_string_equal(partition_of_arn("arn:aws-cn:iam::123456789012:role/a")->name, "aws-cn");
	assert_string_equal(partition_of_arn("arn:aws-iso-b:iam::123456789012:role/a")->name, "aws-iso-b");
	assert_string_equal(partition_of_arn("arn:aws-xx:iam::123456789012:role/a")->name, "aws");
	assert_string_equal(partition_of_arn("")->name, "aws");
}

static void test_table(void **state)
{
	size_t count = 0;
	for (const struct partition *at; (at = partition_at(count)); count++)
		assert_ptr_equal(partition_of(at->global_region), at);
	assert_int_equal(count, 8);
	assert_null(partition_at(count + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_arns),
		cmocka_unit_test(test_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
