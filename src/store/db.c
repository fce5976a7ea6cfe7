/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements, rows and transactions over the one connection. See db.h. */
#include "db.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What people can do about SQLite's refusals. */
static const struct {
	int code;
	enum error_kind kind;
	const char *advice;
} refusals[] = {
	/* Not transient: that is of the network, and whoever meets it asks again, which was done here already. */
	{SQLITE_BUSY, ERROR_INTERNAL, "another process has kept it locked; see which with: fuser -v"},
	{SQLITE_FULL, ERROR_INTERNAL, "the disk is full; nothing of this step was written. Make room and run again"},
	{SQLITE_READONLY, ERROR_INTERNAL,
	 "it cannot be written; check the owner and mode of the file and of its folder"},
	{SQLITE_CORRUPT, ERROR_INTERNAL,
	 "it is damaged; keep it, put a backup in its place, or save what can be read: docs/database.md"},
	{SQLITE_NOTADB, ERROR_INTERNAL, "it is no database; name another file with --store, or move this one away"},
	{SQLITE_CANTOPEN, ERROR_INTERNAL, "it cannot be opened; check that the folder exists and may be written"},
	{SQLITE_IOERR, ERROR_INTERNAL, "the disk or file system failed; see: dmesg"},
	{SQLITE_PERM, ERROR_INTERNAL, "permission was refused; check the owner and mode of the file"},
};

bool db_failed(const char *path, int code, const char *message, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		if (refusals[i].code == (code & 0xff)) {
			error_set(err, refusals[i].kind, "database %s: %s", path, message);
			return error_hint(err, "%s", refusals[i].advice);
		}
	}
	return error_set(err, ERROR_INTERNAL, "database %s: %s", path, message);
}

bool db_error(struct store *store, int code, struct error *err)
{
	return db_failed(store->path, code, sqlite3_errmsg(store->db), err);
}

struct value value_text(const char *text)
{
	return (struct value){.kind = text ? VALUE_TEXT : VALUE_NULL, .data = text, .length = text ? strlen(text) : 0};
}

struct value value_int(int64_t number)
{
	return (struct value){.kind = VALUE_INT, .number = number};
}

struct value value_blob(const void *data, size_t length)
{
	return (struct value){.kind = VALUE_BLOB, .data = data ? data : "", .length = length};
}

static int bind(sqlite3_stmt *statement, int index, const struct value *value)
{
	switch (value->kind) {
	case VALUE_TEXT:
		return sqlite3_bind_text64(statement, index, value->data, value->length, SQLITE_STATIC, SQLITE_UTF8);
	case VALUE_INT:
		return sqlite3_bind_int64(statement, index, value->number);
	case VALUE_BLOB:
		return sqlite3_bind_blob64(statement, index, value->data, value->length, SQLITE_STATIC);
	case VALUE_NULL:
		break;
	}
	return sqlite3_bind_null(statement, index);
}

static sqlite3_stmt *kept_statement(struct store *store, const char *sql)
{
	for (size_t i = 0; i < store->statement_count; i++) {
		if (!sqlite3_stmt_busy(store->statements[i]) && str_eq(sqlite3_sql(store->statements[i]), sql))
			return store->statements[i];
	}
	return NULL;
}

static int prepare(struct store *store, const char *sql, sqlite3_stmt **out)
{
	*out = kept_statement(store, sql);
	if (*out)
		return SQLITE_OK;
	int code = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
	if (code != SQLITE_OK)
		return code;
	store->statements = mem_grow(store->statements, store->statement_count + 1, sizeof(*store->statements));
	store->statements[store->statement_count++] = *out;
	return SQLITE_OK;
}

struct rows db_rows(struct store *store, const char *sql, const struct value *values, size_t count)
{
	struct rows rows = {.store = store};
	rows.code = prepare(store, sql, &rows.statement);
	if (rows.code == SQLITE_OK)
		assert(sqlite3_bind_parameter_count(rows.statement) == (int)count);
	for (size_t i = 0; i < count && rows.code == SQLITE_OK; i++)
		rows.code = bind(rows.statement, (int)i + 1, &values[i]);
	return rows;
}

bool rows_next(struct rows *rows)
{
	if (rows->code != SQLITE_OK && rows->code != SQLITE_ROW)
		return false;
	rows->code = sqlite3_step(rows->statement);
	return rows->code == SQLITE_ROW;
}

bool rows_ok(struct rows *rows, struct error *err)
{
	if (rows->code == SQLITE_OK || rows->code == SQLITE_ROW || rows->code == SQLITE_DONE)
		return true;
	return db_error(rows->store, rows->code, err);
}

void rows_close(struct rows *rows)
{
	if (!rows->statement)
		return;
	sqlite3_reset(rows->statement);
	sqlite3_clear_bindings(rows->statement);
	rows->statement = NULL;
}

