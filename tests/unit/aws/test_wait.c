/* SPDX-License-Identifier: Apache-2.0
 *
 * Waits over a loopback server that plays EC2's descriptions: shared looks, ids that do not exist, fatal states,
 * outages, stopping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bakery/mem.h"
#include "loopback.h"
#include "src/aws/wait_look.h"

#define MOST_IDS 256

/* What the cloud knows of one instance. */
struct instance {
	char id[32];
	const char *state; /* from look number `after` on; "pending" before */
	int after;	   /* looks */
	int absent_before; /* not known in the first looks */
	bool malformed;
	const char *reason; /* XML inside <stateReason> */
	int looks;
};

struct cloud {
	struct instance instances[MOST_IDS];
	size_t count;
	int failures; /* answers with 500 before anything else */
	int requests, largest;
	const char *error; /* answers with this code always */
	struct loopback *server;
	struct aws *aws;
	struct stop stop;
	int progress;
};

static struct instance *find(struct cloud *cloud, const char *id, size_t length)
{
	for (size_t i = 0; i < cloud->count; i++)
		if (strlen(cloud->instances[i].id) == length && memcmp(cloud->instances[i].id, id, length) == 0)
			return &cloud->instances[i];
	fail_msg("asked for an unknown id");
	return NULL;
}

/* The asked-for instances, in order. */
static size_t read_ids(struct cloud *cloud, const char *body, struct instance **out)
{
	size_t count = 0;
	for (const char *at = body; (at = strstr(at, "&InstanceId.")) && count < MOST_IDS;) {
		at = strchr(at, '=') + 1;
		out[count++] = find(cloud, at, strcspn(at, "&"));
	}
	return count;
}

static void reply_error(struct str *reply, int status, const char *code, const char *message)
{
	_cleanup_(freep) char *body =
		mem_printf("<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors>"
			   "<RequestID>r</RequestID></Response>",
			   code, message);
	loopback_reply(reply, status, "text/xml", "", body);
}

static bool reply_refusal(struct str *reply, struct instance **asked, size_t count)
{
	_cleanup_(str_free) struct str absent = STR_INIT;
	size_t absent_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (asked[i]->malformed) {
			_cleanup_(freep) char *message = mem_printf("Invalid id: \"%s\"", asked[i]->id);
			reply_error(reply, 400, "InvalidInstanceID.Malformed", message);
			return true;
		}
		if (asked[i]->looks < asked[i]->absent_before) {
			asked[i]->looks++;
			str_addf(&absent, "%s%s", absent_count++ ? ", " : "", asked[i]->id);
		}
	}
	if (!absent_count)
		return false;
	_cleanup_(freep) char *message = absent_count == 1
						 ? mem_printf("The instance ID '%s' does not exist", absent.data)
						 : mem_printf("The instance IDs '%s' do not exist", absent.data);
	reply_error(reply, 400, "InvalidInstanceID.NotFound", message);
	return true;
}

static void reply_descriptions(struct str *reply, struct instance **asked, size_t count)
{
	_cleanup_(str_free) struct str body = STR_INIT;
	str_add(&body, "<DescribeInstancesResponse><reservationSet>");
	for (size_t i = 0; i < count; i++) {
		const char *state = asked[i]->looks++ >= asked[i]->after ? asked[i]->state : "pending";
		str_addf(&body,
			 "<item><instancesSet><item><instanceId>%s</instanceId><instanceState><name>%s</name></"
			 "instanceState>"
			 "%s</item></instancesSet></item>",
			 asked[i]->id, state, asked[i]->reason ? asked[i]->reason : "");
	}
	str_add(&body, "</reservationSet></DescribeInstancesResponse>");
	loopback_reply(reply, 200, "text/xml", "", body.data);
}

