/* SPDX-License-Identifier: Apache-2.0
 *
 * What a launch may try, in order: market, instance type, subnet. Goes on where it was: an instance that died for want
 * of room while it was starting is one try of many. */
#ifndef BAKERY_CANDIDATES_H
#define BAKERY_CANDIDATES_H

#include "pipeline.h"

struct candidate {
	bool spot;
	const char *type;
	const struct plan_subnet *subnet;
};
const char *candidate_market(const struct candidate *candidate);

struct candidates {
	const struct plan_launch *launch;
	bool no_spot; /* where the market leaves a choice */
	size_t next, tried;
	bool other_than_quota; /* was in the way */
	struct str refusals;
};
void candidates_init(struct candidates *candidates, const struct build *build);
void candidates_free(struct candidates *candidates);
bool candidates_next(struct candidates *candidates, struct candidate *out); /* false: there are no more */
void candidates_again(struct candidates *candidates);			    /* the last one will be the next */
/* Notes and records the instance that there was room for. */
bool candidates_got(struct build *build, const struct candidate *candidate, struct box *box,
		    struct error *err) must_check;
/* Whether the next may do better after this failure. */
bool candidates_moves_on(const struct error *why);
/* Notes and records that there was no room; a quota is the same in every subnet, so the type is left. instance: the one
 * that died, or NULL. */
bool candidates_refused(struct build *build, struct candidates *candidates, const struct candidate *candidate,
			const char *purpose, const char *instance, const struct error *why,
			struct error *err) must_check;
/* All have been tried: each with its code, and what to do. */
bool candidates_exhausted(const struct candidates *candidates, struct error *err);

#endif
