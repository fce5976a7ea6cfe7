/* SPDX-License-Identifier: Apache-2.0
 *
 * The security token service: who the caller is. */
#include "services.h"

static bool get_caller_identity(struct request *rq)
{
	tree_set_text(rq->reply, "Arn", rq->caller.arn);
	tree_set_text(rq->reply, "UserId", rq->caller.user_id);
	tree_set_text(rq->reply, "Account", rq->caller.account);
	return true;
}

const struct operation sts_operations[] = {
	{"GetCallerIdentity", get_caller_identity, 0, ""},
	{NULL},
};
