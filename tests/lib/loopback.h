/* SPDX-License-Identifier: Apache-2.0
 *
 * An HTTP server for tests, on a free port of 127.0.0.1, that sees requests byte by byte and answers what a test wants:
 * also half an answer, a reset, or nothing at all. */
#ifndef TESTS_LOOPBACK_H
#define TESTS_LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>

#include "bakery/sigv4.h"
#include "bakery/str.h"

struct loopback_request {
	int number;	  /* from 1, over all connections */
	int connection;	  /* from 1 */
	const char *head; /* request line and headers as they came, lines ended by \r\n, without the empty one */
	struct sigv4_request parsed; /* the same for the verifier */
	const char *body;
	size_t body_length;
};

enum loopback_after { LOOPBACK_KEEP, LOOPBACK_CLOSE, LOOPBACK_RESET, LOOPBACK_HANG };
/* Appends the raw reply. Called from the server's threads, one at a time. */
typedef enum loopback_after loopback_handler(void *cookie, const struct loopback_request *request, struct str *reply);

struct loopback;
struct loopback *loopback_start(loopback_handler *handler, void *cookie);
void loopback_stop(struct loopback *server);		 /* closes all connections and joins all threads */
const char *loopback_url(const struct loopback *server); /* "http://127.0.0.1:PORT" */
int loopback_connections(struct loopback *server);
int loopback_requests(struct loopback *server);

/* A whole reply. headers: more of them, each ended by \r\n; or "". */
void loopback_reply(struct str *reply, int status, const char *content_type, const char *headers, const char *body);

#endif
