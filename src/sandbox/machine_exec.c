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
#include "machine_record.h"
#include "spawn.h"

/* A shell of the machine looks the command up in the machine's own PATH. */
static const char *const *command_line(const char *const *argv, size_t count)
{
	static const char *const lead[] = {"/bin/sh", "-c", "cd ~ 2>/dev/null; exec \"$@\"", "sh"};
	const char **all = mem_array(count + ARRAY_SIZE(lead) + 1, sizeof(*all));

	for (size_t i = 0; i < ARRAY_SIZE(lead); i++)
		all[i] = lead[i];
	for (size_t i = 0; i < count; i++)
		all[ARRAY_SIZE(lead) + i] = argv[i];
	return all;
}

static bool enter(int machine, const char *const *argv, int *status, struct error *err)
{
	const char *terminal = getenv("TERM");
	_cleanup_(freep) char *term = mem_printf("TERM=%s", terminal ? terminal : "dumb");
	const char *const environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
					   "HOME=/root",
					   "USER=root",
					   "LOGNAME=root",
					   "LANG=C.UTF-8",
					   term,
					   NULL};
	struct entry entry = {.machine = machine, .environment = environment, .input = 0, .output = 1, .errors = 2};
	_cleanup_(freep) const char *const *all = NULL;
	size_t count = 0;
	pid_t pid;

	while (argv[count])
		count++;
	entry.argv = all = command_line(argv, count);
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
