/* SPDX-License-Identifier: Apache-2.0
 *
 * Independent calls side by side: `width` threads take items from one counter. */
#include <pthread.h>
#include <stdlib.h>

#include "bakery/mem.h"
#include "bakery/parallel.h"

struct crew {
	char *items;
	size_t count, item_size;
	_Atomic size_t next;
	bool (*run)(void *item, struct error *err);
	struct error *errors;
};

static void *work(void *argument)
{
	struct crew *crew = argument;
	size_t i;

	while ((i = crew->next++) < crew->count) {
		if (!crew->run(crew->items + i * crew->item_size, &crew->errors[i]))
			continue;
		error_clear(&crew->errors[i]);
	}
	return NULL;
}

void parallel_crew(size_t width, void *(*run)(void *argument), void *argument)
{
	_cleanup_(freep) pthread_t *threads = mem_array(width, sizeof(*threads));
	size_t started = 0;

	while (started + 1 < width && pthread_create(&threads[started], NULL, run, argument) == 0)
		started++;
	run(argument);
	while (started)
		pthread_join(threads[--started], NULL);
}

bool parallel_each(void *items, size_t count, size_t item_size, size_t width,
		   bool (*run)(void *item, struct error *err), struct error *errors, struct error *err)
{
	_cleanup_(freep) struct error *own = errors ? NULL : mem_array(count, sizeof(*own));
	struct crew crew = {
		.items = items, .count = count, .item_size = item_size, .run = run, .errors = errors ? errors : own};

	parallel_crew(width && width < count ? width : count, work, &crew);
	for (size_t i = 0; i < count; i++) {
		if (crew.errors[i].kind != ERROR_NONE) {
			*err = crew.errors[i];
			return false;
		}
	}
	return true;
}
