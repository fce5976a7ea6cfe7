/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger: AWS resources a build holds, written down before they are made. Rows are never deleted, so that the
 * record tells what there was. */
#include "bakery/clock.h"
#include "bakery/store.h"
#include "rows_tree.h"

#define HOLD_COLUMNS "id, kind, region, token, resource, purpose, coalesce(made_ms, intended_ms)"

static void hold_read(const struct rows *rows, struct arena *arena, struct hold *out)
{
	*out = (struct hold){
		.row = rows_int(rows, 0),
		.kind = arena_strdup(arena, rows_text(rows, 1)),
		.region = arena_strdup(arena, rows_text(rows, 2)),
		.token = arena_strdup(arena, rows_text(rows, 3)),
		.id = arena_strdup(arena, rows_text(rows, 4)),
		.purpose = arena_strdup(arena, rows_text(rows, 5)),
		.since_ms = rows_int(rows, 6),
	};
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static bool hold_find(struct store *store, int64_t id, const struct hold *wish, struct arena *arena, struct hold *out,
		      bool *found, struct error *err)
{
	_cleanup_(rows_close) struct rows rows =
		db_rows(store,
			"SELECT " HOLD_COLUMNS " FROM hold WHERE build = ? AND kind = ? AND region = ? AND purpose = ?"
			" AND status IN ('intended', 'held')",
			VALUES(value_int(id), value_text(wish->kind), value_text(or_empty(wish->region)),
			       value_text(or_empty(wish->purpose))));
	*found = rows_next(&rows);
	if (*found)
		hold_read(&rows, arena, out);
	return rows_ok(&rows, err);
}

static bool hold_insert(struct store *store, int64_t id, const struct hold *wish, struct error *err)
{
	return db_run(store,
		      "INSERT INTO hold (build, kind, region, purpose, token, resource, status, intended_ms) VALUES "
		      "(?, ?, ?, ?, ?, ?, ?, ?)",
		      VALUES(value_int(id), value_text(wish->kind), value_text(or_empty(wish->region)),
			     value_text(or_empty(wish->purpose)), value_text(wish->token), value_text(wish->id),
			     value_text(wish->id ? "held" : "intended"), value_int(store_now_ms(store))),
		      err);
}

bool store_hold_intend(struct store *store, const char *build, const struct hold *wish, struct arena *arena,
		       struct hold *out, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;
	bool found;
	if (!transaction_write(&transaction, store, err) || !db_build_id(store, build, &id, err) ||
	    !claim_fence(store, build, id, err) || !hold_find(store, id, wish, arena, out, &found, err))
		return false;
	if (!found && (!hold_insert(store, id, wish, err) || !hold_find(store, id, wish, arena, out, &found, err)))
		return false;
	return transaction_commit(&transaction, err);
}

static bool hold_change(struct store *store, int64_t row, const char *sql, const struct value *values, size_t count,
			struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	if (!transaction_write(&transaction, store, err) || !db_run(store, sql, values, count, err))
		return false;
	if (db_changes(store) != 1)
		return error_set(err, ERROR_ABSENT, "the ledger holds no row %lld", (long long)row);
	return transaction_commit(&transaction, err);
}

bool store_hold_made(struct store *store, int64_t row, const char *id, struct error *err)
{
	return hold_change(store, row,
			   "UPDATE hold SET resource = ?, made_ms = ?, status = 'held' WHERE id = ? AND status IN "
			   "('intended', 'held')",
			   VALUES(value_text(id), value_int(store_now_ms(store)), value_int(row)), err);
}

static bool hold_end(struct store *store, int64_t row, const char *status, struct error *err)
{
	return hold_change(store, row, "UPDATE hold SET ended_ms = ?, status = ? WHERE id = ?",
			   VALUES(value_int(store_now_ms(store)), value_text(status), value_int(row)), err);
}

bool store_hold_dropped(struct store *store, int64_t row, struct error *err)
{
	return hold_end(store, row, "dropped", err);
}

bool store_hold_kept(struct store *store, int64_t row, struct error *err)
{
	return hold_end(store, row, "kept", err);
}

bool store_hold_list(struct store *store, const char *build, struct arena *arena, struct hold **out, size_t *count,
		     struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id, total;
	bool found;
	if (!transaction_read(&transaction, store, err) || !db_build_id(store, build, &id, err) ||
	    !db_int(store, "SELECT count(*) FROM hold WHERE build = ? AND status IN ('intended', 'held')",
		    VALUES(value_int(id)), &total, &found, err))
		return false;
	*out = arena_alloc(arena, ((size_t)total + 1) * sizeof(**out));
	*count = 0;
	_cleanup_(rows_close) struct rows rows = db_rows(
		store,
		"SELECT " HOLD_COLUMNS " FROM hold WHERE build = ? AND status IN ('intended', 'held') ORDER BY id DESC",
		VALUES(value_int(id)));
	while (rows_next(&rows))
		hold_read(&rows, arena, &(*out)[(*count)++]);
	if (!rows_ok(&rows, err))
		return false;
	rows_close(&rows);
	return transaction_commit(&transaction, err);
}

static const char held_sql[] =
	"SELECT b.build, b.recipe, " SQL_STATUS " AS status, h.kind, h.region, h.resource AS id, h.purpose, h.token,"
	" h.intended_ms AS since_ms FROM hold h JOIN build b ON b.id = h.build LEFT JOIN claim c ON c.build = b.id"
	" WHERE h.status IN ('intended', 'held') AND NOT " SQL_HOLDER_ALIVE " ORDER BY b.started_ms, b.id, h.id DESC";

bool store_held(struct store *store, struct tree **out, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	_cleanup_(tree_freep) struct tree *held = NULL;
	if (!transaction_read(&transaction, store, err) ||
	    !rows_array(store, held_sql, NO_VALUES, rows_object, &held, err) || !transaction_commit(&transaction, err))
		return false;
	*out = take(&held);
	return true;
}
