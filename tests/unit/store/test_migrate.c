/* SPDX-License-Identifier: Apache-2.0
 *
 * Bringing an older database forward: the program's own schema and one step more. */
#include "store_fixture.h"

#include <glob.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "src/store/db.h"

/* The schema as released plus a step that has to be taken yet. */
struct plus {
	const char *steps[16];
	struct migrations migrations;
};

static const struct migrations *plus(struct plus *plus, const char *step)
{
	for (int i = 0; i < store_migrations.count; i++)
		plus->steps[i] = store_migrations.steps[i];
	plus->steps[store_migrations.count] = step;
	plus->migrations = (struct migrations){.steps = plus->steps, .count = store_migrations.count + 1};
	return &plus->migrations;
}

#define GOOD_STEP                                                                                                      \
	"ALTER TABLE build ADD COLUMN ticket TEXT; CREATE TABLE approval (id INTEGER PRIMARY KEY, build INTEGER "      \
	"REFERENCES build (id))"

static size_t copies(struct fixture *f)
{
	_cleanup_(freep) char *pattern = mem_printf("%s.*", f->path);
	glob_t found;
	int code = glob(pattern, 0, NULL, &found);
	size_t count = code == 0 ? found.gl_pathc : 0;
	if (code == 0)
		globfree(&found);
	return count;
}

static char *copy_path(struct fixture *f, const char *suffix)
{
	return arena_printf(f->arena, "%s.v%d%s", f->path, store_migrations.count, suffix);
}

