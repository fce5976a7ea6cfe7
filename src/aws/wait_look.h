/* SPDX-License-Identifier: Apache-2.0
 *
 * One look of a wait: the descriptions of many things in one call, where some may not exist. */
#ifndef AWS_WAIT_LOOK_H
#define AWS_WAIT_LOOK_H

#include "aws_private.h"

#define LOOK_MOST 200 /* ids in one call; EC2 allows 1000 */

enum absent { ABSENT_WAIT_LONGER, ABSENT_DONE };

struct wait_row {
	enum aws_operation operation;
	const char *ids, *list, *id, *state, *wanted, *fatal;
	enum absent absent;
};
const struct wait_row *wait_row(enum aws_wait wait);

enum look_outcome { LOOK_ABSENT, LOOK_FOUND, LOOK_FAILED };

struct look {
	char *id;
	enum look_outcome outcome;
	struct tree *item; /* when found */
	struct error err;  /* when failed */
};
void look_clear(struct look *look); /* the answer, not the id */
void look_copy(const struct look *from, struct look *to);

/* Fills each look's outcome. One id that does not exist, or is refused, does not spoil the others'. */
void look_up(struct aws *aws, const struct wait_row *row, const char *region, const struct stop *stop,
	     struct look *looks, size_t count);

/* Calls each(cookie, item) for the items of a list path; "reservationSet.*.instancesSet" is a list of lists. */
void list_each(const struct tree *tree, const char *path, void (*each)(void *cookie, const struct tree *item),
	       void *cookie);

#endif
