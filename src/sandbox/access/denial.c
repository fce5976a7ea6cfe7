/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON itself behind a part of its HMAC, so that only what this sandbox has said is decoded. */
#include "denial.h"

#include <string.h>

#include "bakery/crypto.h"
#include "bakery/mem.h"

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

void denial_encode(struct request *rq, const struct policy_question *question, const struct verdict *verdict,
		   struct str *out)
{
	uint8_t digest[SHA256_SIZE];
	_cleanup_(tree_freep) struct tree *denial = denial_of(rq, question, verdict);
	_cleanup_(str_free) struct str json = STR_INIT, sealed = STR_INIT, text = STR_INIT;
	tree_to_json(denial, &json);
	seal(rq->cloud, json.data, json.len, digest);
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
