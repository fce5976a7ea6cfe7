/* SPDX-License-Identifier: Apache-2.0
 *
 * Plain requests for credentials: to the metadata service and the container's agent, which are near and must not make a
 * laptop wait, and to IAM Identity Center. Nothing of what is sent or answered is ever logged. */
#ifndef AWS_CREDENTIAL_HTTP_H
#define AWS_CREDENTIAL_HTTP_H

#include "../aws_private.h"

struct credential_request {
	const char *method;
	const struct http_url *url;
	struct sigv4_header headers[4]; /* without Host; up to the first without a name */
	const char *body;		/* or NULL */
	bool is_near;			/* with short timeouts, and never through a proxy when the address is no name */
};
/* true when there is an answer, whatever its status. Trouble that may pass (5xx, 429, no whole answer) is asked again a
 * few times; an address that never answered is given up at once when it is near. The error has the address. */
bool credential_http_send(struct aws *aws, const struct credential_request *request, struct http_reply *reply,
			  struct error *err) must_check;

/* As http_url_parse, and it may have a query, which goes into the path. */
bool credential_http_url(const char *text, struct http_url *out, struct error *err) must_check;
/* "status 403: Forbidden: No access" from a JSON answer that is a refusal; always false. */
bool credential_http_refused(const struct http_reply *reply, struct error *err);

#endif
