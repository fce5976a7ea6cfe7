/* SPDX-License-Identifier: Apache-2.0
 *
 * What steps come to: every kind of result, told as it was, over a real connection to this host. */
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

static struct test_sshd sshd;
static char folder[] = "/tmp/bakery-runner-XXXXXX"; /* steps work in here */

static int start(void **state)
{
	assert_non_null(mkdtemp(folder));
	setenv("FOLDER", folder, 1); /* handed to steps as a secret: the only way from here to there */
	return test_sshd_start(&sshd) ? 0 : -1;
}

static int finish(void **state)
{
	struct error err;
	test_sshd_stop(&sshd);
	return file_remove_tree(folder, &err) ? 0 : -1;
}

static char *in_folder(const char *fmt, const char *name)
{
	_cleanup_(freep) char *path = path_join(folder, name);
	return mem_printf(fmt, path, path, path);
}

static void every_result(void **state)
{
	_cleanup_(freep) char *made = in_folder("test -e %s", "made");
	_cleanup_(freep) char *make = in_folder("echo making; touch %s", "made");
	static const char *none[] = {"no-such-os"}, *nowhere[] = {"pdp11"},
			  *here[] = {"linux", "debian", "ubuntu", "rhel", "fedora"};
	struct step steps[] = {
		{.run = "echo plain"},
		{.check = made, .run = make},
		{.check = made, .run = "echo not needed; exit 1"},
		{.check = "echo looking; echo seen"},
		{.run = "exit 1", .os = {none, 1}},
		{.run = "exit 1", .arch = {nowhere, 1}},
		{.run = "exit 1", .condition = "false"},
		{.run = "true", .condition = "true", .os = {here, ARRAY_SIZE(here)}},
	};
	static const struct {
		enum step_result result;
		const char *output, *evidence, *why;
	} expected[] = {
		{STEP_CHANGED, "plain\n", "", ""},
		{STEP_CHANGED, "making\n", "", ""},
		{STEP_UNCHANGED, "", "", ""},
		{STEP_OK, "looking\nseen\n", "seen", ""},
		{STEP_SKIPPED, "", "", "os is "},
		{STEP_SKIPPED, "", "", "arch is "},
		{STEP_SKIPPED, "", "", "its condition does not hold"},
		{STEP_CHANGED, "", "", ""},
	};
	struct told told = {0};
	must_run_steps(&sshd, steps, ARRAY_SIZE(steps), &told);
	assert_int_equal(told.count, ARRAY_SIZE(steps));
	assert_int_equal(told.began, ARRAY_SIZE(steps));
	for (size_t i = 0; i < told.count; i++) {
		assert_int_equal(told.steps[i].result, expected[i].result);
		assert_string_equal(told.steps[i].output, expected[i].output);
		assert_string_equal(told.steps[i].evidence, expected[i].evidence);
		assert_true(str_starts(told.steps[i].why, expected[i].why));
		assert_int_equal(told.steps[i].status, 0);
		assert_true(told.steps[i].started_ms <= told.steps[i].ended_ms);
		assert_true(llabs(told.steps[i].started_ms - clock_wall_ms()) < 60000);
	}
	assert_string_equal(told.out.data, "plain\nmaking\nlooking\nseen\n");
	assert_true(told_nothing_left(&told));
	told_free(&told);
}

/* Runs one step that fails, and after it one that must not run. */
static void expect_failure(struct step step, const char *why, int status, int attempts, const char *in_error)
{
	struct error err = {0};
	struct told told = {0};
	struct step steps[] = {{.run = "true"}, step, {.run = "true"}};
	assert_false(run_steps(&sshd, steps, 3, &(struct runner_options){0}, &told, &err));
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_int_equal(told.count, 2);
	assert_int_equal(told.steps[1].result, STEP_FAILED);
	assert_string_equal(told.steps[1].why, why);
	assert_int_equal(told.steps[1].status, status);
	assert_int_equal(told.steps[1].attempts, attempts);
	if (!strstr(err.text, "step test/step-1 (test.yaml:11): ") || !strstr(err.text, why) ||
	    !strstr(err.text, in_error))
		fail_msg("%s", err.text);
	assert_true(told_nothing_left(&told));
	told_free(&told);
}

