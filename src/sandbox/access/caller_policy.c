/* SPDX-License-Identifier: Apache-2.0
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html, without service and
 * resource control policies, permission boundaries and resource policies (a role's trust is looked at in sts_assume.c).
 */
#include "caller_policy.h"

#include <string.h>

#include "../organization.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "iam.h"

#define EVERYTHING                                                                                                     \
	"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}"

void verdict_clear(struct verdict *verdict)
{
	tree_free(verdict->sources);
	*verdict = (struct verdict){.source = ""};
}

/* --- the documents --- */

static void add_policy(struct tree *list, const char *name, struct tree *document)
{
	struct tree *one = tree_add_object(list);
	tree_set_text(one, "name", name);
	tree_set(one, "document", document);
}

/* The text was checked when it was kept. */
static void add_text(struct tree *list, const char *name, const char *text)
{
	struct error err;
	struct tree *document = text == NULL ? NULL : tree_from_json(text, strlen(text), &err);
	if (document != NULL)
		add_policy(list, name, document);
}

static void add_role_policies(struct request *rq, const struct caller *caller, struct tree *list)
{
	_cleanup_(tree_freep) struct tree *role = iam_find(rq, caller->account, IAM_ROLE, caller->name);
	for (struct tree_iter i = tree_iter(tree_key(role, "_policies")); tree_next(&i);)
		add_text(list, i.key, tree_text(i.value, NULL));
	for (struct tree_iter i = tree_iter(tree_key(role, "_attached")); tree_next(&i);)
		add_text(list, tree_text(i.value, NULL), managed_policy(tree_text(i.value, NULL)));
}

struct tree *caller_policies(struct request *rq, const struct caller *caller)
{
	struct tree *list = tree_new_array();
	if (caller->kind == CALLER_ROLE)
		add_role_policies(rq, caller, list);
	else if (caller->kind == CALLER_USER && rq->cloud->policy != NULL)
		add_policy(list, CLOUD_USER, tree_share(rq->cloud->policy));
	else if (caller->kind == CALLER_USER)
		add_text(list, CLOUD_USER, EVERYTHING);
	return list;
}

bool caller_may_all(const struct request *rq, const struct caller *caller)
{
	return caller->kind == CALLER_USER && rq->cloud->policy == NULL;
}

/* --- asking --- */

static void ask_list(const struct tree *list, const struct policy_question *question, struct verdict *verdict)
{
	verdict->word = POLICY_SILENT;
	for (struct tree_iter i = tree_iter(list); tree_next(&i);) {
		struct policy_answer answer = policy_ask(tree_key(i.value, "document"), question);
		if (answer.word <= verdict->word)
			continue;
		verdict->word = answer.word;
		verdict->source = tree_text_or(i.value, "name", "");
		verdict->statement = answer.number;
	}
}

static struct tree *session_policies(struct request *rq, const struct caller *caller)
{
	struct tree *list = tree_new_array();
	_cleanup_(tree_freep) struct tree *session =
		*caller->session == '\0' ? NULL : session_find(rq->cloud, caller->session);
	for (struct tree_iter i = tree_iter(tree_key(session, "policies")); tree_next(&i);)
		add_policy(list, "session", tree_share(i.value));
	return list;
}

struct verdict caller_ask(struct request *rq, const struct caller *caller, const struct policy_question *question)
{
	struct verdict verdict = {.source = ""};
	verdict.sources = tree_new_array();
	tree_add(verdict.sources, caller_policies(rq, caller));
	tree_add(verdict.sources, session_policies(rq, caller));
	ask_list(tree_at(verdict.sources, 0), question, &verdict);
	if (verdict.word != POLICY_ALLOWS || tree_count(tree_at(verdict.sources, 1)) == 0)
		return verdict;
	struct verdict bound = verdict;
	ask_list(tree_at(verdict.sources, 1), question, &bound);
	if (bound.word == POLICY_ALLOWS)
		return verdict;
	bound.by_session = true;
	if (bound.word == POLICY_SILENT)
		bound.source = "";
	return bound;
}

/* --- the context --- */

static void add_session_keys(struct request *rq, const struct caller *caller, struct tree *context)
{
	char issued[CLOCK_TEXT_SIZE];
	_cleanup_(tree_freep) struct tree *session =
		*caller->session == '\0' ? NULL : session_find(rq->cloud, caller->session);
	if (session == NULL)
		return;
	clock_rfc3339(tree_int(session, "issued", 0), issued);
	tree_set_text(context, "aws:TokenIssueTime", issued);
	tree_set_text(context, "aws:MultiFactorAuthPresent", tree_bool(session, "mfa", false) ? "true" : "false");
	if (tree_text(session, "sourceIdentity") != NULL)
		tree_set_text(context, "aws:SourceIdentity", tree_text(session, "sourceIdentity"));
	for (struct tree_iter i = tree_iter(tree_key(session, "tags")); tree_next(&i);) {
		_cleanup_(freep) char *key = mem_printf("aws:PrincipalTag/%s", i.key);
		tree_set_text(context, key, tree_text(i.value, NULL));
	}
}

struct tree *caller_context(struct request *rq, const struct caller *caller)
{
	char now[CLOCK_TEXT_SIZE];
	struct tree *context = tree_new_object();
	bool role = caller->kind == CALLER_ROLE;
	clock_rfc3339(rq->now_ms, now);
	tree_set_text(context, "aws:PrincipalAccount", caller->account);
	tree_set_text(context, "aws:PrincipalArn", role ? caller->role_arn : caller->arn);
	tree_set_text(context, "aws:PrincipalType", role ? "AssumedRole" : "User");
	tree_set_text(context, "aws:PrincipalOrgID", ORGANIZATION_ID);
	tree_set_text(context, "aws:userid", caller->user_id);
	if (!role)
		tree_set_text(context, "aws:username", caller->name);
	tree_set_text(context, "aws:RequestedRegion", rq->region);
	tree_set_text(context, "aws:CurrentTime", now);
	tree_setf(context, "aws:EpochTime", "%lld", (long long)(rq->now_ms / 1000));
	tree_set_text(context, "aws:SourceIp", "127.0.0.1");
	/* With AWS every client comes over TLS; what denies the rest must not deny a sandbox. */
	tree_set_text(context, "aws:SecureTransport", "true");
	if (str_eq(rq->service, "ec2"))
		tree_set_text(context, "ec2:Region", rq->region);
	add_session_keys(rq, caller, context);
	return context;
}
