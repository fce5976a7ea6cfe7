/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps that do odd but legal things to what the runner itself stands on: their streams, its folder's room, signals,
 * modes and owners that others write in other words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/mem.h"
#include "bakery/process.h"
#include "tests/lib/runner.h"
#include "tests/lib/sshd_folder.h"

/* What is opened again by name is emptied where it is a file: with it would go what nobody has read yet. */
static void streams_opened_by_name(void **state)
{
	struct step steps[] = {
		{.run = "i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo line $i; done; echo named >/dev/stdout; "
			"echo last"},
		{.check = "echo told >/dev/stderr; echo state | tee /dev/stderr"},
	};
	struct told told = {0};
	must_run_steps(&sshd, steps, 2, &told);
	assert_true(str_starts(told.steps[0].output, "line 1\nline 2\n"));
	assert_non_null(strstr(told.steps[0].output, "line 300\nnamed\nlast\n"));
	assert_string_equal(told.steps[1].evidence, "state");
	assert_string_equal(told.errors.data, "told\nstate\n");
	assert_true(told_nothing_left(&told));
	told_free(&told);
}

static void streams_opened_by_name_again_and_again(void **state)
{
	struct step steps[MOST_STEPS] = {0};
	struct told told = {0};
	for (size_t i = 0; i < MOST_STEPS; i++)
		steps[i].check = "echo a >/dev/stdout; echo b >/dev/stdout";
	must_run_steps(&sshd, steps, MOST_STEPS, &told);
	for (size_t i = 0; i < MOST_STEPS; i++)
		assert_string_equal(told.steps[i].evidence, "b");
	told_free(&told);
}

/* The streams are root's, and are opened all the same; the environment is as it was asked for. */
static void another_user(void **state)
{
	static struct text_pair env[] = {{"HOME", "/srv"}};
	struct step steps[] = {
		{.run = "echo named >/dev/stderr; echo $HOME $USER $SHELL", .as = "nobody", .env = {env, 1}},
		{.run = "echo $HOME $USER $LOGNAME", .as = "nobody"}};
	struct told told = {0};
	if (geteuid() != 0)
		skip();
	must_run_steps(&sshd, steps, 2, &told);
	assert_string_equal(told.errors.data, "named\n");
	assert_string_equal(told.out.data, "/srv nobody /bin/sh\n/nonexistent nobody nobody\n");
	told_free(&told);
}

/* What was left running goes on after the run, and may print. */
static void left_running(void **state)
{
	_cleanup_(freep) char *go = path_join(folder, "go"), *done = path_join(folder, "done");
	_cleanup_(freep) char *run =
		mem_printf("(while [ ! -e %s ]; do sleep 0.05; done; echo late && echo late >&2 && "
			   "touch %s) & echo started",
			   go, done);
	struct step steps[] = {{.run = run}, {.check = "echo fine"}};
	struct told told = {0};
	struct error err = {0};
	must_run_steps(&sshd, steps, 2, &told);
	assert_string_equal(told.out.data, "started\nfine\n");
	assert_true(told_nothing_left(&told));
	told_free(&told);
	assert_true(file_replace(go, "", 0, 0600, &err));
	for (int i = 0; i < 200 && !file_exists(done); i++)
		usleep(50000);
	assert_true(file_exists(done));
}

static void signals_are_as_at_first(void **state)
{
	static const char *const argv[] = {"env", "--default-signal=INT", "true", NULL};
	struct step steps[] = {{.run = "kill -INT $$; echo survived"}};
	struct told told = {0};
	struct error err = {0};
	if (!process_must(&(struct process){.argv = argv}, NULL, &err))
		skip();
	assert_false(run_steps(&sshd, steps, 1, &(struct runner_options){0}, &told, &err));
	assert_string_equal(told.steps[0].why, "run was killed by signal 2");
	told_free(&told);
}

static void evidence_with_nuls(void **state)
{
	struct step steps[] = {{.check = "printf 'before\\nquiet\\0splash\\0\\n'"}};
	struct told told = {0};
	must_run_steps(&sshd, steps, 1, &told);
	assert_string_equal(told.steps[0].evidence, "quiet?splash?");
	assert_string_equal(told.steps[0].output, "before\nquiet?splash?\n");
	told_free(&told);
}

static void expect_upload(const struct transfer *upload, const char *name, mode_t mode)
{
	struct step steps[] = {{.kind = STEP_UPLOAD, .upload = upload}, {.kind = STEP_UPLOAD, .upload = upload}};
	_cleanup_(freep) char *path = path_join(upload->to, name);
	struct told told = {0};
	struct error err = {0};
	struct stat info;
	must_run_steps(&sshd, steps, 2, &told);
	assert_int_equal(told.steps[0].result, STEP_CHANGED);
	assert_int_equal(told.steps[1].result, STEP_UNCHANGED);
	told_free(&told);
	assert_return_code(stat(*name ? path : upload->to, &info), 0);
	assert_int_equal(info.st_mode & 07777, mode);
	assert_true(run_steps(&sshd, steps, 1, &(struct runner_options){.mode = RUNNER_LOOK}, &told, &err));
	assert_int_equal(told.steps[0].result, STEP_UNCHANGED);
	told_free(&told);
}

