/* SPDX-License-Identifier: Apache-2.0
 *
 * Redaction of streams. The patterns are made once; the scan looks at a byte's table first, so that plain output costs
 * little. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "redact.h"

#define LEAST_DERIVED 4 /* shorter pieces of an encoding would match by chance */
#define LEAST_LINE 8

static void add_pattern(struct redaction *redaction, const char *text, size_t length, size_t least)
{
	if (!length || length < least)
		return;
	for (size_t i = 0; i < redaction->count; i++) {
		if (redaction->patterns[i].len == length && !memcmp(redaction->patterns[i].data, text, length))
			return;
	}
	redaction->patterns = mem_grow(redaction->patterns, redaction->count + 1, sizeof(*redaction->patterns));
	struct str *pattern = &redaction->patterns[redaction->count++];
	*pattern = (struct str)STR_INIT;
	str_add_n(pattern, text, length);
	redaction->first[(unsigned char)*text] = true;
}

typedef void encode(struct str *out, unsigned char c);

static void encode_shell(struct str *out, unsigned char c)
{
	if (c == '\'')
		str_add(out, "'\\''");
	else
		str_add_char(out, (char)c);
}

/* As Python's shlex.quote does it. */
static void encode_shlex(struct str *out, unsigned char c)
{
	if (c == '\'')
		str_add(out, "'\"'\"'");
	else
		str_add_char(out, (char)c);
}

static void encode_doubled(struct str *out, unsigned char c, unsigned char quote)
{
	if (c == quote)
		str_add_char(out, (char)c);
	str_add_char(out, (char)c);
}

/* YAML, SQL */
static void encode_doubled_single(struct str *out, unsigned char c)
{
	encode_doubled(out, c, '\'');
}

/* CSV */
static void encode_doubled_double(struct str *out, unsigned char c)
{
	encode_doubled(out, c, '"');
}

/* printf %q */
static void encode_backslash(struct str *out, unsigned char c)
{
	if (c < 128 && !isalnum(c) && !strchr("_./:=@%+,-", c))
		str_add_char(out, '\\');
	str_add_char(out, (char)c);
}

static void encode_double_quoted(struct str *out, unsigned char c)
{
	if (strchr("$`\"\\", c))
		str_add_char(out, '\\');
	str_add_char(out, (char)c);
}

static void encode_escaped(struct str *out, unsigned char c, const char *also)
{
	static const char plain[] = "\n\t\r\b\f", letters[] = "ntrbf";
	const char *at = strchr(plain, c);
	if (at)
		str_addf(out, "\\%c", letters[at - plain]);
	else if (c == '\\' || strchr(also, c))
		str_addf(out, "\\%c", c);
	else
		str_add_char(out, (char)c);
}

static void encode_json(struct str *out, unsigned char c)
{
	encode_escaped(out, c, "\"");
}

static void encode_json_slashes(struct str *out, unsigned char c)
{
	encode_escaped(out, c, "\"/");
}

/* $'...' as bash prints it with set -x */
static void encode_ansi(struct str *out, unsigned char c)
{
	encode_escaped(out, c, "'");
}

/* The same of bash in the C locale, and of ls */
static void encode_ansi_octal(struct str *out, unsigned char c)
{
	if (c > 126 || (c < ' ' && !strchr("\n\t\r\b\f", c)))
		str_addf(out, "\\%03o", c);
	else
		encode_escaped(out, c, "'");
}

/* What is quoted otherwise: Python's repr, C */
static void encode_backslash_only(struct str *out, unsigned char c)
{
	encode_escaped(out, c, "");
}

/* Python's bytes */
static void encode_bytes(struct str *out, unsigned char c)
{
	if (c > 126 || (c < ' ' && !strchr("\n\t\r", c)))
		str_addf(out, "\\x%02x", c);
	else
		encode_escaped(out, c, "'");
}

