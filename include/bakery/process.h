/* SPDX-License-Identifier: Apache-2.0
 *
 * Running another program of this host: never through a shell, every descriptor closed but the three, output bounded.
 */
#ifndef BAKERY_PROCESS_H
#define BAKERY_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bakery/clock.h"
#include "bakery/error.h"
#include "bakery/str.h"

struct process {
	const char *const *argv;	/* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *environment; /* "K=V" added to this process's own; may be NULL */
	const char *folder;		/* working directory, or NULL */
	const char *input;		/* fed to stdin, or NULL for /dev/null */
	size_t input_length;
	size_t most_output;	 /* bytes kept of each stream; 0: 1 MiB */
	int64_t timeout_ms;	 /* 0: none; then SIGTERM, a while later SIGKILL, and an error */
	int64_t grace_ms;	 /* that while; 0: a second */
	const struct stop *stop; /* may be NULL */
	bool hold_input;	 /* stdin stays open until it has ended: so it learns of this process's end */
	/* Gets what it prints as it comes, instead of out and errors. Returning false ends it (err filled). */
	bool (*sink)(void *cookie, bool is_stderr, const char *data, size_t length, struct error *err);
	void *cookie;
};

/* Runs it to its end. *status: exit code, or 128 + signal. out and errors may be NULL (then dropped). Fails only
 * when it could not be started, timed out or was stopped. */
bool process_run(const struct process *process, int *status, struct str *out, struct str *errors,
		 struct error *err) must_check;
/* The same, and fails with the last line of its stderr when the status is not 0. */
bool process_must(const struct process *process, struct str *out, struct error *err) must_check;
/* Whether PATH has such a program. */
bool process_available(const char *program);

#endif
