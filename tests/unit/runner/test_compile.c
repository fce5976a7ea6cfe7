/* SPDX-License-Identifier: Apache-2.0
 *
 * The programs: the same for the same playbook, readable by every shell here, never broken by the texts in them, free
 * of secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/process.h"
#include "bakery/runner.h"

static char *compiled(struct step *steps, size_t count, enum runner_mode mode)
{
	struct error err = {0};
	struct str program = STR_INIT;
	const struct playbook playbook = {.name = "test", .steps = {steps, count}};
	if (!runner_compile(&playbook, mode, &program, &err))
		fail_msg("%s", err.text);
	return str_take(&program);
}

static void expect_readable(const char *program)
{
	static const char *const shells[][4] = {{"dash", "-n", NULL},
						{"bash", "-n", NULL},
						{"bash", "--posix", "-n", NULL},
						{"busybox", "sh", "-n", NULL}};
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		struct error err = {0};
		const struct process check = {.argv = shells[i], .input = program, .input_length = strlen(program)};
		if (process_available(shells[i][0]) && !process_must(&check, NULL, &err))
			fail_msg("%s", err.text);
	}
}

static void odd_texts(void **state)
{
	static struct text_pair env[] = {{"A", "'\"$(touch /tmp/x)`x`\n\\"}};
	static const char *secrets[] = {"TEST_COMPILE_SECRET"};
	struct step steps[] = {
		{.id = "a\nid() { :; }", .file = "f", .run = "if", .check = "}", .condition = "done; esac"},
		{.id = "b", .file = "f", .run = "cat <<'EOF'\nunended", .env = {env, 1}, .secrets = {secrets, 1}},
		{.id = "c", .file = "f", .run = "'\\''\"", .as = "nobody", .retries = 3, .timeout_s = 5},
	};
	setenv("TEST_COMPILE_SECRET", "not-to-be-seen", 1);
	_cleanup_(freep) char *program = compiled(steps, 3, RUNNER_APPLY), *again = compiled(steps, 3, RUNNER_APPLY);
	assert_string_equal(program, again);
	expect_readable(program);
	assert_null(strstr(program, "not-to-be-seen"));
	assert_non_null(strstr(program, "export TEST_COMPILE_SECRET=\"$b_secret_TEST_COMPILE_SECRET\""));
	assert_non_null(strstr(program, "b_steps='0 1 2'"));
}

static void parted_where_this_host_acts(void **state)
{
	const struct transfer upload = {.from = "/x/it's", .to = "/etc/", .mode = "0600", .owner = "1:1"};
	const struct transfer download = {.from = "/var/log/x", .to = "artifacts/"};
	const struct reboot reboot = {.timeout_s = 60};
	struct step steps[] = {
		{.id = "a", .file = "f", .run = "true"},
		{.id = "b", .file = "f", .kind = STEP_UPLOAD, .upload = &upload},
		{.id = "c", .file = "f", .kind = STEP_DOWNLOAD, .download = &download},
		{.id = "d", .file = "f", .kind = STEP_REBOOT, .reboot = &reboot},
		{.id = "e", .file = "f", .check = "true"},
	};
	_cleanup_(freep) char *program = compiled(steps, 5, RUNNER_APPLY), *checks = compiled(steps, 5, RUNNER_CHECKS),
			      *none = compiled(steps, 1, RUNNER_CHECKS);
	expect_readable(program);
	expect_readable(checks);
	assert_non_null(strstr(program, "# Program 3 of 3."));
	assert_non_null(strstr(program, "b_steps='0 1 2'"));
	assert_non_null(strstr(program, "b_steps='3'"));
	assert_non_null(strstr(program, "b_steps='4'"));
	assert_null(strstr(checks, "# Program"));
	assert_non_null(strstr(checks, "b_keep_going=1 b_look=\nb_steps='0'"));
	assert_string_equal(none, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(odd_texts), cmocka_unit_test(parted_where_this_host_acts)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
