/* SPDX-License-Identifier: Apache-2.0
 *
 * An arena: blocks in a list, each twice as large as the one before up to a limit. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 65536 };

struct block {
	struct block *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

struct owned { /* lies in the arena itself */
	struct owned *next;
	void *pointer;
	void (*release)(void *pointer);
};

struct arena {
	struct block *blocks;
	struct owned *owned;
};

struct arena *arena_new(void)
{
	return mem_alloc(sizeof(struct arena));
}

static void release_owned(struct arena *arena)
{
	for (struct owned *owned = arena->owned; owned; owned = owned->next)
		owned->release(owned->pointer);
	arena->owned = NULL;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	release_owned(arena);
	while (arena->blocks) {
		struct block *block = arena->blocks;
		arena->blocks = block->next;
		free(block);
	}
	free(arena);
}

void arena_freep(struct arena **arena)
{
	arena_free(*arena);
}

void arena_wipe_freep(struct arena **arena)
{
	if (!*arena)
		return;
	release_owned(*arena);
	for (struct block *block = (*arena)->blocks; block; block = block->next)
		mem_wipe(block->data, block->used);
	arena_free(*arena);
}

static struct block *block_add(struct arena *arena, size_t wanted)
{
	size_t size = arena->blocks ? arena->blocks->size * 2 : FIRST_BLOCK;
	struct block *block;

	if (size > LARGEST_BLOCK)
		size = LARGEST_BLOCK;
	if (size < wanted)
		size = wanted;
	block = mem_alloc(sizeof(*block) + size);
	block->size = size;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct block *block = arena->blocks;
	void *memory;

	size = (size + align - 1) / align * align;
	if (!block || block->size - block->used < size)
		block = block_add(arena, size);
	memory = block->data + block->used;
	block->used += size;
	return memory;
}

void arena_own(struct arena *arena, void *pointer, void (*release)(void *pointer))
{
	struct owned *owned = arena_alloc(arena, sizeof(*owned));

	*owned = (struct owned){.next = arena->owned, .pointer = pointer, .release = release};
	arena->owned = owned;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	memcpy(copy, text, length);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list args, again;
	int length;
	char *text;

	va_start(args, fmt);
	va_copy(again, args);
	length = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (length < 0)
		abort();
	text = arena_alloc(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, fmt, again);
	va_end(again);
	return text;
}
