/* SPDX-License-Identifier: Apache-2.0
 *
 * Many at once: threads of one process, several processes, processes that are killed while they write, and whose claim
 * it is. */
#include "store_fixture.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "bakery/parallel.h"
#include "src/store/db.h"

enum { STEPS = 25 };

/* A whole little build. */
static bool bake(struct store *store, const char *build, struct error *err)
{
	struct build_new row = {.build = build, .recipe = "r", .plan = "{}"};
	struct step_row step = {
		.build = build, .phase = "provision", .step = "s", .result = "changed", .output = "some output\n"};
	if (!store_build_create(store, &row, err) || !store_stage_began(store, build, "provision", 1, err))
		return false;
	for (int i = 0; i < STEPS; i++) {
		if (!store_step_add(store, &step, err) ||
		    !store_log_add(store, build, "provision", "s", "out", i, "line", 4, err))
			return false;
	}
	return store_stage_done(store, build, "provision", "{}", 2, err) &&
	       store_build_end(store, build, BUILD_DONE, NULL, err);
}

struct job {
	struct store *store;
	char build[BUILD_ID_SIZE];
};

static bool job_run(void *item, struct error *err)
{
	struct job *job = item;
	return bake(job->store, job->build, err);
}

static bool count_line(void *cookie, const struct log_line *line)
{
	*(int *)cookie += 1;
	return true;
}

static void all_are_whole(struct fixture *f, size_t builds)
{
	_cleanup_(tree_freep) struct tree *rows = NULL;
	assert_ok(store_history(f->store, &(struct history_filter){.status = "done", .limit = 1000}, &rows, &f->err));
	assert_int_equal(tree_count(rows), builds);
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
		_cleanup_(tree_freep) struct tree *show = NULL;
		int lines = 0;
		assert_ok(store_show(f->store, tree_text(i.value, "build"), &show, &f->err));
		assert_int_equal(tree_count(tree_get(show, "steps")), STEPS);
		assert_int_equal(tree_count(tree_get(show, "records")), 1);
		assert_ok(store_log_read(f->store, tree_text(i.value, "build"), count_line, &lines, &f->err));
		assert_int_equal(lines, STEPS);
	}
	assert_ok(store_record_verify(f->store, &f->err));
}

static void many_threads_write_at_once(void **state)
{
	struct fixture *f = *state;
	struct job jobs[12];
	for (int i = 0; i < 12; i++) {
		jobs[i].store = f->store;
		snprintf(jobs[i].build, sizeof(jobs[i].build), "b-%d", i);
	}
	assert_ok(parallel_each(jobs, 12, sizeof(jobs[0]), 0, job_run, NULL, &f->err));
	all_are_whole(f, 12);
}

static int bake_child(struct fixture *f, int number)
{
	struct store *store;
	for (int i = 0; i < 3; i++) {
		char build[BUILD_ID_SIZE];
		snprintf(build, sizeof(build), "b-%d-%d", number, i);
		if (!store_open(f->path, &store, &f->err) || !bake(store, build, &f->err))
			return fprintf(stderr, "# %s\n", f->err.text), 1;
		store_close(store);
	}
	return 0;
}

static void several_processes_write_at_once(void **state)
{
	struct fixture *f = *state;
	int status;
	store_close(take(&f->store));
	fflush(stdout);
	for (int i = 0; i < 4; i++) {
		if (fork() == 0)
			_exit(bake_child(f, i));
	}
	for (int i = 0; i < 4; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_ok(store_open(f->path, &f->store, &f->err));
	all_are_whole(f, 12);
}

/* Writes steps until it is killed; says a byte for each that is safe. */
static void write_for_ever(struct fixture *f, const char *build, int said)
{
	struct store *store;
	struct step_row step = {.build = build, .phase = "p", .step = "s", .result = "ok", .output = "o"};
	struct build_new row = {.build = build, .recipe = "r"};
	if (!store_open(f->path, &store, &f->err) || !store_build_create(store, &row, &f->err))
		_exit(1);
	while (store_step_add(store, &step, &f->err) && write(said, ".", 1) == 1)
		;
	_exit(2);
}

static pid_t start_writer(struct fixture *f, const char *build, int *said)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		write_for_ever(f, build, ends[1]);
	}
	close(ends[1]);
	*said = ends[0];
	return pid;
}

static size_t read_all(int fd)
{
	char chunk[4096];
	size_t total = 0;
	ssize_t got;
	while ((got = read(fd, chunk, sizeof(chunk))) > 0)
		total += (size_t)got;
	close(fd);
	return total;
}

