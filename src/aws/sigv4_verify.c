/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's side of SigV4: reads what a received request claims, and holds it against the secret. Everything here is
 * input from whoever can reach the port: bounded, and compared in constant time. */
#include <string.h>
#include <strings.h>
#include <time.h>

#include "bakery/sigv4.h"
#include "sigv4_canonical.h"

#define MOST_EXPIRES_S (7 * 24 * 3600) /* AWS: "604800 seconds (seven days)" */

static enum sigv4_verdict verdict(struct error *err, enum sigv4_verdict value, const char *text)
{
	error_set(err, ERROR_DENIED, "%s", text);
	return value;
}

static const char *find_header(const struct sigv4_request *request, const char *name)
{
	for (size_t i = 0; i < request->header_count; i++)
		if (strcasecmp(request->headers[i].name, name) == 0)
			return request->headers[i].value;
	return NULL;
}

/* The decoded value of a query parameter, or NULL. */
static char *find_parameter(struct arena *arena, const char *query, const char *name)
{
	size_t name_length = strlen(name), decoded = 0;
	while (query && *query) {
		size_t length = strcspn(query, "&");
		if (length > name_length && query[name_length] == '=' && memcmp(query, name, name_length) == 0)
			return percent_decode(arena, query + name_length + 1, length - name_length - 1, &decoded);
		query += length;
		query += *query == '&';
	}
	return NULL;
}

/* "Name=" of an Authorization header: parts are separated by commas and blanks. */
static char *find_part(struct arena *arena, const char *text, const char *name)
{
	size_t name_length = strlen(name);
	while (*text) {
		text += strspn(text, ", \t");
		size_t length = strcspn(text, ", \t");
		if (length > name_length && text[name_length] == '=' && memcmp(text, name, name_length) == 0)
			return arena_strndup(arena, text + name_length + 1, length - name_length - 1);
		text += length;
	}
	return NULL;
}

static bool copy_bounded(char *out, size_t size, const char *text, size_t length)
{
	if (length == 0 || length >= size)
		return false;
	memcpy(out, text, length);
	out[length] = '\0';
	return true;
}

/* KEY/20150830/us-east-1/ec2/aws4_request */
static bool read_credential(const char *text, struct sigv4_claim *out)
{
	struct {
		char *out;
		size_t size;
	} parts[] = {{out->access_key, sizeof out->access_key},
		     {out->day, sizeof out->day},
		     {out->region, sizeof out->region},
		     {out->service, sizeof out->service}};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		size_t length = strcspn(text, "/");
		if (text[length] != '/' || !copy_bounded(parts[i].out, parts[i].size, text, length))
			return false;
		text += length + 1;
	}
	return strcmp(text, SIGV4_TERMINATOR) == 0;
}

/* "20150830T123600Z", and nothing that is merely like it. */
static bool read_date(const char *text, struct sigv4_claim *out)
{
	struct tm tm = {0};
	char back[CLOCK_TEXT_SIZE];
	const char *end = strptime(text, "%Y%m%dT%H%M%SZ", &tm);
	if (!end || *end || strlen(text) != 16)
		return false;
	out->signed_ms = (int64_t)timegm(&tm) * 1000;
	clock_basic(out->signed_ms, back);
	return strcmp(back, text) == 0 && copy_bounded(out->date, sizeof out->date, text, 16);
}

static bool is_signed(const char *list, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = list; (at = strstr(at, name)); at += length)
		if ((at == list || at[-1] == ';') && (at[length] == ';' || at[length] == '\0'))
			return true;
	return false;
}

static enum sigv4_verdict read_parts(const char *credential, const char *signed_headers, const char *signature,
				     const char *date, struct sigv4_claim *out, struct error *err)
{
	if (!credential || !read_credential(credential, out))
		return verdict(err, SIGV4_INCOMPLETE,
			       "Credential must be of the form KEY/day/region/service/aws4_request");
	if (!signed_headers ||
	    !copy_bounded(out->signed_headers, sizeof out->signed_headers, signed_headers, strlen(signed_headers)))
		return verdict(err, SIGV4_INCOMPLETE, "SignedHeaders is missing or too long");
	if (!is_signed(out->signed_headers, "host"))
		return verdict(err, SIGV4_INCOMPLETE, "the Host header must be signed");
	if (!signature || strlen(signature) != SHA256_HEX_SIZE - 1 ||
	    !copy_bounded(out->signature, sizeof out->signature, signature, SHA256_HEX_SIZE - 1))
		return verdict(err, SIGV4_INCOMPLETE, "Signature must have 64 hexadecimal digits");
	if (!date || !read_date(date, out))
		return verdict(err, SIGV4_INCOMPLETE, "X-Amz-Date must be of the form 20150830T123600Z");
	if (strncmp(out->day, out->date, 8) != 0)
		return verdict(err, SIGV4_INCOMPLETE, "the day in Credential is not the one of X-Amz-Date");
	return SIGV4_GOOD;
}

