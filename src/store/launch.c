/* SPDX-License-Identifier: Apache-2.0
 *
 * What was tried to get an instance, in order: what AWS gave, and what it had no room for. */
#include "bakery/clock.h"
#include "bakery/store.h"
#include "rows_tree.h"

bool store_launch_add(struct store *store, const struct launch_row *launch, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;

	return transaction_write(&transaction, store, err) && db_build_id(store, launch->build, &id, err) &&
	       db_run(store,
		      "INSERT INTO launch (build, purpose, market, instance_type, zone, subnet, instance, code, at_ms)"
		      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		      VALUES(value_int(id), value_text(launch->purpose), value_text(launch->market),
			     value_text(launch->instance_type), value_text(launch->zone), value_text(launch->subnet),
			     value_text(launch->instance), value_text(launch->code), value_int(store_now_ms(store))),
		      err) &&
	       transaction_commit(&transaction, err);
}

bool store_launch_ended(struct store *store, const char *build, const char *instance, const char *code,
			struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;

	return transaction_write(&transaction, store, err) && db_build_id(store, build, &id, err) &&
	       db_run(store, "UPDATE launch SET code = ? WHERE build = ? AND instance = ?",
		      VALUES(value_text(code), value_int(id), value_text(instance)), err) &&
	       transaction_commit(&transaction, err);
}

bool store_launch_list(struct store *store, const char *build, struct tree **out, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	_cleanup_(tree_freep) struct tree *launches = NULL;
	int64_t id;

	if (!transaction_read(&transaction, store, err) || !db_build_id(store, build, &id, err) ||
	    !rows_array(store, "SELECT " LAUNCH_COLUMNS " FROM launch WHERE build = ? ORDER BY id",
			VALUES(value_int(id)), rows_object, &launches, err) ||
	    !transaction_commit(&transaction, err))
		return false;
	*out = take(&launches);
	return true;
}
