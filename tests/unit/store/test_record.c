/* SPDX-License-Identifier: Apache-2.0
 *
 * The chain of records: what lawfully changes is no contradiction, everything else shows. */
#include "store_fixture.h"

#include <sqlite3.h>

static void fill(struct fixture *f, const char *build, int minutes)
{
	add_build(f, build, "r", minutes);
	assert_ok(store_stage_began(f->store, build, "provision", 1000, &f->err));
	struct step_row step = {.build = build,
				.phase = "provision",
				.step = "one",
				.result = "failed",
				.why = "exit 1",
				.output = "out"};
	assert_ok(store_step_add(f->store, &step, &f->err));
	step.step = "two";
	assert_ok(store_step_add(f->store, &step, &f->err));
	struct evidence_row evidence = {.build = build, .phase = "verify", .control = "CIS-1", .answer = "fail"};
	assert_ok(store_evidence_add(f->store, &evidence, &f->err));
	assert_ok(store_image_put(f->store, build, "us-east-1", "ami-1", "n", NULL, "available", &f->err));
	struct parameter_row parameter = {.build = build, .region = "us-east-1", .name = "/p", .value = "ami-1"};
	assert_ok(store_parameter_add(f->store, &parameter, &f->err));
	assert_ok(store_log_add(f->store, build, "provision", "one", "out", 1, "hello", 5, &f->err));
	assert_ok(store_stage_done(f->store, build, "provision", "{}", 2000, &f->err));
	end_build(f, build, BUILD_DONE);
}

static int filled_setup(void **state)
{
	fixture_setup(state);
	struct fixture *f = *state;
	fill(f, "b1", 1);
	fill(f, "b2", 2);
	fill(f, "b3", 3);
	return 0;
}

static void an_untouched_chain_holds(void **state)
{
	struct fixture *f = *state;
	assert_ok(store_record_verify(f->store, &f->err));
	reopen(f);
	assert_ok(store_record_verify(f->store, &f->err));
}

static void what_lawfully_changes_is_no_contradiction(void **state)
{
	struct fixture *f = *state;
	struct evidence_row evidence = {.build = "b2", .phase = "scan", .control = "CIS-1", .answer = "pass"};
	struct tree *show;
	assert_ok(store_image_state(f->store, "b2", "us-east-1", "deprecated", &f->err));
	assert_ok(store_image_put(f->store, "b2", "eu-west-1", "ami-2", "n", NULL, "available", &f->err));
	assert_ok(store_evidence_add(f->store, &evidence, &f->err));
	assert_ok(store_log_add(f->store, "b2", "later", "", "note", 9, "scanned", 7, &f->err));
	assert_ok(store_stages_forget(f->store, "b2", (const char *const[]){"provision", NULL}, &f->err));
	assert_ok(store_record_verify(f->store, &f->err));
	/* The new facts are recorded once. */
	assert_ok(store_record_append(f->store, "b2", &f->err));
	assert_ok(store_record_append(f->store, "b2", &f->err));
	assert_ok(store_show(f->store, "b2", &show, &f->err));
	assert_int_equal(tree_count(tree_get(show, "records")), 2);
	assert_int_equal(tree_int(show, "records.2.record", 0), 4);
	tree_free(show);
	assert_ok(store_record_verify(f->store, &f->err));
}

static void a_build_that_goes_on_is_no_contradiction(void **state)
{
	struct fixture *f = *state;
	struct tree *show;
	add_build(f, "b4", "r", 4);
	assert_ok(store_image_put(f->store, "b4", "us-east-1", "ami-3", "n", NULL, "available", &f->err));
	end_build(f, "b4", BUILD_QUARANTINED);
	assert_ok(store_build_claim(f->store, "b4", &f->err));
	assert_ok(store_image_put(f->store, "b4", "us-east-1", "ami-4", "n", NULL, "available", &f->err));
	assert_ok(store_record_verify(f->store, &f->err));
	assert_ok(store_record_append(f->store, "b4", &f->err)); /* not before it has ended */
	assert_ok(store_show(f->store, "b4", &show, &f->err));
	assert_int_equal(tree_count(tree_get(show, "records")), 1);
	tree_free(show);
	end_build(f, "b4", BUILD_DONE);
	assert_ok(store_record_verify(f->store, &f->err));
}

