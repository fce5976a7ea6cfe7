/* SPDX-License-Identifier: Apache-2.0
 *
 * From an HTTP request to an HTTP reply, without any HTTP server in it: authentication, dispatch, injected faults,
 * encoding, recording. */
#ifndef BAKERY_SANDBOX_API_H
#define BAKERY_SANDBOX_API_H

#include <stdio.h>

#include "bakery/sigv4.h"
#include "cloud.h"

enum answer_kind {
	ANSWER_WHOLE,
	ANSWER_CUT /* only half of the body */,
	ANSWER_RESET,
	ANSWER_NONE /* the client went away */
};

struct answer {
	enum answer_kind kind;
	int status;
	const char *content_type;
	char request_id[37];
	struct str body;
};

struct api {
	struct cloud *cloud;
	FILE *record; /* or NULL */
	pthread_mutex_t record_lock;
	_Atomic int held; /* requests that are hanging now */
};

/* Waits on behalf of a request: false when the client went away or the cloud closes. ms -1: until then. */
struct api_patience {
	bool (*wait)(void *cookie, int64_t ms);
	void *cookie;
};

void api_answer(struct api *api, const struct sigv4_request *http, const struct api_patience *patience,
		struct answer *out);

#endif
