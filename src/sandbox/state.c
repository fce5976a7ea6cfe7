/* SPDX-License-Identifier: Apache-2.0
 *
 * The sandbox's memory in SQLite: one table of JSON documents. The only file of the room that knows SQLite. */
#include "state.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "bakery/mem.h"
#include "bakery/str.h"

#define STATE_FORM 1

struct state {
	sqlite3 *db;
	bool failed; /* since state_begin */
	struct error error;
};

static const char schema[] =
	"CREATE TABLE object (seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, region TEXT NOT NULL,"
	" kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL);"
	"CREATE UNIQUE INDEX object_key ON object (kind, id, region, account);"
	"CREATE INDEX object_place ON object (kind, region, seq);"
	"PRAGMA user_version = 1";

static bool database_failed(struct state *state, const char *what, struct error *err)
{
	return error_set(err, ERROR_INTERNAL, "the sandbox's state: %s: %s", what, sqlite3_errmsg(state->db));
}

static bool execute(struct state *state, const char *sql, struct error *err)
{
	if (sqlite3_exec(state->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return database_failed(state, sql, err);
	return true;
}

static int form_of(struct state *state)
{
	sqlite3_stmt *statement = NULL;
	int form = -1;
	if (sqlite3_prepare_v2(state->db, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		form = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return form;
}

static bool prepare_file(struct state *state, const char *path, struct error *err)
{
	sqlite3_busy_timeout(state->db, 5000);
	if (!execute(state, "PRAGMA journal_mode = WAL", err) || !execute(state, "PRAGMA synchronous = NORMAL", err))
		return error_context(err, "%s", path);
	int form = form_of(state);
	if (form == 0)
		return execute(state, schema, err);
	if (form != STATE_FORM)
		return error_set(err, ERROR_FAILED,
				 "%s was written by another version of bakery (form %d, this one knows %d)", path, form,
				 STATE_FORM);
	return true;
}

bool state_open(const char *path, struct state **out, struct error *err)
{
	struct state *state = mem_alloc(sizeof *state);
	bool opened =
		sqlite3_open_v2(path, &state->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
				NULL) == SQLITE_OK;
	if (!opened)
		database_failed(state, path, err);
	if (!opened || !prepare_file(state, path, err)) {
		state_close(state);
		return false;
	}
	*out = state;
	return true;
}

void state_close(struct state *state)
{
	if (state == NULL)
		return;
	sqlite3_close(state->db);
	free(state);
}

void state_begin(struct state *state)
{
	error_clear(&state->error);
	state->failed = !execute(state, "BEGIN IMMEDIATE", &state->error);
}

void state_rollback(struct state *state)
{
	struct error ignored;
	(void)!execute(state, "ROLLBACK", &ignored);
}

bool state_commit(struct state *state, struct error *err)
{
	if (!state->failed && execute(state, "COMMIT", &state->error))
		return true;
	state_rollback(state);
	*err = state->error;
	return false;
}

static void remember_failure(struct state *state, const char *what)
{
	if (state->failed)
		return;
	state->failed = true;
	database_failed(state, what, &state->error);
}

/* Up to five texts are bound in order; a NULL text is bound as NULL. */
static sqlite3_stmt *prepare(struct state *state, const char *sql, const char *const *texts, int count)
{
	sqlite3_stmt *statement = NULL;
	if (sqlite3_prepare_v2(state->db, sql, -1, &statement, NULL) != SQLITE_OK) {
		remember_failure(state, sql);
		return NULL;
	}
	for (int i = 0; i < count; i++)
		sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_STATIC);
	return statement;
}

static void run(struct state *state, const char *sql, const char *const *texts, int count)
{
	sqlite3_stmt *statement = prepare(state, sql, texts, count);
	if (statement != NULL && sqlite3_step(statement) != SQLITE_DONE)
		remember_failure(state, sql);
	sqlite3_finalize(statement);
}

static struct tree *document_of(struct state *state, sqlite3_stmt *statement)
{
	struct error err = {0};
	struct tree *document = tree_from_json((const char *)sqlite3_column_text(statement, 0),
					       (size_t)sqlite3_column_bytes(statement, 0), &err);
	if (document == NULL && !state->failed) {
		state->failed = true;
		state->error = err;
	}
	return document;
}

struct tree *state_get(struct state *state, const char *account, const char *region, const char *kind, const char *id)
{
	const char *texts[] = {kind, id, region, account};
	sqlite3_stmt *statement =
		prepare(state,
			"SELECT body FROM object WHERE kind = ?1 AND id = ?2 AND (?3 IS NULL OR region = ?3)"
			" AND (?4 IS NULL OR account = ?4) ORDER BY seq LIMIT 1",
			texts, 4);
	struct tree *document = NULL;
	if (statement != NULL && sqlite3_step(statement) == SQLITE_ROW)
		document = document_of(state, statement);
	sqlite3_finalize(statement);
	return document;
}

struct tree *state_list(struct state *state, const char *account, const char *region, const char *kind)
{
	const char *texts[] = {kind, region, account};
	sqlite3_stmt *statement = prepare(state,
					  "SELECT body FROM object WHERE kind = ?1 AND (?2 IS NULL OR region = ?2)"
					  " AND (?3 IS NULL OR account = ?3) ORDER BY seq",
					  texts, 3);
	struct tree *list = tree_new_array();
	while (statement != NULL && sqlite3_step(statement) == SQLITE_ROW) {
		struct tree *document = document_of(state, statement);
		if (document != NULL)
			tree_add(list, document);
	}
	sqlite3_finalize(statement);
	return list;
}

void state_put(struct state *state, const char *account, const char *region, const char *kind, const char *id,
	       const struct tree *document)
{
	_cleanup_(str_free) struct str body = STR_INIT;
	tree_to_json(document, &body);
	const char *texts[] = {account, region, kind, id, body.data};
	run(state,
	    "INSERT INTO object (account, region, kind, id, body) VALUES (?1, ?2, ?3, ?4, ?5)"
	    " ON CONFLICT (kind, id, region, account) DO UPDATE SET body = ?5",
	    texts, 5);
}

void state_remove(struct state *state, const char *account, const char *region, const char *kind, const char *id)
{
	const char *texts[] = {account, region, kind, id};
	run(state, "DELETE FROM object WHERE account = ?1 AND region = ?2 AND kind = ?3 AND id = ?4", texts, 4);
}
