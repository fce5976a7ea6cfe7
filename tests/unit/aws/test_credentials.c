/* SPDX-License-Identifier: Apache-2.0
 *
 * The store: when it looks for credentials, who waits, and what happens when they cannot be renewed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "src/aws/credentials/credentials.h"

#define START_MS 1767323045000 /* 2026-01-02T03:04:05Z */
#define MINUTE_MS (60 * 1000)

/* A source whose answers a test chooses. */
struct source {
	struct credential_store *store;
	_Atomic int64_t now_ms;
	_Atomic int searches;
	_Atomic int64_t life_ms; /* of what is found next; 0: no end */
	_Atomic bool is_broken, is_final, is_same;
	_Atomic bool hold; /* the search does not end as long as this is set */
	struct stop stop;
	struct log *log;
	int log_fd[2];
};

static bool find(void *cookie, struct credentials *out, struct error *err)
{
	struct source *source = cookie;
	int number = ++source->searches;
	while (source->hold)
		usleep(1000);
	if (source->is_broken)
		return error_set(err, ERROR_DENIED, "search %d failed", number);
	*out = (struct credentials){.access_key = mem_printf("KEY%d", source->is_same ? 1 : number),
				    .secret_key = mem_strdup("secret"),
				    .expires_ms = source->life_ms ? source->now_ms + source->life_ms : 0,
				    .is_renewable = !source->is_final,
				    .source = "a test"};
	return true;
}

static int64_t now_ms(void *cookie)
{
	return ((struct source *)cookie)->now_ms;
}

static void start(struct source *source)
{
	*source = (struct source){.now_ms = START_MS, .life_ms = 60 * MINUTE_MS};
	stop_init(&source->stop);
	assert_int_equal(pipe(source->log_fd), 0);
	source->log = log_new(source->log_fd[1], LOG_LEVEL_WARN, false);
	source->store = credential_store_new(
		&(struct credential_store_options){find, now_ms, source, source->log, &source->stop});
}

static void finish(struct source *source)
{
	credential_store_free(source->store);
	log_free(source->log);
	close(source->log_fd[0]);
	close(source->log_fd[1]);
	stop_close(&source->stop);
}

static void expect_key(struct source *source, const char *key)
{
	_cleanup_(credentials_free) struct credentials got = {0};
	struct error err = {0};
	if (!credential_store_get(source->store, &got, &err))
		fail_msg("%s", err.text);
	assert_string_equal(got.access_key, key);
}

static void expect_failure(struct source *source, enum error_kind kind, const char *text)
{
	struct credentials got = {0};
	struct error err = {0};
	assert_false(credential_store_get(source->store, &got, &err));
	assert_string_equal(err.text, text);
	assert_int_equal(err.kind, kind);
}

static void test_found_once(void **state)
{
	struct source source;
	start(&source);
	assert_string_equal(credential_store_source(source.store), "");
	source.life_ms = 0;
	expect_key(&source, "KEY1");
	source.now_ms += (int64_t)10000 * 24 * 60 * MINUTE_MS;
	expect_key(&source, "KEY1");
	assert_int_equal(source.searches, 1);
	assert_string_equal(credential_store_source(source.store), "a test");
	finish(&source);
}

static void test_renewed_five_minutes_before_the_end(void **state)
{
	struct source source;
	start(&source);
	expect_key(&source, "KEY1");
	source.now_ms += 55 * MINUTE_MS;
	expect_key(&source, "KEY1");
	source.now_ms += 1;
	expect_key(&source, "KEY2");
	assert_int_equal(source.searches, 2);
	finish(&source);
}

static void test_the_old_ones_serve_while_they_hold(void **state)
{
	struct source source;
	char told[4096];
	start(&source);
	expect_key(&source, "KEY1");
	source.is_broken = true;
	source.now_ms += 56 * MINUTE_MS;
	expect_key(&source, "KEY1");
	expect_key(&source, "KEY1");
	assert_int_equal(source.searches, 2); /* not again within a minute */
	source.now_ms += MINUTE_MS;
	expect_key(&source, "KEY1");
	assert_int_equal(source.searches, 3);
	ssize_t length = read(source.log_fd[0], told, sizeof told - 1);
	told[length > 0 ? length : 0] = '\0';
	assert_non_null(strstr(told, "the AWS credentials could not be renewed: search 2 failed; going on with those "
				     "that hold until 2026-01-02T04:04:05Z"));
	source.now_ms += 2 * MINUTE_MS + 1; /* less than a minute is left */
	expect_failure(&source, ERROR_DENIED,
		       "the AWS credentials end at 2026-01-02T04:04:05Z and could not be renewed: search 4 failed");
	source.is_broken = false;
	expect_key(&source, "KEY5");
	finish(&source);
}

