/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bakery/str.h"
#include "src/recipe/search.h"
#include "src/recipe/shapes.h"

#define KEY "1234abcd-12ab-34cd-56ef-1234567890ab"

static const struct {
	bool (*shape)(const char *text);
	const char *good[8], *bad[10];
} cases[] = {
	{shape_name, {"a", "debian-12", "0.x_y"}, {"", "-a", "A", "a b", "a/b", ".a"}},
	{shape_region,
	 {"us-east-1", "ap-southeast-4", "us-gov-west-1", "us-isob-east-1", "eusc-de-east-1", "mx-central-1",
	  "me-south-1"},
	 {"", "us", "us-east", "us-east1", "us-east-", "US-EAST-1", "us-east-1a", "us--1", "us-1", "us-east-1 "}},
	{shape_account, {"123456789012", "000000000000"}, {"", "12345678901", "1234567890123", "12345678901a"}},
	{shape_owner, {"123456789012", "self", "amazon", "aws-marketplace"}, {"", "me", "Amazon"}},
	{shape_ami,
	 {"ami-01234567", "ami-0123456789abcdef0"},
	 {"", "ami-", "ami-0123456", "ami-0123456g", "AMI-01234567", "ami-0123456789abcdef"}},
	{shape_subnet, {"subnet-01234567"}, {"subnet-", "sg-01234567"}},
	{shape_instance_type,
	 {"m7i.large", "m7i-flex.large", "u-6tb1.112xlarge", "t4g.nano", "m7i.metal-24xl"},
	 {"", "m7i", ".large", "m7i.", "m7i large", "7i.large", "M7i.large", "m7i.large.x"}},
	{shape_kms_key,
	 {"alias/bakery", KEY, "mrk-0123456789abcdef0123456789abcdef", "arn:aws:kms:eu-west-1:123456789012:key/" KEY,
	  "arn:aws-cn:kms:cn-north-1:123456789012:alias/x"},
	 {"", "bakery", "alias/", "alias/a b", "arn:aws:kms:eu-west-1:123456789012:key/",
	  "arn:aws:kms:eu-west-1:1234:key/x", "arn:aws:ec2:eu-west-1:123456789012:key/x", "arn:aws:kms", "mrk-1"}},
	{shape_organization_arn,
	 {"arn:aws:organizations::123456789012:organization/o-abcdefghij"},
	 {"", "o-abcdefghij", "arn:aws:organizations::123456789012:ou/o-a/ou-b",
	  "arn:aws:organizations::123456789012:organization/o-"}},
	{shape_unit_arn,
	 {"arn:aws:organizations::123456789012:ou/o-a/ou-b"},
	 {"", "ou-b", "arn:aws:organizations::123456789012:organization/o-a"}},
	{shape_parameter, {"/a", "/aws/service/x-1.2_3:4"}, {"", "/", "a/b", "/a b"}},
	{shape_image_name, {"abc", "a (b) [c] ./-'@_d"}, {"", "ab", "a!c", "a,c", "a:b", "abc\n"}},
	{shape_variable, {"A", "_a1", "LC_ALL"}, {"", "1A", "A-B", "A B", "A="}},
	{shape_user, {"admin", "ec2-user", "a.b", "_apt"}, {"", "-a", "1a", "a b", "a;b", "a:b"}},
	{shape_owner_group, {"root", "root:adm", "0:0", "1000"}, {"", ":", "root:", ":adm", "a:b:c", "a b"}},
	{shape_mode, {"644", "0644", "4755"}, {"", "64", "0888", "00644", "u+x"}},
	{shape_absolute, {"/x", "/a b"}, {"", "/", "x", "/a\nb"}},
	{shape_control, {"CIS-5.1.20", "RHEL-08-010010", "cis:5.4(2)"}, {"", "C 1", "-x"}},
};

static void good_and_bad(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(cases[i].good) && cases[i].good[k]; k++) {
			if (!cases[i].shape(cases[i].good[k]))
				fail_msg("case %zu: %s is refused", i, cases[i].good[k]);
		}
		for (size_t k = 0; k < ARRAY_SIZE(cases[i].bad) && cases[i].bad[k]; k++) {
			if (cases[i].shape(cases[i].bad[k]))
				fail_msg("case %zu: %s is taken", i, cases[i].bad[k]);
		}
	}
}

static void absolute_paths(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *folder, *name, *path;
	} paths[] = {
		{"/a/b", "c", "/a/b/c"},
		{"/a/b", "../c", "/a/c"},
		{"/a/b", "./c/./d/..", "/a/b/c"},
		{"/a", "/x//y/", "/x/y"},
		{"/a", "../../../..", "/"},
		{"/", "x", "/x"},
		{"/a/b/", "..hidden", "/a/b/..hidden"},
		{"/a", "", "/a"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		assert_string_equal(search_absolute(paths[i].folder, paths[i].name, arena), paths[i].path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_and_bad),
		cmocka_unit_test(absolute_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
