/* SPDX-License-Identifier: Apache-2.0
 *
 * Running a command in a machine that another process serves. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "boot.h"
#include "enter.h"
#include "machine.h"
#include "record.h"
#include "spawn.h"

/* A shell of the machine looks the command up in the machine's own PATH. */
static const char plain[] = "cd ~ 2>/dev/null; eval \"exec $0\"";
/* The caller's terminal is no device of the machine, so job control would fail on it: script(1) makes one that is. */
static const char on_terminal[] =
	"cd ~ 2>/dev/null; command -v script >/dev/null && exec script -qec \"$0\" /dev/null; "
	"eval \"exec $0\"";

static char *command_line(const char *const *argv)
{
	struct str line = STR_INIT;

	for (size_t i = 0; argv[i]; i++) {
		if (i)
			str_add_char(&line, ' ');
		str_add_shell_quoted(&line, argv[i]);
	}
	return str_take(&line);
}

static bool enter(int machine, const char *const *argv, int *status, struct error *err)
{
	const char *terminal = getenv("TERM");
	_cleanup_(freep) char *term = mem_printf("TERM=%s", terminal ? terminal : "dumb"), *line = command_line(argv);
	const char *const environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
					   "HOME=/root",
					   "USER=root",
					   "LOGNAME=root",
					   "LANG=C.UTF-8",
					   term,
					   NULL};
	const char *const shell[] = {"/bin/sh", "-c", isatty(0) && isatty(1) ? on_terminal : plain, line, NULL};
	const struct entry entry = {
		.machine = machine, .argv = shell, .environment = environment, .input = 0, .output = 1, .errors = 2};
	pid_t pid;

	if (!entry_start(&entry, &pid, err))
		return false;
	*status = spawn_reap(pid, -1);
	return true;
}

bool machine_exec(const char *folder, const char *id, const char *const *argv, int *status, struct error *err)
{
	_cleanup_(freep) char *path = mem_printf("%s/machines/%s", folder, id);
	_cleanup_(closep) int machine_folder = -1;
	_cleanup_(closep) int machine = -1;

	if (!machine_id_check(id, err))
		return false;
	machine_folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (machine_folder < 0)
		return error_set(err, ERROR_ABSENT, "there is no machine %s", id);
	return (boot_find(machine_folder, &machine, err) && enter(machine, argv, status, err)) ||
	       error_context(err, "machine %s", id);
}
