/* SPDX-License-Identifier: Apache-2.0
 *
 * Who sends a request: its signature is verified with the key that the sandbox gave out, or with that of a session
 * that is known and has not run out. */
#ifndef BAKERY_SANDBOX_AUTH_H
#define BAKERY_SANDBOX_AUTH_H

#include "../protocol.h"
#include "../request.h"
#include "bakery/sigv4.h"

struct identity {
	const struct service *service; /* NULL: not one that the sandbox offers */
	char service_name[64], region[64];
	struct caller caller;
};
/* False: refusal is filled, and identity->service is the best guess for its form. Takes the cloud's lock. */
bool auth_check(struct cloud *cloud, const struct sigv4_request *http, int64_t now_ms, struct identity *identity,
		struct refusal *refusal);

#endif
