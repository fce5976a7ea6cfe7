/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting a helper program that lives no longer than the thread which started it, and keeps only the descriptors it
 * is given. (process.h runs programs to their end; these stay.) */
#ifndef BAKERY_SANDBOX_SPAWN_H
#define BAKERY_SANDBOX_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bakery/error.h"

struct spawn {
	const char *const *argv; /* argv[0] is looked up in PATH */
	int folder;		 /* descriptor of the working directory */
	int output, errors;	 /* its stdout and stderr */
	const int
		*lifeline; /* its stdin, a pipe's end: it has to end when that is closed, and is not killed; or NULL */
	const int *keep;   /* descriptors it inherits under their numbers */
	size_t keep_count;
};
bool spawn_start(const struct spawn *spawn, pid_t *pid, struct error *err) must_check;

int spawn_pidfd(pid_t pid);			  /* -1 with errno */
bool spawn_wait_pidfd(int pidfd, int timeout_ms); /* whether that process has ended by then */
/* Waits for a child; kills it first when it has not ended by then. Exit status or 128 + signal. */
int spawn_reap(pid_t pid, int timeout_ms);

/* In a child between fork and exec: every descriptor from 3 on closes at exec. */
void spawn_close_all_at_exec(void);

#endif
