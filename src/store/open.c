/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening: a file is looked at before SQLite may touch it, so that one that is not ours, damaged or newer is refused
 * with its bytes as they were. A new database is made whole beside its place and moved there, so that nobody ever sees
 * a half-made one. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/clock.h"
#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/store.h"
#include "migrate.h"

enum { BUSY_TIMEOUT_MS = 30000, IN_PASSING_TIMEOUT_MS = 500 };

/* What SQLite's file format says about the first bytes: https://www.sqlite.org/fileformat.html#the_database_header */
enum { HEADER_SIZE = 100, AT_PAGE_SIZE = 16, AT_PAGE_COUNT = 28, AT_USER_VERSION = 60, AT_APPLICATION_ID = 68 };

static uint32_t big_endian(const uint8_t *at, size_t bytes)
{
	uint32_t value = 0;
	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

static int64_t size_of(const char *path, const char *suffix)
{
	_cleanup_(freep) char *name = mem_printf("%s%s", path, suffix);
	struct stat info;
	return stat(name, &info) == 0 ? (int64_t)info.st_size : -1;
}

/* Read through SQLite's own handle: a descriptor of ours on the same file would, when closed, drop the locks of every
 * other connection of this process (https://www.sqlite.org/howtocorrupt.html, 2.2). */
static bool header_read(struct store *store, uint8_t header[HEADER_SIZE], int64_t *size, struct error *err)
{
	sqlite3_file *file = NULL;
	sqlite3_int64 length = 0;
	int code = sqlite3_file_control(store->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	if (code != SQLITE_OK || !file || !file->pMethods)
		return db_failed(store->path, SQLITE_CANTOPEN, "it is no regular file", err);
	code = file->pMethods->xFileSize(file, &length);
	if (code == SQLITE_OK && length >= HEADER_SIZE)
		code = file->pMethods->xRead(file, header, HEADER_SIZE, 0);
	*size = length;
	return code == SQLITE_OK || db_failed(store->path, code, sqlite3_errstr(code), err);
}

static bool refuse_newer(const char *path, int64_t version, int known, struct error *err)
{
	return error_set(err, ERROR_CONFLICT,
			 "database %s is of version %lld, made by a newer bakery (this one knows up to %d); use that "
			 "bakery, or name another "
			 "file with --store",
			 path, (long long)version, known);
}

static bool header_check(struct store *store, const struct migrations *migrations, struct error *err)
{
	uint8_t header[HEADER_SIZE] = {0};
	int64_t size = 0;
	if (!header_read(store, header, &size, err))
		return false;
	if (size == 0)
		return db_failed(store->path, SQLITE_NOTADB, "the file is empty", err);
	if (size < HEADER_SIZE || memcmp(header, "SQLite format 3", 16) != 0)
		return db_failed(store->path, SQLITE_NOTADB, "the file is not an SQLite database", err);
	if (big_endian(header + AT_APPLICATION_ID, 4) != STORE_APPLICATION_ID) {
		error_set(err, ERROR_CONFLICT, "database %s belongs to another program", store->path);
		return error_hint(err, "name another file with --store; this one was not touched");
	}
	if (big_endian(header + AT_USER_VERSION, 4) > (uint32_t)migrations->count)
		return refuse_newer(store->path, big_endian(header + AT_USER_VERSION, 4), migrations->count, err);
	/* 1 stands for 65536. With a write-ahead log beside it, the end of the file may still be in there. */
	int64_t page_size = big_endian(header + AT_PAGE_SIZE, 2);
	int64_t wanted = (page_size == 1 ? 65536 : page_size) * big_endian(header + AT_PAGE_COUNT, 4);
	if (size < wanted && size_of(store->path, "-wal") <= 0)
		return db_failed(store->path, SQLITE_CORRUPT, "the file was cut short", err);
	return true;
}

static struct store *store_new(const char *path)
{
	struct store *store = mem_alloc(sizeof(*store));
	store->path = mem_strdup(path);
	pthread_mutex_init(&store->lock, NULL);
	holder_of_this_process(&store->self);
	store->log = log_buffer_new(store);
	return store;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	log_buffer_free(store->log);
	for (size_t i = 0; i < store->statement_count; i++)
		sqlite3_finalize(store->statements[i]);
	free(store->statements);
	sqlite3_close(store->db);
	pthread_mutex_destroy(&store->lock);
	free(store->path);
	free(store);
}

void store_closep(struct store **store)
{
	store_close(*store);
}

void store_use_clock(struct store *store, int64_t (*now_ms)(void *cookie), void *cookie)
{
	pthread_mutex_lock(&store->lock);
	store->now_ms = now_ms;
	store->now_cookie = cookie;
	pthread_mutex_unlock(&store->lock);
}

int64_t store_now_ms(const struct store *store)
{
	return store->now_ms ? store->now_ms(store->now_cookie) : clock_wall_ms();
}

const char *store_path(const struct store *store)
{
	return store->path;
}

/* SQLite's own handler sleeps up to 100 ms at a time and starves beside a process that writes in a loop. */
static int wait_for_lock(void *argument, int count)
{
	struct store *store = argument;
	uint8_t jitter;
	if (count == 0)
		store->waiting_since_ms = clock_mono_ms();
	if (clock_mono_ms() - store->waiting_since_ms > (store->in_passing ? IN_PASSING_TIMEOUT_MS : BUSY_TIMEOUT_MS))
		return 0;
	crypto_random(&jitter, 1);
	usleep(count < 5 ? 200 : 500 + 10 * (useconds_t)jitter);
	return 1;
}

static bool connect(struct store *store, const char *name, int flags, struct error *err)
{
	int code = sqlite3_open_v2(name, &store->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (code != SQLITE_OK)
		return db_failed(store->path, code, store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(code), err);
	sqlite3_busy_handler(store->db, wait_for_lock, store);
	sqlite3_extended_result_codes(store->db, 1);
	/* Until it is known to be ours, not even closing may write to it. */
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return true;
}

static bool may_write(const char *path)
{
	_cleanup_(freep) char *folder = path_folder(path);
	return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 &&
	       faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0;
}

/* "file:" names escape what has a meaning in them. immutable: without write permission in the folder SQLite cannot make
 * the shared memory that a WAL database is read with; when no log lies beside it, the file alone is the whole truth. */
static bool connect_read_only(struct store *store, struct error *err)
{
	_cleanup_(str_free) struct str name = STR_INIT;
	_cleanup_(freep) char *folder = path_folder(store->path);
	str_add(&name, "file:");
	for (const char *at = store->path; *at; at++) {
		if (strchr("?#%", *at))
			str_addf(&name, "%%%02X", (unsigned char)*at);
		else
			str_add_char(&name, *at);
	}
	str_add(&name, "?mode=ro");
	if (size_of(store->path, "-wal") <= 0 && faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0)
		str_add(&name, "&immutable=1");
	store->read_only = true;
	return connect(store, name.data, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
}

/* -wal and -shm get the file's mode from SQLite. A copy put back by hand is often readable for all. */
static void tighten_mode(const char *path)
{
	struct stat info;
	if (stat(path, &info) == 0 && info.st_uid == geteuid() && (info.st_mode & 077) &&
	    chmod(path, info.st_mode & 0700) < 0)
		return; /* a file system without modes */
}

static bool settle(struct store *store, const struct migrations *migrations, struct error *err)
{
	/* FULL: when a function of the store returns true, its fact survives a power cut. */
	if (!db_script(store,
		       "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;"
		       "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864",
		       err))
		return false;
	int64_t version;
	bool found;
	if (!db_int(store, "PRAGMA user_version", NO_VALUES, &version, &found, err))
		return false;
	if (version > migrations->count)
		return refuse_newer(store->path, version, migrations->count, err);
	if (!store->read_only) {
		tighten_mode(store->path);
		sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
		if (!db_script(store, "PRAGMA journal_mode = WAL", err))
			return false;
	}
	store->version = migrations->count;
	if (version < migrations->count && !migrate(store, migrations, err))
		return false;
	int64_t any;
	return db_int(store, "SELECT id FROM build LIMIT 1", NO_VALUES, &any, &found, err) &&
	       claim_register(store, err);
}

static bool make_new(const char *path, const struct migrations *migrations, struct error *err)
{
	_cleanup_(freep) char *folder = path_folder(path);
	if (!file_exists(folder) && !file_make_folders(folder, 0700, err))
		return error_context(err, "database %s", path);
	return migrate_make_new(path, migrations, err);
}

bool store_open_with(const char *path, const struct migrations *migrations, struct store **out, struct error *err)
{
	if (!file_exists(path) && !make_new(path, migrations, err))
		return false;
	_cleanup_(store_closep) struct store *store = store_new(path);
	bool connected =
		may_write(path) ? connect(store, path, SQLITE_OPEN_READWRITE, err) : connect_read_only(store, err);
	if (!connected || !header_check(store, migrations, err) || !settle(store, migrations, err))
		return false;
	*out = take(&store);
	return true;
}

bool store_open(const char *path, struct store **out, struct error *err)
{
	return store_open_with(path, &store_migrations, out, err);
}
