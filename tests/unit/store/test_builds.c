/* SPDX-License-Identifier: Apache-2.0
 *
 * Builds, journal, ledger and what the record holds: written, read back, and refused where it makes no sense. */
#include "store_fixture.h"

#include "src/store/db.h"

static void a_build_is_written_and_read_back(void **state)
{
	struct fixture *f = *state;
	struct build_row row;
	add_build(f, "20260101-000000-aaaa", "debian-12", 0);
	reopen(f);
	assert_ok(store_build_get(f->store, "20260101-000000-aaaa", f->arena, &row, &f->err));
	assert_string_equal(row.build, "20260101-000000-aaaa");
	assert_string_equal(row.recipe, "debian-12");
	assert_string_equal(row.plan, "{\"recipe\":\"debian-12\",\"source\":{\"ami\":\"ami-0source\"}}");
	assert_string_equal(row.plan_sha256, "aa11");
	assert_string_equal(row.channel, "candidate");
	assert_null(row.state);
	assert_int_equal(row.status, BUILD_RUNNING);
	assert_int_equal(row.started_ms, 1767225600000);
}

static void a_long_plan_comes_back_whole(void **state)
{
	struct fixture *f = *state;
	struct build_row row;
	_cleanup_(str_free) struct str plan = STR_INIT;
	str_add(&plan, "[0");
	for (int i = 1; i < 50000; i++)
		str_addf(&plan, ",%d", i);
	str_add(&plan, "]");
	struct build_new build = {.build = "b", .recipe = "r", .plan = plan.data};
	assert_ok(store_build_create(f->store, &build, &f->err));
	assert_ok(store_build_get(f->store, "b", f->arena, &row, &f->err));
	assert_string_equal(row.plan, plan.data);
}

static void unknown_and_doubled_builds_are_refused(void **state)
{
	struct fixture *f = *state;
	struct build_row row;
	struct build_new again = {.build = "b1", .recipe = "r"};
	add_build(f, "b1", "r", 0);
	assert_false(store_build_create(f->store, &again, &f->err));
	assert_int_equal(f->err.kind, ERROR_CONFLICT);
	assert_false(store_build_get(f->store, "nope", f->arena, &row, &f->err));
	assert_int_equal(f->err.kind, ERROR_ABSENT);
	assert_false(store_stage_began(f->store, "nope", "launch", 1, &f->err));
	assert_int_equal(f->err.kind, ERROR_ABSENT);
	assert_false(store_image_put(f->store, "nope", "r", "ami-1", NULL, NULL, "pending", &f->err));
	assert_int_equal(f->err.kind, ERROR_ABSENT);
}

static void stage_run(struct fixture *f, const char *stage, const char *after)
{
	assert_ok(store_stage_began(f->store, "b", stage, 1000, &f->err));
	assert_ok(store_stage_done(f->store, "b", stage, after, 3500, &f->err));
}

static char *stages_done(struct fixture *f)
{
	struct tree *names;
	_cleanup_(str_free) struct str text = STR_INIT;
	assert_ok(store_stages_done(f->store, "b", &names, &f->err));
	tree_to_json(names, &text);
	tree_free(names);
	return arena_strdup(f->arena, text.data);
}

static void only_the_newest_run_of_a_stage_counts(void **state)
{
	struct fixture *f = *state;
	struct build_row row;
	add_build(f, "b", "r", 0);
	assert_string_equal(stages_done(f), "[]");
	stage_run(f, "prepare", "{\"a\":1}");
	stage_run(f, "launch", "{\"a\":2}");
	assert_string_equal(stages_done(f), "[\"prepare\",\"launch\"]");
	assert_ok(store_stage_began(f->store, "b", "launch", 4000, &f->err));
	assert_string_equal(stages_done(f), "[\"prepare\"]");
	assert_ok(store_build_get(f->store, "b", f->arena, &row, &f->err));
	assert_string_equal(row.state, "{\"a\":2}");
}

static void a_stage_must_have_begun_to_end(void **state)
{
	struct fixture *f = *state;
	add_build(f, "b", "r", 0);
	assert_false(store_stage_done(f->store, "b", "launch", "{}", 1, &f->err));
	assert_int_equal(f->err.kind, ERROR_CONFLICT);
	stage_run(f, "launch", "{}");
	assert_false(store_stage_failed(f->store, "b", "launch", &f->err, 1, &f->err));
}