static void test_a_source_that_hands_out_the_last_minutes(void **state)
{
	struct source source;
	start(&source);
	source.life_ms = 30 * 1000;
	expect_key(&source, "KEY1");
	expect_key(&source, "KEY1");
	assert_int_equal(source.searches, 1); /* asking again at once would bring the same */
	source.now_ms += MINUTE_MS;
	expect_key(&source, "KEY2");
	source.life_ms = -MINUTE_MS; /* as the metadata service does while it cannot renew; AWS takes them */
	source.now_ms += MINUTE_MS;
	expect_key(&source, "KEY3");
	expect_key(&source, "KEY3");
	finish(&source);
}

static void test_ended_and_final(void **state)
{
	struct source source;
	start(&source);
	source.is_final = true;
	source.life_ms = -1000;
	expect_failure(&source, ERROR_EXPIRED,
		       "the AWS credentials ended at 2026-01-02T03:04:04Z (a test); get new ones");
	finish(&source);
}

static void test_dropped(void **state)
{
	struct source source;
	start(&source);
	expect_key(&source, "KEY1");
	credential_store_drop(source.store, "OTHER"); /* somebody else's, or dropped and renewed long since */
	expect_key(&source, "KEY1");
	credential_store_drop(source.store, "KEY1");
	expect_key(&source, "KEY2");
	credential_store_drop(source.store, "KEY1");
	expect_key(&source, "KEY2");
	source.is_broken = true;
	credential_store_drop(source.store, "KEY2");
	expect_failure(&source, ERROR_DENIED, "search 3 failed"); /* they hold by the clock, but AWS knows better */
	finish(&source);
}

/* --- threads --- */

#define THREADS 24

struct asker {
	struct source *source;
	pthread_t thread;
	bool good;
	char key[16];
	struct error err;
};

static void *ask(void *cookie)
{
	struct asker *asker = cookie;
	_cleanup_(credentials_free) struct credentials got = {0};
	asker->good = credential_store_get(asker->source->store, &got, &asker->err);
	if (asker->good)
		snprintf(asker->key, sizeof asker->key, "%s", got.access_key);
	return NULL;
}

