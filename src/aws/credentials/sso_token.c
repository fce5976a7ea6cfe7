/* SPDX-License-Identifier: Apache-2.0
 *
 * The token cache that all AWS tools share: ~/.aws/sso/cache/SHA1.json, where the SHA-1 is that of the session's name,
 * or of the start URL in profiles of the old kind (botocore/tokens.py, SSOTokenLoader). */
#include "sso_token.h"

#include <stdlib.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "near_http.h"

#define MOST_BYTES 65536
#define MOST_LIFE_S (365 * 86400)	/* AWS's tokens hold for hours */
#define RENEW_EARLY_MS (15 * 60 * 1000) /* as botocore does */

bool sso_login_hint(struct error *err, const char *profile)
{
	return error_hint(err, "log in with `aws sso login --profile %s`", profile);
}

static char *cache_path(const struct sso_login *login)
{
	const char *name = login->session ? login->session : login->start_url;
	_cleanup_(freep) char *home = path_home(), *folder = path_join(home, ".aws/sso/cache");
	char hex[41];
	crypto_sha1_hex(name, strlen(name), hex);
	return mem_printf("%s/%s.json", folder, hex);
}

/* Older versions of AWS's command line wrote "2020-06-17T10:02:08UTC". */
static bool read_time(const char *text, int64_t *out)
{
	_cleanup_(freep) char *copy = mem_strdup(text ? text : "");
	if (str_ends(copy, "UTC"))
		memcpy(copy + strlen(copy) - strlen("UTC"), "Z", 2);
	return clock_parse_rfc3339(copy, out);
}

static struct tree *read_cache(const char *path, struct error *err)
{
	_cleanup_(str_wipe_free) struct str text = STR_INIT;
	str_reserve(&text, MOST_BYTES); /* so that no copies are left by growing */
	if (!file_exists(path)) {
		error_set(err, ERROR_DENIED, "nobody is logged in");
		return NULL;
	}
	if (!file_read(path, MOST_BYTES, &text, err))
		return NULL;
	_cleanup_(tree_wipe_freep) struct tree *cache = tree_from_json(text.data, text.len, err);
	int64_t scratch;
	if (cache && tree_text(cache, "accessToken") && read_time(tree_text(cache, "expiresAt"), &scratch))
		return take(&cache);
	error_set(err, ERROR_DENIED, "%s holds no token", path);
	return NULL;
}

/* --- renewal --- */

static bool can_renew(const struct aws *aws, const struct tree *cache)
{
	static const char *const needed[] = {"refreshToken", "clientId", "clientSecret"};
	int64_t end_ms;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!tree_text(cache, needed[i]))
			return false;
	return read_time(tree_text(cache, "registrationExpiresAt"), &end_ms) && end_ms > aws_now_ms(aws);
}

static void write_request(const struct tree *cache, struct str *out)
{
	_cleanup_(tree_wipe_freep) struct tree *request = tree_new_object();
	tree_set_text(request, "clientId", tree_text(cache, "clientId"));
	tree_set_text(request, "clientSecret", tree_text(cache, "clientSecret"));
	tree_set_text(request, "grantType", "refresh_token");
	tree_set_text(request, "refreshToken", tree_text(cache, "refreshToken"));
	str_reserve(out, MOST_BYTES); /* so that no copies are left by growing */
	tree_to_json(request, out);
}