static void encode_entity(struct str *out, unsigned char c, const char *single, const char *quote)
{
	const char *entity = c == '&'	 ? "&amp;"
			     : c == '<'	 ? "&lt;"
			     : c == '>'	 ? "&gt;"
			     : c == '"'	 ? quote
			     : c == '\'' ? single
					 : NULL;
	if (entity)
		str_add(out, entity);
	else
		str_add_char(out, (char)c);
}

static void encode_xml(struct str *out, unsigned char c)
{
	encode_entity(out, c, "&apos;", "&quot;");
}

static void encode_xml_text(struct str *out, unsigned char c)
{
	encode_entity(out, c, "'", "\"");
}

static void encode_html(struct str *out, unsigned char c)
{
	encode_entity(out, c, "&#39;", "&#34;");
}

static void encode_html_quote(struct str *out, unsigned char c)
{
	encode_entity(out, c, "&#39;", "&quot;");
}

static void encode_html_hex(struct str *out, unsigned char c)
{
	encode_entity(out, c, "&#x27;", "&quot;");
}

static void encode_percent(struct str *out, unsigned char c, const char *kept, const char *format)
{
	if (isalnum(c) || strchr(kept, c))
		str_add_char(out, (char)c);
	else
		str_addf(out, format, c);
}

static void encode_url(struct str *out, unsigned char c)
{
	encode_percent(out, c, "-_.~", "%%%02X");
}

static void encode_url_lower(struct str *out, unsigned char c)
{
	encode_percent(out, c, "-_.~", "%%%02x");
}

/* Python's urllib.parse.quote */
static void encode_url_slashes(struct str *out, unsigned char c)
{
	encode_percent(out, c, "-_.~/", "%%%02X");
}

static void encode_url_path(struct str *out, unsigned char c)
{
	encode_percent(out, c, "-_.~/:@!$&'()*+,;=", "%%%02X");
}

static void encode_form(struct str *out, unsigned char c)
{
	if (c == ' ')
		str_add_char(out, '+');
	else
		encode_percent(out, c, "-_.*", "%%%02X");
}

static void encode_hex(struct str *out, unsigned char c)
{
	str_addf(out, "%02x", c);
}

/* od -An -tx1, hexdump -C */
static void encode_hex_spaced(struct str *out, unsigned char c)
{
	str_addf(out, "%s%02x", out->len ? " " : "", c);
}

/* openssl, fingerprints */
static void encode_hex_colons(struct str *out, unsigned char c)
{
	str_addf(out, "%s%02x", out->len ? ":" : "", c);
}

static void encode_hex_colons_upper(struct str *out, unsigned char c)
{
	str_addf(out, "%s%02X", out->len ? ":" : "", c);
}

static void encode_hex_upper(struct str *out, unsigned char c)
{
	str_addf(out, "%02X", c);
}

static encode *const encodings[] = {
	encode_shell,
	encode_backslash,
	encode_double_quoted,
	encode_json,
	encode_json_slashes,
	encode_ansi,
	encode_shlex,
	encode_doubled_single,
	encode_doubled_double,
	encode_ansi_octal,
	encode_backslash_only,
	encode_bytes,
	encode_xml,
	encode_xml_text,
	encode_html,
	encode_html_quote,
	encode_html_hex,
	encode_hex_spaced,
	encode_hex_colons,
	encode_hex_colons_upper,
	encode_url,
	encode_url_slashes,
	encode_url_lower,
	encode_url_path,
	encode_form,
	encode_hex,
	encode_hex_upper,
};

static void add_encoded(struct redaction *redaction, const char *secret, encode *each)
{
	_cleanup_(str_wipe_free) struct str text = STR_INIT;
	for (const char *at = secret; *at; at++)
		each(&text, (unsigned char)*at);
	add_pattern(redaction, text.data, text.len, LEAST_DERIVED);
}

