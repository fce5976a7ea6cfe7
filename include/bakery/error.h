/* SPDX-License-Identifier: Apache-2.0
 *
 * An error is a value that the caller owns: nothing to allocate, nothing to free, no failure while failing.
 *
 * A function that can fail returns bool, hands results out through pointers and takes `struct error *err` last
 * (never NULL). On failure it has filled *err. Whoever knows a new noun adds it on the way up:
 *
 *     return error_context(err, "stage %s", stage->name);
 *
 * which yields "stage copy: eu-west-1: CopyImage: RequestLimitExceeded: ...". An error is either returned or
 * reported, never both; only main prints it and turns its kind into an exit status. A broken invariant is an
 * assert, not an error. Running out of memory aborts. */
#ifndef BAKERY_ERROR_H
#define BAKERY_ERROR_H

#include <stdbool.h>

#include "bakery/macros.h"

/* What may be done about it. The table in error.c maps each kind to a name and an exit status (docs: "exit codes"). */
enum error_kind {
	ERROR_NONE,
	ERROR_FAILED,	    /* exit 1: the work was tried and failed */
	ERROR_INTERNAL,	    /* exit 1: this host or this program: disk, memory of the kernel, a library */
	ERROR_ABSENT,	    /* exit 1: what was asked for does not exist */
	ERROR_CONFLICT,	    /* exit 1: it exists already, or is in another state than it must be */
	ERROR_TRANSIENT,    /* exit 1: may work when tried again (network, HTTP 5xx) */
	ERROR_THROTTLED,    /* exit 1: asked too fast; AWS did nothing, and will when asked more slowly */
	ERROR_CAPACITY,	    /* exit 1: AWS is short of what was asked for; another type or zone may work */
	ERROR_QUOTA,	    /* exit 1: this account may not have more of it until a quota is raised or something goes */
	ERROR_REMOTE,	    /* exit 1: AWS or a host answered with a refusal that trying again will not cure */
	ERROR_USAGE,	    /* exit 2: the command line */
	ERROR_INVALID,	    /* exit 3: recipe, playbook or settings */
	ERROR_REFUSED,	    /* exit 4: a gate or an approval rule said no */
	ERROR_NONCOMPLIANT, /* exit 5: an audit found something */
	ERROR_DENIED,	    /* exit 6: AWS refused: credentials, permission */
	ERROR_EXPIRED,	    /* exit 6: the credentials have run out; new ones are needed */
	ERROR_CLOCK,	    /* exit 6: this host's clock is too far from AWS's */
	ERROR_STOPPED,	    /* exit 7: interrupted, can be resumed */
	ERROR_LEFTOVER,	    /* exit 8: something was left behind */
};

struct error {
	enum error_kind kind;
	bool no_effect;	 /* AWS was asked, said no, and did nothing: no earlier attempt was left without an answer */
	char code[64];	 /* AWS's own word ("InvalidAMIName.Duplicate"), or "" */
	char text[2048]; /* for people; one line unless a list of faults */
};

/* All return false, so that a failing function ends "return error_...(...);". */
bool error_set(struct error *err, enum error_kind kind, const char *fmt, ...) printf_like(3, 4);
bool error_coded(struct error *err, enum error_kind kind, const char *code, const char *fmt, ...) printf_like(4, 5);
bool error_errno(struct error *err, const char *fmt, ...)
	printf_like(2, 3); /* ": strerror" added; ERROR_INTERNAL or ABSENT */
bool error_context(struct error *err, const char *fmt, ...) printf_like(2, 3); /* puts "context: " before the text */
bool error_hint(struct error *err, const char *fmt, ...) printf_like(2, 3);    /* adds "; what to do next" after it */

void error_clear(struct error *err);
bool error_is(const struct error *err, enum error_kind kind);
const char *error_kind_name(enum error_kind kind); /* "transient": machine word used in JSON */
int error_exit_status(enum error_kind kind);

#endif