static void what_was_confirmed_survives_a_kill(void **state)
{
	struct fixture *f = *state;
	store_close(take(&f->store));
	for (int round = 0; round < 8; round++) {
		_cleanup_(tree_freep) struct tree *show = NULL;
		char build[BUILD_ID_SIZE], first;
		int said;
		snprintf(build, sizeof(build), "b-%d", round);
		pid_t pid = start_writer(f, build, &said);
		assert_int_equal(read(said, &first, 1), 1);
		usleep((useconds_t)(round * 7000 + 300));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		size_t confirmed = 1 + read_all(said);
		assert_ok(store_open(f->path, &f->store, &f->err));
		assert_ok(store_show(f->store, build, &show, &f->err));
		size_t steps = tree_count(tree_get(show, "steps"));
		assert_true(steps == confirmed || steps == confirmed + 1);
		assert_string_equal(tree_text(show, "status"), "interrupted");
		assert_ok(store_record_verify(f->store, &f->err));
		store_close(take(&f->store));
	}
	assert_ok(store_open(f->path, &f->store, &f->err));
}

static void a_claim_is_held_while_its_process_lives(void **state)
{
	struct fixture *f = *state;
	_cleanup_(tree_freep) struct tree *running = NULL, *interrupted = NULL, *neither = NULL;
	struct build_row row;
	char first, build[BUILD_ID_SIZE];
	int said;
	pid_t pid = start_writer(f, "b", &said);
	assert_int_equal(read(said, &first, 1), 1);
	assert_ok(store_history(f->store, &(struct history_filter){.status = "running"}, &running, &f->err));
	assert_int_equal(tree_count(running), 1);
	assert_ok(store_build_resumable(f->store, NULL, build, &f->err));
	assert_string_equal(build, "");
	assert_false(store_build_claim(f->store, "b", &f->err));
	assert_int_equal(f->err.kind, ERROR_CONFLICT);
	_cleanup_(freep) char *holder = mem_printf("process %d on ", pid);
	assert_non_null(strstr(f->err.text, holder));
	assert_false(store_build_heartbeat(f->store, "b", &f->err));
	assert_int_equal(f->err.kind, ERROR_CONFLICT);
	kill(pid, SIGKILL);
	siginfo_t info;
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT),
			 0); /* dead, not reaped yet: dead all the same */
	assert_ok(store_history(f->store, &(struct history_filter){.status = "interrupted"}, &interrupted, &f->err));
	assert_int_equal(tree_count(interrupted), 1);
	assert_string_equal(tree_text(interrupted, "1.status"), "interrupted");
	assert_ok(store_history(f->store, &(struct history_filter){.status = "running"}, &neither, &f->err));
	assert_int_equal(tree_count(neither), 0);
	assert_ok(store_build_get(f->store, "b", f->arena, &row, &f->err));
	assert_int_equal(row.status, BUILD_INTERRUPTED);
	assert_ok(store_build_resumable(f->store, NULL, build, &f->err));
	assert_string_equal(build, "b");
	assert_ok(store_build_claim(f->store, "b", &f->err));
	assert_ok(store_build_claim(f->store, "b", &f->err)); /* ours already */
	assert_ok(store_build_heartbeat(f->store, "b", &f->err));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	read_all(said);
}

static void sql(struct fixture *f, const char *text)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void a_claim_from_elsewhere_lives_by_its_heartbeat(void **state)
{
	struct fixture *f = *state;
	add_build(f, "b", "r", 0);
	sql(f, "UPDATE claim SET host = 'elsewhere', boot = 'another'");
	assert_false(store_build_claim(f->store, "b", &f->err));
	assert_non_null(strstr(f->err.text, "on elsewhere"));
	sql(f, "UPDATE claim SET heartbeat_ms = heartbeat_ms - 100000");
	struct hold held;
	assert_false(
		store_stage_began(f->store, "b", "launch", 0, &f->err)); /* who was taken for dead writes nothing */
	assert_string_equal(f->err.code, STORE_CLAIM_LOST);
	assert_false(store_hold_intend(f->store, "b", &(struct hold){.kind = "image", .token = "t"}, f->arena, &held,
				       &f->err));
	assert_false(store_build_end(f->store, "b", BUILD_FAILED, NULL, &f->err));
	assert_string_equal(f->err.code, STORE_CLAIM_LOST);
	assert_false(store_build_heartbeat(f->store, "b", &f->err)); /* still not ours */
	assert_ok(store_build_claim(f->store, "b", &f->err));
	assert_ok(store_build_heartbeat(f->store, "b", &f->err));
}

