/* SPDX-License-Identifier: Apache-2.0
 *
 * Running a program inside a running machine: it enters the machine's namespaces, gives up every capability that would
 * reach this host, and only then becomes a process of the machine. bubblewrap makes the namespaces but forbids what it
 * starts itself to gain privileges (no_new_privs), so a machine's sudo could not work; what enters from outside is free
 * of that. */
#ifndef BAKERY_SANDBOX_ENTER_H
#define BAKERY_SANDBOX_ENTER_H

#include <stdbool.h>
#include <sys/types.h>

#include "bakery/error.h"

struct entry {
	int machine;			/* pidfd of the machine's process 1 */
	const char *const *argv;	/* argv[0]: absolute */
	const char *const *environment; /* all of it */
	int input, output, errors;	/* become its 0, 1, 2 */
	bool first;			/* the first to enter: makes the mounts that bubblewrap cannot */
};
/* The program is a child of the calling process; *pid to be waited for. */
bool entry_start(const struct entry *entry, pid_t *pid, struct error *err) must_check;

#endif
