/* SPDX-License-Identifier: Apache-2.0
 *
 * The step runner: playbooks are compiled to POSIX shell programs, sent over the connection, started detached on the
 * machine, and their output followed. The connection may drop: the step goes on, the runner reconnects and goes on
 * reading where it was. */
#ifndef BAKERY_RUNNER_H
#define BAKERY_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "bakery/error.h"
#include "bakery/playbook.h"
#include "bakery/ssh.h"
#include "bakery/str.h"
#include "bakery/tree.h"

enum step_result {
	STEP_OK /* assertion or plain check held */,
	STEP_UNCHANGED,
	STEP_CHANGED,
	STEP_SKIPPED,
	STEP_FAILED,
	STEP_WOULD_CHANGE, /* RUNNER_LOOK alone: its check does not hold */
	STEP_WOULD_RUN	   /* RUNNER_LOOK alone: nothing tells beforehand whether it changes anything */
};
const char *step_result_name(enum step_result result); /* "ok", "unchanged", ... */

struct step_report { /* borrowed while the callback runs */
	const struct step *step;
	const char *playbook;
	enum step_result result;
	int status; /* exit code of what failed, else 0 */
	const char *
		why; /* failed: "check still fails after run", "timed out after 2m"; skipped: "os is debian"; else "" */
	int64_t started_ms, ended_ms; /* events.now_ms */
	const char *output; /* stdout and stderr of the step in order of arrival, secrets redacted, NULs as '?'; of more
			       than 16 MiB the middle is left out */
	const char *evidence; /* what the last check printed (its last line), or "" */
	int attempts;
};

struct runner_events {
	void *cookie;
	/* A step begins (index from 0 of total); NULL if not wanted. */
	void (*step_began)(void *cookie, const struct step *step, size_t index, size_t total);
	/* Output as it comes, secrets redacted, whole lines where possible. */
	void (*output)(void *cookie, const struct step *step, bool is_stderr, const char *data, size_t length);
	/* A step ended. Returning false stops the run (err filled), e.g. when the record could not be written. */
	bool (*step_ended)(void *cookie, const struct step_report *report, struct error *err);
	void (*reconnected)(void *cookie, const char *why);
	int64_t (*now_ms)(void *cookie); /* for the reports' times; NULL: this host's wall clock */
};
/* The time by events.now_ms. */
int64_t runner_now_ms(const struct runner_events *events);

enum runner_mode {
	RUNNER_APPLY,  /* check, run, check */
	RUNNER_CHECKS, /* only the checks of steps that have one; nothing is changed; a check that fails is STEP_FAILED
			  and the run goes on */
	RUNNER_LOOK,   /* all steps as far as their conditions and checks, and nothing is sent or changed: what would a
			  run do? An assertion that does not hold is STEP_FAILED; the run goes on */
};

struct runner_options {
	enum runner_mode mode;
	/* Of the steps that take part, so many from the first on were recorded by a process that died: they are not run
	 * and not told again. What it had running is joined. ERROR_CONFLICT with the code RUNNER_NOT_REJOINED when it
	 * had begun more than it recorded, and the machine has no trace of that. */
	size_t recorded;
	const char *run_id; /* names the folder on the machine where output is kept until it was read; [a-z0-9-] */
	const struct text_map *variables; /* for templates that carry none of their own; may be NULL */
	const char *download_folder;	  /* where downloads go on this host */
	bool needs_sudo;		  /* the login user is not root */
	int64_t reconnect_timeout_s;	  /* 120 when 0 */
	const struct stop *stop;	  /* NULL: as the ssh target's */
	struct log *log;		  /* may be NULL */
	struct runner_events events;
};

#define RUNNER_NOT_REJOINED "NotRejoined"

/* Runs the playbook's steps in order; stops at the first failed step (RUNNER_APPLY) with ERROR_FAILED, whose text says
 * which step, where it stands (file:line), why, and the last lines of its output. */
/* Waits for what a fresh machine is still busy with: cloud-init, package managers. */
bool runner_wait_ready(struct ssh *ssh, const struct runner_options *options, struct error *err) must_check;

/* A stop ends what runs on the machine and fails with ERROR_STOPPED. Secrets that this host's environment lacks are
 * ERROR_USAGE before anything runs. With the run_id of a run that was lost (this process died), its program is joined
 * where it stands, not started again. */
bool runner_run(struct ssh *ssh, const struct playbook *playbook, const struct runner_options *options,
		struct error *err) must_check;

/* Removes what a run of that run_id may have left on the machine, ending what still runs; best effort. */
void runner_forget(struct ssh *ssh, const struct runner_options *options);

/* Waits until cloud-init is through (a bad end is only told to the log) and nobody holds the locks of dpkg or rpm; at
 * most 20 minutes. */
bool runner_wait_ready(struct ssh *ssh, const struct runner_options *options, struct error *err) must_check;

/* Runs a script (POSIX sh, as root) that changes nothing on the machine, and may be run again when the connection
 * drops. What it prints on stdout is added to *out; more than `most` bytes are an error, as is a status that is not 0.
 */
bool runner_read(struct ssh *ssh, const struct runner_options *options, const char *script, size_t most,
		 struct str *out, struct error *err) must_check;
/* What must not be in any file of the machine. */
struct needle {
	const char *what; /* for people: "the secret DB_PASSWORD" */
	const char *text; /* in every encoding in which secrets are redacted; 8 characters at least */
};
#define SEARCH_PRIVATE_KEY "a private key"
struct search {
	const struct needle *needles; /* besides private keys, which are always looked for */
	size_t needle_count;
	struct text_list allowed; /* files that may hold a private key */
	const char *folder;	  /* NULL: every local file system */
	int64_t timeout_s;
};
/* Looks through all files, whatever their kind, for private keys (PEM, OpenSSH, PGP, PuTTY, SSH2; plain, indented,
 * escaped, in base64) and the needles; what a package brought and nobody changed is left out. What is looked for is in
 * no command line, file or log of the machine. *out: {found: [{what, path}], too_large: [path], unread: [text],
 * files: number}. Needs no login of its own: the connection that is open does. */
bool runner_search(struct ssh *ssh, const struct runner_options *options, const struct search *search,
		   struct tree **out, struct error *err) must_check;

/* The program of a playbook as it would be sent, for `bakery playbook compile`; deterministic, holds no secrets. */
bool runner_compile(const struct playbook *playbook, enum runner_mode mode, struct str *program,
		    struct error *err) must_check;

#endif
