/* SPDX-License-Identifier: Apache-2.0
 *
 * What history, show, find and the log answer: names, order, shapes. */
#include "store_fixture.h"

static struct tree *history(struct fixture *f, struct history_filter filter)
{
	struct tree *rows = NULL;
	assert_ok(store_history(f->store, &filter, &rows, &f->err));
	return rows;
}

static void history_is(struct fixture *f, struct history_filter filter, const char *wanted)
{
	_cleanup_(tree_freep) struct tree *rows = history(f, filter);
	_cleanup_(str_free) struct str names = STR_INIT;
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);)
		str_addf(&names, "%s%s", i.index ? " " : "", tree_text(i.value, "build"));
	assert_string_equal(names.data, wanted);
}

static void history_filters_and_orders(void **state)
{
	struct fixture *f = *state;
	history_is(f, (struct history_filter){0}, "");
	add_build(f, "b1", "one", 1);
	add_build(f, "b2", "two", 2);
	add_build(f, "b4", "two", 4);
	add_build(f, "b3", "one", 3); /* written later, began earlier */
	end_build(f, "b1", BUILD_DONE);
	end_build(f, "b3", BUILD_FAILED);
	history_is(f, (struct history_filter){0}, "b4 b3 b2 b1");
	history_is(f, (struct history_filter){.limit = 2}, "b4 b3");
	history_is(f, (struct history_filter){.recipe = "one"}, "b3 b1");
	history_is(f, (struct history_filter){.status = "done"}, "b1");
	history_is(f, (struct history_filter){.status = "running"}, "b4 b2");
	history_is(f, (struct history_filter){.status = "interrupted"}, "");
	history_is(f, (struct history_filter){.recipe = "one", .status = "failed"}, "b3");
	history_is(f, (struct history_filter){.channel = "candidate", .recipe = "two"}, "b4 b2");
	history_is(f, (struct history_filter){.channel = "approved"}, "");
	history_is(f, (struct history_filter){.since_ms = 1767225600000 + 3 * 60000}, "b4 b3");
}

static void an_unknown_status_is_refused(void **state)
{
	struct fixture *f = *state;
	struct tree *rows = NULL;
	assert_false(store_history(f->store, &(struct history_filter){.status = "succeeded"}, &rows, &f->err));
	assert_int_equal(f->err.kind, ERROR_USAGE);
	assert_non_null(strstr(f->err.text, "quarantined"));
	assert_false(store_history(f->store, &(struct history_filter){.status = "x' OR '1'='1"}, &rows, &f->err));
}

static void history_has_the_documented_shape(void **state)
{
	struct fixture *f = *state;
	struct error why = {
		.kind = ERROR_REMOTE, .code = "InvalidAMIName.Duplicate", .text = "CreateImage: name is taken"};
	add_build(f, "b", "r", 0);
	assert_ok(store_image_put(f->store, "b", "us-east-1", "ami-1", "n", NULL, "available", &f->err));
	assert_ok(store_build_end(f->store, "b", BUILD_QUARANTINED, &why, &f->err));
	_cleanup_(tree_freep) struct tree *rows = history(f, (struct history_filter){0});
	assert_string_equal(tree_text(rows, "1.build"), "b");
	assert_string_equal(tree_text(rows, "1.status"), "quarantined");
	assert_string_equal(tree_text(rows, "1.started"), "2026-01-01T00:00:00.000Z");
	assert_int_equal(tree_kind(tree_get(rows, "1.duration_s")), TREE_DOUBLE);
	assert_true(tree_double(rows, "1.duration_s", 0) > 0);
	assert_string_equal(tree_text(rows, "1.images.1.region"), "us-east-1");
	assert_string_equal(tree_text(rows, "1.images.1.ami"), "ami-1");
	assert_string_equal(tree_text(rows, "1.user"), "ana");
	assert_string_equal(tree_text(rows, "1.error.code"), "InvalidAMIName.Duplicate");
	assert_string_equal(tree_text(rows, "1.error.kind"), "remote");
	assert_int_equal(tree_kind(tree_get(rows, "1.git_dirty")), TREE_BOOL);
}

