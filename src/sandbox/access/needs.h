/* SPDX-License-Identifier: Apache-2.0
 *
 * Which permissions an operation needs on which resources: the table, and the words in it. */
#ifndef BAKERY_SANDBOX_NEEDS_H
#define BAKERY_SANDBOX_NEEDS_H

#include "asks.h"

/* resources: words separated by blanks; what they mean stands in needs.def. */
struct need {
	const char *service, *operation, *action, *resources;
};
extern const struct need needs[]; /* ends with a NULL service */
bool need_is_of(const struct need *need, const char *service, const char *operation);
/* What a row amounts to for the request. */
void need_collect(struct request *rq, const struct need *need, struct asks *asks);

/* The words of each service; false: none of its words. */
bool asks_ec2(struct request *rq, const struct need *need, const char *word, struct asks *asks);
bool asks_launch(struct request *rq, const struct need *need, const char *word, struct asks *asks);
bool asks_other(struct request *rq, const struct need *need, const char *word, struct asks *asks);
#endif
