/* SPDX-License-Identifier: Apache-2.0
 *
 * Independent calls side by side, each in a thread of its own. */
#ifndef BAKERY_PARALLEL_H
#define BAKERY_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>

#include "bakery/error.h"

/* Calls run(item, err) for items[0..count) of item_size bytes each, at most `width` at once (0: all), and waits for all
 * of them. Fails with the first failed item's error (in item order); errors, when not NULL, gets each one's (ERROR_NONE
 * where it went well). */
bool parallel_each(void *items, size_t count, size_t item_size, size_t width,
		   bool (*run)(void *item, struct error *err), struct error *errors, struct error *err) must_check;

/* Runs work(argument) in `width` threads, the calling one among them (so that it gets done even when no thread can be
 * made), and waits for all. */
void parallel_crew(size_t width, void *(*work)(void *argument), void *argument);

#endif