static enum loopback_after play(void *cookie, const struct loopback_request *request, struct str *reply)
{
	struct cloud *cloud = cookie;
	struct instance *asked[MOST_IDS];
	size_t count = read_ids(cloud, request->body, asked);
	cloud->requests++;
	cloud->largest = (int)count > cloud->largest ? (int)count : cloud->largest;
	if (cloud->error)
		reply_error(reply, 403, cloud->error, "no");
	else if (cloud->failures-- > 0)
		reply_error(reply, 500, "InternalError", "later");
	else if (!reply_refusal(reply, asked, count))
		reply_descriptions(reply, asked, count);
	return LOOPBACK_KEEP;
}

static void start(struct cloud *cloud, const struct instance *instances, size_t count)
{
	struct error err = {0};
	*cloud = (struct cloud){.count = count};
	if (count)
		memcpy(cloud->instances, instances, count * sizeof *instances);
	cloud->server = loopback_start(play, cloud);
	stop_init(&cloud->stop);
	struct aws_options options = {.region = "eu-west-1",
				      .endpoint = loopback_url(cloud->server),
				      .access_key = "AKID",
				      .secret_key = "secret",
				      .stop = &cloud->stop};
	if (!aws_open(&options, &cloud->aws, &err))
		fail_msg("%s", err.text);
	cloud->aws->most_attempts = 1;
	cloud->aws->shortest_wait_ms = 10;
	cloud->aws->longest_wait_ms = 50;
}

static void finish(struct cloud *cloud)
{
	aws_close(cloud->aws);
	loopback_stop(cloud->server);
	stop_close(&cloud->stop);
}

static void count_progress(void *cookie, const struct tree *item)
{
	struct cloud *cloud = cookie;
	assert_non_null(tree_text(item, "instanceId"));
	cloud->progress++;
}

static bool wait_for(struct cloud *cloud, enum aws_wait wait, const char *id, int64_t timeout_s, struct tree **item,
		     struct error *err)
{
	struct aws_wait_options options = {NULL, timeout_s, &cloud->stop, count_progress, cloud};
	*err = (struct error){0};
	return aws_wait(cloud->aws, wait, id, &options, item, err);
}

static void test_wanted_state(void **state)
{
	const struct instance instances[] = {{"i-1", "running", 3}};
	_cleanup_(tree_freep) struct tree *item = NULL;
	struct cloud cloud;
	struct error err;
	start(&cloud, instances, 1);
	if (!wait_for(&cloud, AWS_WAIT_instance_running, "i-1", 10, &item, &err))
		fail_msg("%s", err.text);
	assert_string_equal(tree_text(item, "instanceState.name"), "running");
	assert_int_equal(cloud.requests, 4);
	assert_int_equal(cloud.progress, 4);
	finish(&cloud);
}

struct thread {
	pthread_t thread;
	struct cloud *cloud;
	enum aws_wait wait;
	const char *id;
	bool good;
	struct error err;
};

static void *wait_in_thread(void *cookie)
{
	struct thread *thread = cookie;
	struct aws_wait_options options = {.timeout_s = 20, .stop = &thread->cloud->stop};
	_cleanup_(tree_freep) struct tree *item = NULL;
	thread->good = aws_wait(thread->cloud->aws, thread->wait, thread->id, &options, &item, &thread->err);
	return NULL;
}

static void wait_for_all(struct cloud *cloud, enum aws_wait wait, struct thread *threads)
{
	for (size_t i = 0; i < cloud->count; i++) {
		threads[i] = (struct thread){.cloud = cloud, .wait = wait, .id = cloud->instances[i].id};
		pthread_create(&threads[i].thread, NULL, wait_in_thread, &threads[i]);
	}
	for (size_t i = 0; i < cloud->count; i++)
		pthread_join(threads[i].thread, NULL);
}

static void test_looks_are_shared(void **state)
{
	struct instance instances[40] = {0};
	struct thread threads[40];
	struct cloud cloud;
	for (size_t i = 0; i < 40; i++) {
		instances[i] = (struct instance){.state = "running", .after = 10};
		snprintf(instances[i].id, sizeof instances[i].id, "i-%zu", 100 + i);
	}
	start(&cloud, instances, 40);
	cloud.aws->shortest_wait_ms = 50;
	wait_for_all(&cloud, AWS_WAIT_instance_running, threads);
	for (size_t i = 0; i < 40; i++)
		assert_true(threads[i].good);
	assert_true(cloud.largest > 20);
	assert_true(cloud.requests < 100); /* and not 40 * 11 */
	finish(&cloud);
}

