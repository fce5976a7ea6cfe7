/* SPDX-License-Identifier: Apache-2.0
 *
 * A machine's network: slirp4netns gives its namespace an interface with a way out, and forwards one loopback address
 * of this host to its port 22. The machine cannot reach this host's own loopback. */
#ifndef BAKERY_SANDBOX_NETWORK_H
#define BAKERY_SANDBOX_NETWORK_H

#include <stdbool.h>
#include <sys/types.h>

#include "bakery/error.h"
#include "bakery/str.h"

struct network {
	pid_t pid;   /* 0: none */
	int exit_fd; /* slirp4netns ends when this closes */
};
/* folder: of the machine, for the control socket; output: where it may complain. */
bool network_start(struct network *network, int folder, int output, pid_t machine, const char *address,
		   struct error *err) must_check;
void network_stop(struct network *network);

/* What the machine's /etc/resolv.conf says: this host's name servers where the machine can reach them. */
void network_resolv_conf(struct str *out);
/* Whether port 22 of that address of this host is free. */
bool network_address_free(const char *address);

#endif
