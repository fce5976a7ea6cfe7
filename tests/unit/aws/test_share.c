/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads that are shared: one call for all who ask the same, kept as long as they say, failures not kept. */
#include "script.h"
#include "src/aws/share.h"

static bool ask(struct script *script, const char *name, int64_t share_ms, struct tree **reply, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, NULL);
	aws_arg(&call, "Owner.1", name);
	call.share_ms = share_ms;
	*err = (struct error){0};
	return aws_send(script->aws, &call, reply, err);
}

static void test_answer_is_kept(void **state)
{
	const char *replies[] = {EMPTY, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	for (int i = 0; i < 5; i++) {
		_cleanup_(tree_freep) struct tree *reply = NULL;
		assert_works(ask(&script, "self", 60000, &reply, &err));
		assert_string_equal(tree_text(reply, "a"), "yes");
		tree_set_text(reply, "a", "changed"); /* everybody has a copy */
	}
	assert_int_equal(loopback_requests(script.server), 1);
	assert_works(ask(&script, "self", 0, NULL, &err));
	assert_int_equal(loopback_requests(script.server), 2);
	assert_works(ask(&script, "other", 60000, NULL, &err));
	assert_int_equal(loopback_requests(script.server), 3);
	finish(&script);
}

static void test_region_and_operation_count(void **state)
{
	const char *replies[] = {EMPTY, NULL};
	const enum aws_operation operations[] = {AWS_ec2_DescribeVpcs, AWS_ec2_DescribeSubnets};
	const char *const regions[] = {"eu-west-1", "eu-west-2"};
	struct script script;
	struct error err = {0};
	start(&script, replies);
	for (int i = 0; i < 8; i++) {
		struct aws_call call = aws_call(operations[i % 2], regions[i / 2 % 2]);
		call.share_ms = 60000;
		assert_works(aws_send(script.aws, &call, NULL, &err));
	}
	assert_int_equal(loopback_requests(script.server), 4);
	finish(&script);
}

static void test_answer_grows_old(void **state)
{
	const char *replies[] = {EMPTY, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	assert_works(ask(&script, "self", 60000, NULL, &err));
	int64_t known_ms = clock_mono_ms();
	while (clock_mono_ms() < known_ms + 20)
		usleep(1000);
	assert_works(ask(&script, "self", 10, NULL, &err)); /* too old for this one */
	assert_int_equal(loopback_requests(script.server), 2);
	finish(&script);
}

static void test_failure_is_not_kept(void **state)
{
	_cleanup_(freep) char *no = refusal(400, "InvalidAMIID.NotFound", "no");
	const char *replies[] = {no, EMPTY, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	assert_fails(ask(&script, "self", 60000, NULL, &err), ERROR_ABSENT, "DescribeImages (eu-west-1): ");
	assert_works(ask(&script, "self", 60000, NULL, &err));
	finish(&script);
}

static void test_many_answers_are_dropped(void **state)
{
	const char *replies[] = {EMPTY, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	for (int i = 0; i < 200; i++) {
		char name[16];
		snprintf(name, sizeof name, "%d", i);
		assert_works(ask(&script, name, 60000, NULL, &err));
	}
	assert_works(ask(&script, "199", 60000, NULL, &err));
	assert_int_equal(loopback_requests(script.server), 200);
	assert_works(ask(&script, "0", 60000, NULL, &err));
	assert_int_equal(loopback_requests(script.server), 201);
	finish(&script);
}

/* --- at once --- */

struct asker {
	pthread_t thread;
	struct script *script;
	bool good;
	struct error err;
};

static void *ask_in_thread(void *cookie)
{
	struct asker *asker = cookie;
	_cleanup_(tree_freep) struct tree *reply = NULL;
	asker->good = ask(asker->script, "self", 60000, &reply, &asker->err) && tree_text(reply, "a");
	return NULL;
}

static void ask_together(struct script *script, struct asker *askers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		askers[i] = (struct asker){.script = script};
		pthread_create(&askers[i].thread, NULL, ask_in_thread, &askers[i]);
	}
	for (size_t i = 0; i < count; i++)
		pthread_join(askers[i].thread, NULL);
}

static void test_one_call_for_all(void **state)
{
	const char *replies[] = {EMPTY, NULL};
	struct asker askers[30];
	struct script script;
	start(&script, replies);
	ask_together(&script, askers, ARRAY_SIZE(askers));
	for (size_t i = 0; i < ARRAY_SIZE(askers); i++)
		if (!askers[i].good)
			fail_msg("%s", askers[i].err.text);
	assert_int_equal(loopback_requests(script.server), 1);
	finish(&script);
}

/* --- a failure goes to all who waited for it --- */

static _Atomic int entered, asked;

/* Fails when all are there, and had time to find that somebody asks already. */
static bool fail_late(struct aws *aws, struct aws_call *call, const char *region, struct tree **reply,
		      struct error *err)
{
	asked++;
	while (entered < 10)
		usleep(1000);
	usleep(100000);
	return error_coded(err, ERROR_DENIED, "UnauthorizedOperation", "no");
}

static void *share_in_thread(void *cookie)
{
	struct asker *asker = cookie;
	struct tree *reply = NULL;
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, NULL);
	call.share_ms = 60000;
	entered++;
	asker->good = share_send(asker->script->aws, &call, "eu-west-1", fail_late, &reply, &asker->err);
	aws_call_clear(&call);
	return NULL;
}

static void test_failure_is_handed_round(void **state)
{
	const char *replies[] = {EMPTY, NULL};
	struct asker askers[10];
	struct script script;
	start(&script, replies);
	for (size_t i = 0; i < ARRAY_SIZE(askers); i++) {
		askers[i] = (struct asker){.script = &script};
		pthread_create(&askers[i].thread, NULL, share_in_thread, &askers[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(askers); i++) {
		pthread_join(askers[i].thread, NULL);
		assert_false(askers[i].good);
		assert_int_equal(askers[i].err.kind, ERROR_DENIED);
		assert_string_equal(askers[i].err.code, "UnauthorizedOperation");
	}
	assert_true(asked < 10);
	finish(&script);
}

/* The one who asks hangs and is told to stop; another must take over. */
static void *stop_when_asked(void *cookie)
{
	struct script *script = cookie;
	while (loopback_requests(script->server) == 0)
		usleep(1000);
	stop_request(&script->stop, 2);
	return NULL;
}

static void test_given_up_is_taken_over(void **state)
{
	const char *replies[] = {"!hang", EMPTY, NULL};
	struct script script;
	struct error err = {0};
	struct asker first;
	struct stop other;
	pthread_t stopper;
	start(&script, replies);
	stop_init(&other);
	first = (struct asker){.script = &script};
	pthread_create(&first.thread, NULL, ask_in_thread, &first);
	while (loopback_requests(script.server) == 0)
		usleep(1000);
	pthread_create(&stopper, NULL, stop_when_asked, &script);
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, NULL);
	aws_arg(&call, "Owner.1", "self");
	call.share_ms = 60000;
	call.stop = &other;
	assert_works(aws_send(script.aws, &call, NULL, &err));
	pthread_join(first.thread, NULL);
	pthread_join(stopper, NULL);
	assert_false(first.good);
	assert_int_equal(first.err.kind, ERROR_STOPPED);
	assert_int_equal(loopback_requests(script.server), 2);
	stop_close(&other);
	finish(&script);
}

/* Who waits for another's answer hears of a wish to stop, too. */
static void test_stop_while_another_asks(void **state)
{
	const char *replies[] = {"!hang", EMPTY, NULL};
	struct script script;
	struct error err = {0};
	struct asker first;
	struct stop other;
	start(&script, replies);
	stop_init(&other);
	first = (struct asker){.script = &script};
	pthread_create(&first.thread, NULL, ask_in_thread, &first);
	while (loopback_requests(script.server) == 0)
		usleep(1000);
	stop_request(&other, 2);
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, NULL);
	aws_arg(&call, "Owner.1", "self");
	call.share_ms = 60000;
	call.stop = &other;
	assert_fails(aws_send(script.aws, &call, NULL, &err), ERROR_STOPPED, "interrupted");
	stop_request(&script.stop, 2);
	pthread_join(first.thread, NULL);
	stop_close(&other);
	finish(&script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer_is_kept),		 cmocka_unit_test(test_region_and_operation_count),
		cmocka_unit_test(test_answer_grows_old),	 cmocka_unit_test(test_failure_is_not_kept),
		cmocka_unit_test(test_many_answers_are_dropped), cmocka_unit_test(test_one_call_for_all),
		cmocka_unit_test(test_failure_is_handed_round),	 cmocka_unit_test(test_given_up_is_taken_over),
		cmocka_unit_test(test_stop_while_another_asks),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