/* xxd: two bytes, then a space; the secret may begin with the second of two. */
static void add_xxd(struct redaction *redaction, const char *secret, size_t shift)
{
	_cleanup_(str_wipe_free) struct str text = STR_INIT;
	for (size_t i = 0; secret[i]; i++)
		str_addf(&text, "%s%02x", i && (i + shift) % 2 == 0 ? " " : "", (unsigned char)secret[i]);
	add_pattern(redaction, text.data, text.len, LEAST_DERIVED);
}

/* One character of UTF-8; a byte that is none stands for itself. */
static unsigned next_character(const char **at)
{
	const unsigned char *bytes = (const unsigned char *)*at;
	size_t more = bytes[0] >= 0xf0 ? 3 : bytes[0] >= 0xe0 ? 2 : bytes[0] >= 0xc0 ? 1 : 0;
	unsigned character = more ? bytes[0] & (0x3f >> more) : bytes[0];
	for (size_t i = 1; i <= more; i++) {
		if ((bytes[i] & 0xc0) != 0x80) {
			more = 0;
			character = bytes[0];
			break;
		}
		character = character << 6 | (bytes[i] & 0x3f);
	}
	*at += 1 + more;
	return character;
}

/* JSON of those who escape more than they must: Python all that is not ASCII, Go also & < >. */
static void add_json_unicode(struct redaction *redaction, const char *secret, bool is_ascii, const char *also,
			     const char *format)
{
	_cleanup_(str_wipe_free) struct str text = STR_INIT;
	for (const char *at = secret; *at;) {
		const char *from = at;
		unsigned c = next_character(&at);
		if (c > 126 && !is_ascii) {
			str_add_n(&text, from, (size_t)(at - from));
		} else if (c > 0xffff) {
			str_addf(&text, format, 0xd800 + ((c - 0x10000) >> 10));
			str_addf(&text, format, 0xdc00 + ((c - 0x10000) & 0x3ff));
		} else if (c > 126 || (c < ' ' && !strchr("\n\t\r\b\f", (int)c)) || strchr(also, (int)c)) {
			str_addf(&text, format, c);
		} else {
			encode_json(&text, (unsigned char)c);
		}
	}
	add_pattern(redaction, text.data, text.len, LEAST_DERIVED);
}

/* Of the base64 of something that holds the secret, only the characters that depend on nothing else are known. */
static void add_base64(struct redaction *redaction, const char *secret, size_t shift)
{
	static const size_t unknown_front[] = {0, 2, 3}, unknown_back[] = {0, 3, 2};
	_cleanup_(str_wipe_free) struct str bytes = STR_INIT, text = STR_INIT;
	str_add_n(&bytes, "\0\0", shift);
	str_add(&bytes, secret);
	crypto_base64(bytes.data, bytes.len, &text);
	size_t front = unknown_front[shift], back = unknown_back[bytes.len % 3];
	if (text.len < front + back + LEAST_DERIVED)
		return;
	add_pattern(redaction, text.data + front, text.len - front - back, LEAST_DERIVED);
	for (char *at = text.data; *at; at++) /* base64url */
		*at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
	add_pattern(redaction, text.data + front, text.len - front - back, LEAST_DERIVED);
}

/* A key file is often shown line by line, with something before each. */
static void add_lines(struct redaction *redaction, const char *secret)
{
	for (const char *at = secret; *at;) {
		size_t length = strcspn(at, "\r\n");
		add_pattern(redaction, at, length, LEAST_LINE);
		at += length + strspn(at + length, "\r\n");
	}
}

void redaction_add(struct redaction *redaction, const char *secret)
{
	size_t length = strlen(secret);
	while (length && strchr("\r\n", secret[length - 1])) /* what prints it may drop the last newline */
		length--;
	_cleanup_(str_wipe_free) struct str bare = STR_INIT;
	str_add_n(&bare, secret, length);
	add_pattern(redaction, bare.data, bare.len, 1);
	for (size_t i = 0; i < ARRAY_SIZE(encodings); i++)
		add_encoded(redaction, bare.data, encodings[i]);
	for (size_t shift = 0; shift < 2; shift++)
		add_xxd(redaction, bare.data, shift);
	for (size_t i = 0; i < 6; i++)
		add_json_unicode(redaction, bare.data, i < 4, i < 2 ? "" : "&<>", i % 2 ? "\\u%04X" : "\\u%04x");
	for (size_t shift = 0; shift < 3; shift++)
		add_base64(redaction, bare.data, shift);
	if (strpbrk(bare.data, "\r\n"))
		add_lines(redaction, bare.data);
}

