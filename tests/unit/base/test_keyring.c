/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's keyring, where there is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bakery/clock.h"
#include "bakery/crypto.h"
#include "bakery/keyring.h"
#include "bakery/mem.h"

static char name[64];

static int start(void **state)
{
	char suffix[17];

	crypto_random_hex(suffix, 16);
	snprintf(name, sizeof(name), "bakery:test-%s:build:login", suffix);
	return 0;
}

static int finish(void **state)
{
	keyring_forget(name);
	return 0;
}

static void keep(const char *text, int64_t timeout_s)
{
	struct error err = {0};

	if (keyring_keep(name, text, strlen(text), timeout_s, &err))
		return;
	print_message("skipped: %s\n", err.text);
	skip();
}

static bool finds(const char *text)
{
	_cleanup_(str_wipe_free) struct str found = STR_INIT;
	struct error err = {0};

	return keyring_find(name, &found, &err) && str_eq(found.data, text);
}

static void assert_absent(void)
{
	_cleanup_(str_wipe_free) struct str found = STR_INIT;
	struct error err = {0};

	assert_false(keyring_find(name, &found, &err));
	assert_int_equal(err.kind, ERROR_ABSENT);
	assert_non_null(strstr(err.text, name));
	assert_int_equal(found.len, 0);
}

static void kept_replaced_and_forgotten(void **state)
{
	keep("first", 60);
	assert_true(finds("first"));
	keep("a second, longer one", 60);
	assert_true(finds("a second, longer one"));
	keyring_forget(name);
	assert_absent();
	keyring_forget(name);
	keep("again", 60);
	assert_true(finds("again"));
	keyring_forget(name);
}

static void outlives_the_process(void **state)
{
	int status = -1;
	pid_t child;

	keep("probe", 60);
	keyring_forget(name);
	child = fork();
	if (child == 0) {
		struct error err;
		_exit(keyring_keep(name, "of a child", 10, 60, &err) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(finds("of a child"));
	keyring_forget(name);
}

static void *find_in_thread(void *out)
{
	*(bool *)out = finds("shared");
	return NULL;
}

/* A process keyring made in one thread is not that of the threads that were there before. */
static void every_thread_finds_it(void **state)
{
	pthread_t thread;
	bool found = false;

	keep("shared", 60);
	assert_int_equal(pthread_create(&thread, NULL, find_in_thread, &found), 0);
	pthread_join(thread, NULL);
	assert_true(found);
	keyring_forget(name);
}

static void gone_after_its_time(void **state)
{
	int64_t until_ms = clock_mono_ms() + 10000;

	keep("short", 1);
	while (finds("short") && clock_mono_ms() < until_ms)
		stop_sleep_ms(NULL, 50);
	assert_absent();
}

static void too_much_is_refused(void **state)
{
	_cleanup_(freep) char *much = mem_alloc(40000);
	struct error err = {0};

	keep("probe", 60);
	assert_false(keyring_keep(name, much, 40000, 60, &err));
	assert_non_null(strstr(err.text, name));
	keyring_forget(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(kept_replaced_and_forgotten, start, finish),
		cmocka_unit_test_setup_teardown(outlives_the_process, start, finish),
		cmocka_unit_test_setup_teardown(every_thread_finds_it, start, finish),
		cmocka_unit_test_setup_teardown(gone_after_its_time, start, finish),
		cmocka_unit_test_setup_teardown(too_much_is_refused, start, finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
