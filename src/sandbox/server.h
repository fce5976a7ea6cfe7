/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP server in front of the cloud: one port on 127.0.0.1, a thread a connection. */
#ifndef BAKERY_SANDBOX_SERVER_H
#define BAKERY_SANDBOX_SERVER_H

#include "bakery/error.h"
#include "cloud.h"

struct server;
/* port 0: any free one. record: a file that gets a JSON line for every request, or NULL. token: what the control
 * endpoint asks for. */
bool server_start(struct cloud *cloud, int port, const char *record, const char *token, struct server **out,
		  struct error *err) must_check;
int server_port(const struct server *server);
void server_stop(struct server *server); /* lets go of hanging requests, waits for all connections */

#endif
