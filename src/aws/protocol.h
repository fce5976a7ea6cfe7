/* SPDX-License-Identifier: Apache-2.0
 *
 * A call's (path, value) pairs as the bytes that each of AWS's protocols wants, and the bytes that come back as a tree.
 */
#ifndef AWS_PROTOCOL_H
#define AWS_PROTOCOL_H

#include <stdbool.h>

#include "bakery/str.h"
#include "bakery/tree.h"
#include "http.h"
#include "operations.h"

#define PROTOCOL_TARGET_SIZE 128

struct wire_request {
	struct str body;
	const char *content_type;
	char target[PROTOCOL_TARGET_SIZE]; /* X-Amz-Target, or "" */
};
void protocol_encode(const struct operation_row *row, const struct tree *args, struct wire_request *out);
void wire_request_free(struct wire_request *request);

/* A good answer. Query answers lose their <OperationResult> level, an empty body is an empty object. */
bool protocol_decode(const struct operation_row *row, const struct str *body, struct tree **reply,
		     struct error *err) must_check;

struct wire_error {
	char code[64];
	struct str message; /* one line; "" when AWS said nothing */
	struct str encoded; /* the encoded authorization failure message that came with it, or "" */
	char request_id[128];
};
/* What a bad answer says; false when it is nothing that AWS would say. */
bool protocol_decode_error(const struct operation_row *row, const struct http_reply *reply, struct wire_error *out);
void wire_error_free(struct wire_error *error);

/* The names of the page token in requests and replies. */
const char *protocol_token_argument(enum protocol protocol);
const char *protocol_token_path(enum protocol protocol);

#endif
