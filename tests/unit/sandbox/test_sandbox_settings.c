/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings: what is understood, what requests then meet, and that the documentation says the same as the table. */
#include "check.h"

#include "bakery/file.h"
#include "bakery/mem.h"
#include "src/sandbox/services.h"
#include "src/sandbox/settings.h"

static void drop_settings(struct settings **settings)
{
	settings_free(*settings);
}
#define SETTINGS _cleanup_(drop_settings) struct settings *settings = settings_new()

static void set(struct settings *settings, const char *assignment)
{
	struct error err = {0};
	assert_works(settings_set(settings, assignment, &err));
}

static void durations_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {{"lag=0", 0},	 {"lag=500ms", 500},  {"lag=3s", 3000},	 {"lag=1.5s", 1500},
		     {"lag=2m", 120000}, {"lag=1h", 3600000}, {"lag=0.25s", 250}};
	SETTINGS;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		set(settings, cases[i].text);
		assert_int_equal(settings_ms(settings, "lag"), cases[i].ms);
	}
	assert_int_equal(settings_ms(settings, "latency.launch"), 1000);
	set(settings, "latency.launch=9s");
	set(settings, "latency.launch=");
	assert_int_equal(settings_ms(settings, "latency.launch"), 1000);
}

static void what_is_not_understood_is_refused(void **state)
{
	static const struct {
		const char *assignment, *says;
	} cases[] = {
		{"lag", "NAME=VALUE"},
		{"latency.imgae=1s", "did you mean latency.image"},
		{"fault.=500", "no such setting"},
		{"lag=5", "DURATION"},
		{"lag=-1s", "DURATION"},
		{"lag=1d", "DURATION"},
		{"lag=s", "DURATION"},
		{"lag=1e99s", "DURATION"},
		{"machines=perhaps", "on, off"},
		{"capacity.m5.large=many", "N"},
		{"fault.RunInstances=", NULL},
		{"fault.RunInstances=200", "WHAT"},
		{"fault.RunInstances=Bad Code", "WHAT"},
		{"fault.RunInstances=500:0", "WHAT"},
		{"fault.RunInstances=500:x", "WHAT"},
		{"hold=0", "N[:after]"},
		{"hold=1:before", "N[:after]"},
		{"at=500", "N:WHAT"},
		{"at=0:500", "N:WHAT"},
	};
	SETTINGS;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0};
		if (cases[i].says == NULL)
			assert_works(settings_set(settings, cases[i].assignment, &err));
		else
			assert_fails(settings_set(settings, cases[i].assignment, &err), ERROR_USAGE, cases[i].says);
	}
}

static void a_fault_is_met_as_often_as_it_says(void **state)
{
	SETTINGS;
	set(settings, "fault.CreateImage=InternalError:2");
	assert_int_equal(settings_strike(settings, "DescribeImages", 1).kind, STRIKE_NONE);
	for (int i = 0; i < 2; i++) {
		struct strike strike = settings_strike(settings, "CreateImage", 1);
		assert_int_equal(strike.kind, STRIKE_ERROR);
		assert_string_equal(strike.code, "InternalError");
	}
	assert_int_equal(settings_strike(settings, "CreateImage", 1).kind, STRIKE_NONE);
	set(settings, "fault.*=503:1:after");
	struct strike strike = settings_strike(settings, "Anything", 1);
	assert_int_equal(strike.status, 503);
	assert_true(strike.after);
}

static void the_nth_request_is_counted_from_the_setting(void **state)
{
	SETTINGS;
	settings_strike(settings, "A", 1);
	set(settings, "hold=2:after");
	assert_int_equal(settings_strike(settings, "A", 1).kind, STRIKE_NONE);
	struct strike held = settings_strike(settings, "B", 1);
	assert_int_equal(held.kind, STRIKE_HANG);
	assert_int_equal(held.hang_ms, -1);
	assert_true(held.after);
	assert_int_equal(settings_strike(settings, "C", 1).kind, STRIKE_NONE);
	assert_int_equal(settings_requests(settings), 3);
	set(settings, "hold=");
	set(settings, "at=1:reset");
	assert_int_equal(settings_strike(settings, "A", 1).kind, STRIKE_RESET);
	assert_int_equal(settings_strike(settings, "A", 1).kind, STRIKE_NONE);
	set(settings, "at=1:hang:after");
	held = settings_strike(settings, "A", 1);
	assert_int_equal(held.kind, STRIKE_HANG);
	assert_int_equal(held.hang_ms, -1);
	assert_true(held.after);
}

static void hangs_and_throttling(void **state)
{
	SETTINGS;
	set(settings, "hang.RunInstances=2s:after");
	struct strike strike = settings_strike(settings, "RunInstances", 1);
	assert_int_equal(strike.kind, STRIKE_HANG);
	assert_int_equal(strike.hang_ms, 2000);
	set(settings, "hang.RunInstances=");
	set(settings, "throttle=2");
	assert_int_equal(settings_strike(settings, "A", 1000).kind, STRIKE_NONE);
	assert_int_equal(settings_strike(settings, "A", 1000).kind, STRIKE_NONE);
	strike = settings_strike(settings, "A", 1000);
	assert_string_equal(strike.code, "RequestLimitExceeded");
	assert_int_equal(settings_strike(settings, "A", 1500).kind, STRIKE_NONE);
	assert_int_equal(settings_strike(settings, "A", 1501).kind, STRIKE_ERROR);
}

static void capacity_is_a_count_or_nothing(void **state)
{
	SETTINGS;
	assert_int_equal(settings_count(settings, "capacity.m5.large", -1), -1);
	set(settings, "capacity.m5.large=0");
	assert_int_equal(settings_count(settings, "capacity.m5.large", -1), 0);
}

/* docs/sandbox.md has the table as it is here, and every operation. */
static void assert_documented(const char *text, const char *line)
{
	if (strstr(text, line) == NULL)
		fail_msg("docs/sandbox.md lacks: %s", line);
}

static void the_documentation_has_every_row(void **state)
{
	const char *source = getenv("BAKERY_SOURCE_FOLDER");
	if (source == NULL)
		skip();
	struct error err = {0};
	_cleanup_(freep) char *path = mem_printf("%s/docs/sandbox.md", source);
	_cleanup_(str_free) struct str text = STR_INIT;
	assert_works(file_read(path, 1 << 20, &text, &err));
	for (const struct setting_row *row = setting_rows; row->name != NULL; row++) {
		_cleanup_(freep) char *line = mem_printf("| `%s` | `%s` | %s | %s |\n", row->name,
							 setting_form(row->kind), row->otherwise, row->doc);
		assert_documented(text.data, line);
	}
	for (const struct service *service = services; service->name != NULL; service++)
		for (size_t t = 0; service->operations[t] != NULL; t++)
			for (const struct operation *row = service->operations[t]; row->name != NULL; row++)
				assert_documented(text.data, row->name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(what_is_not_understood_is_refused),
		cmocka_unit_test(a_fault_is_met_as_often_as_it_says),
		cmocka_unit_test(the_nth_request_is_counted_from_the_setting),
		cmocka_unit_test(hangs_and_throttling),
		cmocka_unit_test(capacity_is_a_count_or_nothing),
		cmocka_unit_test(the_documentation_has_every_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
