/* SPDX-License-Identifier: Apache-2.0
 *
 * One run of an Ansible playbook, between its parts: the folder it works in (workplace.c), and what it tells
 * (listen.c). */
#ifndef BAKERY_RUNNER_ANSIBLE_H
#define BAKERY_RUNNER_ANSIBLE_H

#include "../redact.h"
#include "bakery/ansible.h"

/* A folder that only this user may enter, in memory; no secret is ever in it. */
struct workplace {
	char *folder;
	char *cwd;	    /* the playbook's */
	char mark[33];	    /* before what the callback tells */
	char **environment; /* for process_run */
	size_t count;
};
bool workplace_make(struct workplace *place, const struct playbook *playbook, const struct ansible_machine *machine,
		    struct error *err) must_check;
/* What the playbook is when it is only read. */
bool workplace_make_empty(struct workplace *place, const struct playbook *playbook, struct error *err) must_check;
void workplace_end(struct workplace *place); /* removes it */
/* Adds "KEY=value". */
void workplace_set(struct workplace *place, const char *key, const char *fmt, ...) printf_like(3, 4);

/* What ansible-playbook says, turned into reports. */
struct listener {
	const struct playbook *playbook;
	const struct ansible_options *options;
	const char *mark, *cwd;
	struct redaction redaction;
	struct redactor redactors[2];
	struct str lines[2]; /* not yet whole */
	struct str output;   /* of the playbook's step: what is no task's */
	int64_t began_ms;
	size_t plays, plays_without_hosts, tasks, changed;
	char hosts[256];      /* the pattern of a play that found none */
	struct error failure; /* the first task that failed */
};
void listener_init(struct listener *listener, const struct playbook *playbook, const struct ansible_options *options,
		   const struct workplace *place);
void listener_free(struct listener *listener);
void listener_begin(struct listener *listener);
/* For process_run's sink. */
bool listener_hear(void *listener, bool is_stderr, const char *data, size_t length, struct error *err) must_check;
void listener_hear_end(struct listener *listener); /* no more comes */
/* All is said; why NULL: it went well. */
bool listener_end(struct listener *listener, const char *why, struct error *err) must_check;

#endif