/* By hand, as somebody with the sqlite3 shell would. */
static void tamper(struct fixture *f, const char *sql)
{
	sqlite3 *db;
	char *message = NULL;
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	sqlite3_close(db);
}

static void every_change_shows(void **state)
{
	static const struct {
		const char *sql, *wanted;
	} changes[] = {
		{"UPDATE build SET user = 'eve' WHERE build = 'b2'",
		 "record.build.1.user was \"ana\" when it was recorded and is \"eve\" now"},
		{"UPDATE build SET status = 'failed' WHERE build = 'b2'", "status was \"done\""},
		{"UPDATE build SET git_commit = NULL WHERE build = 'b2'", "git_commit"},
		{"UPDATE step SET result = 'ok' WHERE build = 2 AND step = 'one'", "record.steps.1.result"},
		{"UPDATE step SET output = 'all good', output_size = 8 WHERE build = 2", "output_sha256"},
		{"DELETE FROM step WHERE build = 2 AND step = 'one'", "record.steps.1"},
		{"DELETE FROM step WHERE build = 2 AND step = 'two'", "record.steps.2"},
		{"UPDATE evidence SET answer = 'pass' WHERE build = 2", "record.controls.1.answer was \"fail\""},
		{"UPDATE image SET ami = 'ami-evil' WHERE build = 2", "record.images.1.ami"},
		{"UPDATE parameter SET value = 'ami-evil' WHERE build = 2", "record.parameters.1.value"},
		{"UPDATE stage SET ended_ms = 1001 WHERE build = 2", "record.stages.1.ended_ms"},
		{"UPDATE plan SET data = '{}', size = 2 WHERE build = 2", "record.plan.1.plan_sha256"},
		{"UPDATE log SET data = '', size = 0, lines = 0 WHERE build = 2", "record.log.1"},
		{"DELETE FROM log WHERE build = 2", "record.log.1"},
		{"UPDATE record SET sha256 = replace(sha256, '0', '1') WHERE id = 2", "hash"},
		{"UPDATE record SET data = '{}', size = 2 WHERE id = 2", "hash"},
		{"UPDATE record SET build = 'b1' WHERE id = 2", "record.build.1.build"},
		{"DELETE FROM record WHERE id = 2", "record 2 is missing"},
		{"UPDATE record SET id = 9 WHERE id = 2", "record 2 is missing"},
		{"PRAGMA foreign_keys = OFF; DELETE FROM build WHERE build = 'b2'", "no build b2"},
	};
	struct fixture *f = *state;
	_cleanup_(str_free) struct str good = STR_INIT;
	store_close(take(&f->store));
	assert_ok(file_read(f->path, 1 << 24, &good, &f->err));
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		tamper(f, changes[i].sql);
		assert_ok(store_open(f->path, &f->store, &f->err));
		memset(&f->err, 0, sizeof(f->err));
		if (store_record_verify(f->store, &f->err))
			fail_msg("%s does not show", changes[i].sql);
		if (f->err.kind != ERROR_FAILED || !strstr(f->err.text, changes[i].wanted))
			fail_msg("%s: %s", changes[i].sql, f->err.text);
		store_close(take(&f->store));
		assert_ok(file_replace(f->path, good.data, good.len, 0600, &f->err));
	}
}

static void damaged_pages_show(void **state)
{
	struct fixture *f = *state;
	_cleanup_(str_free) struct str bytes = STR_INIT;
	store_close(take(&f->store));
	assert_ok(file_read(f->path, 1 << 24, &bytes, &f->err));
	memset(bytes.data + bytes.len - 4096, 0xa5, 4096);
	assert_ok(file_replace(f->path, bytes.data, bytes.len, 0600, &f->err));
	assert_ok(store_open(f->path, &f->store, &f->err));
	assert_false(store_record_verify(f->store, &f->err));
	assert_non_null(strstr(f->err.text, "damaged"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, filled_setup, fixture_teardown)
		TEST(an_untouched_chain_holds),
		TEST(what_lawfully_changes_is_no_contradiction),
		TEST(a_build_that_goes_on_is_no_contradiction),
		TEST(every_change_shows),
		TEST(damaged_pages_show),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
