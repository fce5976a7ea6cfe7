/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections that drop, sshds that die, programs that are killed: no step runs twice, no byte is lost or doubled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/process.h"
#include "tests/lib/runner.h"
#include "tests/lib/sshd_folder.h"

/* A step that notes each time it is run, then does the rest. */
static char *counted(const char *name, const char *rest)
{
	return mem_printf("echo run >>%s/%s; %s", folder, name, rest);
}

static size_t runs(const char *name)
{
	struct error err;
	_cleanup_(freep) char *path = path_join(folder, name);
	_cleanup_(str_free) struct str text = STR_INIT;
	return file_read(path, 4096, &text, &err) ? text.len / strlen("run\n") : 0;
}

static void assert_numbered(const char *text, size_t count)
{
	const char *at = text;
	for (size_t i = 1; i <= count; i++) {
		char *end = NULL;
		if (strtoull(at, &end, 10) != i || *end != '\n')
			fail_msg("line %zu is \"%.20s\"", i, at);
		at = end + 1;
	}
	assert_string_equal(at, "");
}

#define COUNT_SLOWLY "i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo $i; echo $i >&2; sleep 0.05; done"

static void kill_sessions_at_times(struct told *told)
{
	if (told->calls == 10 || told->calls == 30 || told->calls == 31 || told->calls == 60)
		test_sshd_kill_sessions(told->sshd);
}

static void sessions_killed(void **state)
{
	_cleanup_(freep) char *first = counted("killed-1", COUNT_SLOWLY), *second = counted("killed-2", "echo second");
	struct step steps[] = {{.run = first}, {.run = second}};
	struct told told = {.on_output = kill_sessions_at_times};
	must_run_steps(&sshd, steps, 2, &told);
	assert_true(told.reconnections >= 2);
	assert_int_equal(runs("killed-1"), 1);
	assert_int_equal(runs("killed-2"), 1);
	assert_int_equal(told.count, 2);
	assert_true(str_ends(told.out.data, "\nsecond\n"));
	told.out.data[told.out.len - strlen("second\n")] = '\0';
	assert_numbered(told.out.data, 40);
	assert_numbered(told.errors.data, 40);
	assert_true(told_nothing_left(&told));
	told_free(&told);
}

static void restart_sshd_once(struct told *told)
{
	struct test_sshd *whole = (struct test_sshd *)told->sshd;
	if (told->calls != 8)
		return;
	test_sshd_kill_sessions(whole);
	test_sshd_kill_listener(whole);
	stop_sleep_ms(NULL, 300);
	test_sshd_listen_again(whole);
}

static void sshd_killed_and_restarted(void **state)
{
	_cleanup_(freep) char *run = counted("restarted", COUNT_SLOWLY);
	struct step steps[] = {{.run = run}};
	struct told told = {.on_output = restart_sshd_once};
	must_run_steps(&sshd, steps, 1, &told);
	assert_int_equal(told.reconnections, 1);
	assert_int_equal(runs("restarted"), 1);
	assert_numbered(told.out.data, 40);
	assert_numbered(told.errors.data, 40);
	told_free(&told);
}

static void *kill_and_kill(void *done)
{
	while (!__atomic_load_n((bool *)done, __ATOMIC_SEQ_CST)) {
		stop_sleep_ms(NULL, 300);
		test_sshd_kill_sessions(&sshd);
	}
	return NULL;
}

/* Twenty megabytes of numbered lines while every connection is killed after a moment, also before a program is
 * confirmed. */