static void falling_back_forgets_stages(void **state)
{
	struct fixture *f = *state;
	add_build(f, "b", "r", 0);
	stage_run(f, "prepare", "{}");
	stage_run(f, "launch", "{}");
	stage_run(f, "connect", "{}");
	assert_ok(
		store_stages_forget(f->store, "b", (const char *const[]){"launch", "connect", "seal", NULL}, &f->err));
	assert_string_equal(stages_done(f), "[\"prepare\"]");
	stage_run(f, "launch", "{}");
	assert_string_equal(stages_done(f), "[\"prepare\",\"launch\"]");
}

static bool is_failed(struct fixture *f, const char *stage)
{
	bool failed = false;
	assert_ok(store_stage_is_failed(f->store, "b", stage, &failed, &f->err));
	return failed;
}

static void failed_is_not_cut_off(void **state)
{
	struct fixture *f = *state;
	struct error why = {0};
	add_build(f, "b", "r", 0);
	error_set(&why, ERROR_FAILED, "no");
	assert_false(is_failed(f, "provision"));
	assert_ok(store_stage_began(f->store, "b", "provision", 1, &f->err));
	assert_false(is_failed(f, "provision"));
	assert_ok(store_stage_failed(f->store, "b", "provision", &why, 2, &f->err));
	assert_true(is_failed(f, "provision"));
	assert_false(is_failed(f, "seal"));
	assert_ok(store_stages_forget(f->store, "b", (const char *const[]){"provision", NULL}, &f->err));
	assert_false(is_failed(f, "provision"));
	assert_ok(store_stage_began(f->store, "b", "provision", 3, &f->err));
	assert_false(is_failed(f, "provision"));
}

static void steps_in_order_from_one_on(void **state)
{
	struct fixture *f = *state;
	_cleanup_(tree_freep) struct tree *all = NULL, *rest = NULL, *none = NULL;
	add_build(f, "b", "r", 0);
	add_build(f, "other", "r", 1);
	for (const char *step = "abc"; *step; step++) {
		const char id[] = {*step, '\0'};
		struct step_row row = {.build = "b",
				       .phase = "provision",
				       .playbook = "p",
				       .playbook_sha256 = "ff",
				       .step = id,
				       .name = id,
				       .result = "changed",
				       .why = "",
				       .file = "p.yaml"};
		assert_ok(store_step_add(f->store, &row, &f->err));
		row.build = "other";
		assert_ok(store_step_add(f->store, &row, &f->err));
	}
	assert_ok(store_step_list(f->store, "b", 0, &all, &f->err));
	assert_int_equal(tree_count(all), 3);
	assert_ok(store_step_list(f->store, "b", 2, &rest, &f->err));
	assert_int_equal(tree_count(rest), 1);
	assert_string_equal(tree_text(rest, "1.step"), "c");
	assert_string_equal(tree_text(rest, "1.playbook_sha256"), "ff");
	assert_ok(store_step_list(f->store, "b", 3, &none, &f->err));
	assert_int_equal(tree_count(none), 0);
	assert_false(store_step_list(f->store, "nobody", 0, &none, &f->err));
	assert_int_equal(f->err.kind, ERROR_ABSENT);
}

static void an_intent_is_found_again(void **state)
{
	struct fixture *f = *state;
	struct hold wish = {.kind = "instance", .region = "us-east-1", .token = "tok-1", .purpose = "build"}, first,
		    again, other;
	add_build(f, "b", "r", 0);
	assert_ok(store_hold_intend(f->store, "b", &wish, f->arena, &first, &f->err));
	assert_null(first.id);
	reopen(f);
	wish.token = "tok-2";
	assert_ok(store_hold_intend(f->store, "b", &wish, f->arena, &again, &f->err));
	assert_int_equal(again.row, first.row);
	assert_string_equal(again.token, "tok-1");
	assert_ok(store_hold_made(f->store, first.row, "i-1", &f->err));
	assert_ok(store_hold_intend(f->store, "b", &wish, f->arena, &again, &f->err));
	assert_string_equal(again.id, "i-1");
	wish.purpose = "test";
	assert_ok(store_hold_intend(f->store, "b", &wish, f->arena, &other, &f->err));
	assert_int_not_equal(other.row, first.row);
}