static void failures_are_told(void **state)
{
	expect_failure((struct step){.run = "echo the reason >&2; exit 3"}, "run exited with 3", 3, 1, "the reason");
	expect_failure((struct step){.run = "kill -9 $$"}, "run was killed by signal 9", 137, 1, "");
	expect_failure((struct step){.check = "echo still wrong; false", .run = "true"}, "check still fails after run",
		       1, 1, "still wrong");
	expect_failure((struct step){.check = "exit 4"}, "check exited with 4", 4, 1, "");
	expect_failure((struct step){.run = "if then"}, "run exited with 2", 2, 1, "");
	expect_failure((struct step){.run = "exit 5", .as = "no-such-user-here"}, "run exited with 1", 1, 1,
		       "no-such-user-here");
	expect_failure((struct step){.run = "exit 6", .retries = 1}, "run exited with 6", 6, 2,
		       "after several attempts");
}

static void the_error_shows_the_last_lines(void **state)
{
	struct error err = {0};
	struct told told = {0};
	struct step steps[] = {{.run = "i=0; while [ $i -lt 500 ]; do i=$((i+1)); echo line $i; done; exit 1"}};
	assert_false(run_steps(&sshd, steps, 1, &(struct runner_options){0}, &told, &err));
	assert_non_null(strstr(err.text, "line 500"));
	assert_non_null(strstr(err.text, "line 491"));
	assert_null(strstr(err.text, "line 490"));
	told_free(&told);
}

static void retries_until_it_works(void **state)
{
	_cleanup_(freep) char *twice = in_folder("echo x >>%s; test $(wc -l <%s) = 2", "twice");
	_cleanup_(freep) char *third = in_folder("echo x >>%s; test $(wc -l <%s) = 2", "third");
	struct step steps[] = {{.run = twice, .retries = 3}, {.check = third, .retries = 3}};
	struct told told = {0};
	must_run_steps(&sshd, steps, 2, &told);
	assert_int_equal(told.steps[0].result, STEP_CHANGED);
	assert_int_equal(told.steps[0].attempts, 2);
	assert_int_equal(told.steps[1].result, STEP_OK);
	assert_int_equal(told.steps[1].attempts, 2);
	told_free(&told);
}

static bool any_alive(const char *pids_file)
{
	struct error err;
	_cleanup_(str_free) struct str pids = STR_INIT;
	_cleanup_(freep) char *path = path_join(folder, pids_file);
	char *rest = NULL;
	assert_true(file_read(path, 4096, &pids, &err));
	for (char *pid = strtok_r(pids.data, "\n", &rest); pid; pid = strtok_r(NULL, "\n", &rest)) {
		_cleanup_(freep) char *proc = mem_printf("/proc/%s/stat", pid);
		_cleanup_(str_free) struct str stat = STR_INIT;
		if (file_read(proc, 4096, &stat, &err) && !strstr(stat.data, ") Z "))
			return true;
	}
	return false;
}

/* The group, a child that left it, and one that ignores TERM. */
static void timeouts_end_everything(void **state)
{
	_cleanup_(freep) char *run = in_folder("echo $$ >>%s; setsid sh -c 'echo $$ >>%s; exec sleep 300' & "
					       "sh -c 'trap \"\" TERM; echo $$ >>%s; while :; do sleep 1; done'",
					       "pids");
	int64_t start_ms = clock_mono_ms();
	expect_failure((struct step){.run = run, .timeout_s = 1}, "timed out after 1s", 124, 1, "");
	assert_true(clock_mono_ms() - start_ms < 15000);
	assert_false(any_alive("pids"));
	expect_failure((struct step){.check = "sleep 300", .timeout_s = 1}, "timed out after 1s (its check)", 124, 1,
		       "");
	expect_failure((struct step){.condition = "sleep 300", .run = "true", .timeout_s = 1},
		       "timed out after 1s (its condition)", 124, 1, "");
}

