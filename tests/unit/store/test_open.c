/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening: what is made, what is refused, and that what is refused keeps its bytes. */
#include "store_fixture.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/wait.h>

static void mode_is(const char *path, const char *suffix, mode_t mode)
{
	_cleanup_(freep) char *name = mem_printf("%s%s", path, suffix);
	struct stat info;
	assert_int_equal(stat(name, &info), 0);
	assert_int_equal(info.st_mode & 07777, mode);
}

static bool beside(const char *path, const char *suffix)
{
	_cleanup_(freep) char *name = mem_printf("%s%s", path, suffix);
	return file_exists(name);
}

static void a_new_database_is_private(void **state)
{
	struct fixture *f = *state;
	_cleanup_(freep) char *folder = path_folder(f->path);
	add_build(f, "b", "r", 0);
	mode_is(f->path, "", 0600);
	mode_is(f->path, "-wal", 0600);
	mode_is(f->path, "-shm", 0600);
	mode_is(folder, "", 0700);
	assert_string_equal(store_path(f->store), f->path);
}

static void folders_that_exist_keep_their_mode_and_files_are_tightened(void **state)
{
	struct fixture *f = *state;
	_cleanup_(freep) char *folder = path_folder(f->path);
	store_close(take(&f->store));
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(chmod(f->path, 0644), 0); /* put back from a backup */
	reopen(f);
	mode_is(folder, "", 0755);
	mode_is(f->path, "", 0600);
	assert_false(beside(f->path, ".new-"));
}

/* Opens and expects a refusal that says `wanted`, with the file's bytes as they were and nothing beside it. */
static void refused(struct fixture *f, const char *path, enum error_kind kind, const char *wanted)
{
	_cleanup_(str_free) struct str before = STR_INIT, after = STR_INIT;
	struct store *store = NULL;
	assert_ok(file_read(path, 1 << 24, &before, &f->err));
	memset(&f->err, 0, sizeof(f->err));
	assert_false(store_open(path, &store, &f->err));
	assert_null(store);
	assert_int_equal(f->err.kind, kind);
	if (!strstr(f->err.text, wanted) || !strstr(f->err.text, path))
		fail_msg("\"%s\" does not say \"%s\" of %s", f->err.text, wanted, path);
	assert_ok(file_read(path, 1 << 24, &after, &f->err));
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
	assert_false(beside(path, "-journal"));
}

static void bytes_put(const char *path, off_t at, const void *data, size_t length)
{
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, data, length, at), length);
}

static void a_newer_one_is_refused(void **state)
{
	struct fixture *f = *state;
	store_close(take(&f->store));
	bytes_put(f->path, 60, "\0\0\0\x63", 4);
	refused(f, f->path, ERROR_CONFLICT, "version 99, made by a newer bakery");
	assert_false(beside(f->path, "-wal"));
}

static sqlite3 *sqlite(const char *path, const char *sql)
{
	sqlite3 *db;
	char *message = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	return db;
}

/* The newer bakery was killed, and what it changed is in the write-ahead log only: not even closing may carry it over.
 */
static void one_that_is_newer_in_its_log_is_refused(void **state)
{
	struct fixture *f = *state;
	store_close(take(&f->store));
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		sqlite(f->path, "PRAGMA user_version = 99");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(beside(f->path, "-wal"));
	refused(f, f->path, ERROR_CONFLICT, "version 99, made by a newer bakery");
	refused(f, f->path, ERROR_CONFLICT, "version 99, made by a newer bakery");
}

static char *file_of(struct fixture *f, const char *name, const void *data, size_t length)
{
	char *path = arena_printf(f->arena, "%s/%s", f->folder, name);
	assert_ok(file_replace(path, data, length, 0600, &f->err));
	return path;
}

static void foreign_files_are_refused(void **state)
{
	struct fixture *f = *state;
	char *path = arena_printf(f->arena, "%s/foreign.db", f->folder), zeros[8192] = {0};
	sqlite3_close(sqlite(
		path, "PRAGMA journal_mode = WAL; CREATE TABLE build (id INTEGER); INSERT INTO build VALUES (1)"));
	refused(f, path, ERROR_CONFLICT, "another program");
	assert_false(beside(path, "-wal"));
	refused(f, file_of(f, "text", "hello, I am a letter\n", 21), ERROR_INTERNAL, "not an SQLite database");
	refused(f, file_of(f, "zeros", zeros, sizeof(zeros)), ERROR_INTERNAL, "not an SQLite database");
	refused(f, file_of(f, "empty", "", 0), ERROR_INTERNAL, "empty");
}

