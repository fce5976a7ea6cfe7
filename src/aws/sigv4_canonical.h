/* SPDX-License-Identifier: Apache-2.0
 *
 * The canonical form of a request, which signer and verifier must agree on to the byte. */
#ifndef AWS_SIGV4_CANONICAL_H
#define AWS_SIGV4_CANONICAL_H

#include "bakery/mem.h"
#include "bakery/sigv4.h"

#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"
#define SIGV4_TERMINATOR "aws4_request"
#define SIGV4_UNSIGNED_BODY "UNSIGNED-PAYLOAD"

/* Names joined with ";" and "name:value" lines of the headers that are to be signed: those listed in `only`
 * ("host;x-amz-date"), or, when that is NULL, all but the ones that proxies and HTTP libraries change on the way. */
struct canonical_headers {
	char *names, *lines;
};
struct canonical_headers canonical_headers(struct arena *arena, const struct sigv4_header *headers, size_t count,
					   const char *only);

char *canonical_path(struct arena *arena, const char *path, bool normalise);
/* Sorted by name, then value; decoded and encoded again; X-Amz-Signature left out. */
char *canonical_query(struct arena *arena, const char *query);
void canonical_request(struct str *out, const char *method, const char *path, const char *query,
		       const struct canonical_headers *headers, const char *body_hash);

void sigv4_string_to_sign(struct str *out, const char *date, const char *scope, const struct str *canonical);
/* day/region/service/aws4_request */
char *sigv4_scope_text(struct arena *arena, const char *date, const char *region, const char *service);
void sigv4_signature(const char *secret, const char *date, const char *region, const char *service,
		     const struct str *to_sign, char signature[SHA256_HEX_SIZE]);

char *percent_decode(struct arena *arena, const char *text, size_t length, size_t *decoded);

#endif