/* The one that took it over has ended it, too: there is nobody's claim, and no longer ours either. */
static void what_another_one_ended_is_over(void **state)
{
	struct fixture *f = *state;
	struct build_row row;
	struct hold held;
	char holder[BUILD_ID_SIZE];
	add_build(f, "b", "r", 0);
	assert_ok(store_build_is_claimed(f->store, "b", &f->err));
	assert_ok(store_stage_began(f->store, "b", "publish", 0, &f->err));
	sql(f, "DELETE FROM claim; UPDATE build SET status = 'done'");
	assert_false(store_build_is_claimed(f->store, "b", &f->err));
	assert_string_equal(f->err.code, STORE_CLAIM_LOST);
	assert_false(store_stage_done(f->store, "b", "publish", "{}", 0, &f->err));
	assert_string_equal(f->err.code, STORE_CLAIM_LOST);
	assert_false(store_stage_began(f->store, "b", "tidy", 0, &f->err));
	assert_false(store_hold_intend(f->store, "b", &(struct hold){.kind = "image", .token = "t"}, f->arena, &held,
				       &f->err));
	assert_string_equal(f->err.code, STORE_CLAIM_LOST);
	assert_false(store_lease_take(f->store, "publish x", "b", holder, &f->err));
	assert_string_equal(f->err.code, STORE_CLAIM_LOST);
	assert_false(store_build_end(f->store, "b", BUILD_FAILED, NULL, &f->err));
	assert_string_equal(f->err.code, STORE_CLAIM_LOST);
	assert_ok(store_build_get(f->store, "b", f->arena, &row, &f->err));
	assert_int_equal(row.status, BUILD_DONE);
}

static int64_t hours_ahead(void *cookie)
{
	return clock_wall_ms() + *(int64_t *)cookie * 3600000;
}

/* A container of this host: its process cannot be looked at, but its clocks are ours. */
static void a_jump_of_the_clock_kills_nobody(void **state)
{
	struct fixture *f = *state;
	add_build(f, "b", "r", 0);
	for (int64_t hours = -2; hours <= 2; hours += 2) {
		sql(f, "UPDATE claim SET namespace = 'pid:[1]'");
		store_use_clock(f->store, hours_ahead, &hours);
		assert_false(store_build_claim(f->store, "b", &f->err));
	}
	store_use_clock(f->store, NULL, NULL);
	sql(f, "UPDATE claim SET boot = substr(boot, 1, 37) || (CAST(substr(boot, 38) AS INTEGER) - 90000)");
	assert_ok(store_build_claim(f->store, "b", &f->err));
	assert_ok(store_build_heartbeat(f->store, "b", &f->err));
}

static struct moment at(int64_t wall_ms, int64_t mono_ms)
{
	return (struct moment){wall_ms, mono_ms};
}

static void a_pid_that_was_given_to_another_is_dead(void **state)
{
	struct holder self, other;
	holder_of_this_process(&self);
	other = self;
	assert_true(holder_alive(&self, &other, 0, at(1LL << 40, 0)));
	other.start--;
	assert_false(holder_alive(&self, &other, 1LL << 40, at(1LL << 40, 0)));
	other = self;
	snprintf(other.namespace, sizeof(other.namespace), "pid:[1]");
	assert_true(holder_alive(&self, &other, 1000000, at(1000000 + HOLDER_STALE_MS - 1, 0)));
	assert_false(holder_alive(&self, &other, 1000000, at(1000000 + HOLDER_STALE_MS, 0)));
	assert_false(holder_alive(&self, &other, 1000000 + HOLDER_STALE_MS,
				  at(1000000, 0))); /* a clock far ahead keeps nothing for ever */
	other.beat_ms = 5000;			    /* of the same boot: the time of day says nothing */
	assert_true(holder_alive(&self, &other, 0, at(1LL << 40, 5000 + HOLDER_STALE_MS - 1)));
	assert_false(holder_alive(&self, &other, 1LL << 40, at(1LL << 40, 5000 + HOLDER_STALE_MS)));
	snprintf(other.boot, sizeof(other.boot), "another");
	assert_true(holder_alive(&self, &other, 1000000, at(1000000 + HOLDER_STALE_MS - 1, 1LL << 40)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		TEST(many_threads_write_at_once),
		TEST(several_processes_write_at_once),
		TEST(what_was_confirmed_survives_a_kill),
		TEST(a_claim_is_held_while_its_process_lives),
		TEST(a_claim_from_elsewhere_lives_by_its_heartbeat),
		TEST(what_another_one_ended_is_over),
		TEST(a_jump_of_the_clock_kills_nobody),
		cmocka_unit_test(a_pid_that_was_given_to_another_is_dead),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