static void each_step_is_its_own_process(void **state)
{
	struct step steps[] = {
		{.run = "x=1; cd /tmp; umask 077; set -e; alias ls=false; trap 'echo bye' EXIT; exit 0"},
		{.run = "echo \"[$x] $(pwd) $(umask)\"; cat; echo $#"},
		{.run = "exec >&- 2>&- 3>&- 4>&-; exit 0"},
		{.run = "echo b_dir=$b_dir nonce=$b_nonce; ls /proc/self/fd | wc -l"},
		{.run = "# nothing but a comment"},
		{.run = "cat <<'EOF'\n'quotes' \"and\" $dollars `ticks` \\\nEOF\n"},
	};
	struct told told = {0};
	must_run_steps(&sshd, steps, ARRAY_SIZE(steps), &told);
	assert_string_equal(told.steps[0].output, "bye\n");
	assert_string_equal(told.steps[1].output, "[] / 0022\n0\n");
	assert_string_equal(told.steps[3].output, "b_dir= nonce=\n4\n");
	assert_string_equal(told.steps[5].output, "'quotes' \"and\" $dollars `ticks` \\\n");
	told_free(&told);
}

static void surroundings(void **state)
{
	static struct text_pair env[] = {{"GREETING", "it's \"$HOME\" `here`\nand there"}, {"LC_ALL", "POSIX"}};
	struct step steps[] = {
		{.run = "echo \"$GREETING $LC_ALL\"", .env = {env, 2}},
		{.run = "echo \"[$GREETING] $LC_ALL $DEBIAN_FRONTEND\"; test -d \"$HOME\""},
		{.run = "trap; kill -HUP $$; echo survived"},
	};
	struct told told = {0};
	struct error err = {0};
	assert_false(run_steps(&sshd, steps, 3, &(struct runner_options){0}, &told, &err));
	assert_string_equal(told.steps[0].output, "it's \"$HOME\" `here`\nand there POSIX\n");
	assert_string_equal(told.steps[1].output, "[] C noninteractive\n");
	assert_string_equal(told.steps[2].why, "run was killed by signal 1"); /* services must be able to take a HUP */
	told_free(&told);
}

static void another_user(void **state)
{
	struct step steps[] = {
		{.run = "id -un; echo $HOME $USER; cat", .check = "test $(id -un) = root", .as = "nobody"},
		{.run = "id -un; echo $HOME; echo \"$GREETING\"; cat", .as = "nobody"}};
	static struct text_pair env[] = {{"GREETING", "hello"}};
	struct told told = {0};
	if (geteuid() != 0)
		skip();
	steps[1].env = (struct text_map){env, 1};
	must_run_steps(&sshd, steps + 1, 1, &told);
	assert_string_equal(told.steps[0].output, "nobody\n/nonexistent\nhello\n");
	told_free(&told);
}

static void output_like_frames_and_odd_bytes(void **state)
{
	struct step steps[] = {
		{.run = "printf '\\001 1 1 Z\\002\\001\\002\\001'; printf 'no newline'"},
		{.run = "printf '\\377\\376\\033[31m\\rx'; printf '\\001' >&2"},
		{.run = "cat /run/bakery/*/*/out /run/bakery/*/*/name 2>/dev/null | tail -c 4000; echo done"},
	};
	struct told told = {0};
	must_run_steps(&sshd, steps, 3, &told);
	assert_string_equal(told.steps[0].output, "\001 1 1 Z\002\001\002\001no newline");
	assert_int_equal(told.count, 3);
	assert_true(str_ends(told.steps[2].output, "done\n"));
	told_free(&told);
}

/* What is left running may hold and use its streams; nobody waits for it. */
static void background_children(void **state)
{
	_cleanup_(freep) char *run =
		in_folder("(while [ ! -e %s ]; do echo tick; sleep 0.05; done) & echo started", "enough");
	_cleanup_(freep) char *end = in_folder("sleep 0.3; touch %s", "enough");
	struct step steps[] = {{.run = run}, {.run = "echo second"}, {.run = end}};
	struct told told = {0};
	int64_t start_ms = clock_mono_ms();
	must_run_steps(&sshd, steps, 3, &told);
	assert_true(clock_mono_ms() - start_ms < 10000);
	assert_non_null(strstr(told.steps[0].output, "started\n"));
	assert_non_null(strstr(told.steps[1].output, "second\n"));
	told_free(&told);
}

