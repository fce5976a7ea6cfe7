/* SPDX-License-Identifier: Apache-2.0
 *
 * A host whose clock is wrong signs requests that AWS refuses. Every answer says what time it is there. */
#ifndef AWS_CLOCK_SKEW_H
#define AWS_CLOCK_SKEW_H

#include "exchange.h"

/* RequestExpired is said of a wrong clock and of temporary credentials that have run out: the answer's date tells. */
void clock_skew_classify(const char *code, struct attempt *attempt);

/* After a refusal: true when the clock may have been the reason and is corrected now, so that the same request may be
 * sent again. */
bool clock_skew_correct(struct aws *aws, const struct attempt *attempt, const struct error *err);

/* What is left of a refusal that correcting did not cure. Returns false. */
bool clock_skew_explain(const struct aws *aws, const struct attempt *attempt, struct error *err);

#endif
