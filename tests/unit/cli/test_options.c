/* SPDX-License-Identifier: Apache-2.0 */
#include "../../../src/cli/options.h"
#include "../../lib/check.h"

struct args {
	bool flag;
	const char *text;
	int64_t number, duration_s;
	struct text_list many;
};

static const struct option options[] = {
	{"--flag", 'f', OPTION_FLAG, offsetof(struct args, flag), NULL, ""},
	{"--text", 0, OPTION_TEXT, offsetof(struct args, text), "T", ""},
	{"--number", 'n', OPTION_INT, offsetof(struct args, number), "N", ""},
	{"--since", 0, OPTION_DURATION, offsetof(struct args, duration_s), "TIME", ""},
	{"--many", 0, OPTION_TEXTS, offsetof(struct args, many), "M", ""},
	{0},
};

static bool parse(const char *const *argv, struct arena *arena, struct args *args, struct text_list *operands,
		  struct error *err)
{
	struct option_set sets[] = {{NULL, NULL}, {options, args}};

	return options_parse(argv, sets, ARRAY_SIZE(sets), arena, operands, err);
}

static void options_stand_anywhere(void **state)
{
	static const char *const argv[] = {"a",	     "-f", "--text=x=y", "b", "-n", "-3", "--since", "2h",
					   "--many", "1",  "--many",	 "2", "-",  "--", "--flag",  NULL};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct text_list operands = {0};
	struct args args = {0};
	struct error err = {0};

	assert_works(parse(argv, arena, &args, &operands, &err));
	assert_true(args.flag);
	assert_string_equal(args.text, "x=y");
	assert_int_equal(args.number, -3);
	assert_int_equal(args.duration_s, 7200);
	assert_int_equal(args.many.count, 2);
	assert_string_equal(args.many.items[1], "2");
	assert_int_equal(operands.count, 4);
	assert_string_equal(operands.items[2], "-");
	assert_string_equal(operands.items[3], "--flag");
}

static void wrong_ones_are_explained(void **state)
{
	static const struct {
		const char *argv[3], *says;
	} cases[] = {
		{{"--flga"}, "unknown option --flga; did you mean --flag?"},
		{{"--zebra"}, "unknown option --zebra"},
		{{"-x"}, "unknown option -x"},
		{{"--flag=1"}, "--flag takes no value"},
		{{"--text"}, "--text wants a value"},
		{{"--number", "many"}, "--number wants a number, not \"many\""},
		{{"--since", "5"}, "--since wants a duration"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct text_list operands = {0};
		struct args args = {0};
		struct error err = {0};
		assert_fails(parse(cases[i].argv, arena, &args, &operands, &err), ERROR_USAGE, cases[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_anywhere),
		cmocka_unit_test(wrong_ones_are_explained),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