static void much_output(void **state)
{
	struct step steps[] = {{.run = "head -c 20000000 /dev/zero | tr '\\0' 'x'; echo end; echo err >&2"},
			       {.run = "echo next"}};
	struct told told = {0};
	must_run_steps(&sshd, steps, 2, &told);
	assert_int_equal(told.out.len, 20000000 + 4 + 5);
	assert_int_equal(strspn(told.out.data, "x"), 20000000);
	assert_string_equal(told.out.data + 20000000, "end\nnext\n");
	assert_string_equal(told.errors.data, "err\n");
	assert_true(strlen(told.steps[0].output) < 17 << 20);
	assert_non_null(strstr(told.steps[0].output, "bytes left out"));
	assert_string_equal(told.steps[1].output, "next\n");
	told_free(&told);
}

static void secrets_are_redacted(void **state)
{
	static const char *names[] = {"TEST_SECRET"};
	struct step steps[] = {
		{.secrets = {names, 1},
		 .run = "echo \"raw: $TEST_SECRET.\"; printf %s \"$TEST_SECRET\" | base64; printf 'xy%s' "
			"\"$TEST_SECRET\" | base64 -w 8;"
			"set -x; : \"$TEST_SECRET\"; set +x; printf '%s' \"$TEST_SECRET\" | od -An -tx1 | tr -d ' \\n' "
			">&2;"
			"printf '%s' \"$TEST_SECRET\" | cut -c1-9; printf '%s' \"$TEST_SECRET\" | while IFS= read -r "
			"-n1 c 2>/dev/null; do printf %s \"$c\"; done"},
		{.run = "echo \"[$TEST_SECRET]\""},
		{.secrets = {names, 1}, .check = "echo \"is $TEST_SECRET\""},
	};
	struct told told = {0};
	setenv("TEST_SECRET", "s3cr'et pa$$/wörd+", 1);
	must_run_steps(&sshd, steps, 3, &told);
	assert_non_null(strstr(told.steps[0].output, "raw: [redacted].\n"));
	assert_null(strstr(told.out.data, "et pa$$"));
	assert_null(strstr(told.errors.data, "et pa$$"));
	assert_null(strstr(told.errors.data, "73336372"));
	assert_null(strstr(told.out.data, "czNjcidldC"));
	assert_string_equal(told.steps[1].output, "[]\n");
	assert_string_equal(told.steps[2].evidence, "is [redacted]");
	told_free(&told);
}

static void look_for_the_secret(struct told *told)
{
	struct error err = {0};
	_cleanup_(str_free) struct str found = STR_INIT;
	static const char *const argv[] = {
		"sh", "-c",
		"printf 'hid%s' den-here | grep -rlaf - /run/bakery /proc/[0-9]*/cmdline 2>/dev/null; :", NULL};
	if (told->calls > 1)
		return;
	assert_true(process_must(&(struct process){.argv = argv}, &found, &err));
	assert_string_equal(found.data, "");
}

/* While a step that has one runs, it is in no file of the run and on nobody's command line. */
static void secrets_stand_nowhere(void **state)
{
	static const char *names[] = {"TEST_HIDDEN"};
	struct step steps[] = {{.secrets = {names, 1}, .run = "echo ${#TEST_HIDDEN}; sleep 0.5"}};
	struct told told = {.on_output = look_for_the_secret};
	setenv("TEST_HIDDEN", "hidden-here", 1);
	must_run_steps(&sshd, steps, 1, &told);
	assert_string_equal(told.out.data, "11\n");
	assert_true(told.calls > 0);
	told_free(&told);
}

