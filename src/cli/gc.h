/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of `bakery gc` share: the things that may be removed, from the ledgers and from the tags. */
#ifndef BAKERY_CLI_GC_H
#define BAKERY_CLI_GC_H

#include "bakery/command.h"
#include "bakery/sweep.h"

enum { GC_MOST_ACCOUNTS = 512 };

struct gc_args {
	struct text_list builds, regions;
	const char *schedule;
	bool dry_run, ledger_only, with_images, all;
};

struct gc {
	struct app *app;
	const struct gc_args *args;
	struct text_list builds; /* the named ones, whole ids; none: all */
	struct sweep_options options;
	struct tree *rows;	 /* what is shown */
	struct text_list ledger; /* builds whose ledgers hold something that may go */
	struct sweep_list found; /* by tags: what may go */
	double saves_usd;
	struct aws *others[GC_MOST_ACCOUNTS];
	size_t other_count;
	struct error unseen; /* why something could not be looked at */
};

/* By what it is judged what may go. */
struct sweep_rules gc_rules(const struct gc *gc, const struct aws *aws);
/* Fills rows, ledger and found; what could not be looked at is in unseen, and does not fail it. */
bool gc_find(struct gc *gc, struct error *err) must_check;
/* Prints the lines that run it regularly; ERROR_USAGE for a kind that is not known. */
bool gc_schedule(const char *kind, struct error *err) must_check;

#endif
