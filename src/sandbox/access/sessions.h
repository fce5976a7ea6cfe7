/* SPDX-License-Identifier: Apache-2.0
 *
 * Temporary credentials: documents of the state, of kind "session", by access key. Members: secret, token, issued and
 * expires (ms), kind, account, arn, userId, name, roleArn, mfa, policies (session policies, parsed), tags. */
#ifndef BAKERY_SANDBOX_SESSIONS_H
#define BAKERY_SANDBOX_SESSIONS_H

#include "../request.h"

#define GLOBAL_REGION "aws-global" /* where documents of services without regions stand */

struct session_wish {
	const struct caller *who; /* whom the credentials speak for */
	int64_t duration_s;
	bool mfa;		     /* made with a one-time code */
	const char *source_identity; /* or NULL */
	struct tree *policies;	     /* an array of policy documents that bound the session, or NULL; taken over */
	struct tree *tags;	     /* {key: value} or NULL; taken over */
};
/* Keeps it and writes Credentials into the reply. */
void session_give(struct request *rq, const struct session_wish *wish);

/* NULL: there is none. Free it. The cloud's lock is held. */
struct tree *session_find(struct cloud *cloud, const char *access_key);
void session_caller(const struct tree *session, struct caller *out);
bool session_expired(struct cloud *cloud, const struct tree *session, int64_t now_ms);

#endif