static void start_asking(struct source *source, struct asker askers[THREADS])
{
	for (size_t i = 0; i < THREADS; i++) {
		askers[i] = (struct asker){.source = source};
		assert_int_equal(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
	}
}

static void join(struct asker askers[THREADS])
{
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(askers[i].thread, NULL);
}

static void wait_for_search(struct source *source, int number)
{
	for (int i = 0; i < 5000 && source->searches < number; i++)
		usleep(1000);
	assert_int_equal(source->searches, number);
}

static void test_many_threads_one_search(void **state)
{
	struct source source;
	struct asker askers[THREADS];
	start(&source);
	source.hold = true;
	start_asking(&source, askers);
	wait_for_search(&source, 1);
	usleep(20 * 1000); /* the more of them wait, the better; the result is the same */
	source.hold = false;
	join(askers);
	for (size_t i = 0; i < THREADS; i++) {
		assert_true(askers[i].good);
		assert_string_equal(askers[i].key, "KEY1");
	}
	assert_int_equal(source.searches, 1);
	finish(&source);
}

/* One renews; all others go on at once with what still holds. */
static void test_nobody_waits_for_a_renewal(void **state)
{
	struct source source;
	struct asker first = {.source = &source};
	start(&source);
	expect_key(&source, "KEY1");
	source.now_ms += 57 * MINUTE_MS;
	source.hold = true;
	assert_int_equal(pthread_create(&first.thread, NULL, ask, &first), 0);
	wait_for_search(&source, 2);
	expect_key(&source, "KEY1"); /* would hang */
	source.hold = false;
	pthread_join(first.thread, NULL);
	assert_string_equal(first.key, "KEY2");
	expect_key(&source, "KEY2");
	finish(&source);
}

static void test_a_failure_is_shared(void **state)
{
	struct source source;
	struct asker askers[THREADS];
	start(&source);
	source.hold = source.is_broken = true;
	start_asking(&source, askers);
	wait_for_search(&source, 1);
	usleep(100 * 1000); /* a thread that comes later than the failure makes a search of its own, rightly */
	source.hold = false;
	join(askers);
	int shared = 0;
	for (size_t i = 0; i < THREADS; i++) {
		assert_false(askers[i].good);
		assert_int_equal(askers[i].err.kind, ERROR_DENIED);
		shared += strcmp(askers[i].err.text, "search 1 failed") == 0;
	}
	assert_true(shared > 1);
	assert_true(source.searches < THREADS);
	finish(&source);
}

static void test_a_waiting_thread_can_be_stopped(void **state)
{
	struct source source;
	struct asker first = {.source = &source};
	start(&source);
	source.hold = true;
	assert_int_equal(pthread_create(&first.thread, NULL, ask, &first), 0);
	wait_for_search(&source, 1);
	stop_request(&source.stop, 2);
	expect_failure(&source, ERROR_STOPPED, "interrupted while waiting for AWS credentials");
	source.hold = false;
	pthread_join(first.thread, NULL);
	finish(&source);
}

/* --- documents --- */

static void test_documents(void **state)
{
	static const struct credential_names names = {"c.id", "c.key", "c.token", "c.end"};
	static const struct {
		const char *json, *fault; /* or NULL */
		int64_t expires_ms;
	} cases[] = {
		{"{\"c\":{\"id\":\"A\",\"key\":\"S\"}}", NULL, 0},
		{"{\"c\":{\"id\":\"A\",\"key\":\"S\",\"token\":\"\",\"end\":null}}", NULL, 0},
		{"{\"c\":{\"id\":\"A\",\"key\":\"S\",\"end\":\"2026-01-02T03:04:05Z\"}}", NULL, START_MS},
		{"{\"c\":{\"id\":\"A\",\"key\":\"S\",\"end\":1767323045000}}", NULL, START_MS},
		{"{\"c\":{\"id\":\"A\",\"key\":\"S\",\"end\":\"soon\"}}",
		 "c.end is not a time such as 2026-01-02T03:04:05Z", 0},
		{"{\"c\":{\"id\":\"A\",\"key\":\"S\",\"end\":[]}}", "c.end is not a time such as 2026-01-02T03:04:05Z",
		 0},
		{"{\"c\":{\"id\":\"A\",\"key\":\"S\",\"end\":-5}}", "c.end is not a time such as 2026-01-02T03:04:05Z",
		 0},
		{"{\"c\":{\"id\":\"A\",\"key\":\"\"}}", "there is no c.key in it", 0},
		{"{\"c\":{\"key\":\"S\"}}", "there is no c.id in it", 0},
		{"{\"c\":\"text\"}", "there is no c.id in it", 0},
		{"[]", "there is no c.id in it", 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(credentials_free) struct credentials got = {0};
		struct error err = {0};
		_cleanup_(tree_wipe_freep) struct tree *tree =
			tree_from_json(cases[i].json, strlen(cases[i].json), &err);
		assert_non_null(tree);
		assert_true(credentials_from_tree(tree, &names, &got, &err) == !cases[i].fault);
		assert_string_equal(err.text, cases[i].fault ? cases[i].fault : "");
		assert_int_equal(got.expires_ms, cases[i].expires_ms);
		assert_null(got.session_token);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_once),
		cmocka_unit_test(test_renewed_five_minutes_before_the_end),
		cmocka_unit_test(test_the_old_ones_serve_while_they_hold),
		cmocka_unit_test(test_a_source_that_hands_out_the_last_minutes),
		cmocka_unit_test(test_ended_and_final),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_many_threads_one_search),
		cmocka_unit_test(test_nobody_waits_for_a_renewal),
		cmocka_unit_test(test_a_failure_is_shared),
		cmocka_unit_test(test_a_waiting_thread_can_be_stopped),
		cmocka_unit_test(test_documents),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
