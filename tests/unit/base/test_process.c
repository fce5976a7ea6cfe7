/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>

#include "../../lib/check.h"
#include "bakery/mem.h"
#include "bakery/parallel.h"
#include "bakery/process.h"

static void streams_are_kept_apart(void **state)
{
	static const char *const argv[] = {"sh", "-c", "read x; echo out $x $Y; echo oops >&2; exit 3", NULL};
	static const char *const environment[] = {"Y=why", NULL};
	_cleanup_(str_free) struct str out = STR_INIT, errors = STR_INIT;
	struct error err = {0};
	int status;

	assert_works(process_run(
		&(struct process){.argv = argv, .environment = environment, .input = "in\n", .input_length = 3},
		&status, &out, &errors, &err));
	assert_int_equal(status, 3);
	assert_string_equal(out.data, "out in why\n");
	assert_string_equal(errors.data, "oops\n");
	assert_fails(process_must(&(struct process){.argv = argv}, NULL, &err), ERROR_FAILED, "sh exited with 3: oops");
}

static void a_missing_program_is_said(void **state)
{
	static const char *const argv[] = {"no-such-program-of-bakery", NULL};
	struct error err = {0};
	int status;

	assert_fails(process_run(&(struct process){.argv = argv}, &status, NULL, NULL, &err), ERROR_ABSENT,
		     "cannot start no-such-program");
	assert_false(process_available("no-such-program-of-bakery"));
	assert_true(process_available("sh"));
}

static void time_runs_out(void **state)
{
	static const char *const argv[] = {"sh", "-c", "trap '' TERM; sleep 600 & wait; sleep 600", NULL};
	int64_t began = clock_mono_ms();
	struct error err = {0};
	int status;

	assert_fails(process_run(&(struct process){.argv = argv, .timeout_ms = 100}, &status, NULL, NULL, &err),
		     ERROR_FAILED, "did not end");
	assert_true(clock_mono_ms() - began < 60000);
}

static void a_stop_ends_it(void **state)
{
	static const char *const argv[] = {"sleep", "600", NULL};
	struct error err = {0};
	struct stop stop;
	int status;

	stop_init(&stop);
	stop_request(&stop, SIGINT);
	assert_fails(process_run(&(struct process){.argv = argv, .stop = &stop}, &status, NULL, NULL, &err),
		     ERROR_STOPPED, "sleep was stopped");
	stop_close(&stop);
}

struct gathered {
	struct str out, errors;
	const char *refused; /* a word that is too much */
};

static bool gather(void *cookie, bool is_stderr, const char *data, size_t length, struct error *err)
{
	struct gathered *gathered = cookie;

	str_add_n(is_stderr ? &gathered->errors : &gathered->out, data, length);
	return !gathered->refused || !strstr(gathered->out.data, gathered->refused) ||
	       error_set(err, ERROR_CONFLICT, "too much");
}

static void output_comes_as_it_is_printed(void **state)
{
	static const char *const argv[] = {"sh", "-c", "read x; echo got $x; echo oops >&2; sleep 600", NULL};
	struct gathered gathered = {STR_INIT, STR_INIT, "got in\n"};
	struct process process = {
		.argv = argv, .input = "in\n", .input_length = 3, .sink = gather, .cookie = &gathered};
	struct error err = {0};
	int status;

	assert_fails(process_run(&process, &status, NULL, NULL, &err), ERROR_CONFLICT, "too much");
	assert_string_equal(gathered.out.data, "got in\n");
	str_free(&gathered.out);
	str_free(&gathered.errors);
}

/* It ends by itself while its stdin is open, and reads no end of it before. */
static void input_is_held(void **state)
{
	static const char *const argv[] = {"bash", "-c", "read x; read -t 0.2 y; [ $? -gt 128 ] && echo $x and silence",
					   NULL};
	_cleanup_(str_free) struct str out = STR_INIT;
	struct process process = {.argv = argv, .input = "in\n", .input_length = 3, .hold_input = true};
	struct error err = {0};
	int status;

	assert_works(process_run(&process, &status, &out, NULL, &err));
	assert_string_equal(out.data, "in and silence\n");
}

/* More than a socket holds, to a program that says nothing. */
static void all_input_is_fed_to_closed_outputs(void **state)
{
	static const char *const argv[] = {"sh", "-c", "exec >&- 2>&-; test $(wc -c) = 4000000", NULL};
	_cleanup_(freep) char *input = mem_alloc(4000000);
	struct process process = {.argv = argv, .input = input, .input_length = 4000000, .timeout_ms = 60000};
	struct error err = {0};
	int status;

	assert_works(process_run(&process, &status, NULL, NULL, &err));
	assert_int_equal(status, 0);
}

/* What asks for more time to end in order gets it. */
static void grace_is_given(void **state)
{
	static const char *const argv[] = {
		"sh", "-c", "trap 'sleep 1.2; echo tidied; exit 0' TERM; echo up; sleep 600 & wait", NULL};
	_cleanup_(str_free) struct str out = STR_INIT;
	struct error err = {0};
	int status;

	assert_fails(process_run(&(struct process){.argv = argv, .timeout_ms = 300, .grace_ms = 60000}, &status, &out,
				 NULL, &err),
		     ERROR_FAILED, "did not end");
	assert_string_equal(out.data, "up\ntidied\n");
}

static void output_is_bounded(void **state)
{
	static const char *const argv[] = {"sh", "-c", "head -c 300000 /dev/zero", NULL};
	_cleanup_(str_free) struct str out = STR_INIT;
	struct error err = {0};
	int status;

	assert_works(process_run(&(struct process){.argv = argv, .most_output = 1000}, &status, &out, NULL, &err));
	assert_int_equal(out.len, 1000);
	assert_int_equal(status, 0);
}

static bool halve(void *item, struct error *err)
{
	int *number = item;

	if (*number % 2)
		return error_set(err, ERROR_FAILED, "%d is odd", *number);
	*number /= 2;
	return true;
}

static void side_by_side(void **state)
{
	int numbers[] = {2, 3, 4, 5, 100};
	struct error errors[ARRAY_SIZE(numbers)] = {0}, err = {0};

	assert_fails(parallel_each(numbers, ARRAY_SIZE(numbers), sizeof(int), 2, halve, errors, &err), ERROR_FAILED,
		     "3 is odd");
	assert_int_equal(numbers[0], 1);
	assert_int_equal(numbers[4], 50);
	assert_int_equal(errors[0].kind, ERROR_NONE);
	assert_string_equal(errors[3].text, "5 is odd");
	assert_works(parallel_each(numbers, 0, sizeof(int), 0, halve, NULL, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_are_kept_apart),
		cmocka_unit_test(a_missing_program_is_said),
		cmocka_unit_test(time_runs_out),
		cmocka_unit_test(a_stop_ends_it),
		cmocka_unit_test(output_comes_as_it_is_printed),
		cmocka_unit_test(input_is_held),
		cmocka_unit_test(all_input_is_fed_to_closed_outputs),
		cmocka_unit_test(grace_is_given),
		cmocka_unit_test(output_is_bounded),
		cmocka_unit_test(side_by_side),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
