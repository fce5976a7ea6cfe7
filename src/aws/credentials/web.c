/* SPDX-License-Identifier: Apache-2.0
 *
 * A token that somebody else signed (Kubernetes, GitHub, GitLab: OpenID Connect), exchanged for a role. The file is
 * read again at each renewal, since whoever put it there may have replaced it.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "sources.h"

#define MOST_TOKEN_BYTES 20000 /* AWS takes no more */
#define DEFAULT_SESSION "bakery"

struct web {
	const char *file, *role, *session;
};

static const char *setting(const struct credential_search *search, const char *variable, const char *of_profile)
{
	const char *value = search->only_profile ? NULL : getenv(variable);
	return value && *value ? value : of_profile;
}

static bool read_token(const char *path, struct str *out, struct error *err)
{
	str_reserve(out, MOST_TOKEN_BYTES); /* so that no copies are left by growing */
	if (!file_read(path, MOST_TOKEN_BYTES, out, err)) {
		err->kind = ERROR_DENIED;
		return false;
	}
	str_trim_right(out);
	return out->len || error_set(err, ERROR_DENIED, "the file is empty");
}

/* When the token itself ends, as it says (RFC 7519, "exp"); 0 when it says nothing that we can read. */
static int64_t token_end_ms(const char *token)
{
	_cleanup_(str_wipe_free) struct str base64 = STR_INIT, json = STR_INIT;
	_cleanup_(tree_wipe_freep) struct tree *claims = NULL;
	struct error ignored;
	const char *dot = strchr(token, '.');
	if (!dot)
		return 0;
	str_add_n(&base64, dot + 1, strcspn(dot + 1, "."));
	for (char *c = base64.data; *c; c++)
		*c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
	while (base64.len % 4)
		str_add_char(&base64, '=');
	if (crypto_base64_decode(base64.data, &json))
		claims = tree_from_json(json.data, json.len, &ignored);
	int64_t end_s = tree_int(claims, "exp", 0);
	return end_s > 0 && end_s <= INT64_MAX / 1000 ? end_s * 1000 : 0;
}

static bool exchange(const struct credential_search *search, const struct web *web, struct credentials *out,
		     struct error *err)
{
	_cleanup_(tree_wipe_freep) struct tree *reply = NULL;
	_cleanup_(str_wipe_free) struct str token = STR_INIT;
	const char *region = credential_region(search, web->role);
	int64_t duration_s;
	if (!credential_duration(search, &duration_s, err) || !read_token(web->file, &token, err))
		return false;
	struct aws_call call = aws_call(AWS_sts_AssumeRoleWithWebIdentity, region);
	aws_arg(&call, "RoleArn", web->role);
	aws_arg(&call, "RoleSessionName", web->session ? web->session : DEFAULT_SESSION);
	aws_arg(&call, "WebIdentityToken", token.data);
	if (duration_s)
		aws_arg_int(&call, "DurationSeconds", duration_s);
	if (!aws_send(search->aws, &call, &reply, err))
		return false;
	if (!credentials_from_tree(reply, &sts_credential_names, out, err))
		return error_context(err, "AssumeRoleWithWebIdentity (%s): the answer cannot be used", region);
	/* A token that ends before the role does must be replaced by somebody in time: Kubernetes does, CI does not. */
	int64_t end_ms = token_end_ms(token.data);
	out->is_renewable = !end_ms || !out->expires_ms || end_ms >= out->expires_ms;
	return true;
}

enum found credential_from_web_identity(const struct credential_search *search, struct credentials *out,
					struct error *err)
{
	const struct profile *own = search->own;
	struct web web = {setting(search, "AWS_WEB_IDENTITY_TOKEN_FILE", own->web_identity_token_file),
			  setting(search, "AWS_ROLE_ARN", own->role_arn),
			  setting(search, "AWS_ROLE_SESSION_NAME", own->role_session_name)};
	if (!web.file) {
		if (!search->only_profile)
			str_add(search->looked, "AWS_WEB_IDENTITY_TOKEN_FILE (not set), ");
		return NOT_HERE;
	}
	if (!web.role) {
		error_set(err, ERROR_DENIED, "there is a web identity in %s, but no role to take with it", web.file);
		error_hint(err, "set AWS_ROLE_ARN, or role_arn in profile %s", search->profile);
		return BROKEN;
	}
	if (!exchange(search, &web, out, err)) {
		error_context(err, "web identity of role %s (file %s)", web.role, web.file);
		return BROKEN;
	}
	snprintf(out->source, sizeof out->source, "web identity of role %s (file %s)", web.role, web.file);
	return FOUND;
}
