/* SPDX-License-Identifier: Apache-2.0
 *
 * What reaches stdout and stderr, and what does not: nothing that steers a terminal, nothing into somebody else's file.
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "../../../src/cli/view_private.h"
#include "../../lib/check.h"
#include "bakery/cli.h"
#include "bakery/file.h"
#include "bakery/mem.h"

/* Runs bakery in a process of its own with its streams in files of the folder; those in `closed` are closed. */
static int run(const char *folder, const char *closed, const char *const *argv)
{
	fflush(NULL);
	pid_t child = fork();
	int status = 0;
	if (child == 0) {
		const char *names[] = {"in", "out", "err"};
		for (int fd = 0; fd < 3; fd++) {
			_cleanup_(freep) char *path = path_join(folder, names[fd]);
			int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
			dup2(file, fd);
			close(file);
		}
		for (const char *c = closed; *c; c++)
			close(*c - '0');
		int count = 0;
		while (argv[count])
			count++;
		int exit_status = cli_main(count, (char **)argv);
		/* They are held to the end: what is opened meanwhile gets none of their numbers. */
		for (int fd = 0; fd < 3; fd++)
			exit_status = fcntl(fd, F_GETFD) < 0 ? 99 : exit_status;
		_exit(exit_status);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static char *said(const char *folder, const char *name)
{
	_cleanup_(freep) char *path = path_join(folder, name);
	struct str text = STR_INIT;
	struct error err = {0};
	assert_works(file_read(path, 1 << 20, &text, &err));
	return str_take(&text);
}

static void closed_streams_are_not_reused(void **state)
{
	static const char *const argv[] = {"bakery", "version", NULL};
	assert_int_equal(run(*state, "", argv), 0);
	assert_int_equal(run(*state, "0", argv), 0);
	assert_int_equal(run(*state, "2", argv), 0);
	assert_int_equal(run(*state, "1", argv), 1); /* nobody got the result */
	_cleanup_(freep) char *err = said(*state, "err");
	assert_non_null(strstr(err, "cannot write the results: Bad file descriptor"));
	assert_int_equal(run(*state, "12", argv), 1);
	assert_int_equal(run(*state, "012", argv), 1);
}

static void errors_do_not_steer_terminals(void **state)
{
	static const char *const argv[] = {"bakery", "no\x1b[2Jne\xc2\x9bx", NULL};
	assert_int_equal(run(*state, "", argv), 2);
	_cleanup_(freep) char *err = said(*state, "err");
	assert_non_null(strstr(err, "\"no\\x1b[2Jne\\x9bx\""));
}

static void faults_do_not_steer_terminals(void **state)
{
	_cleanup_(freep) char *recipe = path_join(*state, "odd.yaml"), *settings = path_join(*state, "bakery.yaml");
	const char *argv[] = {"bakery", "--config", settings, "validate", recipe, NULL};
	static const char text[] = "recipe: odd\n\"na\\e[2Jme\": 1\n";
	struct error err = {0};
	assert_works(file_replace(settings, "{}\n", 3, 0600, &err));
	assert_works(file_replace(recipe, text, strlen(text), 0600, &err));
	assert_int_equal(run(*state, "", argv), 3);
	_cleanup_(freep) char *told = said(*state, "err");
	assert_non_null(strstr(told, "na\\x1b[2Jme: unknown key"));
	assert_null(strchr(told, '\x1b'));
}

static void sentence(const struct build_event *event, const char *wanted)
{
	_cleanup_(str_free) struct str out = STR_INIT;
	struct app app = {0};
	struct view view = {.app = &app};
	struct view_row row = {.stage = "provision"};
	view_sentence(&view, &row, event, &out);
	assert_string_equal(out.data, wanted);
}

static void machines_do_not_steer_terminals(void **state)
{
	const struct step step = {.id = "one", .name = "One"};
	const struct step_report report = {.step = &step,
					   .result = STEP_FAILED,
					   .why = "exit 1: \x1b]0;pwned\a",
					   .output = "9%\r99%\n\x1b[2Jgone\x1b]52;c;cm0K\a\n\tend\n"};
	sentence(&(struct build_event){.kind = EVENT_STEP_ENDED, .step = &report, .total = 1, .build = "b"},
		 "provision  failed    [1/1] One (0.0s): exit 1: \\x1b]0;pwned\\a\n    | 99%\n"
		 "    | gone]52;c;cm0K\\a\n    | \\tend");
	sentence(&(struct build_event){.kind = EVENT_STAGE_FAILED, .text = "it said: \x1b[31m\nand more", .build = "b"},
		 "provision  failed: it said: \\x1b[31m\nand more");
	sentence(&(struct build_event){.kind = EVENT_NOTE,
				       .text = "\xc2\x9b"
					       "2J",
				       .build = "b"},
		 "provision  \\x9b2J");
}

static void talk_does_not_steer_terminals(void **state)
{
	int ends[2];
	char text[128] = "";
	assert_int_equal(pipe(ends), 0);
	struct log *log = log_new(ends[1], LOG_LEVEL_INFO, false);
	log_warn(log, "AWS says %s", "\x1b[31m\tred\nline");
	log_free(log);
	close(ends[1]);
	assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
	close(ends[0]);
	assert_string_equal(text, "warning: AWS says \\x1b[31m\tred\nline\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		folder_test(closed_streams_are_not_reused),	 folder_test(errors_do_not_steer_terminals),
		folder_test(faults_do_not_steer_terminals),	 cmocka_unit_test(machines_do_not_steer_terminals),
		cmocka_unit_test(talk_does_not_steer_terminals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
