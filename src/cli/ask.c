/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking before something is destroyed. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "ask.h"
#include "bakery/str.h"

bool ask(struct app *app, const char *question, struct error *err)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = app->stop->event_fd, .events = POLLIN}};
	char answer[16] = "";

	if (app->yes)
		return true;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return error_set(err, ERROR_REFUSED,
				 "nothing was done: there is no terminal to ask on, and --yes was not given");
	fflush(stdout);
	fprintf(stderr, "%s [y/N] ", question);
	while (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		continue;
	if (stop_requested(app->stop))
		return error_set(err, ERROR_STOPPED, "nothing was done");
	if (read(STDIN_FILENO, answer, sizeof(answer) - 1) > 0 && (answer[0] == 'y' || answer[0] == 'Y'))
		return true;
	return error_set(err, ERROR_REFUSED, "nothing was done");
}
