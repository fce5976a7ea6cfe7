/* SPDX-License-Identifier: Apache-2.0 */
#include "../../lib/check.h"
#include "bakery/str.h"

static void it_is_always_a_string(void **state)
{
	struct str s = STR_INIT;

	assert_string_equal(s.data, "");
	str_clear(&s);
	str_trim_right(&s);
	str_add_n(&s, "", 0);
	assert_int_equal(s.len, 0);
	str_add(&s, "ab");
	str_add_char(&s, 'c');
	str_addf(&s, "%d", 42);
	assert_string_equal(s.data, "abc42");
	assert_int_equal(s.len, 5);
	str_free(&s);
	assert_string_equal(s.data, "");
}

static void it_grows(void **state)
{
	_cleanup_(str_free) struct str s = STR_INIT;

	for (int i = 0; i < 10000; i++)
		str_addf(&s, "%04d", i);
	assert_int_equal(s.len, 40000);
	assert_memory_equal(s.data + 4 * 1234, "1234", 4);
}

static void taking_an_empty_one_gives_text(void **state)
{
	struct str s = STR_INIT;
	char *text = str_take(&s);

	assert_string_equal(text, "");
	free(text);
}

static void the_front_is_removed(void **state)
{
	_cleanup_(str_free) struct str s = STR_INIT;

	str_add(&s, "hello world");
	str_remove_front(&s, 6);
	assert_string_equal(s.data, "world");
	str_remove_front(&s, 0);
	str_remove_front(&s, 5);
	assert_string_equal(s.data, "");
}

static void shells_read_what_was_quoted(void **state)
{
	static const char *const texts[] = {"", "plain", "it's", "'", "a b\nc", "$(x) `y` \\ \"z\""};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(str_free) struct str command = STR_INIT;
		char out[64] = "";
		FILE *shell;

		str_add(&command, "printf %s ");
		str_add_shell_quoted(&command, texts[i]);
		shell = popen(command.data, "r");
		assert_non_null(shell);
		out[fread(out, 1, sizeof(out) - 1, shell)] = '\0';
		pclose(shell);
		assert_string_equal(out, texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_always_a_string),	  cmocka_unit_test(it_grows),
		cmocka_unit_test(taking_an_empty_one_gives_text), cmocka_unit_test(the_front_is_removed),
		cmocka_unit_test(shells_read_what_was_quoted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
