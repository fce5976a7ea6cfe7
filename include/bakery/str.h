/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing string and a few tests on plain ones. A low-level primitive: it may use nothing but mem.
 *
 * struct str: data is always a valid NUL-terminated string (also when len is 0) and may hold NULs inside; len
 * does not count the last NUL. Start with STR_INIT; release with str_free or _cleanup_(str_free). Appending cannot
 * fail. */
#ifndef BAKERY_STR_H
#define BAKERY_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bakery/macros.h"

struct str {
	char *data;
	size_t len, size;
};
extern char str_empty_[1];
#define STR_INIT                                                                                                       \
	{                                                                                                              \
		.data = str_empty_                                                                                     \
	}

void str_free(struct str *s);	   /* back to STR_INIT */
void str_wipe_free(struct str *s); /* the same, for secrets; what they grew out of was wiped already */
void str_clear(struct str *s);	   /* empty, keeps the memory */
char *str_take(struct str *s);	   /* hands the text out (free() it); s is empty again */
void str_reserve(struct str *s, size_t more);
void str_add(struct str *s, const char *text);
void str_add_n(struct str *s, const void *data, size_t length);
void str_add_char(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) printf_like(2, 3);
void str_vaddf(struct str *s, const char *fmt, va_list args);
void str_add_joined(struct str *s, const char *separator, const char *const *items, size_t count);
void str_add_shell_quoted(struct str *s, const char *text); /* 'it'\''s' */
void str_remove_front(struct str *s, size_t count);
void str_trim_right(struct str *s); /* white space at the end */

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
bool str_glob(const char *pattern, const char *text); /* * and ?, as in AWS filters; case counts */
bool str_to_int(const char *text, int64_t *out);      /* whole text, base 10 */
size_t str_distance(const char *a, const char *b);    /* edit distance, for "did you mean" */

/* The nearest of candidates if it is near enough to be a slip of the pen, else NULL. */
const char *str_nearest(const char *text, const char *const *candidates, size_t count);

/* "30s", "5m", "2h", "90d" (and plain "0") to seconds; false if it is none of these. */
bool str_to_duration(const char *text, int64_t *seconds);

#endif
