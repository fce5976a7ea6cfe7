/* SPDX-License-Identifier: Apache-2.0
 *
 * Telling the server that machines ended, from a thread of its own: the server may hold its locks while it waits for a
 * machine's thread, so that one must never wait for the server. */
#include <stdlib.h>

#include "bakery/mem.h"
#include "private.h"

static struct notice *next_notice(struct machines *room)
{
	struct notice *notice;

	pthread_mutex_lock(&room->lock);
	while (!room->notices && !room->closing)
		pthread_cond_wait(&room->noticed, &room->lock);
	notice = room->notices;
	if (notice)
		room->notices = notice->next;
	pthread_mutex_unlock(&room->lock);
	return notice;
}

static void *teller_main(void *argument)
{
	struct machines *room = argument;
	struct notice *notice;

	while ((notice = next_notice(room))) {
		if (room->ended)
			room->ended(room->cookie, notice->id, notice->how);
		free(notice->id);
		free(notice);
	}
	return NULL;
}

bool machine_tell_start(struct machines *room, struct error *err)
{
	if (pthread_create(&room->teller, NULL, teller_main, room) == 0)
		return true;
	return error_set(err, ERROR_INTERNAL, "cannot start a thread");
}

void machine_tell(struct machines *room, const char *id, enum machine_exit how)
{
	struct notice *notice = mem_alloc(sizeof(*notice)), **last = &room->notices;

	notice->id = mem_strdup(id);
	notice->how = how;
	pthread_mutex_lock(&room->lock);
	while (*last)
		last = &(*last)->next;
	*last = notice;
	pthread_cond_signal(&room->noticed);
	pthread_mutex_unlock(&room->lock);
}

void machine_tell_stop(struct machines *room)
{
	pthread_mutex_lock(&room->lock);
	room->closing = true;
	pthread_cond_signal(&room->noticed);
	pthread_mutex_unlock(&room->lock);
	pthread_join(room->teller, NULL);
}