/* More than a call holds: nobody waits for ever, and nobody is asked for twice in a row while others starve. */
static void test_many_are_split(void **state)
{
	enum { COUNT = LOOK_MOST + 30 };
	static struct instance instances[COUNT];
	static struct thread threads[COUNT];
	struct cloud cloud;
	for (size_t i = 0; i < COUNT; i++) {
		instances[i] = (struct instance){.state = "running", .after = 4};
		snprintf(instances[i].id, sizeof instances[i].id, "i-%zu", 100 + i);
	}
	start(&cloud, instances, COUNT);
	cloud.aws->shortest_wait_ms = cloud.aws->longest_wait_ms = 300;
	wait_for_all(&cloud, AWS_WAIT_instance_running, threads);
	for (size_t i = 0; i < COUNT; i++)
		if (!threads[i].good)
			fail_msg("%s", threads[i].err.text);
	assert_true(cloud.largest > 100 && cloud.largest <= LOOK_MOST);
	assert_true(cloud.requests < 40);
	finish(&cloud);
}

/* Builds that come one after the other join the looks instead of adding their own. */
static void test_late_comers_share(void **state)
{
	struct instance instances[30] = {0};
	struct thread threads[30];
	struct cloud cloud;
	for (size_t i = 0; i < 30; i++) {
		instances[i] = (struct instance){.state = "running", .after = i == 29 ? 3 : 1000000};
		snprintf(instances[i].id, sizeof instances[i].id, "i-%zu", 100 + i);
	}
	start(&cloud, instances, 30);
	cloud.aws->shortest_wait_ms = 100;
	cloud.aws->longest_wait_ms = 100;
	int64_t began_ms = clock_mono_ms();
	for (size_t i = 0; i < 30; i++) {
		threads[i] = (struct thread){.cloud = &cloud, .wait = AWS_WAIT_instance_running};
		threads[i].id = cloud.instances[i].id;
		pthread_create(&threads[i].thread, NULL, wait_in_thread, &threads[i]);
		usleep(10000);
	}
	pthread_join(threads[29].thread, NULL);
	int64_t took_ms = clock_mono_ms() - began_ms;
	assert_true(threads[29].good);
	assert_true(cloud.requests <= took_ms / 100 + 2);
	stop_request(&cloud.stop, 2);
	for (size_t i = 0; i < 29; i++)
		pthread_join(threads[i].thread, NULL);
	finish(&cloud);
}

/* The mean over changes that come at any time; at most the pause between looks. */
static void test_pauses(void **state)
{
	static const int64_t expected_s[] = {0, 5, 60, 600};
	struct cloud cloud;
	start(&cloud, NULL, 0);
	cloud.aws->shortest_wait_ms = 200;
	cloud.aws->longest_wait_ms = 2000;
	for (size_t i = 0; i < ARRAY_SIZE(expected_s); i++) {
		int64_t expected_ms = expected_s[i] * 1000, squares = 0, looks = 0, at_ms = 0,
			from_ms = expected_ms * 3 / 4;
		for (int64_t pause_ms; at_ms < 1800000; at_ms += pause_ms, looks++) {
			pause_ms = wait_pause_ms(cloud.aws, at_ms, expected_ms);
			assert_true(pause_ms >= 50);
			assert_true(pause_ms <= (at_ms < from_ms ? 5000 : 2000));
			if (at_ms >= from_ms)
				squares += pause_ms * pause_ms;
		}
		assert_true(squares / 2 / (at_ms - from_ms) < 1500);
		assert_true(looks < 1800 * 2);
	}
	/* Around the time it should take, almost at once. */
	assert_true(wait_pause_ms(cloud.aws, 60000, 60000) <= 60000 / 32);
	assert_int_equal(wait_pause_ms(cloud.aws, 0, 4000), 4000);
	assert_int_equal(wait_pause_ms(cloud.aws, 3000, 4000), 1000);
	assert_int_equal(wait_pause_ms(cloud.aws, 43000, 60000), 2000);
	assert_int_equal(wait_pause_ms(cloud.aws, 59000, 60000), 1000);
	finish(&cloud);
}

