/* SPDX-License-Identifier: Apache-2.0
 *
 * The signing side of SigV4: header signing for calls, query signing for URLs that are handed on. */
#include "bakery/sigv4.h"

#include <inttypes.h>
#include <string.h>

#include "sigv4_canonical.h"

static const char *body_hash(const struct sigv4_request *request, const struct sigv4_scope *scope, struct sigv4 *out)
{
	if (scope->flags & SIGV4_BODY_UNSIGNED)
		memcpy(out->body_hash, SIGV4_UNSIGNED_BODY, sizeof SIGV4_UNSIGNED_BODY);
	else
		crypto_sha256_hex(request->body, request->body_length, out->body_hash);
	return out->body_hash;
}

static void start(struct sigv4 *out, const struct sigv4_scope *scope)
{
	*out = (struct sigv4){.canonical_request = STR_INIT,
			      .string_to_sign = STR_INIT,
			      .query = STR_INIT,
			      .authorization = STR_INIT,
			      .token = STR_INIT};
	clock_basic(scope->now_ms, out->date);
}

static void finish(struct arena *arena, const struct sigv4_credentials *credentials, const struct sigv4_scope *scope,
		   struct sigv4 *out)
{
	const char *text = sigv4_scope_text(arena, out->date, scope->region, scope->service);
	sigv4_string_to_sign(&out->string_to_sign, out->date, text, &out->canonical_request);
	sigv4_signature(credentials->secret_key, out->date, scope->region, scope->service, &out->string_to_sign,
			out->signature);
}

static void add_header(struct sigv4 *out, const char *name, const char *value)
{
	out->headers[out->header_count++] = (struct sigv4_header){name, value};
}

/* The request's headers and those added so far, but for a token that is not to be signed. */
static struct canonical_headers headers_to_sign(struct arena *arena, const struct sigv4_request *request,
						const struct sigv4 *out, const struct sigv4_scope *scope)
{
	size_t count = request->header_count;
	struct sigv4_header *all = arena_alloc(arena, (count + ARRAY_SIZE(out->headers)) * sizeof *all);
	if (count)
		memcpy(all, request->headers, count * sizeof *all);
	for (size_t i = 0; i < out->header_count; i++)
		if (!(scope->flags & SIGV4_TOKEN_AFTER) || out->headers[i].value != out->token.data)
			all[count++] = out->headers[i];
	return canonical_headers(arena, all, count, NULL);
}

void sigv4_sign_headers(const struct sigv4_request *request, const struct sigv4_credentials *credentials,
			const struct sigv4_scope *scope, struct sigv4 *out)
{
	_cleanup_(arena_wipe_freep) struct arena *arena = arena_new(); /* the token is in it */
	start(out, scope);
	const char *hash = body_hash(request, scope, out);
	if (credentials->session_token) {
		str_add(&out->token, credentials->session_token);
		add_header(out, "X-Amz-Security-Token", out->token.data);
	}
	add_header(out, "X-Amz-Date", out->date);
	if (scope->flags & (SIGV4_BODY_HEADER | SIGV4_BODY_UNSIGNED))
		add_header(out, "x-amz-content-sha256", hash);

	struct canonical_headers headers = headers_to_sign(arena, request, out, scope);
	canonical_request(&out->canonical_request, request->method,
			  canonical_path(arena, request->path, !(scope->flags & SIGV4_RAW_PATH)),
			  canonical_query(arena, request->query), &headers, hash);
	finish(arena, credentials, scope, out);
	str_addf(&out->authorization, SIGV4_ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		 credentials->access_key, sigv4_scope_text(arena, out->date, scope->region, scope->service),
		 headers.names, out->signature);
	add_header(out, "Authorization", out->authorization.data);
}

static void add_parameter(struct str *query, const char *name, const char *value)
{
	str_addf(query, "%s%s=", query->len ? "&" : "", name);
	sigv4_encode(query, value, strlen(value));
}

void sigv4_sign_query(const struct sigv4_request *request, const struct sigv4_credentials *credentials,
		      const struct sigv4_scope *scope, struct sigv4 *out)
{
	_cleanup_(arena_wipe_freep) struct arena *arena = arena_new(); /* the token is in it */
	start(out, scope);
	struct canonical_headers headers = canonical_headers(arena, request->headers, request->header_count, NULL);
	const char *token = credentials->session_token;
	bool token_after = scope->flags & SIGV4_TOKEN_AFTER;

	str_add(&out->query, request->query ? request->query : "");
	add_parameter(&out->query, "X-Amz-Algorithm", SIGV4_ALGORITHM);
	add_parameter(&out->query, "X-Amz-Credential",
		      arena_printf(arena, "%s/%s", credentials->access_key,
				   sigv4_scope_text(arena, out->date, scope->region, scope->service)));
	add_parameter(&out->query, "X-Amz-Date", out->date);
	add_parameter(&out->query, "X-Amz-SignedHeaders", headers.names);
	add_parameter(&out->query, "X-Amz-Expires", arena_printf(arena, "%" PRId64, scope->expires_s));
	if (token && !token_after)
		add_parameter(&out->query, "X-Amz-Security-Token", token);
	canonical_request(&out->canonical_request, request->method,
			  canonical_path(arena, request->path, !(scope->flags & SIGV4_RAW_PATH)),
			  canonical_query(arena, out->query.data), &headers, body_hash(request, scope, out));
	finish(arena, credentials, scope, out);
	if (token && token_after)
		add_parameter(&out->query, "X-Amz-Security-Token", token);
	add_parameter(&out->query, "X-Amz-Signature", out->signature);
}

void sigv4_free(struct sigv4 *signed_)
{
	str_wipe_free(&signed_->canonical_request); /* the token is in it */
	str_free(&signed_->string_to_sign);
	str_wipe_free(&signed_->query);
	str_free(&signed_->authorization);
	str_wipe_free(&signed_->token);
	signed_->header_count = 0;
}
