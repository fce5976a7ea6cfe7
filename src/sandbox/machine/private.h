/* SPDX-License-Identifier: Apache-2.0
 *
 * The room and its machines as its files share them: machine_room.c (opening, booting, halting), machine_run.c (the
 * thread of a machine), machine_tell.c (the thread that tells the server), machine_address.c, machine_freeze.c. */
#ifndef BAKERY_SANDBOX_MACHINE_PRIVATE_H
#define BAKERY_SANDBOX_MACHINE_PRIVATE_H

#include <pthread.h>

#include "machine.h"

enum machine_state { MACHINE_HALTED, MACHINE_BOOTING, MACHINE_RUNNING };
enum machine_wish { MACHINE_WISH_NONE, MACHINE_WISH_HALT, MACHINE_WISH_REBOOT };

/* Lives as long as the room, also when its folder is gone: somebody may still be waiting for its turn. */
struct machine {
	struct machine *next;
	struct machines *room;
	char *id, *folder;
	pthread_mutex_t turn; /* one operation at a time; taken before room->lock */
	bool has_thread;      /* to be joined; guarded by turn */
	pthread_t thread;
	int wake_fd; /* eventfd: look at wish */

	/* guarded by room->lock, room->changed tells of changes */
	enum machine_state state;
	enum machine_wish wish;
	unsigned boots;
	struct error failure; /* of the last boot, when state is MACHINE_HALTED */
};

struct notice {
	struct notice *next;
	char *id;
	enum machine_exit how;
};

struct machines {
	char *folder, *tools; /* folder/machines, folder/machine-tools */
	struct log *log;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct machine *all;
	char **reserved; /* addresses handed out, not yet in a machine's record */
	size_t reserved_count;

	machine_ended *ended;
	void *cookie;
	pthread_t teller;
	bool closing;
	struct notice *notices;
	pthread_cond_t noticed;
};

/* A machine's turn; NULL with an error when there is no such machine (take: when the name is none). */
struct machine *machine_turn_take(struct machines *room, const char *id, struct error *err) must_check;
struct machine *machine_turn_take_existing(struct machines *room, const char *id, struct error *err) must_check;
void machine_turn_end(struct machine **machine); /* for _cleanup_; NULL is fine */
enum machine_state machine_state_of(struct machine *machine);
struct machine *machine_find_locked(struct machines *room, const char *id);

void *machine_main(void *machine); /* body of a machine's thread */

bool machine_tell_start(struct machines *room, struct error *err) must_check;
void machine_tell(struct machines *room, const char *id, enum machine_exit how);
void machine_tell_stop(struct machines *room); /* what was told before is delivered first */

#endif
