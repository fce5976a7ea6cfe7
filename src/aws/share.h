/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers shared by all callers of one struct aws (so by one principal): many builds that read the same thing within a
 * short time make one call. Only calls that read; only successes are kept; a failure goes to those who waited for it
 * and is forgotten. Bounded; thread-safe. */
#ifndef AWS_SHARE_H
#define AWS_SHARE_H

#include "bakery/aws.h"

struct share_hub;
struct share_hub *share_hub_new(void);
void share_hub_free(struct share_hub *hub);

/* Sends the call and everything that belongs to it. */
typedef bool share_ask(struct aws *aws, struct aws_call *call, const char *region, struct tree **reply,
		       struct error *err);
bool share_send(struct aws *aws, struct aws_call *call, const char *region, share_ask *ask, struct tree **reply,
		struct error *err) must_check;

#endif
