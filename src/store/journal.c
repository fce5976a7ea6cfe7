/* SPDX-License-Identifier: Apache-2.0
 *
 * The journal: a row each time a stage runs. Only the newest run of a stage counts, and only until it is forgotten. */
#include "bakery/store.h"
#include "db.h"

bool store_stage_began(struct store *store, const char *build, const char *stage, int64_t at_ms, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;
	return transaction_write(&transaction, store, err) && db_build_id(store, build, &id, err) &&
	       claim_fence(store, build, id, err) &&
	       db_run(store, "INSERT INTO stage (build, stage, status, started_ms) VALUES (?, ?, 'running', ?)",
		      VALUES(value_int(id), value_text(stage), value_int(at_ms)), err) &&
	       transaction_commit(&transaction, err);
}

struct stage_end {
	const char *stage, *status, *state;
	const struct error *why;
	int64_t at_ms;
};

static bool stage_update(struct store *store, int64_t id, const struct stage_end *end, struct error *err)
{
	const struct error *why = end->why;
	bool failed = why && why->kind != ERROR_NONE;
	return db_run(
		store,
		"UPDATE stage SET status = ?, state = ?, ended_ms = ?, error_kind = ?, error_code = ?, error_text = ? "
		"WHERE id ="
		" (SELECT id FROM stage WHERE build = ? AND stage = ? AND status = 'running' ORDER BY id DESC LIMIT 1)",
		VALUES(value_text(end->status), value_text(end->state), value_int(end->at_ms),
		       value_text(failed ? error_kind_name(why->kind) : NULL),
		       value_text(failed && why->code[0] ? why->code : NULL), value_text(failed ? why->text : NULL),
		       value_int(id), value_text(end->stage)),
		err);
}

static bool stage_end(struct store *store, const char *build, const struct stage_end *end, struct error *err)
{
	if (!log_buffer_flush(store, err))
		return false;
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;
	if (!transaction_write(&transaction, store, err) || !db_build_id(store, build, &id, err) ||
	    !claim_fence(store, build, id, err) || !stage_update(store, id, end, err))
		return false;
	if (db_changes(store) != 1)
		return error_set(err, ERROR_CONFLICT, "stage %s of build %s is not running", end->stage, build);
	return transaction_commit(&transaction, err);
}

bool store_stage_done(struct store *store, const char *build, const char *stage, const char *state_json, int64_t at_ms,
		      struct error *err)
{
	return stage_end(store, build,
			 &(struct stage_end){.stage = stage, .status = "done", .state = state_json, .at_ms = at_ms},
			 err);
}

bool store_stage_failed(struct store *store, const char *build, const char *stage, const struct error *why,
			int64_t at_ms, struct error *err)
{
	return stage_end(store, build,
			 &(struct stage_end){.stage = stage, .status = "failed", .why = why, .at_ms = at_ms}, err);
}

bool store_stages_done(struct store *store, const char *build, struct tree **out, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	_cleanup_(tree_freep) struct tree *names = tree_new_array();
	int64_t id;
	if (!transaction_read(&transaction, store, err) || !db_build_id(store, build, &id, err))
		return false;
	_cleanup_(rows_close) struct rows rows =
		db_rows(store,
			"SELECT s.stage FROM stage s JOIN (SELECT max(id) AS id FROM stage WHERE build = ? GROUP BY "
			"stage) newest ON s.id = newest.id"
			" WHERE s.status = 'done' AND NOT s.forgotten ORDER BY s.id",
			VALUES(value_int(id)));
	while (rows_next(&rows))
		tree_add_text(names, rows_text(&rows, 0));
	if (!rows_ok(&rows, err))
		return false;
	rows_close(&rows);
	*out = take(&names);
	return transaction_commit(&transaction, err);
}

bool store_stage_is_failed(struct store *store, const char *build, const char *stage, bool *failed, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id, is_failed = 0;
	bool found;
	if (!transaction_read(&transaction, store, err) || !db_build_id(store, build, &id, err) ||
	    !db_int(store,
		    "SELECT status = 'failed' AND NOT forgotten FROM stage WHERE build = ? AND stage = ? ORDER BY id "
		    "DESC LIMIT 1",
		    VALUES(value_int(id), value_text(stage)), &is_failed, &found, err))
		return false;
	*failed = found && is_failed;
	return transaction_commit(&transaction, err);
}

bool store_stages_forget(struct store *store, const char *build, const char *const *stages, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;
	if (!transaction_write(&transaction, store, err) || !db_build_id(store, build, &id, err))
		return false;
	for (; *stages; stages++) {
		if (!db_run(store, "UPDATE stage SET forgotten = 1 WHERE build = ? AND stage = ?",
			    VALUES(value_int(id), value_text(*stages)), err))
			return false;
	}
	return transaction_commit(&transaction, err);
}
