/* SPDX-License-Identifier: Apache-2.0
 *
 * From a playbook to the programs that do it. A run of steps up to a download or a reboot, which this host must take
 * part in, is one program; uploads do not part programs, since their files are sent ahead. */
#ifndef BAKERY_RUNNER_COMPILE_H
#define BAKERY_RUNNER_COMPILE_H

#include "bakery/runner.h"

struct program {
	size_t first, count; /* of the script's steps; a download or reboot is the last one */
};
struct script {
	const struct step **steps; /* those that take part in this mode */
	size_t step_count;
	struct program *programs;
	size_t program_count;
	enum runner_mode mode;
	char **lists; /* RUNNER_LOOK: of each step that uploads, what it would bring (pack.h); else NULL */
};

/* Reads what is to be uploaded when it only looks. Fails with ERROR_INVALID when a step has names that a shell would
 * not take as such. */
bool script_make(const struct playbook *playbook, enum runner_mode mode, struct script *out,
		 struct error *err) must_check;
void script_free(struct script *script);
/* The text of one program: the same for the same steps, whatever the run. */
void script_program(const struct script *script, const struct program *program, struct str *out);

/* Where an upload or download stands on the machine: `to` or `from`, with the name of the other side when it is a
 * folder's. */
char *transfer_target(const struct transfer *transfer);
bool is_shell_name(const char *name);

#endif
