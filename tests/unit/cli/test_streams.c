/* SPDX-License-Identifier: Apache-2.0
 *
 * What reaches stdout and stderr, and what does not: nothing that steers a terminal, nothing into somebody else's file.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../../src/cli/view_private.h"
#include "../../lib/check.h"
#include "bakery/cli.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/utf8.h"

/* Runs bakery in a process of its own with its streams in files of the folder; those in `closed` are closed. input:
 * what it gets for stdin; -1: a file, too. */
static int run_with(const char *folder, int input, const char *closed, const char *const *argv)
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
		if (input >= 0)
			dup2(input, STDIN_FILENO);
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

static int run(const char *folder, const char *closed, const char *const *argv)
{
	return run_with(folder, -1, closed, argv);
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

/* A socket, as some programs give their children, cannot be opened a second time by its name. */
static void a_plan_comes_through_a_socket(void **state)
{
	static const char *const argv[] = {"bakery", "build", "--region", "us-east-1", "--plan", "-", NULL};
	_cleanup_(freep) char *store = path_join(*state, "bakery.db");
	int ends[2];
	setenv("BAKERY_STORE", store, 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(write(ends[0], "{}", 2), 2);
	close(ends[0]);
	assert_int_equal(run_with(*state, ends[1], "", argv), 3);
	close(ends[1]);
	unsetenv("BAKERY_STORE");
	_cleanup_(freep) char *err = said(*state, "err");
	assert_non_null(strstr(err, "plan -: "));
	assert_null(strstr(err, "cannot open"));
}

/* A process that runs bakery on a pipe that nobody writes to. */
static pid_t waiting(const char *folder, const char *const *argv, int input)
{
	fflush(NULL);
	pid_t child = fork();
	if (child != 0)
		return child;
	_cleanup_(freep) char *path = path_join(folder, "err"), *store = path_join(folder, "bakery.db");
	setenv("BAKERY_STORE", store, 1);
	dup2(input, STDIN_FILENO);
	dup2(open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
	int count = 0;
	while (argv[count])
		count++;
	_exit(cli_main(count, (char **)argv));
}

/* Signals it until it ends: how many it takes depends on how fast it is. */
static int ended_by_signals(pid_t child, int number)
{
	int status = 0;
	while (waitpid(child, &status, WNOHANG) == 0) {
		kill(child, number);
		stop_sleep_ms(NULL, 250);
	}
	return status;
}

static bool is_watching(pid_t child)
{
	_cleanup_(freep) char *path = mem_printf("/proc/%d/task", (int)child);
	struct stat info;
	return stat(path, &info) == 0 && info.st_nlink > 3; /* a thread for signals beside the first */
}

static void a_wait_for_a_plan_ends_by_a_signal(void **state)
{
	static const char *const argv[] = {"bakery", "build", "--region", "us-east-1", "--plan", "-", NULL};
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t child = waiting(*state, argv, ends[0]);
	while (!is_watching(child))
		stop_sleep_ms(NULL, 10);
	kill(child, SIGINT);
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	close(ends[0]);
	close(ends[1]);
}

static void what_looks_at_no_wish_ends_by_the_third(void **state)
{
	_cleanup_(freep) char *recipe = path_join(*state, "odd.yaml");
	const char *argv[] = {"bakery", "validate", recipe, NULL};
	assert_int_equal(mkfifo(recipe, 0600), 0);
	pid_t child = waiting(*state, argv, STDIN_FILENO);
	while (!is_watching(child))
		stop_sleep_ms(NULL, 10);
	int status = ended_by_signals(child, SIGTERM);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
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

/* Machines print anything; JSON is UTF-8. */
static void events_are_json_whatever_is_printed(void **state)
{
	struct app app = {0};
	struct view view = {.app = &app};
	struct error err = {0};
	char line[512] = "";
	uint32_t code = 0;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	view.events_fd = ends[1];
	view_json(&view,
		  &(struct build_event){.kind = EVENT_OUTPUT, .text = "caf\xe9 \xff\n", .length = 7, .build = "b"});
	close(ends[1]);
	ssize_t got = read(ends[0], line, sizeof(line) - 1);
	close(ends[0]);
	assert_true(got > 0);
	for (size_t at = 0; at < (size_t)got; at += utf8_next(line + at, (size_t)got - at, &code))
		assert_int_not_equal(code, UTF8_BAD);
	_cleanup_(tree_freep) struct tree *event = tree_from_json(line, (size_t)got, &err);
	assert_string_equal(tree_text(event, "text"), "caf\xef\xbf\xbd \xef\xbf\xbd\n");
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
		folder_test(closed_streams_are_not_reused),
		folder_test(errors_do_not_steer_terminals),
		folder_test(faults_do_not_steer_terminals),
		folder_test(a_plan_comes_through_a_socket),
		folder_test(a_wait_for_a_plan_ends_by_a_signal),
		folder_test(what_looks_at_no_wish_ends_by_the_third),
		cmocka_unit_test(machines_do_not_steer_terminals),
		cmocka_unit_test(events_are_json_whatever_is_printed),
		cmocka_unit_test(talk_does_not_steer_terminals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
