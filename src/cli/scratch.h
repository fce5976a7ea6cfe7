/* SPDX-License-Identifier: Apache-2.0
 *
 * A machine of the sandbox to try playbooks on. It stays until the sandbox forgets it or another one is asked for, so
 * that the second run finds what the first did; its keys lie in the sandbox's own folder and go with it. */
#ifndef BAKERY_CLI_SCRATCH_H
#define BAKERY_CLI_SCRATCH_H

#include "bakery/command.h"
#include "bakery/ssh.h"

struct scratch_wish {
	const char *image; /* an AMI or an image's name, with * if need be; NULL: the newest Debian 12 */
	bool fresh;	   /* a new machine, even if there is one */
};

/* Fills in where it is and who it is; starts the sandbox and the machine as needed. Texts live in app's arena. */
bool scratch_find(struct app *app, const struct scratch_wish *wish, struct ssh_target *target,
		  struct error *err) must_check;

#endif
