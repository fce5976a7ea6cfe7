/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8 from outside: machines print anything. Decoding never fails, it reports bad bytes; widths are those of a
 * terminal. */
#ifndef BAKERY_UTF8_H
#define BAKERY_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "bakery/str.h"

#define UTF8_BAD UINT32_MAX

/* The bytes that the next character takes (at least 1, at most length; 0 at the end). *code: UTF8_BAD for a byte that
 * is not UTF-8 (overlong forms, surrogates and values beyond U+10FFFF included). */
size_t utf8_next(const char *text, size_t length, uint32_t *code);
/* Columns on a terminal: 0 for combining marks, 2 for wide East Asian characters and emoji, else 1. */
int utf8_width(uint32_t code);
/* Appends the text with U+FFFD for each bad byte: fit for JSON. */
void utf8_add_clean(struct str *out, const char *text, size_t length);
/* Appends the text as a terminal may safely get it: control characters, bidirectional overrides and bad UTF-8 are
 * written out ("\n", "\x1b", "\u202e"). */
void utf8_add_visible(struct str *out, const char *text, size_t length);
/* The same, but line ends and tabs stay what they are. */
void utf8_add_visible_lines(struct str *out, const char *text, size_t length);

#endif
