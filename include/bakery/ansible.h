/* SPDX-License-Identifier: Apache-2.0
 *
 * Ansible playbooks: ansible-playbook of this host is run against a machine, with an inventory, a known host key and
 * the login key made for it, and what its tasks did is told like the steps of our own. The key is held by an ssh-agent
 * that serves this run alone; everything else lies in a folder of its own, in memory. All of that is gone when the run
 * ends, in whatever way it or this process does. */
#ifndef BAKERY_ANSIBLE_H
#define BAKERY_ANSIBLE_H

#include "bakery/runner.h"

struct ansible_bastion {
	const char *host, *user;
	int port;
	const char *key;	 /* file; NULL: the user's agent */
	const char *known_hosts; /* file */
};
struct ansible_machine {
	const char *name; /* in the inventory */
	const char *address, *user;
	int port;
	const char *private_key; /* text, OpenSSH's format */
	const char *public_key, *host_key;
	const struct ansible_bastion *bastion; /* NULL: it is reached directly */
};
struct ansible_options {
	int64_t key_life_s; /* the agent forgets the key after that */
	const struct stop *stop;
	struct runner_events
		events; /* step_began and step_ended get the playbook's one step, and in between its tasks */
};

/* Fails with ERROR_FAILED and the first failed task when a task fails, ERROR_STOPPED when it was stopped. Not finding a
 * single host in the inventory that the playbook is for is a failure, too. */
bool ansible_run(const struct playbook *playbook, const struct ansible_machine *machine,
		 const struct ansible_options *options, struct error *err) must_check;

/* Whether this host has the programs; ERROR_USAGE with what to do. */
bool ansible_programs_check(struct error *err) must_check;
/* Whether the environment has the playbook's secrets; ERROR_USAGE with those that are missing. */
bool ansible_secrets_check(const struct playbook *playbook, struct error *err) must_check;
/* Whether ansible-playbook can read it, which takes it half a second; ERROR_INVALID with its words. One with
 * requirements is not looked at: its roles are not here yet. */
bool ansible_syntax_check(const struct playbook *playbook, const struct stop *stop, struct error *err) must_check;

#endif
