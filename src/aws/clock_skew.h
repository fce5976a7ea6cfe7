/* SPDX-License-Identifier: Apache-2.0
 *
 * A host whose clock is wrong signs requests that AWS refuses. Every answer says what time it is there. */
#ifndef AWS_CLOCK_SKEW_H
#define AWS_CLOCK_SKEW_H

#include "exchange.h"

/* An answer that took so long says what time it was while it was made (0: it does not): believed as far as aws's idea
 * of AWS's time cannot be right. So that idea does not tremble with every answer, and one that was held up on its way
 * does not set it back. */
void clock_told(struct aws *aws, int64_t date_ms, int64_t took_ms);

/* RequestExpired is said of a wrong clock and of temporary credentials that have run out: the answer's date tells. */
void clock_skew_classify(const char *code, struct attempt *attempt);

/* After a refusal: true when the clock may have been the reason and is corrected now, so that the same request may be
 * sent again. */
bool clock_skew_correct(struct aws *aws, const struct attempt *attempt, const struct error *err);

/* What is left of a refusal that correcting did not cure. Returns false. */
bool clock_skew_explain(const struct aws *aws, const struct attempt *attempt, struct error *err);

#endif
