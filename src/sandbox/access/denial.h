/* SPDX-License-Identifier: Apache-2.0
 *
 * The encoded message in which EC2 hides why it refused; only who may call DecodeAuthorizationMessage reads it.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html */
#ifndef BAKERY_SANDBOX_DENIAL_H
#define BAKERY_SANDBOX_DENIAL_H

#include "bakery/str.h"
#include "caller_policy.h"

void denial_encode(struct request *rq, const struct policy_question *question, const struct verdict *verdict,
		   struct str *out);
/* The message's content, as JSON; NULL: it is none of this sandbox's. Free it. */
char *denial_decode(const struct cloud *cloud, const char *encoded);

#endif
