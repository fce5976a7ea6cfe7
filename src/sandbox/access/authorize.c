/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks the caller's policies for every permission that an operation needs, and refuses in AWS's words. */
#include "authorize.h"

#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"
#include "caller_policy.h"
#include "denial.h"
#include "needs.h"

/* https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html */
static char *why_not(const struct policy_question *question, const struct verdict *verdict)
{
	const char *kind = verdict->by_session ? "session" : "identity-based";
	if (verdict->word == POLICY_DENIES)
		return mem_printf("with an explicit deny in %s %s policy", verdict->by_session ? "a" : "an", kind);
	return mem_printf("because no %s policy allows the %s action", kind, question->action);
}

static bool refuse_denied(struct request *rq, const struct policy_question *question, const struct verdict *verdict)
{
	_cleanup_(freep) char *why = why_not(question, verdict);
	_cleanup_(freep) char *words = mem_printf("User: %s is not authorized to perform: %s on resource: %s %s",
						  rq->caller.arn, question->action, question->resource, why);
	if (!str_eq(rq->service, "ec2"))
		return refuse(rq,
			      str_eq(rq->service, "iam") || str_eq(rq->service, "sts") ? "AccessDenied"
										       : "AccessDeniedException",
			      "%s", words);
	_cleanup_(str_free) struct str encoded = STR_INIT;
	denial_encode(rq, question, verdict, &encoded);
	return refuse(rq, "UnauthorizedOperation",
		      "You are not authorized to perform this operation. %s. Encoded authorization failure message: %s",
		      words, encoded.data);
}

static bool check(struct request *rq, const char *action, const char *resource, const struct tree *more)
{
	_cleanup_(tree_freep) struct tree *context = caller_context(rq, &rq->caller);
	for (struct tree_iter i = tree_iter(more); tree_next(&i);)
		tree_set(context, i.key, tree_share(i.value));
	struct policy_question question = {.action = action, .resource = resource, .context = context};
	_cleanup_(verdict_clear) struct verdict verdict = caller_ask(rq, &rq->caller, &question);
	return verdict.word == POLICY_ALLOWS || refuse_denied(rq, &question, &verdict);
}

bool authorize_one(struct request *rq, const char *action, const char *resource, struct tree *context)
{
	_cleanup_(tree_freep) struct tree *more = context;
	return caller_may_all(rq, &rq->caller) || check(rq, action, resource, more);
}

static bool check_need(struct request *rq, const struct need *need)
{
	struct asks asks = {0};
	bool allowed = true;
	need_collect(rq, need, &asks);
	for (size_t i = 0; allowed && i < asks.count; i++)
		allowed = check(rq, asks.items[i].action, asks.items[i].resource, asks.items[i].context);
	asks_free(&asks);
	return allowed;
}

/* An operation that the table does not know needs the permission of its own name. */
bool authorize(struct request *rq)
{
	bool known = false;
	if (rq->caller.kind == CALLER_NOBODY || caller_may_all(rq, &rq->caller))
		return true;
	for (const struct need *need = needs; need->service != NULL; need++) {
		if (!need_is_of(need, rq->service, rq->operation->name))
			continue;
		known = true;
		if (!check_need(rq, need))
			return false;
	}
	_cleanup_(freep) char *own = mem_printf("%s:%s", rq->service, rq->operation->name);
	return known || check(rq, own, "*", NULL);
}
