/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory: allocation never fails (it aborts), and what is born together dies together in an arena. */
#ifndef BAKERY_MEM_H
#define BAKERY_MEM_H

#include <stdarg.h>
#include <stddef.h>

#include "bakery/macros.h"

void *mem_alloc(size_t size);			      /* zeroed; free() it */
void *mem_array(size_t count, size_t size);	      /* zeroed, overflow checked; free() it */
void *mem_grow(void *old, size_t count, size_t size); /* realloc for count elements */
char *mem_strdup(const char *text);		      /* NULL stays NULL */
char *mem_strndup(const char *text, size_t length);
char *mem_printf(const char *fmt, ...) printf_like(1, 2);
void mem_wipe(void *data, size_t size); /* overwrites; not optimized away */

void freep(void *pointer); /* for _cleanup_(freep) char *x */

/* An arena owns everything allocated from it; pointers into it live until arena_free. Not thread-safe. */
struct arena;
struct arena *arena_new(void);
void arena_free(struct arena *arena);
void arena_freep(struct arena **arena);
void arena_wipe_freep(struct arena **arena);	     /* overwrites all that was allocated: for secrets */
void *arena_alloc(struct arena *arena, size_t size); /* zeroed, aligned for any type */
/* The arena owns what was made elsewhere too (a tree): release(pointer) is called by arena_free, newest first. */
void arena_own(struct arena *arena, void *pointer, void (*release)(void *pointer));
char *arena_strdup(struct arena *arena, const char *text); /* NULL stays NULL */
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *fmt, ...) printf_like(2, 3);

#endif