static void held_ones_are_listed_newest_first_until_dropped_or_kept(void **state)
{
	struct fixture *f = *state;
	static const char *const kinds[] = {"key_pair", "security_group", "instance", "image"};
	struct hold holds[4], *list;
	size_t count;
	add_build(f, "b", "r", 0);
	for (size_t i = 0; i < 4; i++) {
		struct hold wish = {.kind = kinds[i], .region = "us-east-1"};
		assert_ok(store_hold_intend(f->store, "b", &wish, f->arena, &holds[i], &f->err));
	}
	assert_ok(store_hold_dropped(f->store, holds[1].row, &f->err));
	assert_ok(store_hold_kept(f->store, holds[3].row, &f->err));
	assert_ok(store_hold_list(f->store, "b", f->arena, &list, &count, &f->err));
	assert_int_equal(count, 2);
	assert_string_equal(list[0].kind, "instance");
	assert_string_equal(list[1].kind, "key_pair");
	assert_string_equal(list[1].purpose, "");
	struct hold wish = {.kind = "security_group", .region = "us-east-1"}, made;
	assert_ok(store_hold_intend(f->store, "b", &wish, f->arena, &made, &f->err));
	assert_int_not_equal(made.row, holds[1].row);
	assert_false(store_hold_made(f->store, holds[1].row, "sg-1", &f->err));
	assert_false(store_hold_made(f->store, 999, "sg-1", &f->err));
	assert_int_equal(f->err.kind, ERROR_ABSENT);
}

static void resumable_is(struct fixture *f, const char *recipe, const char *wanted)
{
	char build[BUILD_ID_SIZE];
	assert_ok(store_build_resumable(f->store, recipe, build, &f->err));
	assert_string_equal(build, wanted);
}

static void resume_takes_the_newest_that_can_go_on(void **state)
{
	struct fixture *f = *state;
	struct hold wish = {.kind = "instance"}, hold;
	resumable_is(f, NULL, "");
	add_build(f, "b1", "one", 1);
	add_build(f, "b2", "two", 2);
	add_build(f, "b3", "one", 3);
	add_build(f, "b4", "one", 4);
	resumable_is(f, NULL, ""); /* all held by this very process */
	end_build(f, "b1", BUILD_INTERRUPTED);
	resumable_is(f, NULL, "b1");
	end_build(f, "b2", BUILD_QUARANTINED);
	resumable_is(f, NULL, "b2");
	resumable_is(f, "one", "b1");
	end_build(f, "b3", BUILD_FAILED); /* nothing left of it */
	resumable_is(f, NULL, "b2");
	assert_ok(store_build_claim(f->store, "b3", &f->err));
	assert_ok(store_hold_intend(f->store, "b3", &wish, f->arena, &hold, &f->err));
	end_build(f, "b3", BUILD_FAILED);
	resumable_is(f, NULL, "b3");
	end_build(f, "b4", BUILD_DONE);
	resumable_is(f, NULL, "b3");
	assert_ok(store_hold_dropped(f->store, hold.row, &f->err));
	resumable_is(f, NULL, "b2");
	resumable_is(f, "three", "");
}

static void cleaning_up_does_not_change_how_a_build_ended(void **state)
{
	struct fixture *f = *state;
	struct error why = {.kind = ERROR_FAILED, .text = "step x failed"};
	_cleanup_(tree_freep) struct tree *before = NULL, *during = NULL, *after = NULL;
	add_build(f, "b", "r", 0);
	assert_ok(store_build_end(f->store, "b", BUILD_FAILED, &why, &f->err));
	assert_ok(store_show(f->store, "b", &before, &f->err));
	assert_ok(store_build_claim(f->store, "b", &f->err));
	assert_ok(store_show(f->store, "b", &during, &f->err));
	assert_string_equal(tree_text(during, "status"), "running");
	assert_null(tree_text(during, "ended"));
	assert_null(tree_text(during, "error.text"));
	usleep(2000);
	end_build(f, "b", BUILD_FAILED);
	assert_ok(store_show(f->store, "b", &after, &f->err));
	assert_string_equal(tree_text(after, "status"), "failed");
	assert_string_equal(tree_text(after, "ended"), tree_text(before, "ended"));
	assert_string_equal(tree_text(after, "error.text"), "step x failed");
	assert_int_equal(tree_count(tree_get(after, "records")), 1);
}

static void a_resumed_build_ends_anew(void **state)
{
	struct fixture *f = *state;
	struct error why = {.kind = ERROR_STOPPED, .text = "interrupted"};
	_cleanup_(tree_freep) struct tree *show = NULL;
	add_build(f, "b", "r", 0);
	assert_ok(store_build_end(f->store, "b", BUILD_INTERRUPTED, &why, &f->err));
	assert_ok(store_build_claim(f->store, "b", &f->err));
	end_build(f, "b", BUILD_DONE);
	assert_ok(store_show(f->store, "b", &show, &f->err));
	assert_string_equal(tree_text(show, "status"), "done");
	assert_null(tree_text(show, "error.text"));
	assert_int_equal(tree_count(tree_get(show, "records")), 2);
	/* Worked on once more, a done build stays done. */
	assert_ok(store_build_claim(f->store, "b", &f->err));
	tree_free(take(&show));
	assert_ok(store_show(f->store, "b", &show, &f->err));
	assert_string_equal(tree_text(show, "status"), "done");
}