/* sso-oidc CreateToken: https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html */
static struct tree *create_token(struct aws *aws, const struct sso_login *login, const struct tree *cache,
				 struct error *err)
{
	_cleanup_(endpoint_free) struct endpoint endpoint = {0};
	_cleanup_(http_reply_free) struct http_reply reply = {.body = STR_INIT};
	_cleanup_(str_wipe_free) struct str body = STR_INIT;
	_cleanup_(tree_wipe_freep) struct tree *answer = NULL;
	if (!endpoint_find(&aws->endpoints, SERVICE_ssooidc, login->region, &endpoint, err))
		return NULL;
	char *path = mem_printf("%s%stoken", endpoint.url.path, str_ends(endpoint.url.path, "/") ? "" : "/");
	freep(&endpoint.url.path);
	endpoint.url.path = path;
	write_request(cache, &body);
	struct credential_request request = {.method = "POST",
					     .url = &endpoint.url,
					     .headers = {{"Content-Type", "application/json"}},
					     .body = body.data};
	if (!credential_http_send(aws, &request, &reply, err))
		return NULL;
	if (reply.status != 200)
		credential_http_refused(&reply, err);
	else
		answer = tree_from_json(reply.body.data, reply.body.len, err);
	int64_t life_s = tree_int(answer, "expiresIn", 0);
	if (answer && tree_text(answer, "accessToken") && life_s > 0 && life_s <= MOST_LIFE_S)
		return take(&answer);
	if (answer)
		error_set(err, ERROR_DENIED, "the answer holds no token");
	error_context(err, "%s", endpoint.url.base);
	return NULL;
}

/* Wipes what stood there before. */
static void replace_text(struct tree *cache, const char *key, const char *text)
{
	tree_wipe_free(tree_share(tree_key(cache, key)));
	tree_set_text(cache, key, text);
}

/* Others read the file, too; a refresh token is good for one use. */
static void put_back(struct aws *aws, const char *path, struct tree *cache, const struct tree *answer)
{
	_cleanup_(str_wipe_free) struct str text = STR_INIT;
	struct error err;
	char ends[CLOCK_TEXT_SIZE];
	clock_rfc3339(aws_now_ms(aws) + tree_int(answer, "expiresIn", 0) * 1000, ends);
	replace_text(cache, "accessToken", tree_text(answer, "accessToken"));
	tree_set_text(cache, "expiresAt", ends);
	if (tree_text(answer, "refreshToken"))
		replace_text(cache, "refreshToken", tree_text(answer, "refreshToken"));
	str_reserve(&text, MOST_BYTES); /* so that no copies are left by growing */
	tree_to_json(cache, &text);
	if (!file_replace(path, text.data, text.len, 0600, &err))
		log_warn(aws->log, "the renewed SSO token could not be kept for other tools: %s", err.text);
}

static bool renew(struct aws *aws, const struct sso_login *login, const char *path, struct tree *cache,
		  struct error *err)
{
	_cleanup_(tree_wipe_freep) struct tree *answer = create_token(aws, login, cache, err);
	if (!answer)
		return false;
	put_back(aws, path, cache, answer);
	return true;
}

static bool make_current(struct aws *aws, const struct sso_login *login, const char *path, struct tree *cache,
			 struct error *err)
{
	struct error why = {0};
	char when[CLOCK_TEXT_SIZE];
	int64_t end_ms = 0;
	read_time(tree_text(cache, "expiresAt"), &end_ms);
	if (end_ms - aws_now_ms(aws) > RENEW_EARLY_MS)
		return true;
	if (can_renew(aws, cache) && renew(aws, login, path, cache, &why))
		return true;
	if (why.kind == ERROR_STOPPED) {
		*err = why;
		return false;
	}
	if (end_ms > aws_now_ms(aws))
		return true;
	clock_rfc3339(end_ms, when);
	error_set(err, ERROR_DENIED, "the login ended at %s%s%s", when,
		  why.text[0] ? " and could not be renewed: " : "", why.text);
	return false;
}

bool sso_token_get(struct aws *aws, const struct sso_login *login, struct str *out, struct error *err)
{
	_cleanup_(freep) char *path = cache_path(login);
	_cleanup_(tree_wipe_freep) struct tree *cache = read_cache(path, err);
	if (!cache || !make_current(aws, login, path, cache, err))
		return error_is(err, ERROR_STOPPED) ? false : sso_login_hint(err, login->profile);
	const char *token = tree_text(cache, "accessToken");
	str_reserve(out, strlen(token));
	str_add(out, token);
	return true;
}
