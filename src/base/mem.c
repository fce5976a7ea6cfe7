/* SPDX-License-Identifier: Apache-2.0
 *
 * Plain memory; running out of it aborts. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "bakery/mem.h"

static void *alive(void *memory)
{
	if (!memory) {
		fputs("bakery: out of memory\n", stderr);
		abort();
	}
	return memory;
}

void *mem_alloc(size_t size)
{
	return alive(calloc(1, size ? size : 1));
}

void *mem_array(size_t count, size_t size)
{
	return alive(calloc(count ? count : 1, size ? size : 1));
}

void *mem_grow(void *old, size_t count, size_t size)
{
	return alive(reallocarray(old, count ? count : 1, size ? size : 1));
}

char *mem_strdup(const char *text)
{
	return text ? alive(strdup(text)) : NULL;
}

char *mem_strndup(const char *text, size_t length)
{
	size_t used = strnlen(text, length);

	return memcpy(mem_alloc(used + 1), text, used);
}

char *mem_printf(const char *fmt, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	return alive(text);
}

void mem_wipe(void *data, size_t size)
{
	if (data)
		OPENSSL_cleanse(data, size);
}

void freep(void *pointer)
{
	free(*(void **)pointer);
}
