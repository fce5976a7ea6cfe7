/* SPDX-License-Identifier: Apache-2.0
 *
 * Giving out temporary credentials, and knowing them again. */
#include "sessions.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/str.h"

#define KEEP_EXPIRED_MS (24 * 3600 * 1000LL) /* so that they are refused as expired, not as unknown */

static void make_access_key(char key[21])
{
	char digits[13];
	crypto_random_hex(digits, 12);
	for (char *c = digits; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	snprintf(key, 21, "ASIASBOX%s", digits);
}

/* As long as AWS's, with characters that want encoding in a query. */
static void make_token(struct str *out)
{
	unsigned char noise[240];
	crypto_random(noise, sizeof noise);
	str_add(out, "IQoJb3JpZ2luX2Vj//");
	crypto_base64(noise, sizeof noise, out);
}

static void forget_old(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *sessions = state_list(rq->cloud->state, NULL, GLOBAL_REGION, "session");
	for (struct tree_iter i = tree_iter(sessions); tree_next(&i);)
		if (tree_int(i.value, "expires", 0) + KEEP_EXPIRED_MS < rq->now_ms)
			state_remove(rq->cloud->state, tree_text(i.value, "account"), GLOBAL_REGION, "session",
				     tree_text(i.value, "accessKey"));
}

static void reply_credentials(struct request *rq, const struct tree *session)
{
	char expiration[CLOCK_TEXT_SIZE];
	struct tree *credentials = tree_set_object(rq->reply, "Credentials");
	clock_rfc3339(tree_int(session, "expires", 0), expiration);
	tree_set_text(credentials, "AccessKeyId", tree_text(session, "accessKey"));
	tree_set_text(credentials, "SecretAccessKey", tree_text(session, "secret"));
	tree_set_text(credentials, "SessionToken", tree_text(session, "token"));
	tree_set_text(credentials, "Expiration", expiration);
}

static struct tree *new_session(struct request *rq, const struct session_wish *wish)
{
	char access_key[21], secret[41];
	_cleanup_(str_wipe_free) struct str token = STR_INIT;
	int64_t lasts_ms = settings_ms(rq->cloud->settings, "session.duration");
	struct tree *session = tree_new_object();
	make_access_key(access_key);
	crypto_random_hex(secret, 40);
	make_token(&token);
	tree_set_text(session, "accessKey", access_key);
	tree_set_text(session, "secret", secret);
	tree_set_text(session, "token", token.data);
	tree_set_int(session, "issued", rq->now_ms);
	tree_set_int(session, "expires", rq->now_ms + (lasts_ms > 0 ? lasts_ms : wish->duration_s * 1000));
	tree_set_int(session, "kind", (int64_t)wish->who->kind);
	tree_set_text(session, "account", wish->who->account);
	tree_set_text(session, "arn", wish->who->arn);
	tree_set_text(session, "userId", wish->who->user_id);
	tree_set_text(session, "name", wish->who->name);
	tree_set_text(session, "roleArn", wish->who->role_arn);
	tree_set_bool(session, "mfa", wish->mfa);
	if (wish->source_identity != NULL)
		tree_set_text(session, "sourceIdentity", wish->source_identity);
	if (wish->policies != NULL)
		tree_set(session, "policies", wish->policies);
	if (wish->tags != NULL)
		tree_set(session, "tags", wish->tags);
	return session;
}

void session_give(struct request *rq, const struct session_wish *wish)
{
	forget_old(rq);
	_cleanup_(tree_freep) struct tree *session = new_session(rq, wish);
	state_put(rq->cloud->state, wish->who->account, GLOBAL_REGION, "session", tree_text(session, "accessKey"),
		  session);
	reply_credentials(rq, session);
}

struct tree *session_find(struct cloud *cloud, const char *access_key)
{
	return state_get(cloud->state, NULL, GLOBAL_REGION, "session", access_key);
}

void session_caller(const struct tree *session, struct caller *out)
{
	*out = (struct caller){.kind = (enum caller_kind)tree_int(session, "kind", CALLER_NOBODY)};
	snprintf(out->account, sizeof out->account, "%s", tree_text_or(session, "account", ""));
	snprintf(out->arn, sizeof out->arn, "%s", tree_text_or(session, "arn", ""));
	snprintf(out->user_id, sizeof out->user_id, "%s", tree_text_or(session, "userId", ""));
	snprintf(out->name, sizeof out->name, "%s", tree_text_or(session, "name", ""));
	snprintf(out->role_arn, sizeof out->role_arn, "%s", tree_text_or(session, "roleArn", ""));
	snprintf(out->session, sizeof out->session, "%s", tree_text_or(session, "accessKey", ""));
}

bool session_expired(struct cloud *cloud, const struct tree *session, int64_t now_ms)
{
	return tree_int(session, "expires", 0) - settings_ms(cloud->settings, "session.early") <= now_ms;
}
