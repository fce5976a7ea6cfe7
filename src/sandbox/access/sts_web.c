/* SPDX-License-Identifier: Apache-2.0
 *
 * AssumeRoleWithWebIdentity: an identity provider's token (a JWT) for a role's session. Nobody's signature on the token
 * is verified, for there is no provider to ask for its keys; who issued it, for whom and until when are held against
 * the role's trust, as AWS does. */
#include <stdio.h>
#include <string.h>

#include "authorize.h"
#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "iam.h"
#include "policy.h"
#include "sts.h"

#define AUDIENCE "sts.amazonaws.com" /* what a provider's entry in IAM usually lists */

/* --- the token --- */

/* base64url, which has no padding. */
static bool decode_part(const char *text, size_t length, struct tree **out)
{
	struct error err = {0};
	_cleanup_(str_free) struct str plain = STR_INIT, decoded = STR_INIT;
	for (size_t i = 0; i < length; i++)
		str_add_char(&plain, text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
	while (plain.len % 4 != 0)
		str_add_char(&plain, '=');
	if (!crypto_base64_decode(plain.data, &decoded))
		return false;
	*out = tree_from_json(decoded.data, decoded.len, &err);
	return *out != NULL && tree_kind(*out) == TREE_OBJECT;
}

static bool read_token(struct request *rq, struct tree **claims)
{
	const char *token = arg_or(rq, "WebIdentityToken", "");
	const char *dot = strchr(token, '.'), *end = dot == NULL ? NULL : strchr(dot + 1, '.');
	_cleanup_(tree_freep) struct tree *header = NULL;
	if (end == NULL || strchr(end + 1, '.') != NULL || !decode_part(token, (size_t)(dot - token), &header) ||
	    !decode_part(dot + 1, (size_t)(end - dot - 1), claims))
		return refuse(rq, "InvalidIdentityToken",
			      "The ID Token provided is not a valid JWT. (You may see this error if "
			      "you sent an Access Token)");
	if (tree_text(*claims, "iss") == NULL || tree_text(*claims, "sub") == NULL ||
	    tree_key(*claims, "aud") == NULL || tree_int(*claims, "exp", 0) <= 0)
		return refuse(rq, "InvalidIdentityToken", "Missing a required claim: iss, sub, aud or exp");
	int64_t expired_s = tree_int(*claims, "exp", 0), now_s = rq->now_ms / 1000;
	if (expired_s <= now_s)
		return refuse(rq, "ExpiredTokenException",
			      "Token expired: current date/time %lld must be before the expiration date/time %lld",
			      (long long)now_s, (long long)expired_s);
	if (tree_int(*claims, "nbf", 0) > now_s + 300)
		return refuse(rq, "InvalidIdentityToken", "The token is not valid yet");
	return true;
}

static const char *provider_of(const struct tree *claims)
{
	const char *issuer = tree_text_or(claims, "iss", "");
	return str_starts(issuer, "https://") ? issuer + strlen("https://") : issuer;
}

/* --- trust --- */

static struct tree *web_context(struct request *rq, const struct tree *claims)
{
	static const char *const shared[] = {"aud", "sub", "amr", "azp", "email", "oaud"};
	struct tree *context = tree_new_object();
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++) {
		const struct tree *claim = tree_key(claims, shared[i]);
		_cleanup_(freep) char *key = mem_printf("%s:%s", provider_of(claims), shared[i]);
		if (claim != NULL)
			tree_set(context, key, tree_share(claim));
	}
	tree_set_text(context, "sts:RoleSessionName", arg(rq, "RoleSessionName"));
	tree_set_text(context, "aws:RequestedRegion", rq->region);
	return context;
}

/* Whether the trust policy says something of the audience itself. */
static bool audience_is_conditioned(const struct tree *trust, const char *provider)
{
	_cleanup_(freep) char *wanted = mem_printf("%s:aud", provider);
	const struct tree *statement;
	for (size_t n = 1; (statement = policy_statement(trust, n)) != NULL; n++)
		for (struct tree_iter i = tree_iter(tree_key(statement, "Condition")); tree_next(&i);)
			for (struct tree_iter j = tree_iter(i.value); tree_next(&j);)
				if (strcasecmp(j.key, wanted) == 0)
					return true;
	return false;
}

static bool audience_good(const struct tree *claims, const struct tree *trust)
{
	const struct tree *audience = tree_key(claims, "aud");
	return str_eq(tree_text(audience, NULL), AUDIENCE) || list_has(audience, AUDIENCE) ||
	       audience_is_conditioned(trust, provider_of(claims));
}

static bool web_trusted(struct request *rq, const struct tree *role, const char *account, const struct tree *claims)
{
	struct error err = {0};
	const char *text = tree_text_or(role, "_trust", "");
	_cleanup_(tree_freep) struct tree *trust = tree_from_json(text, strlen(text), &err);
	_cleanup_(tree_freep) struct tree *context = web_context(rq, claims);
	_cleanup_(freep) char *provider = mem_printf("arn:aws:iam::%s:oidc-provider/%s", account, provider_of(claims));
	struct policy_principal who = {.federated = provider};
	if (!audience_good(claims, trust))
		return refuse(rq, "InvalidIdentityToken", "Incorrect token audience");
	struct policy_answer answer =
		policy_ask(trust, &(struct policy_question){.action = "sts:AssumeRoleWithWebIdentity",
							    .resource = arg(rq, "RoleArn"),
							    .context = context,
							    .principal = &who});
	return answer.word == POLICY_ALLOWS ||
	       refuse(rq, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
}

static void reply_identity(struct request *rq, const struct tree *claims)
{
	const struct tree *audience = tree_key(claims, "aud");
	const char *first =
		tree_kind(audience) == TREE_ARRAY ? tree_text(tree_at(audience, 0), NULL) : tree_text(audience, NULL);
	tree_set_text(rq->reply, "SubjectFromWebIdentityToken", tree_text(claims, "sub"));
	tree_set_text(rq->reply, "Provider", tree_text(claims, "iss"));
	tree_set_text(rq->reply, "Audience", first);
}

static bool assume_role_with_web_identity(struct request *rq)
{
	char account[16] = "", name[136] = "";
	_cleanup_(tree_freep) struct tree *claims = NULL;
	if (!sts_check_names(rq) || !read_token(rq, &claims))
		return false;
	(void)iam_arn_split(arg(rq, "RoleArn"), "role", account, name);
	_cleanup_(tree_freep) struct tree *role = iam_find(rq, account, IAM_ROLE, name);
	if (role == NULL || !object_visible(rq, role))
		return refuse(rq, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
	if (!web_trusted(rq, role, account, claims))
		return false;
	reply_identity(rq, claims);
	return sts_give_role(rq, &(struct role_wish){.role = role, .account = account});
}

const struct operation sts_web_operations[] = {
	{"AssumeRoleWithWebIdentity", assume_role_with_web_identity, 0, ARGS_ROLE "WebIdentityToken! ProviderId"},
	{NULL},
};