static void test_unknown_ids_do_not_spoil_the_others(void **state)
{
	const struct instance instances[] = {{"i-1", "running", 2},
					     {"i-2", "running", 5, .absent_before = 3},
					     {"i-3", "running", 5, .absent_before = 4}};
	struct thread threads[3];
	struct cloud cloud;
	start(&cloud, instances, 3);
	wait_for_all(&cloud, AWS_WAIT_instance_running, threads);
	for (size_t i = 0; i < 3; i++)
		if (!threads[i].good)
			fail_msg("%s", threads[i].err.text);
	finish(&cloud);
}

static void test_refused_id_does_not_spoil_the_others(void **state)
{
	const struct instance instances[] = {
		{"i-1", "running", 20}, {"i-bad", "running", 0, .malformed = true}, {"i-3", "running", 20}};
	struct thread threads[3];
	struct cloud cloud;
	start(&cloud, instances, 3);
	wait_for_all(&cloud, AWS_WAIT_instance_running, threads);
	assert_true(threads[0].good && threads[2].good);
	assert_false(threads[1].good);
	assert_string_equal(threads[1].err.code, "InvalidInstanceID.Malformed");
	finish(&cloud);
}

static void test_gone_counts_as_terminated(void **state)
{
	const struct instance instances[] = {{"i-1", "terminated", 0, .absent_before = 1000}};
	_cleanup_(tree_freep) struct tree *item = NULL;
	struct cloud cloud;
	struct error err;
	start(&cloud, instances, 1);
	assert_true(wait_for(&cloud, AWS_WAIT_instance_terminated, "i-1", 10, &item, &err));
	assert_null(item);
	finish(&cloud);
}

static void test_never_there(void **state)
{
	const struct instance instances[] = {{"i-1", "running", 0, .absent_before = 1000000}};
	struct cloud cloud;
	struct error err;
	start(&cloud, instances, 1);
	cloud.aws->absent_ms = 100;
	assert_false(wait_for(&cloud, AWS_WAIT_instance_running, "i-1", 10, NULL, &err));
	assert_int_equal(err.kind, ERROR_ABSENT);
	assert_string_equal(err.text, "i-1 (eu-west-1) does not exist");
	finish(&cloud);
}

static void test_fatal_state(void **state)
{
	static const struct {
		const char *reason, *code, *text;
		enum error_kind kind;
	} cases[] = {
		{"<stateReason><code>Server.InsufficientInstanceCapacity</code><message>none "
		 "left</message></stateReason>",
		 "Server.InsufficientInstanceCapacity", "i-1 (eu-west-1) is terminated instead of running: none left",
		 ERROR_CAPACITY},
		{"<stateReason><code>Client.VolumeLimitExceeded</code><message>too many</message></stateReason>",
		 "Client.VolumeLimitExceeded", "i-1 (eu-west-1) is terminated instead of running: too many",
		 ERROR_QUOTA},
		{"<stateReason><code>Client.UserInitiatedShutdown</code><message>User "
		 "initiated</message></stateReason>",
		 "Client.UserInitiatedShutdown", "i-1 (eu-west-1) is terminated instead of running: User initiated",
		 ERROR_FAILED},
		{"<reason>because</reason>", "", "i-1 (eu-west-1) is terminated instead of running: because",
		 ERROR_FAILED},
		{"<reason/>", "", "i-1 (eu-west-1) is terminated instead of running: AWS gives no reason",
		 ERROR_FAILED},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct instance instances[] = {{"i-1", "terminated", 2, .reason = cases[i].reason}};
		struct cloud cloud;
		struct error err;
		start(&cloud, instances, 1);
		assert_false(wait_for(&cloud, AWS_WAIT_instance_running, "i-1", 10, NULL, &err));
		assert_int_equal(err.kind, cases[i].kind);
		assert_string_equal(err.code, cases[i].code);
		assert_string_equal(err.text, cases[i].text);
		finish(&cloud);
	}
}

