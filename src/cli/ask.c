/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking the person on the terminal. */
#include <poll.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "ask.h"
#include "bakery/mem.h"

#define MOST_SECRET 128

static bool has_terminal(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* Until something was typed, or a stop is asked for. */
static bool wait_for_answer(const struct stop *stop)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = stop->event_fd, .events = POLLIN}};
	while (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		continue;
	return !stop_requested(stop);
}

bool ask(struct app *app, const char *question, struct error *err)
{
	char answer[16] = "";

	if (app->yes)
		return true;
	if (!has_terminal())
		return error_set(err, ERROR_REFUSED,
				 "nothing was done: there is no terminal to ask on, and --yes was not given");
	fflush(stdout);
	fprintf(stderr, "%s [y/N] ", question);
	if (!wait_for_answer(app->stop))
		return error_set(err, ERROR_STOPPED, "nothing was done");
	if (read(STDIN_FILENO, answer, sizeof(answer) - 1) > 0 && (answer[0] == 'y' || answer[0] == 'Y'))
		return true;
	return error_set(err, ERROR_REFUSED, "nothing was done");
}

static bool read_answer(const struct stop *stop, struct str *answer, struct error *err)
{
	char text[MOST_SECRET] = "";
	if (!wait_for_answer(stop))
		return error_set(err, ERROR_STOPPED, "interrupted while asking");
	ssize_t got = read(STDIN_FILENO, text, sizeof text - 1);
	if (got > 0)
		str_add_n(answer, text, (size_t)got);
	mem_wipe(text, sizeof text);
	str_trim_right(answer);
	return answer->len || error_set(err, ERROR_REFUSED, "nothing was typed");
}

bool ask_secret(void *cookie, const char *question, struct str *answer, struct error *err)
{
	const struct app *app = cookie;
	struct termios before, hidden;
	if (!has_terminal() || tcgetattr(STDIN_FILENO, &before) != 0)
		return error_set(err, ERROR_REFUSED, "there is no terminal to ask on");
	hidden = before;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	fflush(stdout);
	fprintf(stderr, "%s", question);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	bool good = read_answer(app->stop, answer, err);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return good;
}
