/* SPDX-License-Identifier: Apache-2.0
 *
 * Leases: what only one build may do at a time, whichever process it runs in. A lease is as alive as the claim of the
 * build that took it, so it needs no heartbeat of its own, and ends with the build or its process. */
#include <string.h>

#include "bakery/store.h"
#include "db.h"

/* The other build that holds it and is worked on; "": none. */
static bool holder_find(struct store *store, const char *name, int64_t id, char holder[BUILD_ID_SIZE],
			struct error *err)
{
	_cleanup_(rows_close) struct rows rows =
		db_rows(store,
			"SELECT b.build FROM lease l JOIN build b ON b.id = l.build JOIN claim c ON c.build = l.build"
			" WHERE l.name = ? AND l.build <> ? AND " SQL_HOLDER_ALIVE,
			VALUES(value_text(name), value_int(id)));

	holder[0] = '\0';
	if (rows_next(&rows))
		strncat(holder, rows_text(&rows, 0), BUILD_ID_SIZE - 1);
	return rows_ok(&rows, err);
}

bool store_lease_take(struct store *store, const char *name, const char *build, char holder[BUILD_ID_SIZE],
		      struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;

	if (!transaction_write(&transaction, store, err) || !db_build_id(store, build, &id, err) ||
	    !claim_fence(store, build, id, err) || !holder_find(store, name, id, holder, err))
		return false;
	if (holder[0])
		return true;
	return db_run(store, "INSERT OR REPLACE INTO lease (name, build) VALUES (?, ?)",
		      VALUES(value_text(name), value_int(id)), err) &&
	       transaction_commit(&transaction, err);
}

bool store_lease_give(struct store *store, const char *name, const char *build, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;

	return transaction_write_lazily(&transaction, store, err) && db_build_id(store, build, &id, err) &&
	       db_run(store, "DELETE FROM lease WHERE name = ? AND build = ?", VALUES(value_text(name), value_int(id)),
		      err) &&
	       transaction_commit(&transaction, err);
}