static void test_timeout(void **state)
{
	const struct instance instances[] = {{"i-1", "running", 1000000}};
	struct cloud cloud;
	struct error err;
	start(&cloud, instances, 1);
	int64_t began_ms = clock_mono_ms();
	assert_false(wait_for(&cloud, AWS_WAIT_instance_running, "i-1", 1, NULL, &err));
	assert_true(clock_mono_ms() - began_ms >= 1000 && clock_mono_ms() - began_ms < 2000);
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_string_equal(err.code, "WaitTimeout");
	assert_true(str_starts(err.text, "i-1 (eu-west-1) is pending after 1"));
	/* From 10 ms to 50 ms between looks. */
	assert_true(cloud.requests > 10 && cloud.requests < 100);
	finish(&cloud);
}

static void test_outage_is_survived(void **state)
{
	const struct instance instances[] = {{"i-1", "running", 2}};
	struct cloud cloud;
	struct error err;
	start(&cloud, instances, 1);
	cloud.failures = 5;
	assert_true(wait_for(&cloud, AWS_WAIT_instance_running, "i-1", 10, NULL, &err));
	finish(&cloud);
	start(&cloud, instances, 1);
	cloud.failures = 1000000;
	cloud.aws->outage_ms = 200;
	assert_false(wait_for(&cloud, AWS_WAIT_instance_running, "i-1", 10, NULL, &err));
	assert_int_equal(err.kind, ERROR_TRANSIENT);
	assert_true(
		str_starts(err.text, "waiting for i-1 to be running: DescribeInstances (eu-west-1): InternalError"));
	finish(&cloud);
}

static void test_refusal_ends_the_wait(void **state)
{
	const struct instance instances[] = {{"i-1", "running", 2}};
	struct cloud cloud;
	struct error err;
	start(&cloud, instances, 1);
	cloud.error = "UnauthorizedOperation";
	assert_false(wait_for(&cloud, AWS_WAIT_instance_running, "i-1", 10, NULL, &err));
	assert_int_equal(err.kind, ERROR_DENIED);
	assert_int_equal(cloud.requests, 1);
	finish(&cloud);
}

static void *stop_soon(void *cookie)
{
	struct cloud *cloud = cookie;
	while (loopback_requests(cloud->server) < 3)
		usleep(1000);
	stop_request(&cloud->stop, 2);
	return NULL;
}

static void test_stop(void **state)
{
	const struct instance instances[] = {{"i-1", "running", 1000000}, {"i-2", "terminated", 5}};
	struct cloud cloud;
	struct error err;
	pthread_t thread;
	start(&cloud, instances, 2);
	pthread_create(&thread, NULL, stop_soon, &cloud);
	int64_t began_ms = clock_mono_ms();
	assert_false(wait_for(&cloud, AWS_WAIT_instance_running, "i-1", 20, NULL, &err));
	pthread_join(thread, NULL);
	assert_int_equal(err.kind, ERROR_STOPPED);
	assert_true(clock_mono_ms() - began_ms < 1000);
	/* Clean-up listens to another wish. */
	struct stop leave;
	stop_init(&leave);
	struct aws_wait_options options = {.timeout_s = 20, .stop = &leave};
	assert_true(aws_wait(cloud.aws, AWS_WAIT_instance_terminated, "i-2", &options, NULL, &err));
	stop_close(&leave);
	finish(&cloud);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wanted_state),
		cmocka_unit_test(test_looks_are_shared),
		cmocka_unit_test(test_many_are_split),
		cmocka_unit_test(test_late_comers_share),
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_unknown_ids_do_not_spoil_the_others),
		cmocka_unit_test(test_refused_id_does_not_spoil_the_others),
		cmocka_unit_test(test_gone_counts_as_terminated),
		cmocka_unit_test(test_never_there),
		cmocka_unit_test(test_fatal_state),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_outage_is_survived),
		cmocka_unit_test(test_refusal_ends_the_wait),
		cmocka_unit_test(test_stop),
	};
	setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