static void a_copy_is_kept_and_nothing_is_lost(void **state)
{
	struct fixture *f = *state;
	struct plus more;
	struct build_row row;
	struct store *old;
	struct stat info;
	add_build(f, "b1", "r", 0);
	store_close(take(&f->store));
	assert_ok(store_open_with(f->path, plus(&more, GOOD_STEP), &f->store, &f->err));
	assert_ok(store_build_get(f->store, "b1", f->arena, &row, &f->err));
	assert_string_equal(row.plan_sha256, "aa11");
	assert_int_equal(f->store->version, store_migrations.count + 1);
	assert_ok(db_script(f->store, "UPDATE build SET ticket = 'OPS-1'", &f->err));
	add_build(f, "b2", "r", 1);
	assert_int_equal(stat(copy_path(f, ""), &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(copies(f), 1);
	assert_ok(store_open(copy_path(f, ""), &old, &f->err));
	assert_ok(store_build_get(old, "b1", f->arena, &row, &f->err));
	assert_false(store_build_get(old, "b2", f->arena, &row, &f->err));
	store_close(old);
	store_close(take(&f->store));
	assert_false(store_open(f->path, &f->store, &f->err));
	assert_non_null(strstr(f->err.text, "newer bakery"));
}

/* Made by the program's own steps up to there; what that version could write is all there afterwards. */
static void every_older_version_comes_forward(void **state)
{
	struct fixture *f = *state;
	for (int version = 1; version < store_migrations.count; version++) {
		struct migrations older = {.steps = store_migrations.steps, .count = version};
		struct build_row row;
		char holder[BUILD_ID_SIZE];
		store_close(take(&f->store));
		free(f->path);
		f->path = mem_printf("%s/v%d/bakery.db", f->folder, version);
		assert_ok(store_open_with(f->path, &older, &f->store, &f->err));
		add_build(f, "b1", "r", 0);
		assert_ok(store_stage_began(f->store, "b1", "prepare", 1, &f->err));
		assert_ok(store_stage_done(f->store, "b1", "prepare", "{\"image_name\":\"x\"}", 2, &f->err));
		add_build(f, "b2", "r", 1);
		store_close(take(&f->store));
		assert_ok(store_open(f->path, &f->store, &f->err));
		assert_int_equal(f->store->version, store_migrations.count);
		assert_ok(store_build_get(f->store, "b1", f->arena, &row, &f->err));
		assert_string_equal(row.state, "{\"image_name\":\"x\"}");
		assert_ok(store_lease_take(f->store, "x", "b1", holder, &f->err));
		assert_ok(store_build_end(f->store, "b1", BUILD_FAILED, NULL, &f->err));
		assert_ok(store_build_end(f->store, "b2", BUILD_DONE, NULL, &f->err));
		assert_ok(store_record_verify(f->store, &f->err));
		assert_true(file_exists(arena_printf(f->arena, "%s.v%d", f->path, version)));
	}
}

static void an_earlier_copy_is_not_overwritten(void **state)
{
	struct fixture *f = *state;
	struct plus more;
	_cleanup_(str_free) struct str text = STR_INIT;
	store_close(take(&f->store));
	assert_ok(file_replace(copy_path(f, ""), "precious", 8, 0600, &f->err));
	assert_ok(store_open_with(f->path, plus(&more, GOOD_STEP), &f->store, &f->err));
	assert_ok(file_read(copy_path(f, ""), 100, &text, &f->err));
	assert_string_equal(text.data, "precious");
	assert_true(file_exists(copy_path(f, "-2")));
}

static void fails_and_leaves_all_as_it_was(struct fixture *f, const char *step, const char *wanted)
{
	struct plus more;
	struct build_row row;
	assert_false(store_open_with(f->path, plus(&more, step), &f->store, &f->err));
	if (!strstr(f->err.text, wanted) || !strstr(f->err.text, "as it was before"))
		fail_msg("%s", f->err.text);
	assert_int_equal(copies(f), 0);
	assert_ok(store_open(f->path, &f->store, &f->err));
	assert_ok(store_build_get(f->store, "b1", f->arena, &row, &f->err));
	store_close(take(&f->store));
}

static void a_failed_step_changes_nothing(void **state)
{
	struct fixture *f = *state;
	add_build(f, "b1", "r", 0);
	store_close(take(&f->store));
	fails_and_leaves_all_as_it_was(f, "ALTER TABLE build ADD COLUMN x TEXT; DELETE FROM claim; DROP TABLE nonsense",
				       "nonsense");
	fails_and_leaves_all_as_it_was(f, "INSERT INTO claim VALUES (77, '', '', '', 1, 1, 1)", "FOREIGN KEY");
	fails_and_leaves_all_as_it_was(f, "PRAGMA defer_foreign_keys = ON; DELETE FROM build", "point to nothing");
}

static void a_process_of_the_old_version_stops_writing(void **state)
{
	struct fixture *f = *state;
	struct plus more;
	struct store *newer;
	struct build_new build = {.build = "late", .recipe = "r"};
	assert_ok(store_open_with(f->path, plus(&more, GOOD_STEP), &newer, &f->err));
	assert_false(store_build_create(f->store, &build, &f->err));
	assert_int_equal(f->err.kind, ERROR_CONFLICT);
	assert_non_null(strstr(f->err.text, "another bakery"));
	store_close(newer);
}

/* Runs `count` children at once; each exits with run()'s answer. Returns how many answered 0. */
static int at_once(struct fixture *f, int count, int (*run)(struct fixture *f))
{
	int gate[2], well = 0, status;
	char go;
	assert_int_equal(pipe(gate), 0);
	fflush(stdout);
	for (int i = 0; i < count; i++) {
		if (fork())
			continue;
		close(gate[1]);
		_exit(read(gate[0], &go, 1) == 0 ? run(f) : 9);
	}
	close(gate[0]);
	close(gate[1]);
	while (wait(&status) > 0)
		well += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return well;
}

static int migrate_child(struct fixture *f)
{
	struct plus more;
	struct store *store;
	if (!store_open_with(f->path, plus(&more, GOOD_STEP), &store, &f->err))
		return fprintf(stderr, "# %s\n", f->err.text), 1;
	store_close(store);
	return 0;
}

static void several_processes_migrate_once(void **state)
{
	struct fixture *f = *state;
	add_build(f, "b1", "r", 0);
	store_close(take(&f->store));
	assert_int_equal(at_once(f, 6, migrate_child), 6);
	assert_int_equal(copies(f), 1);
}

static int create_child(struct fixture *f)
{
	struct store *store;
	char id[BUILD_ID_SIZE];
	snprintf(id, sizeof(id), "b-%d", getpid());
	struct build_new build = {.build = id, .recipe = "r"};
	if (!store_open(f->path, &store, &f->err) || !store_build_create(store, &build, &f->err))
		return fprintf(stderr, "# %s\n", f->err.text), 1;
	store_close(store);
	return 0;
}

static void several_processes_make_one_database(void **state)
{
	struct fixture *f = *state;
	struct tree *rows;
	store_close(take(&f->store));
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(at_once(f, 8, create_child), 8);
	assert_int_equal(copies(f), 0);
	assert_ok(store_open(f->path, &f->store, &f->err));
	assert_ok(store_history(f->store, &(struct history_filter){0}, &rows, &f->err));
	assert_int_equal(tree_count(rows), 8);
	tree_free(rows);
}

#define SLOW_STEP                                                                                                      \
	"CREATE TABLE many (id INTEGER PRIMARY KEY, text TEXT);"                                                       \
	"INSERT INTO many (text) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)"     \
	" SELECT 'some text that fills a page ' || i FROM n"

static int slow_child(struct fixture *f)
{
	struct plus more;
	struct store *store;
	return store_open_with(f->path, plus(&more, SLOW_STEP), &store, &f->err) ? 0 : 1;
}

static void a_kill_in_the_middle_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct build_row row;
	struct plus more;
	int killed = 0;
	add_build(f, "b1", "r", 0);
	store_close(take(&f->store));
	for (int delay_ms = 1; delay_ms < 400 && killed < 6; delay_ms = delay_ms * 2 + 5) {
		int status;
		pid_t pid = fork();
		if (pid == 0)
			_exit(slow_child(f));
		usleep((useconds_t)delay_ms * 1000);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSIGNALED(status))
			break; /* it was through already */
		killed++;
		if (!store_open(f->path, &f->store, &f->err)) {
			assert_non_null(strstr(f->err.text, "newer bakery")); /* it was through, all but the end */
			break;
		}
		assert_ok(store_build_get(f->store, "b1", f->arena, &row, &f->err));
		store_close(take(&f->store));
	}
	assert_true(killed > 0);
	assert_ok(store_open_with(f->path, plus(&more, SLOW_STEP), &f->store, &f->err));
	assert_ok(store_build_get(f->store, "b1", f->arena, &row, &f->err));
	assert_ok(store_record_verify(f->store, &f->err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		TEST(every_older_version_comes_forward),	  TEST(a_copy_is_kept_and_nothing_is_lost),
		TEST(an_earlier_copy_is_not_overwritten),	  TEST(a_failed_step_changes_nothing),
		TEST(a_process_of_the_old_version_stops_writing), TEST(several_processes_migrate_once),
		TEST(several_processes_make_one_database),	  TEST(a_kill_in_the_middle_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
