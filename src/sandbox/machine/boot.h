/* SPDX-License-Identifier: Apache-2.0
 *
 * One boot of a machine: bubblewrap holding its namespaces, slirp4netns its network, and its init. All of them die with
 * the thread that started them. */
#ifndef BAKERY_SANDBOX_BOOT_H
#define BAKERY_SANDBOX_BOOT_H

#include <stdbool.h>
#include <sys/types.h>

#include "bakery/error.h"
#include "machine.h"
#include "network.h"

struct boot {
	pid_t bwrap, init;     /* children; 0: none or reaped */
	int bwrap_fd, init_fd; /* pidfds */
	int machine_fd;	       /* pidfd of process 1 of the machine */
	int console_fd;	       /* what init says; -1 after its end */
	int lifeline;	       /* when this is closed, with the process at the latest, the namespaces end */
	int bwrap_status, init_status;
	struct network network;
};

/* The overlay is mounted at folder/root in the calling thread's mount namespace; folder is the machine's, open. */
bool boot_start(struct boot *boot, int folder, const struct machine_spec *spec, struct error *err) must_check;
void boot_ask_to_end(struct boot *boot);
void boot_kill(struct boot *boot);
/* To be called when init_fd or bwrap_fd are readable. */
void boot_reap_init(struct boot *boot);
void boot_reap_bwrap(struct boot *boot);
/* Ends whatever is left. */
void boot_finish(struct boot *boot, int folder);

/* A running machine's process 1 by its pid file: for other processes than the one that serves it. */
bool boot_find(int folder, int *machine_fd, struct error *err) must_check;

#endif
