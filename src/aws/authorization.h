/* SPDX-License-Identifier: Apache-2.0
 *
 * What an encoded authorization failure message says: who lacks which permission on what, and why. */
#ifndef AWS_AUTHORIZATION_H
#define AWS_AUTHORIZATION_H

#include "exchange.h"

/* Asks STS to decode it; false when that is not allowed (then nothing is asked again) or does not work. */
bool authorization_decode(const struct exchange *exchange, const char *encoded, struct str *out);

/* The decoded document as a sentence; false when it is none. */
bool authorization_describe(const char *document, struct str *out);

#endif
