/* SPDX-License-Identifier: Apache-2.0
 *
 * Who sends a request: its signature is verified with the key that the sandbox gave out. */
#ifndef BAKERY_SANDBOX_AUTH_H
#define BAKERY_SANDBOX_AUTH_H

#include "bakery/sigv4.h"
#include "protocol.h"
#include "request.h"

struct identity {
	const struct service *service; /* NULL: not one that the sandbox offers */
	char service_name[64], region[64];
	struct caller caller;
};
/* False: refusal is filled, and identity->service is the best guess for its form. */
bool auth_check(const struct cloud *cloud, const struct sigv4_request *http, int64_t now_ms, struct identity *identity,
		struct refusal *refusal);

#endif