static void modes_and_owners(void **state)
{
	static const struct {
		const char *mode, *owner;
		mode_t expected;
	} cases[] = {{"0000", NULL, 0},
		     {"000", "root:root", 0},
		     {"0040", "root:0", 0040},
		     {"4755", "0:root", 04755},
		     {"2750", "nobody", 02750},
		     {"0644", "65534:nogroup", 0644},
		     {"644", "nobody:65534", 0644}};
	_cleanup_(freep) char *tree = path_join(folder, "tree"), *file = path_join(tree, " odd  name ");
	struct error err = {0};
	if (geteuid() != 0)
		skip();
	assert_true(file_make_folders(tree, 0755, &err) && file_replace(file, "text\n", 5, 0644, &err));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) char *to_file = mem_printf("%s/file-%zu", folder, i),
				      *to_tree = mem_printf("%s/tree-%zu", folder, i);
		const struct transfer one = {
			.from = file, .to = to_file, .mode = cases[i].mode, .owner = cases[i].owner};
		const struct transfer all = {
			.from = tree, .to = to_tree, .mode = cases[i].mode, .owner = cases[i].owner};
		expect_upload(&one, "", cases[i].expected);
		expect_upload(&all, " odd  name ", cases[i].expected);
	}
}

/* The runner's folder lies in 256 KiB, on this host otherwise as it is. */
static void make_small_room(const struct test_sshd *small)
{
	_cleanup_(freep) char *enter = path_join(small->folder, "enter");
	static const char text[] =
		"#!/bin/sh\nexec bwrap --ro-bind / / --dev /dev --proc /proc --size 262144 --tmpfs /run "
		"--size 65536 --tmpfs /var/tmp /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"\n";
	struct error err = {0};
	assert_true(file_replace(enter, text, strlen(text), 0755, &err));
}

#define FILL "cat /dev/zero >/run/fill 2>/dev/null; "

/* A text that is cut must not be run: an empty check would hold. */
static void no_room(void **state)
{
	_cleanup_(str_free) struct str large = STR_INIT;
	struct test_sshd small;
	struct told told = {0};
	struct error err = {0};
	if (geteuid() != 0 || !process_available("bwrap") ||
	    !test_sshd_start_with(&small, "ForceCommand FOLDER/enter\n", make_small_room))
		skip();
	for (size_t i = 0; i < 4000; i++)
		str_add(&large, ": as much as does not fit\n");
	str_add(&large, "echo it is not so; exit 1\n");
	struct step first[] = {{.run = "findmnt /run >/dev/null || exit 9; " FILL "true"},
			       {.check = "test -e /run/fill"},
			       {.check = large.data}};
	assert_false(run_steps(&small, first, 3, &(struct runner_options){0}, &told, &err));
	assert_int_equal(told.count, 3);
	assert_int_equal(told.steps[0].result, STEP_CHANGED);
	assert_int_equal(told.steps[1].result, STEP_OK);
	assert_int_equal(told.steps[2].result, STEP_FAILED);
	if (!strstr(err.text, "what is to be run could not be written to /run/bakery/"))
		fail_msg("%s", err.text);
	told_free(&told);
	struct step printing[] = {{.run = "findmnt /run >/dev/null || exit 9; " FILL "head -c 200000 /dev/zero"}};
	assert_false(run_steps(&small, printing, 1, &(struct runner_options){0}, &told, &err));
	if (!strstr(err.text, "not all that was printed is here, as it could not be written to /run/bakery/"))
		fail_msg("%s", err.text);
	told_free(&told);
	struct step many[MOST_STEPS] = {{.run = "findmnt /run >/dev/null || exit 9; " FILL "true"}};
	for (size_t i = 1; i < MOST_STEPS; i++)
		many[i].check = i + 1 < MOST_STEPS ? "test -e /run/fill" : "echo it is not so; exit 1";
	assert_false(run_steps(&small, many, MOST_STEPS, &(struct runner_options){0}, &told, &err));
	if (told.count != MOST_STEPS || !strstr(err.text, "it is not so"))
		fail_msg("%zu steps: %s", told.count, err.text);
	told_free(&told);
	test_sshd_stop(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_opened_by_name),
		cmocka_unit_test(streams_opened_by_name_again_and_again),
		cmocka_unit_test(another_user),
		cmocka_unit_test(left_running),
		cmocka_unit_test(signals_are_as_at_first),
		cmocka_unit_test(evidence_with_nuls),
		cmocka_unit_test(modes_and_owners),
		cmocka_unit_test(no_room),
	};
	return cmocka_run_group_tests(tests, start, finish);
}
