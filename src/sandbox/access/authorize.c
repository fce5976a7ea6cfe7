/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks the caller's policies for every permission that an operation needs, and refuses in AWS's words. */
#include "authorize.h"

#include <stdlib.h>
#include <string.h>

#include "asks.h"
#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "caller_policy.h"

void authorize_add_request_tags(struct tree *context, const struct tree *tags, const char *key_name,
				const char *value_name)
{
	if (tree_count(tags) == 0)
		return;
	struct tree *keys = tree_set_array(context, "aws:TagKeys");
	for (struct tree_iter i = tree_iter(tags); tree_next(&i);) {
		_cleanup_(freep) char *key = mem_printf("aws:RequestTag/%s", tree_text_or(i.value, key_name, ""));
		tree_set_text(context, key, tree_text_or(i.value, value_name, ""));
		tree_add_text(keys, tree_text_or(i.value, key_name, ""));
	}
}

/* --- the encoded message ---
 *
 * The JSON itself behind a part of its HMAC, so that only what this sandbox has said is decoded.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html */

#define FORM '\x01' /* first, so that the message never begins with "-", which commands take for an option */
#define SEAL_SIZE 16
#define HEAD_SIZE (1 + SEAL_SIZE)

static struct tree *items(struct tree *holder, const char *key)
{
	return tree_set_array(tree_set_object(holder, key), "items");
}

static void add_condition(struct tree *conditions, const char *key, const struct tree *value)
{
	bool many = tree_kind(value) == TREE_ARRAY;
	struct tree *condition = tree_add_object(conditions);
	tree_set_text(condition, "key", key);
	struct tree *values = items(condition, "values");
	for (size_t i = 0; many ? i < tree_count(value) : i < 1; i++)
		tree_set_text(tree_add_object(values), "value",
			      tree_text_or(many ? tree_at(value, i) : value, NULL, ""));
}

static struct tree *denial_of(struct request *rq, const struct policy_question *question, const struct verdict *verdict)
{
	struct tree *denial = tree_new_object();
	tree_set_bool(denial, "allowed", false);
	tree_set_bool(denial, "explicitDeny", verdict->word == POLICY_DENIES);
	struct tree *matched = items(denial, "matchedStatements");
	if (verdict->word == POLICY_DENIES) {
		struct tree *statement = tree_add_object(matched);
		tree_setf(statement, "statementId", "%zu", verdict->statement);
		tree_set_text(statement, "effect", "DENY");
		tree_set_text(statement, "sourcePolicyId", verdict->source);
	}
	items(denial, "failures");
	struct tree *context = tree_set_object(denial, "context");
	struct tree *principal = tree_set_object(context, "principal");
	tree_set_text(principal, "id", rq->caller.user_id);
	if (rq->caller.kind == CALLER_USER)
		tree_set_text(principal, "name", rq->caller.name);
	tree_set_text(principal, "arn", rq->caller.arn);
	tree_set_text(context, "action", question->action);
	tree_set_text(context, "resource", question->resource);
	struct tree *conditions = items(context, "conditions");
	for (struct tree_iter i = tree_iter(question->context); tree_next(&i);)
		add_condition(conditions, i.key, i.value);
	return denial;
}

static void seal(const struct cloud *cloud, const void *data, size_t length, uint8_t digest[SHA256_SIZE])
{
	crypto_hmac_sha256(cloud->key.secret_key, strlen(cloud->key.secret_key), data, length, digest);
}

static void denial_encode(const struct cloud *cloud, const struct tree *denial, struct str *out)
{
	uint8_t digest[SHA256_SIZE];
	_cleanup_(str_free) struct str json = STR_INIT, sealed = STR_INIT, text = STR_INIT;
	tree_to_json(denial, &json);
	seal(cloud, json.data, json.len, digest);
	str_add_char(&sealed, FORM);
	str_add_n(&sealed, digest, SEAL_SIZE);
	str_add_n(&sealed, json.data, json.len);
	crypto_base64(sealed.data, sealed.len, &text);
	/* AWS's has the letters of URLs. */
	for (const char *c = text.data; *c != '\0'; c++)
		if (*c != '=')
			str_add_char(out, *c == '+' ? '-' : *c == '/' ? '_' : *c);
}

char *denial_decode(const struct cloud *cloud, const char *encoded)
{
	uint8_t digest[SHA256_SIZE];
	_cleanup_(str_free) struct str plain = STR_INIT, sealed = STR_INIT;
	for (const char *c = encoded; *c != '\0'; c++)
		str_add_char(&plain, *c == '-' ? '+' : *c == '_' ? '/' : *c);
	while (plain.len % 4 != 0)
		str_add_char(&plain, '=');
	if (!crypto_base64_decode(plain.data, &sealed) || sealed.len <= HEAD_SIZE || *sealed.data != FORM)
		return NULL;
	seal(cloud, sealed.data + HEAD_SIZE, sealed.len - HEAD_SIZE, digest);
	if (memcmp(digest, sealed.data + 1, SEAL_SIZE) != 0)
		return NULL;
	return mem_strndup(sealed.data + HEAD_SIZE, sealed.len - HEAD_SIZE);
}

/* --- refusing --- */

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
	_cleanup_(tree_freep) struct tree *denial = denial_of(rq, question, verdict);
	_cleanup_(str_free) struct str encoded = STR_INIT;
	denial_encode(rq->cloud, denial, &encoded);
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
	asks_collect(rq, need, &asks);
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
