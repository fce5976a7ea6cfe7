/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiler attributes and the few macros used everywhere. Nothing here hides control flow. */
#ifndef BAKERY_MACROS_H
#define BAKERY_MACROS_H

#include <stddef.h>

#define must_check __attribute__((warn_unused_result))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

/* A resource with an owner on the stack: _cleanup_(tree_freep) struct tree *reply = NULL; */
#define _cleanup_(function) __attribute__((cleanup(function)))

/* Hands a pointer out of a _cleanup_ variable: return take(&reply); */
#define take(pointer)                                                                                                  \
	({                                                                                                             \
		__auto_type taken_ = *(pointer);                                                                       \
		*(pointer) = NULL;                                                                                     \
		taken_;                                                                                                \
	})

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
