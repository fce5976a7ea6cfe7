/* SPDX-License-Identifier: Apache-2.0
 *
 * Making a database and bringing an older one forward. See migrate.h. */
#include "migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bakery/file.h"

static void db_closep(sqlite3 **db)
{
	sqlite3_close(*db);
}

/* An empty file of mode 0600 with a name that nobody else has. */
static char *make_beside(const char *path, const char *what, struct error *err)
{
	_cleanup_(freep) char *name = mem_printf("%s.%s-XXXXXX", path, what);
	_cleanup_(closep) int fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		return take(&name);
	error_errno(err, "database %s: cannot make a file beside it", path);
	return NULL;
}

static void remove_beside(const char *name)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		_cleanup_(freep) char *file = mem_printf("%s%s", name, suffixes[i]);
		unlink(file);
	}
}

static bool folder_sync(const char *path, struct error *err)
{
	_cleanup_(freep) char *folder = path_folder(path);
	_cleanup_(closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return (fd >= 0 && fsync(fd) == 0) || error_errno(err, "database %s: cannot sync its folder", path);
}

static bool script(sqlite3 *db, const char *path, const char *sql, struct error *err)
{
	int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
	return code == SQLITE_OK || db_failed(path, code, sqlite3_errmsg(db), err);
}

static bool steps_run(sqlite3 *db, const char *path, const struct migrations *migrations, int from, struct error *err)
{
	for (int i = from; i < migrations->count; i++) {
		if (!script(db, path, migrations->steps[i], err))
			return error_context(err, "step to version %d", i + 1);
	}
	_cleanup_(freep) char *version = mem_printf("PRAGMA user_version = %d", migrations->count);
	return script(db, path, version, err);
}

static bool fill(const char *name, const char *path, const struct migrations *migrations, struct error *err)
{
	_cleanup_(db_closep) sqlite3 *db = NULL;
	int code = sqlite3_open_v2(name, &db, SQLITE_OPEN_READWRITE, NULL);
	if (code != SQLITE_OK)
		return db_failed(path, code, sqlite3_errstr(code), err);
	_cleanup_(freep) char *start = mem_printf("BEGIN; PRAGMA application_id = %d", STORE_APPLICATION_ID);
	return script(db, path, start, err) && steps_run(db, path, migrations, 0, err) &&
	       script(db, path, "COMMIT; PRAGMA journal_mode = WAL", err);
}

/* Neither may replace a file that another process has put there meanwhile; not every file system knows the first. */
static bool move_if_free(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return true;
	return (errno == EINVAL || errno == ENOSYS) && link(from, to) == 0;
}

bool migrate_make_new(const char *path, const struct migrations *migrations, struct error *err)
{
	_cleanup_(freep) char *name = make_beside(path, "new", err);
	if (!name)
		return false;
	bool made = fill(name, path, migrations, err);
	if (made && !move_if_free(name, path) && errno != EEXIST)
		made = error_errno(err, "cannot make database %s", path);
	remove_beside(name);
	return made && folder_sync(path, err);
}

static bool copy_pages(sqlite3 *from, sqlite3 *to, const char *path, struct error *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	if (!backup)
		return db_failed(path, sqlite3_errcode(to), sqlite3_errmsg(to), err);
	/* That it was busy is said by the step alone; to finish is no failure then, and the copy is empty. */
	int stepped = sqlite3_backup_step(backup, -1), finished = sqlite3_backup_finish(backup);
	int code = finished == SQLITE_OK && stepped != SQLITE_DONE ? stepped : finished;
	return code == SQLITE_OK || db_failed(path, code, sqlite3_errstr(code), err);
}

/* From a connection of its own: the one that migrates is inside its transaction and has changed nothing yet. */
static bool copy_into(const char *path, const char *name, struct error *err)
{
	_cleanup_(db_closep) sqlite3 *from = NULL, *to = NULL;
	int code = sqlite3_open_v2(path, &from, SQLITE_OPEN_READWRITE, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_open_v2(name, &to, SQLITE_OPEN_READWRITE, NULL);
	if (code != SQLITE_OK)
		return db_failed(path, code, sqlite3_errstr(code), err);
	sqlite3_busy_timeout(from, 30000);
	return copy_pages(from, to, path, err);
}

/* "bakery.db.v1", or "bakery.db.v1-2" where a copy from an earlier time lies. */
static char *place_copy(const char *path, const char *name, int64_t version)
{
	for (int i = 1; i < 1000; i++) {
		_cleanup_(freep) char *place = i == 1 ? mem_printf("%s.v%lld", path, (long long)version)
						      : mem_printf("%s.v%lld-%d", path, (long long)version, i);
		if (move_if_free(name, place))
			return take(&place);
		if (errno != EEXIST)
			return NULL;
	}
	return NULL;
}

static char *keep_copy(const char *path, int64_t version, struct error *err)
{
	_cleanup_(freep) char *name = make_beside(path, "copy", err), *place = NULL;
	if (!name)
		return NULL;
	if (copy_into(path, name, err)) {
		place = place_copy(path, name, version);
		if (!place)
			error_errno(err, "database %s: cannot keep a copy of version %lld", path, (long long)version);
	}
	remove_beside(name);
	if (!place || !folder_sync(path, err))
		return NULL;
	return take(&place);
}

static bool steps_inside(struct store *store, const struct migrations *migrations, int64_t version, struct error *err)
{
	int64_t broken;
	bool found;
	if (!steps_run(store->db, store->path, migrations, (int)version, err))
		return false;
	if (!db_int(store, "SELECT count(*) FROM pragma_foreign_key_check", NO_VALUES, &broken, &found, err))
		return false;
	if (broken)
		return error_set(err, ERROR_INTERNAL,
				 "database %s: %lld rows point to nothing after the step to version %d", store->path,
				 (long long)broken, migrations->count);
	return db_run(store, "COMMIT", NO_VALUES, err);
}

static bool migrate_inside(struct store *store, const struct migrations *migrations, struct error *err)
{
	int64_t version;
	bool found;
	if (!db_int(store, "PRAGMA user_version", NO_VALUES, &version, &found, err))
		return false;
	if (version == migrations->count) /* another process was faster */
		return db_run(store, "COMMIT", NO_VALUES, err);
	_cleanup_(freep) char *copy = keep_copy(store->path, version, err);
	if (!copy)
		return false;
	if (steps_inside(store, migrations, version, err))
		return true;
	unlink(copy);
	return false;
}

bool migrate(struct store *store, const struct migrations *migrations, struct error *err)
{
	if (store->read_only)
		return db_failed(store->path, SQLITE_READONLY,
				 "it is of an older version and has to be brought forward", err);
	if (!db_run(store, "BEGIN IMMEDIATE", NO_VALUES, err))
		return false;
	bool done = migrate_inside(store, migrations, err);
	if (!sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return done ||
	       error_context(err, "bringing %s to version %d (it is as it was before)", store->path, migrations->count);
}
