/* SPDX-License-Identifier: Apache-2.0
 *
 * What the cloud remembers: documents, each the very tree that a Describe call would show of it, kept in one SQLite
 * file. A member whose name opens with "_" is the sandbox's own and is never sent. Every request and every transition
 * is one transaction.
 *
 * Not thread-safe: whoever uses it holds the cloud's lock. A failing database is remembered; state_commit tells of it.
 */
#ifndef BAKERY_SANDBOX_STATE_H
#define BAKERY_SANDBOX_STATE_H

#include <stdbool.h>

#include "bakery/error.h"
#include "bakery/tree.h"

struct state;
/* Makes the file when there is none; refuses one of a newer form. */
bool state_open(const char *path, struct state **out, struct error *err) must_check;
void state_close(struct state *state);

void state_begin(struct state *state);
bool state_commit(struct state *state, struct error *err) must_check; /* false: nothing of it was kept */
void state_rollback(struct state *state);

/* account NULL: whoever's; region NULL: in any. */
struct tree *state_get(struct state *state, const char *account, const char *region, const char *kind,
		       const char *id); /* free it; or NULL */
struct tree *state_list(struct state *state, const char *account, const char *region,
			const char *kind); /* an array, oldest first; free it */
void state_put(struct state *state, const char *account, const char *region, const char *kind, const char *id,
	       const struct tree *document);
void state_remove(struct state *state, const char *account, const char *region, const char *kind, const char *id);

#endif