static void damaged_files_are_refused(void **state)
{
	struct fixture *f = *state;
	char noise[3500];
	add_build(f, "b", "r", 0);
	store_close(take(&f->store));
	struct stat info;
	assert_int_equal(stat(f->path, &info), 0);
	assert_int_equal(truncate(f->path, info.st_size - 4096), 0);
	refused(f, f->path, ERROR_INTERNAL, "cut short");
	assert_int_equal(truncate(f->path, 50), 0);
	refused(f, f->path, ERROR_INTERNAL, "not an SQLite database");
	assert_int_equal(unlink(f->path), 0);
	assert_ok(store_open(f->path, &f->store, &f->err));
	store_close(take(&f->store));
	memset(noise, 0xa5, sizeof(noise));
	bytes_put(f->path, 100, noise, sizeof(noise));
	refused(f, f->path, ERROR_INTERNAL, "damaged");
}

static void what_cannot_be_a_file_is_said(void **state)
{
	struct fixture *f = *state;
	struct store *store = NULL;
	assert_false(store_open(f->folder, &store, &f->err));
	assert_non_null(strstr(f->err.text, f->folder));
	char *below = arena_printf(f->arena, "%s/x/y.db", file_of(f, "file", "x", 1));
	assert_false(store_open(below, &store, &f->err));
	assert_non_null(strstr(f->err.text, below));
	assert_null(store);
}

/* Root may write anything, so the reader is somebody else. */
static int as_somebody(struct fixture *f, int (*run)(struct fixture *f))
{
	int status;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(99);
		_exit(run(f));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int read_only_reader(struct fixture *f)
{
	struct store *store = NULL;
	struct tree *rows = NULL;
	struct build_new build = {.build = "b2", .recipe = "r"};
	if (!store_open(f->path, &store, &f->err))
		return fprintf(stderr, "# %s\n", f->err.text), 1;
	if (!store_history(store, &(struct history_filter){0}, &rows, &f->err) || tree_count(rows) != 1)
		return fprintf(stderr, "# %s\n", f->err.text), 2;
	if (store_build_create(store, &build, &f->err) || !strstr(f->err.text, "cannot be written"))
		return fprintf(stderr, "# %s\n", f->err.text), 3;
	tree_free(rows);
	store_close(store);
	return 0;
}

static void a_read_only_one_can_be_read(void **state)
{
	struct fixture *f = *state;
	_cleanup_(str_free) struct str before = STR_INIT, after = STR_INIT;
	_cleanup_(freep) char *folder = path_folder(f->path);
	add_build(f, "b1", "r", 0);
	end_build(f, "b1", BUILD_DONE);
	store_close(take(&f->store));
	assert_int_equal(chmod(f->path, 0444), 0);
	assert_int_equal(chmod(folder, 0555), 0);
	assert_int_equal(chmod(f->folder, 0755), 0);
	assert_ok(file_read(f->path, 1 << 24, &before, &f->err));
	assert_int_equal(as_somebody(f, read_only_reader), 0);
	assert_ok(file_read(f->path, 1 << 24, &after, &f->err));
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
	assert_false(beside(f->path, "-wal"));
	assert_int_equal(chmod(folder, 0700), 0);
}

static int locked_out(struct fixture *f)
{
	struct store *store = NULL;
	return store_open(f->path, &store, &f->err) || !strstr(f->err.text, f->path);
}

static void one_that_cannot_be_read_is_said(void **state)
{
	struct fixture *f = *state;
	store_close(take(&f->store));
	assert_int_equal(chmod(f->path, 0), 0);
	assert_int_equal(as_somebody(f, locked_out), 0);
	assert_int_equal(chmod(f->path, 0600), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		TEST(a_new_database_is_private),       TEST(folders_that_exist_keep_their_mode_and_files_are_tightened),
		TEST(a_newer_one_is_refused),	       TEST(one_that_is_newer_in_its_log_is_refused),
		TEST(foreign_files_are_refused),       TEST(damaged_files_are_refused),
		TEST(what_cannot_be_a_file_is_said),   TEST(a_read_only_one_can_be_read),
		TEST(one_that_cannot_be_read_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
