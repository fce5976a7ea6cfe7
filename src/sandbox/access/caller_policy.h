/* SPDX-License-Identifier: Apache-2.0
 *
 * What the policies of whoever sends a request say to an action: the user's policy (the sandbox may have been given
 * one), a role's own and attached ones, and those that bound a session. */
#ifndef BAKERY_SANDBOX_CALLER_POLICY_H
#define BAKERY_SANDBOX_CALLER_POLICY_H

#include "../request.h"
#include "policy.h"

/* A policy with where it comes from, as SimulatePrincipalPolicy tells it. */
struct verdict {
	enum policy_word word;
	bool by_session;      /* no session policy allows it, or one denies it */
	const char *source;   /* the policy that decided: its name or ARN; "" when none did. Lives with the verdict */
	size_t statement;     /* of it, from 1 */
	struct tree *sources; /* owns what source points into */
};
void verdict_clear(struct verdict *verdict);

/* [{name, document}] of a user or role; the list is of one that allows everything for the sandbox's user when it was
 * given no policy. Free it. */
struct tree *caller_policies(struct request *rq, const struct caller *caller);
/* Whether nothing can be refused, so that nobody needs to look. */
bool caller_may_all(const struct request *rq, const struct caller *caller);

struct verdict caller_ask(struct request *rq, const struct caller *caller, const struct policy_question *question);

/* Keys that every request has: aws:PrincipalArn, aws:RequestedRegion, aws:CurrentTime, ... A new map; free it. */
struct tree *caller_context(struct request *rq, const struct caller *caller);

#endif
