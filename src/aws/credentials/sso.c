/* SPDX-License-Identifier: Apache-2.0
 *
 * IAM Identity Center: `aws sso login` leaves an access token in ~/.aws/sso/cache, which is exchanged for a role in an
 * account. A person logs in, bakery never does; but where the login left a refresh token, the access token is renewed
 * and put back for all tools. https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "near_http.h"
#include "sources.h"
#include "sso_token.h"

static const struct credential_names names = {"roleCredentials.accessKeyId", "roleCredentials.secretAccessKey",
					      "roleCredentials.sessionToken", "roleCredentials.expiration"};

/* --- what the profile says --- */

static bool check_whole(const struct credential_search *search, const struct sso_login *login, struct error *err)
{
	const struct {
		const char *key, *value;
	} needed[] = {{"sso_account_id", search->own->sso_account_id},
		      {"sso_role_name", search->own->sso_role_name},
		      {"sso_start_url", login->start_url},
		      {"sso_region", login->region}};
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!needed[i].value)
			return error_set(err, ERROR_DENIED, "%s is missing", needed[i].key);
	return true;
}

static bool read_session(const struct credential_search *search, struct profile *session, struct error *err)
{
	const struct profile *own = search->own;
	if (!profile_read_sso_session(&search->aws->files, own->sso_session, session, err))
		return false;
	if (!session->present)
		return error_set(err, ERROR_DENIED, "there is no [sso-session %s] in %s", own->sso_session,
				 search->aws->files.config);
	/* The profile may repeat what the session says, and must not contradict it. */
	if ((own->sso_start_url && !str_eq(own->sso_start_url, session->sso_start_url)) ||
	    (own->sso_region && !str_eq(own->sso_region, session->sso_region)))
		return error_set(err, ERROR_DENIED,
				 "sso_start_url or sso_region is another than in [sso-session %s]; leave them out",
				 own->sso_session);
	return true;
}

/* --- the exchange --- */

static bool role_url(const struct credential_search *search, const struct sso_login *login, struct endpoint *out,
		     struct error *err)
{
	_cleanup_(str_free) struct str path = STR_INIT;
	if (!endpoint_find(&search->aws->endpoints, SERVICE_sso, login->region, out, err))
		return false;
	str_addf(&path, "%s%sfederation/credentials?role_name=", out->url.path,
		 str_ends(out->url.path, "/") ? "" : "/");
	sigv4_encode(&path, search->own->sso_role_name, strlen(search->own->sso_role_name));
	str_add(&path, "&account_id=");
	sigv4_encode(&path, search->own->sso_account_id, strlen(search->own->sso_account_id));
	freep(&out->url.path);
	out->url.path = str_take(&path);
	return true;
}

static bool refused(const struct credential_search *search, const struct http_reply *reply, struct error *err)
{
	credential_http_refused(reply, err);
	if (reply->status == 401)
		return sso_login_hint(err, search->profile);
	if (reply->status == 403 || reply->status == 404)
		return error_hint(err, "check that you may use role %s in account %s", search->own->sso_role_name,
				  search->own->sso_account_id);
	return false;
}

static bool get_role(const struct credential_search *search, const struct sso_login *login, const char *token,
		     struct credentials *out, struct error *err)
{
	_cleanup_(endpoint_free) struct endpoint endpoint = {0};
	_cleanup_(http_reply_free) struct http_reply reply = {.body = STR_INIT};
	_cleanup_(tree_wipe_freep) struct tree *tree = NULL;
	struct credential_request request = {
		.method = "GET", .url = &endpoint.url, .headers = {{"x-amz-sso_bearer_token", token}}};
	if (!role_url(search, login, &endpoint, err) || !credential_http_send(search->aws, &request, &reply, err))
		return false;
	if (reply.status != 200)
		return refused(search, &reply, err) || error_context(err, "%s", endpoint.url.base);
	tree = tree_from_json(reply.body.data, reply.body.len, err);
	return (tree && credentials_from_tree(tree, &names, out, err)) ||
	       error_context(err, "%s: the answer cannot be used", endpoint.url.base);
}

/* --- the source --- */

static bool find_sso(const struct credential_search *search, struct credentials *out, struct error *err)
{
	const struct profile *own = search->own;
	_cleanup_(profile_free) struct profile session = {0};
	_cleanup_(str_wipe_free) struct str token = STR_INIT;
	struct sso_login login = {search->profile, own->sso_session, own->sso_start_url, own->sso_region};
	if (own->sso_session) {
		if (!read_session(search, &session, err))
			return false;
		login.start_url = session.sso_start_url;
		login.region = session.sso_region;
	}
	if (!check_whole(search, &login, err) || !sso_token_get(search->aws, &login, &token, err) ||
	    !get_role(search, &login, token.data, out, err))
		return false;
	out->is_renewable = true;
	snprintf(out->source, sizeof out->source, "SSO session %s, account %s, role %s",
		 own->sso_session ? own->sso_session : login.start_url, own->sso_account_id, own->sso_role_name);
	return true;
}

enum found credential_from_sso(const struct credential_search *search, struct credentials *out, struct error *err)
{
	const struct profile *own = search->own;
	if (!own->sso_account_id && !own->sso_role_name)
		return NOT_HERE; /* an sso_session alone is for tokens, not for credentials */
	if (find_sso(search, out, err))
		return FOUND;
	if (err->kind != ERROR_STOPPED)
		err->kind = ERROR_DENIED;
	error_context(err, "SSO of profile %s", search->profile);
	return BROKEN;
}
