/* SPDX-License-Identifier: Apache-2.0
 *
 * When to ask again, and how long to wait before: full jitter
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), and a budget shared by all calls of the
 * process, so that many builds do not beat on an AWS that is down. */
#ifndef AWS_RETRY_H
#define AWS_RETRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "errors.h"
#include "http.h"
#include "operations.h"

#define RETRY_DEFAULT_ATTEMPTS 5
#define RETRY_MOST_ATTEMPTS 50
#define RETRY_UNREACHED_ATTEMPTS 3 /* of an address that never answered: most likely it is wrong */

/* As the AWS SDKs' standard mode has it: 500 to begin with, 5 for a retry, given back when the call then succeeds. */
struct retry_budget {
	_Atomic int tokens;
};
void retry_budget_init(struct retry_budget *budget);
bool retry_budget_take(struct retry_budget *budget);
void retry_budget_give_back(struct retry_budget *budget, int retries); /* after a success */

/* How an attempt went. */
struct attempt {
	enum http_outcome outcome;
	struct aws_error_class class; /* when the outcome is HTTP_ANSWERED */
	bool host_known;	      /* has answered before */
	int64_t retry_after_s;
	int64_t began_ms;  /* of clock_mono_ms() */
	int64_t signed_ms; /* what time we said it was */
	int64_t date_ms;   /* what time it was there; 0: not said */
};
/* May the same request be sent again? TOKEN rows only with a token. number: attempts made, from 1. */
bool retry_may_repeat(const struct attempt *attempt, enum repeat repeat, int number, int most);
/* Before the attempt after `number`; random: 0 to 1. */
int64_t retry_pause_ms(const struct attempt *attempt, int number, double random);

#endif