static void fill(struct fixture *f)
{
	_cleanup_(str_free) struct str output = STR_INIT;
	for (int i = 0; i < 2000; i++)
		str_addf(&output, "Setting up package-%d ...\n", i % 7);
	str_add(&output, "caf\xe9 \x1b[1m\n"); /* Latin-1 and an escape: machines print anything */
	struct step_row step = {.build = "b",
				.phase = "provision",
				.playbook = "patch",
				.playbook_sha256 = "dd",
				.step = "upgrade",
				.name = "All updates",
				.result = "changed",
				.file = "playbooks/patch.yaml",
				.line = 7,
				.attempts = 1,
				.started_ms = 1000,
				.ended_ms = 84412,
				.output = output.data};
	assert_ok(store_step_add(f->store, &step, &f->err));
	step = (struct step_row){
		.build = "b", .phase = "provision", .step = "none", .result = "failed", .why = "exit 3", .status = 3};
	assert_ok(store_step_add(f->store, &step, &f->err));
	struct evidence_row evidence = {.build = "b",
					.phase = "verify",
					.control = "CIS-5.1.20",
					.step = "sshd",
					.answer = "pass",
					.evidence = "permitrootlogin no",
					.instance = "i-1",
					.at_ms = 5000};
	assert_ok(store_evidence_add(f->store, &evidence, &f->err));
	struct parameter_row parameter = {.build = "b",
					  .region = "us-east-1",
					  .name = "/bakery/r/candidate",
					  .value = "ami-1",
					  .previous = "ami-0",
					  .version = 12,
					  .at_ms = 6000};
	assert_ok(store_parameter_add(f->store, &parameter, &f->err));
	assert_ok(store_stage_began(f->store, "b", "provision", 1000, &f->err));
	assert_ok(store_stage_done(f->store, "b", "provision", "{}", 3500, &f->err));
	struct hold wish = {.kind = "instance", .region = "us-east-1", .token = "t", .purpose = "build"}, hold;
	assert_ok(store_hold_intend(f->store, "b", &wish, f->arena, &hold, &f->err));
}

static void the_last_value_of_a_parameter(void **state)
{
	struct fixture *f = *state;
	struct parameter_row last, older = {.build = "a",
					    .region = "us-east-1",
					    .name = "/bakery/r/candidate",
					    .value = "ami-older",
					    .version = 11};
	add_build(f, "a", "r", 0);
	add_build(f, "b", "r", 1000);
	assert_ok(store_parameter_last(f->store, "r", "us-east-1", "/bakery/r/candidate", f->arena, &last, &f->err));
	assert_null(last.value);
	assert_ok(store_parameter_add(f->store, &older, &f->err));
	fill(f);
	assert_ok(store_parameter_last(f->store, "r", "us-east-1", "/bakery/r/candidate", f->arena, &last, &f->err));
	assert_string_equal(last.value, "ami-1");
	assert_int_equal(last.version, 12);
	assert_ok(store_parameter_last(f->store, "r", "eu-west-1", "/bakery/r/candidate", f->arena, &last, &f->err));
	assert_null(last.value);
	assert_ok(store_parameter_last(f->store, "q", "us-east-1", "/bakery/r/candidate", f->arena, &last, &f->err));
	assert_null(last.value);
}

