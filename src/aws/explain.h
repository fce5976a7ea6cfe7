/* SPDX-License-Identifier: Apache-2.0
 *
 * The words for what went wrong: AWS's code and message, the request id, and what to check or do. All return false. */
#ifndef AWS_EXPLAIN_H
#define AWS_EXPLAIN_H

#include "exchange.h"

/* No answer: attempt says how; err what libcurl said. */
bool explain_no_answer(const struct exchange *exchange, const struct attempt *attempt, struct error *err);
/* Something that is not AWS answered; sets attempt->class. */
bool explain_strange(const struct exchange *exchange, const struct http_reply *reply, struct attempt *attempt,
		     struct error *err);
/* AWS said no; attempt->class is set. */
bool explain_refusal(const struct exchange *exchange, const struct wire_error *refusal, const struct attempt *attempt,
		     struct error *err);

#endif
