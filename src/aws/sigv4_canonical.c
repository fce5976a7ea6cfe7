/* SPDX-License-Identifier: Apache-2.0
 *
 * SigV4's canonical request and what is computed from it. Input may be any bytes (a server hands in what it received).
 */
#include "sigv4_canonical.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- percent encoding --- */

static bool is_unreserved(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
	       c == '.' || c == '~';
}

static void encode(struct str *out, const char *text, size_t length, bool keep_slash)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (is_unreserved(c) || (keep_slash && c == '/'))
			str_add_char(out, (char)c);
		else
			str_add_n(out, (char[]){'%', digits[c >> 4], digits[c & 15]}, 3);
	}
}

void sigv4_encode(struct str *out, const char *text, size_t length)
{
	encode(out, text, length, false);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A percent sign without two digits stands for itself, as it does for AWS. A plus is a plus. */
char *percent_decode(struct arena *arena, const char *text, size_t length, size_t *decoded)
{
	char *out = arena_alloc(arena, length + 1);
	size_t n = 0;
	for (size_t i = 0; i < length; i++) {
		int high = -1, low = -1;
		if (text[i] == '%' && i + 2 < length) {
			high = hex_digit(text[i + 1]);
			low = hex_digit(text[i + 2]);
		}
		bool coded = high >= 0 && low >= 0;
		out[n++] = coded ? (char)(high * 16 + low) : text[i];
		i += coded ? 2 : 0;
	}
	*decoded = n;
	return out;
}

/* --- path --- */

/* "/a/./b//../c/" -> "/a/c/", as botocore and AWS have it: unlike RFC 3986, empty parts vanish too. */
static char *normalised_path(struct arena *arena, const char *path)
{
	size_t length = strlen(path);
	char *out = arena_alloc(arena, length + 2);
	size_t n = 0;
	for (const char *part = path; *part;) {
		size_t part_length = strcspn(part, "/");
		if (part_length == 2 && memcmp(part, "..", 2) == 0) {
			while (n > 0 && out[--n] != '/')
				;
		} else if (part_length > 0 && !(part_length == 1 && *part == '.')) {
			out[n++] = '/';
			memcpy(out + n, part, part_length);
			n += part_length;
		}
		part += part_length;
		part += *part == '/';
	}
	if (n == 0 || path[length - 1] == '/')
		out[n++] = '/';
	out[n] = '\0';
	return out;
}

/* The wire's path is encoded once more (every service but S3 wants that), so a percent sign becomes %25. */
char *canonical_path(struct arena *arena, const char *path, bool normalise)
{
	_cleanup_(str_free) struct str out = STR_INIT;
	if (!path || !*path)
		path = "/";
	if (normalise)
		path = normalised_path(arena, path);
	encode(&out, path, strlen(path), true);
	return arena_strndup(arena, out.data, out.len);
}

/* --- query --- */

struct parameter {
	char *name, *value; /* encoded */
};

static int compare_parameters(const void *a, const void *b)
{
	const struct parameter *left = a, *right = b;
	int order = strcmp(left->name, right->name);
	return order ? order : strcmp(left->value, right->value);
}

static char *recoded(struct arena *arena, const char *text, size_t length)
{
	_cleanup_(str_wipe_free) struct str out = STR_INIT;
	size_t decoded_length = 0;
	char *decoded = percent_decode(arena, text, length, &decoded_length);
	encode(&out, decoded, decoded_length, false);
	return arena_strndup(arena, out.data, out.len);
}

static size_t read_parameters(struct arena *arena, const char *query, struct parameter *out)
{
	size_t count = 0;
	while (*query) {
		size_t length = strcspn(query, "&");
		const char *equals = memchr(query, '=', length);
		size_t name_length = equals ? (size_t)(equals - query) : length;
		if (length > 0) {
			struct parameter *parameter = &out[count];
			parameter->name = recoded(arena, query, name_length);
			parameter->value =
				equals ? recoded(arena, equals + 1, length - name_length - 1) : arena_strdup(arena, "");
			count += !str_eq(parameter->name, "X-Amz-Signature");
		}
		query += length;
		query += *query == '&';
	}
	return count;
}

static size_t count_parts(const char *text, char separator)
{
	size_t count = 1;
	for (; *text; text++)
		count += *text == separator;
	return count;
}

char *canonical_query(struct arena *arena, const char *query)
{
	_cleanup_(str_wipe_free) struct str out = STR_INIT;
	if (!query || !*query)
		return arena_strdup(arena, "");
	struct parameter *parameters = arena_alloc(arena, count_parts(query, '&') * sizeof *parameters);
	size_t count = read_parameters(arena, query, parameters);
	qsort(parameters, count, sizeof *parameters, compare_parameters);
	for (size_t i = 0; i < count; i++)
		str_addf(&out, "%s%s=%s", i ? "&" : "", parameters[i].name, parameters[i].value);
	return arena_strndup(arena, out.data, out.len);
}

/* --- headers --- */

struct header {
	char *name; /* in lower case */
	const char *value;
	size_t position;
};

static int compare_headers(const void *a, const void *b)
{
	const struct header *left = a, *right = b;
	int order = strcmp(left->name, right->name);
	return order ? order : (left->position > right->position) - (left->position < right->position);
}

static bool is_changed_on_the_way(const char *name)
{
	static const char *const names[] = {"authorization",	 "connection",	   "expect",	 "te",
					    "transfer-encoding", "upgrade",	   "user-agent", "via",
					    "x-amzn-trace-id",	 "x-forwarded-for"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool is_listed(const char *list, const char *name)
{
	size_t length = strlen(name);
	while (*list) {
		size_t part = strcspn(list, ";");
		if (part == length && memcmp(list, name, length) == 0)
			return true;
		list += part;
		list += *list == ';';
	}
	return false;
}

static char *lower(struct arena *arena, const char *text)
{
	char *out = arena_strdup(arena, text);
	for (char *c = out; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
	return out;
}

/* Trimmed, and any white space inside counts as one blank. */
static void add_header_value(struct str *out, const char *value)
{
	while (isspace((unsigned char)*value))
		value++;
	for (; *value; value++) {
		if (!isspace((unsigned char)*value))
			str_add_char(out, *value);
		else if (value[1] && !isspace((unsigned char)value[1]))
			str_add_char(out, ' ');
	}
}

static size_t choose_headers(struct arena *arena, const struct sigv4_header *headers, size_t count, const char *only,
			     struct header *out)
{
	size_t chosen = 0;
	for (size_t i = 0; i < count; i++) {
		char *name = lower(arena, headers[i].name);
		if (only ? is_listed(only, name) : !is_changed_on_the_way(name))
			out[chosen++] = (struct header){name, headers[i].value ? headers[i].value : "", i};
	}
	qsort(out, chosen, sizeof *out, compare_headers);
	return chosen;
}

struct canonical_headers canonical_headers(struct arena *arena, const struct sigv4_header *headers, size_t count,
					   const char *only)
{
	_cleanup_(str_free) struct str names = STR_INIT;
	_cleanup_(str_wipe_free) struct str lines = STR_INIT; /* a session token is among them */
	struct header *chosen = arena_alloc(arena, (count + 1) * sizeof *chosen);
	size_t chosen_count = choose_headers(arena, headers, count, only, chosen);
	for (size_t i = 0; i < chosen_count; i++) {
		bool again = i > 0 && strcmp(chosen[i].name, chosen[i - 1].name) == 0;
		if (!again)
			str_addf(&names, "%s%s", i ? ";" : "", chosen[i].name);
		if (again)
			str_add_char(&lines, ',');
		else
			str_addf(&lines, "%s%s:", i ? "\n" : "", chosen[i].name);
		add_header_value(&lines, chosen[i].value);
	}
	if (chosen_count)
		str_add_char(&lines, '\n');
	return (struct canonical_headers){arena_strndup(arena, names.data, names.len),
					  arena_strndup(arena, lines.data, lines.len)};
}

/* --- the steps --- */

void canonical_request(struct str *out, const char *method, const char *path, const char *query,
		       const struct canonical_headers *headers, const char *body_hash)
{
	str_addf(out, "%s\n%s\n%s\n%s\n%s\n%s", method, path, query, headers->lines, headers->names, body_hash);
}

char *sigv4_scope_text(struct arena *arena, const char *date, const char *region, const char *service)
{
	return arena_printf(arena, "%.8s/%s/%s/" SIGV4_TERMINATOR, date, region, service);
}

void sigv4_string_to_sign(struct str *out, const char *date, const char *scope, const struct str *canonical)
{
	char hash[SHA256_HEX_SIZE];
	crypto_sha256_hex(canonical->data, canonical->len, hash);
	str_addf(out, SIGV4_ALGORITHM "\n%s\n%s\n%s", date, scope, hash);
}

void sigv4_signature(const char *secret, const char *date, const char *region, const char *service,
		     const struct str *to_sign, char signature[SHA256_HEX_SIZE])
{
	uint8_t key[SHA256_SIZE], digest[SHA256_SIZE];
	_cleanup_(str_wipe_free) struct str first = STR_INIT;
	str_reserve(&first, strlen(secret) + 8);
	str_addf(&first, "AWS4%s", secret);
	crypto_hmac_sha256(first.data, first.len, date, 8, key);
	const char *const steps[] = {region, service, SIGV4_TERMINATOR};
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		crypto_hmac_sha256(key, sizeof key, steps[i], strlen(steps[i]), digest);
		memcpy(key, digest, sizeof key);
	}
	crypto_hmac_sha256(key, sizeof key, to_sign->data, to_sign->len, digest);
	crypto_hex(digest, sizeof digest, signature);
	mem_wipe(key, sizeof key);
}