static enum sigv4_verdict read_query_claim(struct arena *arena, const struct sigv4_request *request,
					   struct sigv4_claim *out, struct error *err)
{
	const char *algorithm = find_parameter(arena, request->query, "X-Amz-Algorithm");
	const char *expires = find_parameter(arena, request->query, "X-Amz-Expires");
	const char *token = find_parameter(arena, request->query, "X-Amz-Security-Token");
	out->presigned = true;
	if (!str_eq(algorithm, SIGV4_ALGORITHM))
		return verdict(err, SIGV4_INCOMPLETE, "X-Amz-Algorithm must be " SIGV4_ALGORITHM);
	if (!expires || !str_to_int(expires, &out->expires_s) || out->expires_s < 1 || out->expires_s > MOST_EXPIRES_S)
		return verdict(err, SIGV4_INCOMPLETE, "X-Amz-Expires must be a number from 1 to 604800");
	str_add(&out->token, token ? token : "");
	return read_parts(find_parameter(arena, request->query, "X-Amz-Credential"),
			  find_parameter(arena, request->query, "X-Amz-SignedHeaders"),
			  find_parameter(arena, request->query, "X-Amz-Signature"),
			  find_parameter(arena, request->query, "X-Amz-Date"), out, err);
}

static enum sigv4_verdict read_header_claim(struct arena *arena, const struct sigv4_request *request,
					    const char *authorization, struct sigv4_claim *out, struct error *err)
{
	const char *token = find_header(request, "X-Amz-Security-Token");
	size_t length = strlen(SIGV4_ALGORITHM);
	if (strncmp(authorization, SIGV4_ALGORITHM, length) != 0 || authorization[length] != ' ')
		return verdict(err, SIGV4_INCOMPLETE, "Authorization must begin with " SIGV4_ALGORITHM);
	str_add(&out->token, token ? token : "");
	authorization += length;
	return read_parts(find_part(arena, authorization, "Credential"),
			  find_part(arena, authorization, "SignedHeaders"),
			  find_part(arena, authorization, "Signature"), find_header(request, "X-Amz-Date"), out, err);
}

enum sigv4_verdict sigv4_claim_read(const struct sigv4_request *request, struct sigv4_claim *out, struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	*out = (struct sigv4_claim){.token = STR_INIT};
	const char *authorization = find_header(request, "Authorization");
	if (authorization)
		return read_header_claim(arena, request, authorization, out, err);
	if (find_parameter(arena, request->query, "X-Amz-Signature"))
		return read_query_claim(arena, request, out, err);
	return verdict(err, SIGV4_ABSENT,
		       "the request is not signed: it has neither an Authorization header nor X-Amz-Signature");
}

void sigv4_claim_free(struct sigv4_claim *claim)
{
	str_wipe_free(&claim->token);
}

/* The body's hash as the signer must have had it. */
static enum sigv4_verdict check_body(const struct sigv4_request *request, unsigned flags, char hash[SHA256_HEX_SIZE],
				     struct error *err)
{
	const char *claimed = find_header(request, "x-amz-content-sha256");
	crypto_sha256_hex(request->body, request->body_length, hash);
	if (!claimed || str_eq(claimed, hash))
		return SIGV4_GOOD;
	if (!(flags & SIGV4_BODY_UNSIGNED) || !str_eq(claimed, SIGV4_UNSIGNED_BODY))
		return verdict(err, SIGV4_BODY_CHANGED, "x-amz-content-sha256 is not the SHA-256 of the body");
	memcpy(hash, SIGV4_UNSIGNED_BODY, sizeof SIGV4_UNSIGNED_BODY);
	return SIGV4_GOOD;
}

static enum sigv4_verdict check_time(const struct sigv4_claim *claim, int64_t now_ms, struct error *err)
{
	int64_t age_ms = now_ms - claim->signed_ms;
	char now[CLOCK_TEXT_SIZE];
	clock_basic(now_ms, now);
	if (age_ms < -SIGV4_SKEW_MS) {
		error_set(err, ERROR_DENIED, "signed at %s, but here it is %s: the client's clock is ahead",
			  claim->date, now);
		return SIGV4_NOT_YET;
	}
	if (age_ms > (claim->presigned ? claim->expires_s * 1000 : SIGV4_SKEW_MS)) {
		error_set(err, ERROR_DENIED, "signed at %s, and here it is %s: the signature has expired", claim->date,
			  now);
		return SIGV4_EXPIRED;
	}
	return SIGV4_GOOD;
}

static bool equal_in_constant_time(const char *a, const char *b, size_t length)
{
	volatile unsigned char difference = 0;
	for (size_t i = 0; i < length; i++)
		difference |= (unsigned char)(a[i] ^ b[i]);
	return difference == 0;
}

enum sigv4_verdict sigv4_verify(const struct sigv4_request *request, const struct sigv4_claim *claim,
				const char *secret_key, unsigned flags, int64_t now_ms, struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(str_free) struct str canonical = STR_INIT;
	_cleanup_(str_free) struct str to_sign = STR_INIT;
	char hash[SHA256_HEX_SIZE], signature[SHA256_HEX_SIZE];

	enum sigv4_verdict result = check_body(request, flags, hash, err);
	if (result != SIGV4_GOOD)
		return result;
	struct canonical_headers headers =
		canonical_headers(arena, request->headers, request->header_count, claim->signed_headers);
	canonical_request(&canonical, request->method, canonical_path(arena, request->path, !(flags & SIGV4_RAW_PATH)),
			  canonical_query(arena, request->query), &headers, hash);
	sigv4_string_to_sign(&to_sign, claim->date, sigv4_scope_text(arena, claim->date, claim->region, claim->service),
			     &canonical);
	sigv4_signature(secret_key, claim->date, claim->region, claim->service, &to_sign, signature);
	if (!equal_in_constant_time(signature, claim->signature, SHA256_HEX_SIZE - 1))
		return verdict(err, SIGV4_MISMATCH, "the signature is not the one that this request and key give");
	return check_time(claim, now_ms, err);
}
