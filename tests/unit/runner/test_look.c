/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking without touching: what each step would do, told before anything is sent or changed; and whole folders, which
 * are looked at file by file. */
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

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/process.h"
#include "tests/lib/runner.h"
#include "tests/lib/sshd_folder.h"

static char *in_folder(const char *name)
{
	return path_join(folder, name);
}

/* A shell command line on this host, in the folder; must work. */
static void shell(const char *commands)
{
	struct error err = {0};
	_cleanup_(freep) char *all = mem_printf("set -e; cd '%s'; umask 022; %s", folder, commands);
	const char *const argv[] = {"sh", "-c", all, NULL};
	if (!process_must(&(struct process){.argv = argv}, NULL, &err))
		fail_msg("%s", err.text);
}

static void look(struct step *steps, size_t count, struct told *told)
{
	struct error err = {0};
	if (!run_steps(&sshd, steps, count, &(struct runner_options){.mode = RUNNER_LOOK}, told, &err))
		fail_msg("%s", err.text);
	assert_int_equal(told->count, count);
	assert_true(told_nothing_left(told));
}

static void every_kind_of_step(void **state)
{
	static const char *nowhere[] = {"pdp11"};
	const struct reboot reboot = {.timeout_s = 60};
	const struct transfer download = {.from = "/etc/hostname", .to = "x"};
	_cleanup_(freep) char *touched = in_folder("touched"), *touch = mem_printf("touch %s", touched);
	struct step steps[] = {
		{.run = touch},
		{.check = "echo it is not so; exit 3", .run = touch, .retries = 5},
		{.check = "exit 3", .run = touch},
		{.check = "true", .run = touch},
		{.check = "true"},
		{.check = "exit 4", .retries = 5},
		{.run = touch, .arch = {nowhere, 1}},
		{.run = touch, .condition = "false"},
		{.run = touch, .check = "sleep 300", .timeout_s = 1},
		{.kind = STEP_DOWNLOAD, .download = &download},
		{.kind = STEP_REBOOT, .reboot = &reboot},
		{.kind = STEP_REBOOT, .reboot = &reboot, .condition = "false"},
		{.check = "echo the last one is looked at, too"},
	};
	static const struct {
		enum step_result result;
		const char *why;
	} expected[] = {
		{STEP_WOULD_RUN, "it has no check"},
		{STEP_WOULD_CHANGE, "it is not so"},
		{STEP_WOULD_CHANGE, "its check exited with 3"},
		{STEP_UNCHANGED, ""},
		{STEP_OK, ""},
		{STEP_FAILED, "check exited with 4"},
		{STEP_SKIPPED, "arch is "},
		{STEP_SKIPPED, "its condition does not hold"},
		{STEP_FAILED, "timed out after 1s"},
		{STEP_WOULD_RUN, "/etc/hostname would be fetched"},
		{STEP_WOULD_RUN, "the machine would be restarted"},
		{STEP_SKIPPED, "its condition"},
		{STEP_OK, ""},
	};
	struct told told = {0};
	look(steps, ARRAY_SIZE(steps), &told);
	for (size_t i = 0; i < told.count; i++) {
		if (told.steps[i].result != expected[i].result || !str_starts(told.steps[i].why, expected[i].why))
			fail_msg("step %zu: %s: %s", i, step_result_name(told.steps[i].result), told.steps[i].why);
		assert_int_equal(told.steps[i].attempts, 1);
	}
	assert_false(file_exists(touched));
	told_free(&told);
}

/* Nothing of a step's run can be in what is sent. */
static void the_program_holds_no_run(void **state)
{
	struct error err = {0};
	_cleanup_(str_free) struct str program = STR_INIT;
	struct step steps[] = {{.id = "a", .file = "f", .run = "the-deed"},
			       {.id = "b", .file = "f", .run = "the-deed", .check = "the-question"}};
	const struct playbook playbook = {.name = "test", .steps = {steps, 2}};
	assert_true(runner_compile(&playbook, RUNNER_LOOK, &program, &err));
	assert_null(strstr(program.data, "the-deed"));
	assert_non_null(strstr(program.data, "the-question"));
}