static void show_holds_everything(void **state)
{
	struct fixture *f = *state;
	struct tree *show;
	add_build(f, "b", "r", 0);
	fill(f);
	assert_ok(store_show(f->store, "b", &show, &f->err));
	assert_string_equal(tree_text(show, "user"), "ana");
	assert_string_equal(tree_text(show, "ci_job"), "4711");
	assert_string_equal(tree_text(show, "git_commit"), "0123abcd");
	assert_string_equal(tree_text(show, "plan_sha256"), "aa11");
	assert_string_equal(tree_text(show, "playbooks_sha256"), "cc33");
	assert_string_equal(tree_text(show, "source_ami"), "ami-0source");
	assert_string_equal(tree_text(show, "plan.recipe"), "debian-12");
	assert_string_equal(tree_text(show, "stages.1.stage"), "provision");
	assert_string_equal(tree_text(show, "stages.1.duration_s"), "2.500");
	assert_string_equal(tree_text(show, "steps.1.result"), "changed");
	assert_string_equal(tree_text(show, "steps.1.duration_s"), "83.412");
	assert_non_null(strstr(tree_text(show, "steps.1.output"), "package-6 ...\n"));
	assert_non_null(strstr(tree_text(show, "steps.1.output"), "caf\xef\xbf\xbd \x1b[1m\n"));
	assert_string_equal(tree_text(show, "steps.2.why"), "exit 3");
	assert_int_equal(tree_int(show, "steps.2.exit_status", 0), 3);
	assert_string_equal(tree_text(show, "steps.2.output"), "");
	assert_string_equal(tree_text(show, "controls.1.control"), "CIS-5.1.20");
	assert_string_equal(tree_text(show, "controls.1.evidence"), "permitrootlogin no");
	assert_string_equal(tree_text(show, "parameters.1.previous"), "ami-0");
	assert_int_equal(tree_int(show, "parameters.1.version", 0), 12);
	assert_string_equal(tree_text(show, "holds.1.kind"), "instance");
	assert_int_equal(tree_int(show, "holder.pid", 0), getpid());
	assert_int_equal(tree_kind(tree_get(show, "error")), TREE_NULL);
	tree_free(show);
	assert_false(store_show(f->store, "zzz", &show, &f->err));
	assert_int_equal(f->err.kind, ERROR_ABSENT);
}

static void finds(struct fixture *f, const char *text, const char *wanted)
{
	char build[BUILD_ID_SIZE];
	assert_ok(store_find(f->store, text, build, &f->err));
	assert_string_equal(build, wanted);
}

static void find_refuses(struct fixture *f, const char *text, enum error_kind kind)
{
	char build[BUILD_ID_SIZE];
	assert_false(store_find(f->store, text, build, &f->err));
	assert_int_equal(f->err.kind, kind);
}

static void builds_are_found_by_id_prefix_and_image(void **state)
{
	struct fixture *f = *state;
	add_build(f, "20260101-000000-aaaa", "r", 0);
	add_build(f, "20260101-000100-bbbb", "r", 1);
	add_build(f, "20260101-000100-bbbb2", "r", 1);
	assert_ok(store_image_put(f->store, "20260101-000000-aaaa", "us-east-1", "ami-77", NULL, NULL, "available",
				  &f->err));
	finds(f, "20260101-000000-aaaa", "20260101-000000-aaaa");
	finds(f, "20260101-0000", "20260101-000000-aaaa");
	finds(f, "20260101-000100-bbbb", "20260101-000100-bbbb"); /* exact, though a prefix of another */
	finds(f, "ami-77", "20260101-000000-aaaa");
	find_refuses(f, "2026", ERROR_USAGE);
	assert_non_null(strstr(f->err.text, "20260101-000100-bbbb2, 20260101-000100-bbbb, 20260101-000000-aaaa"));
	find_refuses(f, "ami-78", ERROR_ABSENT);
	find_refuses(f, "", ERROR_USAGE);
	find_refuses(f, "%", ERROR_ABSENT);
}

struct heard {
	struct str text;
	int most;
};

static bool hear(void *cookie, const struct log_line *line)
{
	struct heard *heard = cookie;
	str_addf(&heard->text, "%lld/%s/%s/%s/", (long long)line->at_ms, line->stage, line->step, line->stream);
	str_add_n(&heard->text, line->data, line->length);
	str_add(&heard->text, "|");
	return --heard->most > 0;
}

