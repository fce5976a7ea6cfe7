/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS's wire forms: EC2's query and XML, the query protocol of STS, JSON 1.1. Pure: texts and trees in, trees and texts
 * out. */
#ifndef BAKERY_SANDBOX_PROTOCOL_H
#define BAKERY_SANDBOX_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>

#include "bakery/str.h"
#include "bakery/tree.h"
#include "request.h"

enum protocol { PROTOCOL_EC2, PROTOCOL_QUERY, PROTOCOL_JSON };

struct service {
	const char *name; /* of the credential scope: "ec2" */
	enum protocol protocol;
	const char *version; /* the query protocols' Version */
	const char *xmlns;
	const char *target; /* X-Amz-Target without the operation: "AmazonSSM" */
	/* What it calls a missing signature, an unknown key, a wrong signature, a stale one, credentials that have run
	 * out, throttling, an operation that it does not know. */
	const char *missing, *unknown_key, *mismatch, *stale, *expired, *throttled, *unknown_operation;
	const struct operation *const *operations; /* NULL-terminated list of tables */
};

/* application/x-www-form-urlencoded text (no NULs in it) -> {wire path: value}, in order. False: a broken percent sign.
 */
bool form_decode(const char *text, size_t length, struct tree *out);
/* {"Tag.1.Key": "a"} -> {"Tag": [{"Key": "a"}]}. The list numbers are dropped: items stand in the order of their
 * numbers. */
struct tree *form_nest(const struct tree *flat);
/* Every leaf of a JSON body as {wire path: value}: {"Tags": [{"Key": "a"}]} -> {"Tags.1.Key": "a"}. Shares the leaves.
 */
struct tree *json_flatten(const struct tree *body);

/* Holds flat arguments against the row's args; refuses what is unknown, of the wrong type, or missing. */
bool check_arguments(struct request *rq, enum protocol protocol, const struct tree *flat);

/* Replies. Members that open with "_" are left out. */
void encode_reply(const struct service *service, const char *operation, const struct tree *reply,
		  const char *request_id, struct str *out);
void encode_refusal(const struct service *service, const struct refusal *refusal, const char *request_id,
		    struct str *out);
const char *content_type(const struct service *service);
int refusal_status(const struct refusal *refusal);

#endif