static void secrets_are_wanted_by_what_is_run(void **state)
{
	static const char *names[] = {"TEST_LOOK_NOT_SET"};
	struct step without = {.run = "true", .secrets = {names, 1}},
		    with = {.run = "true", .check = "false", .secrets = {names, 1}};
	struct told told = {0};
	struct error err = {0};
	look(&without, 1, &told);
	assert_int_equal(told.steps[0].result, STEP_WOULD_RUN);
	told_free(&told);
	assert_false(run_steps(&sshd, &with, 1, &(struct runner_options){.mode = RUNNER_LOOK}, &told, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	told_free(&told);
}

static void expect_look(const struct transfer *upload, enum step_result result, const char *why)
{
	struct step step = {.kind = STEP_UPLOAD, .upload = upload};
	struct told told = {0};
	look(&step, 1, &told);
	if (told.steps[0].result != result || !strstr(told.steps[0].why, why))
		fail_msg("%s: %s", step_result_name(told.steps[0].result), told.steps[0].why);
	told_free(&told);
}

static void expect_upload(const struct transfer *upload, enum step_result result)
{
	struct step step = {.kind = STEP_UPLOAD, .upload = upload};
	struct told told = {0};
	must_run_steps(&sshd, &step, 1, &told);
	if (told.steps[0].result != result)
		fail_msg("%s: %s", step_result_name(told.steps[0].result), told.steps[0].output);
	assert_true(told_nothing_left(&told));
	told_free(&told);
}

static void files_that_would_differ(void **state)
{
	static struct text_pair vars[] = {{"who", "me"}};
	_cleanup_(freep) char *from = in_folder("file"), *to = in_folder("there/file"), *template = in_folder("tmpl");
	const struct transfer plain = {.from = from, .to = to, .mode = "0640"},
			      filled = {.from = template, .to = to, .is_template = true, .vars = {vars, 1}},
			      onto_folder = {.from = from, .to = folder};
	shell("echo content >file; echo '{{ who }}' >tmpl");
	expect_look(&plain, STEP_WOULD_CHANGE, "there/file is not there");
	assert_false(file_exists(to));
	expect_upload(&plain, STEP_CHANGED);
	expect_look(&plain, STEP_UNCHANGED, "");
	shell("chmod 600 there/file");
	expect_look(&plain, STEP_WOULD_CHANGE, "has mode and owner 600 root, not 640 root");
	shell("echo more >>there/file");
	expect_look(&plain, STEP_WOULD_CHANGE, "has other content");
	expect_look(&onto_folder, STEP_WOULD_CHANGE, "is no file");
	shell("echo me >there/file; chmod 644 there/file");
	expect_look(&filled, STEP_UNCHANGED, "");
	shell("echo you >there/file");
	expect_look(&filled, STEP_WOULD_CHANGE, "has other content");
}

static void folders(void **state)
{
	static struct text_pair vars[] = {{"who", "the world"}};
	_cleanup_(freep) char *from = in_folder("tree"), *into = in_folder("placed/");
	const struct transfer plain = {.from = from, .to = into},
			      filled = {.from = from, .to = into, .is_template = true, .vars = {vars, 1}},
			      moded = {.from = from, .to = into, .mode = "0640"};
	shell("mkdir -p tree/sub/deep tree/empty; echo 'for {{ who }}' >tree/a; echo run >tree/sub/run; chmod 755 "
	      "tree/sub/run; "
	      "chmod 700 tree/empty; echo x >\"tree/sub/it's  \\$(odd) \"; : >tree/sub/deep/nothing; head -c 100000 "
	      "/dev/urandom | base64 >tree/sub/big; "
	      "chmod 600 tree/sub/big; echo dash >tree/-dash");
	expect_look(&plain, STEP_WOULD_CHANGE, "placed/tree is not there");
	expect_upload(&plain, STEP_CHANGED);
	shell("diff -r tree placed/tree; test -z \"$(ls -A placed/tree | grep bakery)\"; "
	      "for f in sub/run sub/big a empty; do test $(stat -c %a tree/$f) = $(stat -c %a placed/tree/$f); done");
	expect_upload(&plain, STEP_UNCHANGED);
	expect_look(&plain, STEP_UNCHANGED, "");
	shell("echo more >placed/tree/own"); /* what else is there stays, and is nobody's business */
	expect_look(&plain, STEP_UNCHANGED, "");
	shell("echo spoilt >>placed/tree/sub/run; rm placed/tree/-dash");
	expect_look(&plain, STEP_WOULD_CHANGE, "2 of 6 files are not there or differ: ");
	expect_upload(&plain, STEP_CHANGED);
	shell("diff tree/sub/run placed/tree/sub/run; test -e placed/tree/own; rmdir placed/tree/empty");
	expect_look(&plain, STEP_WOULD_CHANGE, "tree/empty is not there");
	expect_look(&filled, STEP_WOULD_CHANGE, "is not there");
	expect_upload(&filled, STEP_CHANGED);
	shell("grep -qx 'for the world' placed/tree/a; chmod 640 placed/tree/a");
	expect_look(&filled, STEP_WOULD_CHANGE, "another mode or owner");
	expect_upload(&moded, STEP_CHANGED);
	shell("test \"$(find placed/tree -type f ! -name own -printf '%m ' | tr ' ' '\\n' | sort -u | tr -d '\\n')\" = "
	      "640");
	shell("rm placed/tree/a; mkdir placed/tree/a");
	struct step step = {.kind = STEP_UPLOAD, .upload = &plain};
	struct told told = {0};
	struct error err = {0};
	assert_false(run_steps(&sshd, &step, 1, &(struct runner_options){0}, &told, &err));
	assert_non_null(strstr(err.text, "a is a folder there"));
	told_free(&told);
	shell("test -z \"$(ls -A placed/tree | grep bakery)\"");
}

/* Longer than the fields that a tar header has for one. */
static void long_names(void **state)
{
	_cleanup_(freep) char *from = in_folder("long"), *to = in_folder("long-placed");
	const struct transfer upload = {.from = from, .to = to};
	shell("d=long/$(printf '%060d' 1)/$(printf '%060d' 2); mkdir -p $d; echo x >$d/$(printf '%090d' 3); "
	      "echo y >long/$(printf '%0150d' 4); d=long/$(printf '%0200d' 5)/$(printf '%0200d' 6); mkdir -p $d; "
	      "echo z >$d/$(printf '%0200d' 7)");
	expect_upload(&upload, STEP_CHANGED);
	shell("diff -r long long-placed");
	expect_upload(&upload, STEP_UNCHANGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_step),
		cmocka_unit_test(the_program_holds_no_run),
		cmocka_unit_test(secrets_are_wanted_by_what_is_run),
		cmocka_unit_test(files_that_would_differ),
		cmocka_unit_test(folders),
		cmocka_unit_test(long_names),
	};
	return cmocka_run_group_tests(tests, start, finish);
}
