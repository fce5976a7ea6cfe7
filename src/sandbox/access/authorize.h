/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether whoever asks may do what is asked for: which permissions an operation needs on which resources is a table
 * (needs.def); what the caller's policies say to each decides. */
#ifndef BAKERY_SANDBOX_AUTHORIZE_H
#define BAKERY_SANDBOX_AUTHORIZE_H

#include "../request.h"

/* Everything that the table has for the request's operation; refuses in the service's words, with the permission, the
 * resource and why. Before the operation looks at anything itself, as AWS does it, DryRun too. */
bool authorize(struct request *rq);

/* One permission more, which only the operation itself can know of. context: keys besides those that every request has,
 * or NULL; taken over. */
bool authorize_one(struct request *rq, const char *action, const char *resource, struct tree *context);

#endif
