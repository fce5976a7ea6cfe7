/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking for a secret on a terminal, which here is a pseudo-terminal of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "bakery/mem.h"
#include "src/cli/ask.h"

struct terminal {
	int master, slave, kept_in, kept_errors;
	struct stop stop;
	struct app app;
	const char *typed; /* once the question is there; NULL: a stop is asked for instead */
	struct str shown;
	pthread_t person;
};

static void read_some(struct terminal *terminal)
{
	char text[256];
	struct pollfd polled = {terminal->master, POLLIN, 0};
	if (poll(&polled, 1, 5000) != 1)
		return;
	ssize_t got = read(terminal->master, text, sizeof text);
	str_add_n(&terminal->shown, text, got > 0 ? (size_t)got : 0);
}

static bool is_hidden(const struct terminal *terminal)
{
	struct termios now;
	return tcgetattr(terminal->slave, &now) == 0 && !(now.c_lflag & ECHO);
}

static void *play_person(void *cookie)
{
	struct terminal *terminal = cookie;
	while (!strstr(terminal->shown.data, "code: "))
		read_some(terminal);
	while (!is_hidden(terminal)) /* what is typed before is thrown away */
		usleep(1000);
	if (!terminal->typed)
		stop_request(&terminal->stop, 2);
	else if (write(terminal->master, terminal->typed, strlen(terminal->typed)) < 0)
		return NULL;
	read_some(terminal); /* the line end that follows */
	return NULL;
}

static void open_terminal(struct terminal *terminal, const char *typed)
{
	*terminal = (struct terminal){.typed = typed, .shown = STR_INIT};
	terminal->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(terminal->master >= 0 && grantpt(terminal->master) == 0 && unlockpt(terminal->master) == 0);
	terminal->slave = open(ptsname(terminal->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	terminal->kept_in = dup(STDIN_FILENO);
	terminal->kept_errors = dup(STDERR_FILENO);
	dup2(terminal->slave, STDIN_FILENO);
	dup2(terminal->slave, STDERR_FILENO);
	stop_init(&terminal->stop);
	terminal->app.stop = &terminal->stop;
	assert_int_equal(pthread_create(&terminal->person, NULL, play_person, terminal), 0);
}

/* free() what was shown. */
static char *close_terminal(struct terminal *terminal)
{
	pthread_join(terminal->person, NULL);
	dup2(terminal->kept_in, STDIN_FILENO);
	dup2(terminal->kept_errors, STDERR_FILENO);
	close(terminal->kept_in);
	close(terminal->kept_errors);
	close(terminal->slave);
	close(terminal->master);
	stop_close(&terminal->stop);
	return str_take(&terminal->shown);
}

static void test_an_answer(void **state)
{
	struct terminal terminal;
	struct error err = {0};
	_cleanup_(str_wipe_free) struct str answer = STR_INIT;
	open_terminal(&terminal, "123456\n");
	bool good = ask_secret(&terminal.app, "code: ", &answer, &err), hidden = is_hidden(&terminal);
	_cleanup_(freep) char *shown = close_terminal(&terminal);
	if (!good)
		fail_msg("%s", err.text);
	assert_string_equal(answer.data, "123456");
	assert_false(hidden); /* the terminal is as it was */
	assert_non_null(strstr(shown, "code: "));
	assert_null(strstr(shown, "123456"));
}

static void expect_failure(const char *typed, enum error_kind kind, const char *text)
{
	struct terminal terminal;
	struct error err = {0};
	_cleanup_(str_wipe_free) struct str answer = STR_INIT;
	open_terminal(&terminal, typed);
	bool good = ask_secret(&terminal.app, "code: ", &answer, &err), hidden = is_hidden(&terminal);
	free(close_terminal(&terminal));
	assert_false(good);
	assert_string_equal(err.text, text);
	assert_int_equal(err.kind, kind);
	assert_false(hidden);
}

static void test_no_answer(void **state)
{
	expect_failure("\n", ERROR_REFUSED, "nothing was typed");
	expect_failure(NULL, ERROR_STOPPED, "interrupted while asking");
}

static void test_no_terminal(void **state)
{
	struct app app = {0};
	struct error err = {0};
	struct str answer = STR_INIT;
	int kept = dup(STDIN_FILENO), nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	dup2(nothing, STDIN_FILENO);
	assert_false(ask_secret(&app, "code: ", &answer, &err));
	dup2(kept, STDIN_FILENO);
	close(kept);
	close(nothing);
	assert_string_equal(err.text, "there is no terminal to ask on");
	assert_int_equal(err.kind, ERROR_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_answer),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_no_terminal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
