/* SPDX-License-Identifier: Apache-2.0
 *
 * The growing string. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"

char str_empty_[1] = ""; /* what an empty string points at; never written to, since size 0 says "not ours" */

void str_free(struct str *s)
{
	if (s->size)
		free(s->data);
	*s = (struct str)STR_INIT;
}

void str_wipe_free(struct str *s)
{
	if (s->size)
		mem_wipe(s->data, s->size);
	str_free(s);
}

void str_clear(struct str *s)
{
	s->len = 0;
	if (s->size)
		s->data[0] = '\0';
}

char *str_take(struct str *s)
{
	char *text = s->size ? s->data : mem_strdup("");

	*s = (struct str)STR_INIT;
	return text;
}

void str_reserve(struct str *s, size_t more)
{
	size_t wanted = s->len + more + 1;
	size_t size = s->size ? s->size : 32;
	char *grown;

	if (wanted <= s->size)
		return;
	while (size < wanted)
		size += size / 2 + 32;
	grown = mem_grow(NULL, size, 1);
	memcpy(grown, s->data, s->len + 1);
	if (s->size) { /* it may be a secret that grows: no copy of its beginning stays behind */
		mem_wipe(s->data, s->len);
		free(s->data);
	}
	s->data = grown;
	s->size = size;
}

void str_add_n(struct str *s, const void *data, size_t length)
{
	if (!length)
		return;
	str_reserve(s, length);
	memcpy(s->data + s->len, data, length);
	s->len += length;
	s->data[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_add_n(s, text, strlen(text));
}

void str_add_char(struct str *s, char c)
{
	str_add_n(s, &c, 1);
}

void str_vaddf(struct str *s, const char *fmt, va_list args)
{
	va_list again;
	int length;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, fmt, args);
	if (length < 0)
		abort();
	str_reserve(s, (size_t)length);
	vsnprintf(s->data + s->len, (size_t)length + 1, fmt, again);
	va_end(again);
	s->len += (size_t)length;
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	str_vaddf(s, fmt, args);
	va_end(args);
}

void str_add_joined(struct str *s, const char *separator, const char *const *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i)
			str_add(s, separator);
		str_add(s, items[i]);
	}
}

void str_add_shell_quoted(struct str *s, const char *text)
{
	str_add_char(s, '\'');
	for (const char *c = text; *c; c++) {
		if (*c == '\'')
			str_add(s, "'\\''");
		else
			str_add_char(s, *c);
	}
	str_add_char(s, '\'');
}

void str_remove_front(struct str *s, size_t count)
{
	if (!count)
		return;
	memmove(s->data, s->data + count, s->len - count + 1);
	s->len -= count;
}

void str_trim_right(struct str *s)
{
	while (s->len && strchr(" \t\r\n", s->data[s->len - 1]))
		s->data[--s->len] = '\0';
}