void redaction_free(struct redaction *redaction)
{
	for (size_t i = 0; i < redaction->count; i++)
		str_wipe_free(&redaction->patterns[i]);
	free(redaction->patterns);
	*redaction = (struct redaction){0};
}

enum match { MATCH_NONE, MATCH_WHOLE, MATCH_UNSURE /* the data ends within the pattern */ };

/* How much at data is nothing but the end of a line, as it comes or as JSON writes it, and what the next one is
 * indented by; 0: it is something else. *unsure: the data ends within it. */
static size_t line_end(const char *data, size_t length, bool *unsure)
{
	size_t at = 0;
	while (at < length && (data[at] == '\n' || data[at] == '\r'))
		at++;
	if (!at && data[0] == '\\') {
		*unsure |= length == 1;
		return length > 1 && (data[1] == 'n' || data[1] == 'r') ? 2 : 0;
	}
	while (at && at < length && (data[at] == ' ' || data[at] == '\t'))
		at++;
	*unsure |= at == length;
	return at;
}

/* Line ends within the data are passed over: base64 and terminals break long texts. */
static enum match match_here(const struct str *pattern, const char *data, size_t length, size_t *used)
{
	size_t at = 0, matched = 0;
	while (matched < pattern->len) {
		bool unsure = at == length;
		size_t passed = 0;
		if (!unsure && data[at] == pattern->data[matched]) {
			matched++;
			at++;
			continue;
		}
		if (!unsure && matched)
			passed = line_end(data + at, length - at, &unsure);
		if (unsure)
			return MATCH_UNSURE;
		if (!passed)
			return MATCH_NONE;
		at += passed;
	}
	*used = at;
	return MATCH_WHOLE;
}

static enum match match_any(const struct redaction *redaction, const char *data, size_t length, size_t *longest)
{
	enum match best = MATCH_NONE;
	*longest = 0;
	for (size_t i = 0; i < redaction->count; i++) {
		size_t used = 0;
		enum match match = match_here(&redaction->patterns[i], data, length, &used);
		if (match > best)
			best = match;
		if (used > *longest)
			*longest = used;
	}
	return best;
}

static void scan(struct redactor *redactor, bool is_last, struct str *out)
{
	const struct redaction *redaction = redactor->redaction;
	const struct str *held = &redactor->held;
	size_t at = 0;
	while (at < held->len) {
		size_t start = at, longest;
		while (at < held->len && !redaction->first[(unsigned char)held->data[at]])
			at++;
		str_add_n(out, held->data + start, at - start);
		if (at == held->len)
			break;
		enum match match = match_any(redaction, held->data + at, held->len - at, &longest);
		if (match == MATCH_UNSURE && !is_last)
			break;
		if (longest)
			str_add(out, REDACTED);
		else
			str_add_char(out, held->data[at]);
		at += longest ? longest : 1;
	}
	str_remove_front(&redactor->held, at);
}

void redactor_feed(struct redactor *redactor, const char *data, size_t length, struct str *out)
{
	if (!redactor->redaction || !redactor->redaction->count) {
		str_add_n(out, data, length);
		return;
	}
	str_add_n(&redactor->held, data, length);
	scan(redactor, false, out);
}

void redactor_flush(struct redactor *redactor, struct str *out)
{
	if (redactor->held.len)
		scan(redactor, true, out);
}

void redactor_free(struct redactor *redactor)
{
	str_wipe_free(&redactor->held);
}
