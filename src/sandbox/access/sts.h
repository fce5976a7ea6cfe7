/* SPDX-License-Identifier: Apache-2.0
 *
 * The security token service. */
#ifndef BAKERY_SANDBOX_STS_H
#define BAKERY_SANDBOX_STS_H

#include "../request.h"
#include "sessions.h"

extern const struct operation sts_operations[], sts_role_operations[], sts_web_operations[];

/* What AssumeRole and its kin have in common. */
#define ARGS_ROLE "RoleArn! RoleSessionName! Policy PolicyArns.member.N.arn DurationSeconds:int "

/* An account's user's one-time password device is "arn:aws:iam::ACCOUNT:mfa/sandbox", and shows always this. */
#define MFA_CODE "123456"
/* Reads SerialNumber and TokenCode; *given: whether there were any; refuses wrong ones. */
bool sts_mfa(struct request *rq, bool *given);

/* The role's session: its name and length checked, the policies that bound it read, and the reply filled. The role has
 * agreed already. chained: asked for with credentials of a role. */
struct role_wish {
	const struct tree *role;
	const char *account;
	bool chained, mfa;
	const char *source_identity; /* or NULL */
};
bool sts_give_role(struct request *rq, const struct role_wish *wish);
bool sts_check_names(struct request *rq); /* RoleArn and RoleSessionName have the right form */

#endif
