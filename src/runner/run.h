/* SPDX-License-Identifier: Apache-2.0
 *
 * One run of a playbook, and how its parts work on it: run.c goes through the programs, follow.c keeps to one over the
 * connection, progress.c turns what it says into reports, transfer.c and remote.c do what only this host can. */
#ifndef BAKERY_RUNNER_RUN_H
#define BAKERY_RUNNER_RUN_H

#include "bakery/runner.h"
#include "compile.h"
#include "frames.h"
#include "redact.h"

/* The step under way, and what it printed. */
struct progress {
	const struct step *step; /* NULL between steps */
	size_t index;
	double began_s; /* the machine's uptime */
	int64_t began_ms;
	struct redactor redactors[2];
	struct str lines[2]; /* of live output, not yet whole */
	struct str output;   /* bounded: the middle goes first */
	size_t left_out;
	bool in_check;
	struct str check_output; /* of the last check, bounded: the end is kept */
};

struct run {
	struct ssh *ssh;
	const struct playbook *playbook;
	const struct runner_options *options;
	struct script script;
	struct redaction redaction;
	struct progress progress;
	struct frames frames;	 /* of the program that runs */
	char sum[80];		 /* its sha256 */
	int64_t clock_offset_ms; /* the time by runner_now_ms() less the machine's uptime, as near as frames told */
	bool clock_known;
	char boot[80];		    /* one life of the machine */
	char machine[64], ids[256]; /* its architecture and operating system by all names */
	char *staging;		    /* folder on the machine for files under way; NULL until needed */
	char farewell[8];
	bool finished;	      /* for ssh_command */
	bool said_last;	      /* the program said that it is through */
	bool failed;	      /* a step did */
	bool any_failed;      /* so did one in a mode that goes on */
	bool joins;	      /* the program was started by a process that died: it is never started again */
	bool rebooted;	      /* a note of that lies on the machine's disk */
	bool awaits_host;     /* the program stopped at a download or reboot that is to be done */
	struct error failure; /* why */
};

/* follow.c: starts the program and stays with it to its end. */
bool follow_program(struct run *run, size_t part, struct error *err) must_check;
/* A shell script on the machine, as root. out gets its stdout and may be NULL; fails when its status is not 0. */
bool remote_script(struct ssh *ssh, const struct runner_options *options, const char *script, int64_t timeout_s,
		   struct str *out, struct error *err) must_check;
/* Reconnects after a drop; tells the one who watches. */
bool remote_reconnect(struct run *run, const char *why, struct error *err) must_check;
int64_t reconnect_timeout_s(const struct runner_options *options); /* with its default */
bool remote_reboot(struct run *run, int64_t timeout_s, struct error *err) must_check;
/* What a process that died had to say of restarting the machine in that step: *life is the machine's before it, or ""
 * when it had not come to that; *over: the machine is in another one. */
bool remote_reboot_noted(struct run *run, size_t index, struct str *life, bool *over, struct error *err) must_check;
void remote_cancel(struct run *run); /* ends what still runs there; best effort, within about two seconds */
#define SCRIPT_END "#end"	     /* the last line of every script that is sent */
/* Runs the script that is exchange's input, ending in SCRIPT_END, as root. said: what exchange's sink hears on stderr.
 */
bool run_as_root(struct ssh *ssh, const struct runner_options *options, const struct ssh_command *exchange,
		 const struct str *said, int *status, struct error *err) must_check;
void add_who(struct str *script, const struct run *run);

/* transfer.c */
bool transfer_send_ahead(struct run *run, const struct program *program, struct error *err) must_check;
bool transfer_fetch(struct run *run, const struct step *step, size_t index, struct error *err) must_check;
void transfer_tidy(struct run *run); /* removes the staging folder; best effort */

/* progress.c */
void progress_init(struct run *run);
void progress_free(struct run *run);
bool progress_take(struct run *run, const struct frame_event *event, struct error *err) must_check;
/* Begins a step of which the machine says nothing any more. */
void progress_begin_here(struct run *run, size_t index);
/* Ends the step under way as something that happened on this side of it says: failed when why is not "". */
bool progress_end_here(struct run *run, const char *why, struct error *err) must_check;

/* search.c: what a search by lines finds a secret with, in any encoding that redaction knows; a line each. Without any
 * for one that is too short. */
void search_patterns(const char *text, struct str *lines);

/* failure.c: words for what happened. */
char *failure_why(const struct run *run, const struct step *step, const char *result, const char *code, int status);
void failure_set(struct error *err, const struct step_report *report);
char *last_line(const struct str *text);   /* progress.c: free() it */
char *step_place(const struct step *step); /* "harden/x (playbooks/harden.yaml:12)" */

#endif