static void missing_secrets_stop_everything(void **state)
{
	static const char *names[] = {"TEST_NOT_SET", "FOLDER", "TEST_NOT_SET_EITHER"};
	struct step steps[] = {{.run = "true"}, {.run = "true", .secrets = {names, 3}}};
	struct told told = {0};
	struct error err = {0};
	assert_false(run_steps(&sshd, steps, 2, &(struct runner_options){0}, &told, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_non_null(strstr(err.text, "TEST_NOT_SET for step test/step-1 (test.yaml:11), TEST_NOT_SET_EITHER for"));
	assert_int_equal(told.began, 0);
	told_free(&told);
}

static void checks_mode(void **state)
{
	_cleanup_(freep) char *touch = in_folder("touch %s", "must-not-be");
	_cleanup_(freep) char *path = path_join(folder, "must-not-be");
	struct step steps[] = {
		{.check = "echo good", .run = touch},
		{.run = touch},
		{.check = "echo bad; exit 2", .run = touch, .retries = 5},
		{.check = "true", .condition = "false"},
		{.check = "echo last"},
	};
	struct told told = {0};
	struct error err = {0};
	assert_true(run_steps(&sshd, steps, 5, &(struct runner_options){.mode = RUNNER_CHECKS}, &told, &err));
	assert_int_equal(told.count, 4);
	assert_int_equal(told.steps[0].result, STEP_OK);
	assert_string_equal(told.steps[0].evidence, "good");
	assert_int_equal(told.steps[1].result, STEP_FAILED);
	assert_string_equal(told.steps[1].evidence, "bad");
	assert_int_equal(told.steps[1].status, 2);
	assert_int_equal(told.steps[2].result, STEP_SKIPPED);
	assert_int_equal(told.steps[3].result, STEP_OK);
	assert_false(file_exists(path));
	told_free(&told);
}

static void record_refused(void **state)
{
	struct step steps[] = {{.run = "true"}, {.run = "sleep 300"}};
	struct told told = {.refuse = true};
	struct error err = {0};
	assert_false(run_steps(&sshd, steps, 2, &(struct runner_options){0}, &told, &err));
	assert_int_equal(err.kind, ERROR_INTERNAL);
	assert_int_equal(told.count, 1);
	assert_true(told_nothing_left(&told));
	told_free(&told);
}

static void put(const char *name, const char *text)
{
	struct error err;
	_cleanup_(freep) char *path = path_join(folder, name);
	assert_true(file_replace(path, text, strlen(text), 0600, &err));
}

static void assert_holds(const char *name, const char *text)
{
	struct error err = {0};
	_cleanup_(freep) char *path = path_join(folder, name);
	_cleanup_(str_free) struct str data = STR_INIT;
	if (!file_read(path, 1 << 20, &data, &err))
		fail_msg("%s", err.text);
	assert_string_equal(data.data, text);
}

static void uploads(void **state)
{
	static struct text_pair vars[] = {{"who", "the world"}};
	const struct text_map variables = {vars, 1};
	_cleanup_(freep) char *from = path_join(folder, "from"), *to = path_join(folder, "deep/er/it's to"),
			      *template = path_join(folder, "template"), *into = path_join(folder, "into/");
	const struct transfer plain = {.from = from, .to = to, .mode = "0640"};
	const struct transfer filled = {.from = template, .to = into, .is_template = true};
	struct step steps[] = {{.kind = STEP_UPLOAD, .upload = &plain},
			       {.kind = STEP_UPLOAD, .upload = &plain},
			       {.run = "true"},
			       {.kind = STEP_UPLOAD, .upload = &filled},
			       {.kind = STEP_UPLOAD, .upload = &plain, .condition = "false"}};
	struct told told = {0};
	struct error err = {0};
	struct stat info;
	put("from", "content\n");
	put("template", "hello {{ who }}, {{who}} {{{{ x }} {\n");
	assert_true(run_steps(&sshd, steps, 5, &(struct runner_options){.variables = &variables}, &told, &err));
	assert_int_equal(told.steps[0].result, STEP_CHANGED);
	assert_int_equal(told.steps[1].result, STEP_UNCHANGED);
	assert_int_equal(told.steps[3].result, STEP_CHANGED);
	assert_int_equal(told.steps[4].result, STEP_SKIPPED);
	assert_holds("deep/er/it's to", "content\n");
	assert_holds("into/template", "hello the world, the world {{ x }} {\n");
	assert_return_code(stat(to, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0640);
	assert_true(told_nothing_left(&told));
	told_free(&told);
}

static void uploads_that_fail(void **state)
{
	_cleanup_(freep) char *missing = path_join(folder, "missing"), *template = path_join(folder, "template2");
	const struct transfer none = {.from = missing, .to = "/tmp/x"};
	const struct transfer unknown = {.from = template, .to = "/tmp/x", .is_template = true};
	const struct transfer onto_folder = {.from = template, .to = "/proc"};
	static const struct {
		const char *text;
		enum error_kind kind;
	} expected[] = {{"No such file", ERROR_ABSENT},
			{"unknown variable nobody", ERROR_INVALID},
			{"could not be put in place", ERROR_FAILED}};
	const struct transfer *transfers[] = {&none, &unknown, &onto_folder};
	put("template2", "{{ nobody }}");
	for (size_t i = 0; i < 3; i++) {
		struct step steps[] = {{.kind = STEP_UPLOAD, .upload = transfers[i]}};
		struct told told = {0};
		struct error err = {0};
		assert_false(run_steps(&sshd, steps, 1, &(struct runner_options){0}, &told, &err));
		if (err.kind != expected[i].kind || !strstr(err.text, expected[i].text) ||
		    !strstr(err.text, "test.yaml:10"))
			fail_msg("%s: %s", error_kind_name(err.kind), err.text);
		told_free(&told);
	}
}

static void downloads(void **state)
{
	_cleanup_(freep) char *from = path_join(folder, "result"), *to = path_join(folder, "artifacts");
	_cleanup_(freep) char *make = mem_printf("echo made >%s", from);
	const struct transfer first = {.from = from, .to = "some/"}, second = {.from = from, .to = "other"},
			      absent = {.from = "/no/such", .to = "x"};
	struct step steps[] = {{.run = make},
			       {.kind = STEP_DOWNLOAD, .download = &first},
			       {.run = "echo between"},
			       {.kind = STEP_DOWNLOAD, .download = &second},
			       {.kind = STEP_DOWNLOAD, .download = &absent}};
	struct told told = {0};
	struct error err = {0};
	assert_false(run_steps(&sshd, steps, 5, &(struct runner_options){.download_folder = to}, &told, &err));
	assert_non_null(strstr(err.text, "there is no such file or folder to fetch"));
	assert_int_equal(told.count, 5);
	assert_int_equal(told.steps[1].result, STEP_OK);
	assert_string_equal(told.steps[2].output, "between\n");
	assert_holds("artifacts/some/result", "made\n");
	assert_holds("artifacts/other", "made\n");
	assert_true(told_nothing_left(&told));
	told_free(&told);
}

static void bad_names_are_invalid(void **state)
{
	static struct text_pair env[] = {{"A=$(touch /tmp/x)", "y"}};
	static const char *secret[] = {"a b"}, *os[] = {"debian; rm"};
	const struct transfer mode = {.from = "a", .to = "b", .mode = "rwx"};
	struct step steps[] = {{.run = "true", .env = {env, 1}},
			       {.run = "true", .secrets = {secret, 1}},
			       {.run = "true", .as = "root; x"},
			       {.run = "true", .os = {os, 1}},
			       {.kind = STEP_UPLOAD, .upload = &mode}};
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct told told = {0};
		struct error err = {0};
		assert_false(run_steps(&sshd, &steps[i], 1, &(struct runner_options){0}, &told, &err));
		assert_int_equal(err.kind, ERROR_INVALID);
		told_free(&told);
	}
}

static void many_steps_are_quick(void **state)
{
	struct step steps[40] = {0};
	struct told told = {0};
	for (size_t i = 0; i < 40; i++)
		steps[i].run = "true";
	int64_t start_ms = clock_mono_ms();
	must_run_steps(&sshd, steps, 40, &told);
	print_message("# 40 steps and the connection: %lld ms\n", (long long)(clock_mono_ms() - start_ms));
	assert_int_equal(told.count, 40);
	told_free(&told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_result),
		cmocka_unit_test(failures_are_told),
		cmocka_unit_test(the_error_shows_the_last_lines),
		cmocka_unit_test(retries_until_it_works),
		cmocka_unit_test(timeouts_end_everything),
		cmocka_unit_test(each_step_is_its_own_process),
		cmocka_unit_test(surroundings),
		cmocka_unit_test(another_user),
		cmocka_unit_test(output_like_frames_and_odd_bytes),
		cmocka_unit_test(background_children),
		cmocka_unit_test(much_output),
		cmocka_unit_test(secrets_are_redacted),
		cmocka_unit_test(secrets_stand_nowhere),
		cmocka_unit_test(missing_secrets_stop_everything),
		cmocka_unit_test(checks_mode),
		cmocka_unit_test(record_refused),
		cmocka_unit_test(uploads),
		cmocka_unit_test(uploads_that_fail),
		cmocka_unit_test(downloads),
		cmocka_unit_test(bad_names_are_invalid),
		cmocka_unit_test(many_steps_are_quick),
	};
	return cmocka_run_group_tests(tests, start, finish);
}