static void log_lines_come_back_in_order_byte_for_byte(void **state)
{
	struct fixture *f = *state;
	struct heard heard = {.text = STR_INIT, .most = 100};
	static const char bytes[] = "nul \0 tab\t bad \xff new\nline";
	add_build(f, "b", "r", 0);
	add_build(f, "other", "r", 0);
	assert_ok(store_log_add(f->store, "b", "launch", NULL, "note", 1, "one", 3, &f->err));
	assert_ok(store_log_add(f->store, "other", "launch", NULL, "note", 2, "not mine", 8, &f->err));
	assert_ok(store_log_add(f->store, "b", "pro\tvision", "st\nep", "out", 3, bytes, sizeof(bytes) - 1, &f->err));
	reopen(f);
	assert_ok(store_log_add(f->store, "b", "seal", "x", "err", 4, "", 0, &f->err));
	assert_ok(store_stage_began(f->store, "b", "seal", 1, &f->err));
	assert_ok(store_stage_done(f->store, "b", "seal", NULL, 2, &f->err));
	assert_ok(store_log_read(f->store, "b", hear, &heard, &f->err));
	static const char wanted[] =
		"1/launch//note/one|3/pro vision/st ep/out/nul \0 tab\t bad \xff new\nline|4/seal/x/err/|";
	assert_int_equal(heard.text.len, sizeof(wanted) - 1);
	assert_memory_equal(heard.text.data, wanted, sizeof(wanted) - 1);
	str_clear(&heard.text);
	heard.most = 1;
	assert_ok(store_log_read(f->store, "b", hear, &heard, &f->err));
	assert_string_equal(heard.text.data, "1/launch//note/one|");
	str_free(&heard.text);
	assert_false(store_log_read(f->store, "nope", hear, &heard, &f->err));
	assert_int_equal(f->err.kind, ERROR_ABSENT);
}

static void log_lines_reach_the_disk_by_themselves(void **state)
{
	struct fixture *f = *state;
	struct heard heard = {.text = STR_INIT, .most = 100};
	struct store *other;
	add_build(f, "b", "r", 0);
	assert_ok(store_log_add(f->store, "b", "s", "t", "out", 1, "hello", 5, &f->err));
	assert_ok(store_open(f->path, &other, &f->err));
	for (int i = 0; i < 200 && !heard.text.len; i++) {
		assert_ok(store_log_read(other, "b", hear, &heard, &f->err));
		usleep(20000);
	}
	assert_string_equal(heard.text.data, "1/s/t/out/hello|");
	str_free(&heard.text);
	store_close(other);
}

static void lines_of_an_unknown_build_do_not_block_the_others(void **state)
{
	struct fixture *f = *state;
	struct heard heard = {.text = STR_INIT, .most = 100};
	add_build(f, "b", "r", 0);
	assert_ok(store_log_add(f->store, "ghost", "s", "t", "out", 1, "boo", 3, &f->err));
	assert_ok(store_log_add(f->store, "b", "s", "t", "out", 2, "hello", 5, &f->err));
	assert_false(store_build_end(f->store, "b", BUILD_DONE, NULL, &f->err));
	assert_int_equal(f->err.kind, ERROR_ABSENT);
	end_build(f, "b", BUILD_DONE);
	assert_ok(store_log_read(f->store, "b", hear, &heard, &f->err));
	assert_string_equal(heard.text.data, "2/s/t/out/hello|");
	str_free(&heard.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		TEST(history_filters_and_orders),
		TEST(an_unknown_status_is_refused),
		TEST(history_has_the_documented_shape),
		TEST(the_last_value_of_a_parameter),
		TEST(show_holds_everything),
		TEST(builds_are_found_by_id_prefix_and_image),
		TEST(log_lines_come_back_in_order_byte_for_byte),
		TEST(log_lines_reach_the_disk_by_themselves),
		TEST(lines_of_an_unknown_build_do_not_block_the_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
