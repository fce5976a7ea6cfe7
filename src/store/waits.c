/* SPDX-License-Identifier: Apache-2.0
 *
 * How long the cloud took before. */
#include "bakery/clock.h"
#include "bakery/store.h"
#include "db.h"

/* The last few rows are enough, and keep the table small. */
#define KEPT "5"

bool store_wait_add(struct store *store, const char *region, const char *name, int64_t took_ms, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};

	return transaction_write_lazily(&transaction, store, err) &&
	       db_run(store, "INSERT INTO wait_time (region, name, took_ms, at_ms) VALUES (?, ?, ?, ?)",
		      VALUES(value_text(region), value_text(name), value_int(took_ms), value_int(store_now_ms(store))),
		      err) &&
	       db_run(store,
		      "DELETE FROM wait_time WHERE region = ?1 AND name = ?2 AND id NOT IN"
		      " (SELECT id FROM wait_time WHERE region = ?1 AND name = ?2 ORDER BY id DESC LIMIT " KEPT ")",
		      VALUES(value_text(region), value_text(name)), err) &&
	       transaction_commit(&transaction, err);
}

bool store_wait_expected(struct store *store, const char *region, const char *name, int64_t *took_ms, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	bool found;

	*took_ms = 0;
	return transaction_read(&transaction, store, err) &&
	       db_int(store, "SELECT coalesce(min(took_ms), 0) FROM wait_time WHERE region = ? AND name = ?",
		      VALUES(value_text(region), value_text(name)), took_ms, &found, err) &&
	       transaction_commit(&transaction, err);
}