bool rows_null(const struct rows *rows, int column)
{
	return sqlite3_column_type(rows->statement, column) == SQLITE_NULL;
}

const char *rows_text(const struct rows *rows, int column)
{
	return (const char *)sqlite3_column_text(rows->statement, column);
}

int64_t rows_int(const struct rows *rows, int column)
{
	return sqlite3_column_int64(rows->statement, column);
}

const void *rows_blob(const struct rows *rows, int column, size_t *length)
{
	const void *data = sqlite3_column_blob(rows->statement, column);
	*length = (size_t)sqlite3_column_bytes(rows->statement, column);
	return data ? data : "";
}

bool db_run(struct store *store, const char *sql, const struct value *values, size_t count, struct error *err)
{
	_cleanup_(rows_close) struct rows rows = db_rows(store, sql, values, count);
	while (rows_next(&rows))
		;
	return rows_ok(&rows, err);
}

bool db_script(struct store *store, const char *sql, struct error *err)
{
	int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
	return code == SQLITE_OK || db_error(store, code, err);
}

int64_t db_changes(struct store *store)
{
	return sqlite3_changes64(store->db);
}

int64_t db_last_row(struct store *store)
{
	return sqlite3_last_insert_rowid(store->db);
}

bool db_int(struct store *store, const char *sql, const struct value *values, size_t count, int64_t *out, bool *found,
	    struct error *err)
{
	_cleanup_(rows_close) struct rows rows = db_rows(store, sql, values, count);
	*found = rows_next(&rows);
	*out = *found ? rows_int(&rows, 0) : 0;
	return rows_ok(&rows, err);
}

bool db_build_id(struct store *store, const char *build, int64_t *id, struct error *err)
{
	bool found;
	if (!db_int(store, "SELECT id FROM build WHERE build = ?", VALUES(value_text(build)), id, &found, err))
		return false;
	return found || error_set(err, ERROR_ABSENT, "there is no build %s in %s", build, store->path);
}

/* https://www.sqlite.org/pragma.html#pragma_synchronous: in WAL mode FULL syncs the log at each commit, NORMAL leaves
 * it to the next one that does. The pragma works when it is compiled, so a kept statement would do nothing. */
static bool sync_set(struct store *store, bool lazy, struct error *err)
{
	if (store->lazy == lazy)
		return true;
	store->lazy = lazy;
	return db_script(store, lazy ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL", err);
}

enum eagerness { EAGER, LAZY, IN_PASSING };

static bool begin(struct transaction *transaction, struct store *store, const char *sql, enum eagerness eagerness,
		  struct error *err)
{
	pthread_mutex_lock(&store->lock);
	store->in_passing = eagerness == IN_PASSING;
	if (!sync_set(store, eagerness != EAGER, err) || !db_run(store, sql, NO_VALUES, err)) {
		pthread_mutex_unlock(&store->lock);
		return false;
	}
	transaction->store = store;
	return true;
}

bool transaction_read(struct transaction *transaction, struct store *store, struct error *err)
{
	return begin(transaction, store, "BEGIN", EAGER, err);
}

/* A newer bakery may have migrated the file while this process ran: its rows are not ours to write. */
static bool check_version(struct store *store, struct error *err)
{
	int64_t version;
	bool found;
	if (!db_int(store, "PRAGMA user_version", NO_VALUES, &version, &found, err))
		return false;
	if (version == store->version)
		return true;
	return error_set(
		err, ERROR_CONFLICT,
		"database %s was changed to version %lld by another bakery while this one (version %d) was running; "
		"run again with that bakery",
		store->path, (long long)version, store->version);
}

static bool begin_writing(struct transaction *transaction, struct store *store, enum eagerness eagerness,
			  struct error *err)
{
	if (store->read_only)
		return db_failed(store->path, SQLITE_READONLY, "opened for reading only", err);
	return begin(transaction, store, "BEGIN IMMEDIATE", eagerness, err) && check_version(store, err);
}

bool transaction_write(struct transaction *transaction, struct store *store, struct error *err)
{
	return begin_writing(transaction, store, EAGER, err);
}

bool transaction_write_lazily(struct transaction *transaction, struct store *store, struct error *err)
{
	return begin_writing(transaction, store, LAZY, err);
}

bool transaction_write_in_passing(struct transaction *transaction, struct store *store, struct error *err)
{
	return begin_writing(transaction, store, IN_PASSING, err);
}

bool transaction_commit(struct transaction *transaction, struct error *err)
{
	struct store *store = transaction->store;
	if (!db_run(store, "COMMIT", NO_VALUES, err))
		return false;
	transaction->store = NULL;
	pthread_mutex_unlock(&store->lock);
	return true;
}

void transaction_end(struct transaction *transaction)
{
	struct store *store = transaction->store;
	if (!store)
		return;
	/* After some failures (disk full) SQLite has rolled back by itself already. */
	if (!sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	transaction->store = NULL;
	pthread_mutex_unlock(&store->lock);
}
