/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8 decoding and terminal widths. Not wcwidth(3): that one knows only the locale's characters, and CI jobs run in
 * the C locale. */
#include "bakery/utf8.h"

#include <string.h>

#include "bakery/macros.h"

static size_t sequence_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

size_t utf8_next(const char *text, size_t length, uint32_t *code)
{
	static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	if (!length)
		return 0;
	size_t bytes = sequence_length((unsigned char)text[0]);
	*code = UTF8_BAD;
	if (!bytes || bytes > length)
		return 1;
	uint32_t value = (unsigned char)text[0] & first_bits[bytes];
	for (size_t i = 1; i < bytes; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 1;
		value = value << 6 | ((unsigned char)text[i] & 0x3f);
	}
	if (value < least[bytes] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return 1;
	*code = value;
	return bytes;
}

struct range {
	uint32_t first, last;
	int width;
};

/* From Unicode's EastAsianWidth.txt (W, F) and DerivedGeneralCategory.txt (Mn, Me, Cf), joined to the blocks that
 * matter. */
static const struct range ranges[] = {
	{0x0300, 0x036f, 0},   {0x0483, 0x0489, 0},   {0x0591, 0x05bd, 0},   {0x0610, 0x061a, 0},
	{0x064b, 0x065f, 0},   {0x0900, 0x0902, 0},   {0x0e34, 0x0e3a, 0},   {0x0e47, 0x0e4e, 0},
	{0x1100, 0x115f, 2},   {0x1160, 0x11ff, 0},   {0x1ab0, 0x1aff, 0},   {0x1dc0, 0x1dff, 0},
	{0x200b, 0x200f, 0},   {0x202a, 0x202e, 0},   {0x2060, 0x2064, 0},   {0x20d0, 0x20ff, 0},
	{0x231a, 0x231b, 2},   {0x23e9, 0x23ec, 2},   {0x2705, 0x2705, 2},   {0x270a, 0x270b, 2},
	{0x2728, 0x2728, 2},   {0x274c, 0x274c, 2},   {0x2753, 0x2755, 2},   {0x2795, 0x2797, 2},
	{0x2e80, 0x303e, 2},   {0x3041, 0x33ff, 2},   {0x3400, 0x4dbf, 2},   {0x4e00, 0x9fff, 2},
	{0xa000, 0xa4cf, 2},   {0xa960, 0xa97f, 2},   {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},
	{0xfe00, 0xfe0f, 0},   {0xfe20, 0xfe2f, 0},   {0xfe30, 0xfe6f, 2},   {0xfeff, 0xfeff, 0},
	{0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2},   {0x1f1e6, 0x1f202, 2}, {0x1f300, 0x1f64f, 2},
	{0x1f680, 0x1f6ff, 2}, {0x1f900, 0x1f9ff, 2}, {0x1fa70, 0x1faff, 2}, {0x20000, 0x3fffd, 2},
	{0xe0100, 0xe01ef, 0},
};

int utf8_width(uint32_t code)
{
	if (code < ranges[0].first)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(ranges) && ranges[i].first <= code; i++) {
		if (code <= ranges[i].last)
			return ranges[i].width;
	}
	return 1;
}

void utf8_add_clean(struct str *out, const char *text, size_t length)
{
	uint32_t code;
	for (size_t used; (used = utf8_next(text, length, &code)); text += used, length -= used) {
		if (code == UTF8_BAD)
			str_add(out, "\xef\xbf\xbd");
		else
			str_add_n(out, text, used);
	}
}

/* What makes a terminal show something else than what the text says (CVE-2021-42574 for the last two ranges). */
static bool deceives(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

static void add_written_out(struct str *out, uint32_t code)
{
	static const char letters[] = "\a\b\t\n\v\f\r", names[] = "abtnvfr";
	const char *letter = code && code < 0x80 ? strchr(letters, (int)code) : NULL;
	if (letter)
		str_addf(out, "\\%c", names[letter - letters]);
	else
		str_addf(out, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
}

static void add_visible(struct str *out, const char *text, size_t length, const char *kept)
{
	uint32_t code;
	for (size_t used; (used = utf8_next(text, length, &code)); text += used, length -= used) {
		if (code == UTF8_BAD)
			str_addf(out, "\\x%02x", (unsigned char)*text);
		else if (deceives(code) && (!*text || !strchr(kept, *text)))
			add_written_out(out, code);
		else
			str_add_n(out, text, used);
	}
}

void utf8_add_visible(struct str *out, const char *text, size_t length)
{
	add_visible(out, text, length, "");
}

void utf8_add_visible_lines(struct str *out, const char *text, size_t length)
{
	add_visible(out, text, length, "\n\t");
}
