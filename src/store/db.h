/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of the store: one SQLite connection, its lock, its prepared statements, and transactions that cannot be
 * forgotten (an unfinished one is rolled back by its _cleanup_). Values are bound by type, rows are read with a cursor
 * whose failure is looked at once, at the end. */
#ifndef BAKERY_STORE_DB_H
#define BAKERY_STORE_DB_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bakery/error.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "bakery/tree.h"
#include "schema.h"

/* A process, so that another one can tell whether it still lives. */
struct holder {
	char host[256];
	char boot[40];	    /* the kernel's boot id */
	char namespace[40]; /* of pids: a container's pid 7 is not ours */
	int64_t pid, start; /* start: clock ticks since boot, /proc/<pid>/stat field 22 */
	int64_t beat_ms;    /* its last heartbeat by that boot's clock_mono_ms(); 0: not told */
};

struct log_buffer;
struct store {
	char *path;
	sqlite3 *db;
	pthread_mutex_t lock; /* holds for a whole transaction */
	int64_t (*now_ms)(void *cookie);
	void *now_cookie;
	bool read_only;
	bool lazy;		  /* the connection's present setting */
	int version;		  /* of the schema this process works with */
	int64_t waiting_since_ms; /* for a lock of another process */
	bool in_passing;	  /* the present transaction does not wait long for it */
	struct holder self;
	sqlite3_stmt **statements;
	size_t statement_count;
	struct log_buffer *log;
};

int64_t store_now_ms(const struct store *store);

/* --- errors --- */

/* Turns the connection's last failure into a sentence that says what to do. Returns false. */
bool db_error(struct store *store, int code, struct error *err);
/* The same, without a connection. */
bool db_failed(const char *path, int code, const char *message, struct error *err);

/* --- transactions --- */

struct transaction {
	struct store *store; /* NULL: none is open */
};
bool transaction_read(struct transaction *transaction, struct store *store, struct error *err) must_check;
bool transaction_write(struct transaction *transaction, struct store *store, struct error *err) must_check;
/* For what may be lost in a power cut as long as everything after it is lost as well: steps, evidence, log lines,
 * heartbeats. It is safe from a kill at once, and from a power cut with the next transaction_write's commit; a sync of
 * the disk for each would cost more than the step. */
bool transaction_write_lazily(struct transaction *transaction, struct store *store, struct error *err) must_check;
/* The same for what comes again by itself: it waits a moment only when another process has the database locked, so that
 * the threads of this one do not wait behind it. */
bool transaction_write_in_passing(struct transaction *transaction, struct store *store, struct error *err) must_check;
bool transaction_commit(struct transaction *transaction, struct error *err) must_check;
void transaction_end(struct transaction *transaction); /* rolls back what was not committed */

/* --- statements --- */

struct value {
	enum { VALUE_NULL, VALUE_TEXT, VALUE_INT, VALUE_BLOB } kind;
	const void *data;
	size_t length;
	int64_t number;
};
struct value value_text(const char *text); /* NULL is NULL */
struct value value_int(int64_t number);
struct value value_blob(const void *data, size_t length);
#define VALUES(...)                                                                                                    \
	(const struct value[]){__VA_ARGS__}, sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value)
#define NO_VALUES NULL, 0

/* A statement without rows. Its text is prepared once and kept. */
bool db_run(struct store *store, const char *sql, const struct value *values, size_t count,
	    struct error *err) must_check;
/* One or more statements, not kept. */
bool db_script(struct store *store, const char *sql, struct error *err) must_check;
int64_t db_changes(struct store *store); /* rows of the last db_run */
int64_t db_last_row(struct store *store);

struct rows {
	struct store *store;
	sqlite3_stmt *statement;
	int code;
};
/* _cleanup_(rows_close) struct rows rows = db_rows(...); while (rows_next(&rows)) ...; return rows_ok(&rows, err);
 * Texts are borrowed until the next rows_next. */
struct rows db_rows(struct store *store, const char *sql, const struct value *values, size_t count);
bool rows_next(struct rows *rows);
bool rows_ok(struct rows *rows, struct error *err) must_check;
void rows_close(struct rows *rows);
bool rows_null(const struct rows *rows, int column);
const char *rows_text(const struct rows *rows, int column); /* NULL for NULL */
int64_t rows_int(const struct rows *rows, int column);
const void *rows_blob(const struct rows *rows, int column, size_t *length);

/* The first column of the first row; *found says whether there was one. */
bool db_int(struct store *store, const char *sql, const struct value *values, size_t count, int64_t *out, bool *found,
	    struct error *err) must_check;

/* The build's row number; ERROR_ABSENT. */
bool db_build_id(struct store *store, const char *build, int64_t *id, struct error *err) must_check;

/* --- between the files of this folder --- */

void holder_of_this_process(struct holder *holder);
/* A process that cannot be looked at (another host, another container) counts as alive while its heartbeat is younger
 * than this: on the same boot by the clock that nobody can set, else by the time of day. */
#define HOLDER_STALE_MS 90000
struct moment {
	int64_t wall_ms, mono_ms;
};
bool holder_alive(const struct holder *self, const struct holder *holder, int64_t heartbeat_ms, struct moment now);
/* Makes holder_alive(host, boot, namespace, pid, start, heartbeat_ms) known to SQL. */
bool claim_register(struct store *store, struct error *err) must_check;

/* SQL: the build's status as people should see it; needs build b and LEFT JOIN claim c. A row that says "running" while
 * nobody holds it was killed. */
#define SQL_HOLDER_ALIVE                                                                                               \
	"(c.pid IS NOT NULL AND holder_alive(c.host, c.boot, c.namespace, c.pid, c.start, c.heartbeat_ms))"
#define SQL_STATUS "CASE WHEN b.status = 'running' AND NOT " SQL_HOLDER_ALIVE " THEN 'interrupted' ELSE b.status END"

/* Nothing is written any more of a build that another process has taken over, or has ended meanwhile: ERROR_CONFLICT,
 * STORE_CLAIM_LOST. Inside a transaction. */
bool claim_fence(struct store *store, const char *build, int64_t id, struct error *err) must_check;
/* Takes the claim for this process. Inside a write transaction. */
bool claim_write(struct store *store, int64_t id, struct error *err) must_check;

struct log_buffer *log_buffer_new(struct store *store);
void log_buffer_free(struct log_buffer *buffer); /* writes what is left */
/* Writes the buffered lines of all builds in a transaction of its own. Not to be called inside one. */
bool log_buffer_flush(struct store *store, struct error *err) must_check;

/* Appends the build's record if it differs from its last one. Inside a write transaction. */
bool record_append_inside(struct store *store, const char *build, int64_t id, struct error *err) must_check;

/* Long texts are kept as zlib data; the reader knows by size: as long as size says means stored plainly (as sqlar does,
 * so that the sqlite3 shell's sqlar_uncompress(data, size) reads both). */
void pack(const void *data, size_t length, struct str *out);
bool unpack(const void *data, size_t length, size_t size, struct str *out, struct error *err) must_check;

/* For tests: opens (and migrates) with another list of migrations than the program's own. */
bool store_open_with(const char *path, const struct migrations *migrations, struct store **out,
		     struct error *err) must_check;

#endif
