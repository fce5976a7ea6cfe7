/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request meets instead of its answer: an error, a broken connection, half of the reply, silence. */
#ifndef BAKERY_SANDBOX_STRIKE_H
#define BAKERY_SANDBOX_STRIKE_H

#include <stdbool.h>
#include <stdint.h>

enum strike_kind { STRIKE_NONE, STRIKE_ERROR, STRIKE_RESET, STRIKE_CUT, STRIKE_HANG };
struct strike {
	enum strike_kind kind;
	bool after;	 /* once the effect is there */
	int status;	 /* STRIKE_ERROR: HTTP status, 0 for the code's own */
	char code[64];	 /* STRIKE_ERROR: AWS's code, "" for a bare status */
	int64_t hang_ms; /* STRIKE_HANG: -1 for as long as the client waits */
};

#endif