static void what_ended_builds_hold_is_listed(void **state)
{
	struct fixture *f = *state;
	struct hold wish = {.kind = "instance", .region = "us-east-1", .token = "t"}, hold;
	_cleanup_(tree_freep) struct tree *held = NULL, *none = NULL;
	add_build(f, "new", "r", 2);
	add_build(f, "old", "r", 1);
	assert_ok(store_hold_intend(f->store, "new", &wish, f->arena, &hold, &f->err));
	assert_ok(store_hold_intend(f->store, "old", &wish, f->arena, &hold, &f->err));
	wish.kind = "key_pair";
	assert_ok(store_hold_intend(f->store, "old", &wish, f->arena, &hold, &f->err));
	assert_ok(store_held(f->store, &none, &f->err));
	assert_int_equal(tree_count(none), 0); /* this process works on them */
	end_build(f, "new", BUILD_FAILED);
	end_build(f, "old", BUILD_INTERRUPTED);
	assert_ok(store_held(f->store, &held, &f->err));
	assert_int_equal(tree_count(held), 3);
	assert_string_equal(tree_text(held, "1.build"), "old");
	assert_string_equal(tree_text(held, "1.kind"), "key_pair");
	assert_string_equal(tree_text(held, "2.kind"), "instance");
	assert_string_equal(tree_text(held, "3.build"), "new");
	assert_string_equal(tree_text(held, "3.status"), "failed");
	assert_null(tree_text(held, "3.id"));
}

static void image_rows_are_replaced_and_keep_their_snapshots(void **state)
{
	struct fixture *f = *state;
	struct tree *show;
	add_build(f, "b", "r", 0);
	assert_ok(store_image_put(f->store, "b", "us-east-1", "ami-1", "name", "[\"snap-1\"]", "pending", &f->err));
	assert_ok(store_image_put(f->store, "b", "eu-west-1", "ami-2", "name", NULL, "pending", &f->err));
	assert_ok(store_image_put(f->store, "b", "us-east-1", "ami-1", "name", NULL, "available", &f->err));
	assert_ok(store_show(f->store, "b", &show, &f->err));
	assert_int_equal(tree_count(tree_get(show, "images")), 2);
	assert_string_equal(tree_text(show, "images.1.state"), "available");
	assert_string_equal(tree_text(show, "images.1.snapshots.1"), "snap-1");
	tree_free(show);
	assert_ok(store_image_state(f->store, "b", "eu-west-1", "shared", &f->err));
	assert_ok(store_show(f->store, "b", &show, &f->err));
	assert_string_equal(tree_text(show, "images.2.state"), "shared");
	tree_free(show);
	assert_false(store_image_state(f->store, "b", "eu-north-1", "shared", &f->err));
	assert_int_equal(f->err.kind, ERROR_ABSENT);
	/* Another image: the old one's snapshots are not its own. */
	assert_ok(store_image_put(f->store, "b", "us-east-1", "ami-9", "name", NULL, "pending", &f->err));
	assert_ok(store_show(f->store, "b", &show, &f->err));
	assert_null(tree_text(show, "images.1.snapshots.1"));
	tree_free(show);
}

static void answer(struct fixture *f, const char *phase, const char *control, const char *step, const char *answer)
{
	struct evidence_row row = {
		.build = "b", .phase = phase, .control = control, .step = step, .answer = answer, .at_ms = 5000};
	assert_ok(store_evidence_add(f->store, &row, &f->err));
}

static void only_the_newest_answer_of_a_control_counts(void **state)
{
	struct fixture *f = *state;
	struct tree *list;
	add_build(f, "b", "r", 0);
	answer(f, "provision", "CIS-1", "s1", "fail");
	answer(f, "provision", "CIS-2", "s1", "pass");
	answer(f, "provision", "CIS-1", "s2", "pass");
	answer(f, "verify", "CIS-3", "s3", "pass");
	answer(f, "provision", "CIS-1", "s1", "pass");
	assert_ok(store_evidence_list(f->store, "b", "provision", &list, &f->err));
	assert_int_equal(tree_count(list), 3);
	assert_string_equal(tree_text(list, "1.control"), "CIS-2");
	assert_string_equal(tree_text(list, "3.step"), "s1");
	assert_string_equal(tree_text(list, "3.answer"), "pass");
	assert_string_equal(tree_text(list, "3.at"), "1970-01-01T00:00:05.000Z");
	tree_free(list);
}