static void drops_all_the_time(void **state)
{
	_cleanup_(freep) char *first = counted("storm-1", "seq 1 1300000; sleep 0.7; seq 1300001 2600000"),
			      *second = counted("storm-2", "seq 2600001 2600010");
	struct step steps[] = {{.run = first}, {.run = second}};
	struct told told = {0};
	struct error err = {0};
	bool done = false;
	pthread_t thread;
	struct ssh_target target = test_sshd_target(&sshd);
	struct ssh *ssh = NULL;
	assert_true(ssh_open(&target, &ssh, &err)); /* so that run_steps' first connection is not the first ever */
	ssh_close(ssh);
	assert_int_equal(pthread_create(&thread, NULL, kill_and_kill, &done), 0);
	bool ran = run_steps(&sshd, steps, 2, &(struct runner_options){0}, &told, &err);
	__atomic_store_n(&done, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	if (!ran)
		fail_msg("%s", err.text);
	assert_true(told.reconnections > 0);
	assert_int_equal(runs("storm-1"), 1);
	assert_int_equal(runs("storm-2"), 1);
	assert_numbered(told.out.data, 2600010);
	told_free(&told);
}

/* A process of this host by its /proc/PID/cmdline; used to kill what a step would not dare to. */
static void run_here(const char *script)
{
	struct error err;
	const char *const argv[] = {"sh", "-c", script, NULL};
	if (!process_must(&(struct process){.argv = argv}, NULL, &err))
		fail_msg("%s", err.text);
}

static void kill_program(struct told *told)
{
	_cleanup_(freep) char *script = mem_printf("kill -9 $(cat /run/bakery/%s/0/pid)", told->run_id);
	if (told->calls == 3)
		run_here(script);
}

static void program_killed(void **state)
{
	struct step steps[] = {{.run = "echo 1; sleep 0.1; echo 2; sleep 0.1; echo 3; sleep 2"}, {.run = "echo never"}};
	struct told told = {.on_output = kill_program};
	struct error err = {0};
	assert_false(run_steps(&sshd, steps, 2, &(struct runner_options){0}, &told, &err));
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_non_null(strstr(err.text, "something killed the program"));
	assert_int_equal(told.count, 1);
	assert_int_equal(told.steps[0].result, STEP_FAILED);
	assert_string_equal(told.steps[0].output, "1\n2\n3\n");
	assert_true(told_nothing_left(&told));
	told_free(&told);
}

/* The reader on the machine, not the program: a step may well kill every sh it does not know. */
static void kill_link(struct told *told)
{
	_cleanup_(freep) char *script = mem_printf(
		"kill -9 $(for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null | "
		"grep -q '^tail.*/run/bakery/%s/' && echo ${p#/proc/} && sed -n 's/^PPid:.//p' $p/status; done) || :",
		told->run_id);
	if (told->calls == 3)
		run_here(script);
}

static void link_killed(void **state)
{
	_cleanup_(freep) char *run = counted("link", COUNT_SLOWLY);
	struct step steps[] = {{.run = run}};
	struct told told = {.on_output = kill_link};
	must_run_steps(&sshd, steps, 1, &told);
	assert_int_equal(runs("link"), 1);
	assert_numbered(told.out.data, 40);
	assert_true(told_nothing_left(&told));
	told_free(&told);
}

/* As after a restart of the machine: its memory is gone. */
static void forget_everything(struct told *told)
{
	_cleanup_(freep) char *script =
		mem_printf("kill -9 $(cat /run/bakery/%s/0/pid); rm -rf /run/bakery/%s", told->run_id, told->run_id);
	if (told->calls != 3)
		return;
	run_here(script);
	test_sshd_kill_sessions(told->sshd);
}

static void machine_forgot(void **state)
{
	struct step steps[] = {{.run = "echo 1; sleep 0.1; echo 2; sleep 0.1; echo 3; sleep 2"}, {.run = "echo never"}};
	struct told told = {.on_output = forget_everything};
	struct error err = {0};
	assert_false(run_steps(&sshd, steps, 2, &(struct runner_options){0}, &told, &err));
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_non_null(strstr(err.text, "restarted or was cleaned"));
	assert_int_equal(told.count, 1);
	told_free(&told);
}

static void request_stop(struct told *told)
{
	if (told->calls == 1)
		stop_request(told->stop, SIGINT);
}

static void stop_ends_the_machine_s_work(void **state)
{
	_cleanup_(freep) char *run = mem_printf("echo $$ >%s/stopped; echo begun; exec sleep 300", folder);
	_cleanup_(freep) char *alive = mem_printf("! grep -q 'State:.[^Z]' /proc/$(cat %s/stopped)/status", folder);
	struct step steps[] = {{.run = run}};
	struct error err = {0};
	struct stop stop;
	stop_init(&stop);
	struct told told = {.on_output = request_stop, .stop = &stop};
	int64_t start_ms = clock_mono_ms();
	assert_false(run_steps(&sshd, steps, 1, &(struct runner_options){0}, &told, &err));
	assert_int_equal(err.kind, ERROR_STOPPED);
	assert_true(clock_mono_ms() - start_ms < 6000);
	run_here(alive);
	assert_true(told_nothing_left(&told));
	told_free(&told);
	stop_close(&stop);
}

static void die(struct told *told)
{
	if (told->calls == 5)
		raise(SIGKILL);
}

/* This process dies; another one, told the same run, joins the program where it stands. */
static void joined_by_another_process(void **state)
{
	_cleanup_(freep) char *run = counted("joined", COUNT_SLOWLY);
	struct step steps[] = {{.run = run}};
	struct told told = {0};
	int status = 0;
	pid_t child = fork();
	if (child == 0) {
		struct told dying = {.on_output = die, .fixed_run_id = "joined-run"};
		struct error ignored;
		_exit(run_steps(&sshd, steps, 1, &(struct runner_options){0}, &dying, &ignored));
	}
	waitpid(child, &status, 0);
	assert_true(WIFSIGNALED(status));
	told.fixed_run_id = "joined-run";
	must_run_steps(&sshd, steps, 1, &told);
	assert_int_equal(runs("joined"), 1);
	assert_numbered(told.out.data, 40);
	assert_true(told_nothing_left(&told));
	told_free(&told);
}

/* This process dies in the second step; it had recorded one. */
static void die_in_a_run_of(struct step *steps, size_t count, const char *run_id)
{
	int status = 0;
	pid_t child = fork();
	if (child == 0) {
		struct told dying = {.on_output = die, .fixed_run_id = run_id};
		struct error ignored;
		_exit(run_steps(&sshd, steps, count, &(struct runner_options){0}, &dying, &ignored));
	}
	waitpid(child, &status, 0);
	assert_true(WIFSIGNALED(status));
}

static void what_is_recorded_is_not_done_or_told_again(void **state)
{
	_cleanup_(freep) char *first = counted("rec-1", "echo first"), *second = counted("rec-2", COUNT_SLOWLY),
			      *third = counted("rec-3", "echo third");
	struct step steps[] = {{.run = first}, {.run = second}, {.run = third}};
	struct told told = {.fixed_run_id = "recorded-run"};
	struct error err = {0};
	die_in_a_run_of(steps, 3, "recorded-run");
	if (!run_steps(&sshd, steps, 3, &(struct runner_options){.recorded = 1}, &told, &err))
		fail_msg("%s", err.text);
	assert_int_equal(runs("rec-1"), 1);
	assert_int_equal(runs("rec-2"), 1);
	assert_int_equal(runs("rec-3"), 1);
	assert_int_equal(told.count, 2);
	assert_int_equal(told.began, 2);
	assert_null(strstr(told.out.data, "first"));
	assert_true(str_ends(told.out.data, "\n40\nthird\n"));
	assert_true(told_nothing_left(&told));
	told_free(&told);
}

/* Nobody knows how far it came: nothing is run. */
static void no_trace_of_what_was_begun(void **state)
{
	_cleanup_(freep) char *second = counted("trace-2", "echo second");
	struct step steps[] = {{.run = "echo first"}, {.run = second}};
	struct told told = {.fixed_run_id = "traceless-run"};
	struct error err = {0};
	assert_false(run_steps(&sshd, steps, 2, &(struct runner_options){.recorded = 1}, &told, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_string_equal(err.code, RUNNER_NOT_REJOINED);
	assert_int_equal(runs("trace-2"), 0);
	assert_int_equal(told.count, 0);
	assert_true(told_nothing_left(&told));
	told_free(&told);
}

/* A program of its own behind a finished one: it is not known whether it was begun, and it is begun once. */
static void the_next_program_is_begun(void **state)
{
	_cleanup_(freep) char *local = mem_printf("%s/fetched", folder), *third = counted("next-3", "echo third");
	struct transfer download = {.from = "/etc/hostname", .to = local};
	struct step steps[] = {{.run = "echo first"}, {.kind = STEP_DOWNLOAD, .download = &download}, {.run = third}};
	struct told told = {.fixed_run_id = "next-run"};
	struct error err = {0};
	if (!run_steps(&sshd, steps, 3, &(struct runner_options){.recorded = 2}, &told, &err))
		fail_msg("%s", err.text);
	assert_int_equal(runs("next-3"), 1);
	assert_int_equal(told.count, 1);
	assert_true(told_nothing_left(&told));
	told_free(&told);
}

/* The program had said all, and this host had not done its part. */
static void a_download_is_begun_again(void **state)
{
	_cleanup_(freep) char *local = mem_printf("%s/fetched-again", folder), *first = counted("again-1", ":");
	struct transfer download = {.from = "/etc/hostname", .to = local};
	struct step steps[] = {{.run = first}, {.kind = STEP_DOWNLOAD, .download = &download}};
	struct told told = {.fixed_run_id = "again-run"};
	struct error err = {0};
	if (!run_steps(&sshd, steps, 2, &(struct runner_options){.recorded = 1, .download_folder = "/"}, &told, &err))
		fail_msg("%s", err.text);
	assert_int_equal(runs("again-1"), 0);
	assert_int_equal(told.count, 1);
	assert_int_equal(access(local, F_OK), 0);
	assert_true(told_nothing_left(&told));
	told_free(&told);
}

/* The note lies in a folder of the user's that is of an earlier life of the machine. */
static void a_restart_that_is_over(void **state)
{
	struct reboot reboot = {.timeout_s = 5};
	struct step steps[] = {{.run = "echo first"}, {.kind = STEP_REBOOT, .reboot = &reboot}, {.run = "echo third"}};
	struct told told = {.fixed_run_id = "restart-run"};
	struct error err = {0};
	run_here("d=/var/tmp/bakery-$(id -un); mkdir -p -m 700 $d/restart-run; echo 0000/1 >$d/restart-run/reboot-1");
	if (!run_steps(&sshd, steps, 3, &(struct runner_options){.recorded = 1}, &told, &err))
		fail_msg("%s", err.text);
	assert_int_equal(told.count, 2);
	assert_int_equal(told.steps[0].result, STEP_CHANGED);
	assert_string_equal(told.out.data, "third\n");
	assert_true(told_nothing_left(&told));
	told_free(&told);
}

static void another_program_under_the_name(void **state)
{
	struct step steps[] = {{.run = "sleep 5"}};
	struct told told = {.fixed_run_id = "other-run"};
	struct error err = {0};
	run_here("mkdir -p -m 700 /run/bakery/other-run/0; cd /run/bakery/other-run/0; : >out; : >err; sleep 20 "
		 ">/dev/null 2>&1 & echo "
		 "$! >pid;"
		 "echo 0123456789abcdef0123456789abcdef 00ff $(cat /proc/sys/kernel/random/boot_id) >name");
	assert_false(run_steps(&sshd, steps, 1, &(struct runner_options){0}, &told, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	run_here("kill $(cat /run/bakery/other-run/0/pid); rm -r /run/bakery/other-run; rmdir /run/bakery 2>/dev/null "
		 "|| :");
	told_free(&told);
}

/* What was left from before a restart of the machine says nothing any more. */
static void a_folder_of_an_earlier_life(void **state)
{
	struct step steps[] = {{.run = "echo new"}};
	struct told told = {.fixed_run_id = "old-run"};
	run_here("mkdir -p -m 700 /run/bakery/old-run/0; cd /run/bakery/old-run/0; : >out; : >err; echo 1 >pid;"
		 "echo 0123456789abcdef0123456789abcdef 00ff 00000000-0000-0000-0000-000000000000 >name");
	must_run_steps(&sshd, steps, 1, &told);
	assert_string_equal(told.out.data, "new\n");
	assert_true(told_nothing_left(&told));
	told_free(&told);
}

/* Each login goes through this command first, as through a login shell with much to say. */
static void with_login_command(const char *command)
{
	struct error err;
	_cleanup_(freep) char *path = path_join(sshd.folder, "authorized_keys");
	_cleanup_(freep) char *line = mem_printf("%s%s%s%s", command ? "command=\"" : "", command ? command : "",
						 command ? "\" " : "", sshd.user_key.public_key);
	assert_true(file_replace(path, line, strlen(line), 0600, &err));
}

static void talkative_login_shells(void **state)
{
	struct step steps[] = {{.run = "echo out; echo err >&2"}};
	struct told told = {0};
	with_login_command(
		"head -c 40000 /dev/zero; echo welcome; echo warning >&2; eval \\\"$SSH_ORIGINAL_COMMAND\\\"");
	must_run_steps(&sshd, steps, 1, &told);
	assert_string_equal(told.out.data, "out\n");
	assert_string_equal(told.errors.data, "err\n");
	with_login_command(NULL);
	told_free(&told);
}

static void a_start_that_fails_says_why(void **state)
{
	struct step steps[] = {{.run = "true"}};
	struct told told = {0};
	struct error err = {0};
	with_login_command("echo 'sudo: a password is required' >&2; exit 1");
	assert_false(run_steps(&sshd, steps, 1, &(struct runner_options){0}, &told, &err));
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_non_null(strstr(err.text, "sudo: a password is required"));
	with_login_command(NULL);
	told_free(&told);
}

/* The program and its link under every shell that this host has. */
static void other_shells(void **state)
{
	static const char *const shells[] = {"/bin/dash", "/bin/bash", "/bin/busybox", "/bin/mksh", "/bin/yash"};
	_cleanup_(freep) char *bin = path_join(folder, "bin"), *link = path_join(folder, "bin/sh");
	_cleanup_(freep) char *command =
		mem_printf("PATH=%s:$PATH; export PATH; eval \\\"$SSH_ORIGINAL_COMMAND\\\"", bin);
	_cleanup_(freep) char *flag = mem_printf("test -e %s/flag", folder),
			      *raise_flag = mem_printf("touch %s/flag", folder);
	struct error err = {0};
	assert_true(file_make_folders(bin, 0755, &err));
	with_login_command(command);
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		struct step steps[] = {{.run = "echo out; echo err >&2"},
				       {.check = flag, .run = raise_flag},
				       {.check = flag, .run = "exit 1"},
				       {.run = COUNT_SLOWLY},
				       {.run = "sleep 300", .timeout_s = 1}};
		struct told told = {.on_output = kill_sessions_at_times};
		unlink(link);
		_cleanup_(freep) char *flag_file = path_join(folder, "flag");
		unlink(flag_file);
		if (access(shells[i], X_OK) || symlink(shells[i], link))
			continue;
		assert_false(run_steps(&sshd, steps, 5, &(struct runner_options){0}, &told, &err));
		if (told.count != 5)
			fail_msg("%s: %s", shells[i], err.text);
		assert_int_equal(told.steps[1].result, STEP_CHANGED);
		assert_int_equal(told.steps[2].result, STEP_UNCHANGED);
		assert_numbered(told.out.data + strlen("out\n"), 40);
		assert_string_equal(told.steps[4].why, "timed out after 1s");
		assert_true(told_nothing_left(&told));
		told_free(&told);
	}
	with_login_command(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_killed),
		cmocka_unit_test(sshd_killed_and_restarted),
		cmocka_unit_test(drops_all_the_time),
		cmocka_unit_test(program_killed),
		cmocka_unit_test(link_killed),
		cmocka_unit_test(machine_forgot),
		cmocka_unit_test(stop_ends_the_machine_s_work),
		cmocka_unit_test(joined_by_another_process),
		cmocka_unit_test(what_is_recorded_is_not_done_or_told_again),
		cmocka_unit_test(no_trace_of_what_was_begun),
		cmocka_unit_test(the_next_program_is_begun),
		cmocka_unit_test(a_download_is_begun_again),
		cmocka_unit_test(a_restart_that_is_over),
		cmocka_unit_test(another_program_under_the_name),
		cmocka_unit_test(a_folder_of_an_earlier_life),
		cmocka_unit_test(talkative_login_shells),
		cmocka_unit_test(a_start_that_fails_says_why),
		cmocka_unit_test(other_shells),
	};
	return cmocka_run_group_tests(tests, start, finish);
}
