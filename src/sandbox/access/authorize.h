/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether whoever asks may do what is asked for: which permissions an operation needs on which resources is a table
 * (authorize.def); what the caller's policies say to each decides. */
#ifndef BAKERY_SANDBOX_AUTHORIZE_H
#define BAKERY_SANDBOX_AUTHORIZE_H

#include "../request.h"

/* Everything that the table has for the request's operation; refuses in the service's words, with the permission, the
 * resource and why. Before the operation looks at anything itself, as AWS does it, DryRun too. */
bool authorize(struct request *rq);

/* One permission more, which only the operation itself can know of. context: keys besides those that every request has,
 * or NULL; taken over. */
bool authorize_one(struct request *rq, const char *action, const char *resource, struct tree *context);

/* aws:RequestTag/KEY and aws:TagKeys of a list of tags. */
void authorize_add_request_tags(struct tree *context, const struct tree *tags, const char *key_name,
				const char *value_name);

/* An encoded authorization message's content, as JSON; NULL: it is none of this sandbox's. Free it. */
char *denial_decode(const struct cloud *cloud, const char *encoded);

#endif
