/* SPDX-License-Identifier: Apache-2.0
 *
 * The sandbox: a local cloud on loopback that speaks AWS's protocols, with real machines. The rest of bakery knows no
 * more of it than this header, and only src/cli includes it. One sandbox lives in one folder (state database, layers of
 * images, consoles, socket files). */
#ifndef BAKERY_SANDBOX_H
#define BAKERY_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "bakery/clock.h"
#include "bakery/error.h"
#include "bakery/log.h"
#include "bakery/tree.h"

struct sandbox_options {
	const char *folder;	     /* NULL: $BAKERY_SANDBOX, else $XDG_STATE_HOME/bakery/sandbox */
	int port;		     /* 0: any free one */
	const char *const *settings; /* "latency.launch=3s" ..., NULL-terminated: see docs/sandbox.md; may be NULL */
	const char *policy; /* file: an IAM policy, all that the sandbox's user may do; "" everything again; NULL */
	const char *record; /* file: every request and reply as a JSON line, or NULL */
	int ready_fd;	    /* sandbox_serve: where it says that it answers, "ok" or why not; then closed. 0: nowhere */
	struct log *log;
	const struct stop *stop;
};

struct sandbox_address {
	char endpoint[64]; /* "http://127.0.0.1:41234" */
	char access_key[32], secret_key[64], region[32];
	int pid;
};

/* Whether this host can run machines; ERROR_FAILED with one sentence saying what is missing. */
bool sandbox_check(struct error *err) must_check;
/* Starts it in the background if none runs in the folder (making the base image first if need be, which says what it
 * does on the log), waits until it answers. */
bool sandbox_up(const struct sandbox_options *options, struct sandbox_address *out, struct error *err) must_check;
/* The running one's address; ERROR_ABSENT if none runs. */
bool sandbox_find(const struct sandbox_options *options, struct sandbox_address *out, struct error *err) must_check;
/* Serves in this process until stopped. */
bool sandbox_serve(const struct sandbox_options *options, struct error *err) must_check;
bool sandbox_down(const struct sandbox_options *options, struct error *err) must_check; /* state is kept */
bool sandbox_reset(const struct sandbox_options *options,
		   struct error *err) must_check; /* down, and all state but the cached base images removed */
/* What it offers, running or not: [{service, operation}], services as their signatures name them. Free it. */
struct tree *sandbox_operations(void);
/* {endpoint, pid, instances: [...], images: [...], parameters: [...], settings: {...}} */
bool sandbox_status(const struct sandbox_options *options, struct tree **out, struct error *err) must_check;
/* Changes settings of a running one: "latency.image=5s", "fault.CreateImage=500:2". */
bool sandbox_set(const struct sandbox_options *options, const char *const *settings, struct error *err) must_check;
/* From now on the sandbox's user may do what the policy in the file allows and nothing else; "": everything. */
bool sandbox_set_policy(const struct sandbox_options *options, const char *path, struct error *err) must_check;
/* Runs a command inside an instance's machine, with this process's terminal. */
bool sandbox_exec(const struct sandbox_options *options, const char *instance, const char *const *argv, int *status,
		  struct error *err) must_check;
/* Makes an image from a root file system (tarball or folder), owned by `owner`; *ami: its id (16+ bytes of room:
 * char[32]). */
bool sandbox_import(const struct sandbox_options *options, const char *path, const char *name, const char *owner,
		    char ami[32], struct error *err) must_check;
/* From now on a root file system (tarball or folder) is what machines of a described system have ("rocky-9"); an error
 * when there is one already. */
bool sandbox_import_base(const struct sandbox_options *options, const char *path, const char *base,
			 struct error *err) must_check;

#endif