/* How eagerly the connection syncs: 1 is NORMAL, 2 FULL. */
static int synchronous(struct fixture *f)
{
	sqlite3_stmt *statement;
	assert_int_equal(sqlite3_prepare_v2(f->store->db, "PRAGMA synchronous", -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	int level = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return level;
}

static void what_must_survive_a_power_cut_is_synced(void **state)
{
	struct fixture *f = *state;
	struct hold wish = {.kind = "instance"}, hold;
	struct step_row step = {.build = "b", .phase = "p", .step = "s", .result = "ok"};
	add_build(f, "b", "r", 0);
	assert_int_equal(synchronous(f), 2);
	for (int i = 0; i < 3; i++) {
		assert_ok(store_step_add(f->store, &step, &f->err));
		assert_int_equal(synchronous(f), 1);
		wish.purpose = i ? "test" : "build";
		assert_ok(store_hold_intend(f->store, "b", &wish, f->arena, &hold, &f->err));
		assert_int_equal(synchronous(f), 2);
	}
}

static bool count_line(void *cookie, const struct log_line *line)
{
	*(int *)cookie += 1;
	return true;
}

/* SQLite's own limit stands for the disk's. */
static void a_full_disk_loses_nothing_that_was_there(void **state)
{
	struct fixture *f = *state;
	_cleanup_(str_free) struct str noise = STR_INIT;
	_cleanup_(tree_freep) struct tree *show = NULL;
	add_build(f, "b", "r", 0);
	for (uint32_t seed = 1, i = 0; i < 400000; i++, seed = seed * 1664525 + 1013904223)
		str_add_char(&noise, (char)('0' + (seed >> 24) % 64)); /* does not compress to nothing */
	struct step_row step = {.build = "b", .phase = "p", .step = "small", .result = "ok", .output = "small"};
	assert_ok(store_step_add(f->store, &step, &f->err));
	assert_ok(db_script(f->store, "PRAGMA max_page_count = 40", &f->err));
	step.step = "large";
	step.output = noise.data;
	assert_false(store_step_add(f->store, &step, &f->err));
	assert_non_null(strstr(f->err.text, "disk is full"));
	assert_ok(store_log_add(f->store, "b", "s", "t", "out", 1, noise.data, noise.len, &f->err) ||
		  f->err.kind == ERROR_INTERNAL);
	assert_ok(db_script(f->store, "PRAGMA max_page_count = 1000000", &f->err));
	step.step = "later";
	assert_ok(store_step_add(f->store, &step, &f->err));
	end_build(f, "b", BUILD_DONE);
	assert_ok(store_show(f->store, "b", &show, &f->err));
	assert_int_equal(tree_count(tree_get(show, "steps")), 2);
	assert_string_equal(tree_text(show, "steps.2.output"), noise.data);
	int lines = 0;
	assert_ok(store_log_read(f->store, "b", count_line, &lines, &f->err));
	assert_int_equal(lines, 1); /* kept until there was room */
	assert_ok(store_record_verify(f->store, &f->err));
}

static void a_bad_moment_is_an_error_not_a_crash(void **state)
{
	struct fixture *f = *state;
	struct build_new build = {.build = "this-name-is-much-too-long-for-a-build", .recipe = "r"};
	assert_false(store_build_create(f->store, &build, &f->err));
	build = (struct build_new){.build = "b", .recipe = NULL};
	assert_false(store_build_create(f->store, &build, &f->err));
	build.recipe = "r";
	assert_ok(store_build_create(f->store, &build, &f->err)); /* the failed one left nothing behind */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		TEST(a_build_is_written_and_read_back),
		TEST(a_long_plan_comes_back_whole),
		TEST(unknown_and_doubled_builds_are_refused),
		TEST(only_the_newest_run_of_a_stage_counts),
		TEST(a_stage_must_have_begun_to_end),
		TEST(falling_back_forgets_stages),
		TEST(failed_is_not_cut_off),
		TEST(steps_in_order_from_one_on),
		TEST(an_intent_is_found_again),
		TEST(held_ones_are_listed_newest_first_until_dropped_or_kept),
		TEST(resume_takes_the_newest_that_can_go_on),
		TEST(cleaning_up_does_not_change_how_a_build_ended),
		TEST(a_resumed_build_ends_anew),
		TEST(what_ended_builds_hold_is_listed),
		TEST(image_rows_are_replaced_and_keep_their_snapshots),
		TEST(only_the_newest_answer_of_a_control_counts),
		TEST(what_must_survive_a_power_cut_is_synced),
		TEST(a_full_disk_loses_nothing_that_was_there),
		TEST(a_bad_moment_is_an_error_not_a_crash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
