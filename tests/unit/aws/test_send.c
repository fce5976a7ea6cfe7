/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls over a loopback server: what is asked again and what is not, pages, errors and their words, connections,
 * stopping. */
#include "script.h"

/* --- asking again --- */

static void test_throttled_is_asked_again(void **state)
{
	_cleanup_(freep) char *throttled = refusal(503, "RequestLimitExceeded", "Request limit exceeded.");
	const char *replies[] = {throttled, throttled, EMPTY, NULL};
	const enum aws_operation operations[] = {AWS_ec2_DescribeImages, AWS_ec2_CreateImage};
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		struct script script;
		struct error err;
		start(&script, replies);
		assert_true(send_simple(&script, operations[i], &err));
		assert_int_equal(loopback_requests(script.server), 3);
		assert_int_equal(aws_requests_sent(script.aws), 3);
		finish(&script);
	}
}

static void test_attempts_are_bounded(void **state)
{
	_cleanup_(freep) char *down = refusal(500, "InternalError", "An internal error has occurred");
	const char *replies[] = {down, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	assert_false(send_simple(&script, AWS_ec2_DescribeImages, &err));
	assert_int_equal(loopback_requests(script.server), RETRY_DEFAULT_ATTEMPTS);
	assert_int_equal(err.kind, ERROR_TRANSIENT);
	assert_string_equal(err.code, "InternalError");
	assert_string_equal(
		err.text, "DescribeImages (eu-west-1): InternalError: An internal error has occurred (request id req-1)"
			  "; asked 5 times");
	finish(&script);
}

static void test_once_is_not_repeated_when_aws_may_have_acted(void **state)
{
	_cleanup_(freep) char *down = refusal(500, "InternalError", "An internal error has occurred");
	const char *const cases[][3] = {{down, EMPTY}, {"!close", EMPTY}, {"!reset", EMPTY}, {"!cut", EMPTY}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct script script;
		struct error err;
		start(&script, cases[i]);
		assert_false(send_simple(&script, AWS_ec2_CreateImage, &err));
		assert_int_equal(loopback_requests(script.server), 1);
		assert_int_equal(err.kind, ERROR_TRANSIENT);
		if (i > 0)
			assert_non_null(strstr(err.text, "AWS may have done it all the same"));
		finish(&script);
	}
}

/* libcurl repeats a POST by itself when a kept connection turns out dead; a ONCE row must not get there. */
static void test_once_is_not_repeated_by_a_kept_connection(void **state)
{
	const char *replies[] = {EMPTY, "!close", EMPTY, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	assert_true(send_simple(&script, AWS_ec2_DescribeImages, &err));
	assert_false(send_simple(&script, AWS_ec2_CreateImage, &err));
	assert_int_equal(loopback_requests(script.server), 2);
	finish(&script);
}

static void test_safe_and_token_are_repeated_after_anything(void **state)
{
	const char *const broken[] = {"!close", "!reset", "!cut"};
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		const char *replies[] = {broken[i], EMPTY, NULL};
		struct script script;
		struct error err;
		start(&script, replies);
		assert_true(send_simple(&script, AWS_ec2_DescribeImages, &err));
		finish(&script);
		start(&script, replies);
		struct aws_call call = aws_call(AWS_ec2_RunInstances, NULL);
		aws_arg(&call, "ClientToken", "token-1");
		assert_true(aws_send(script.aws, &call, NULL, &err));
		assert_int_equal(loopback_requests(script.server), 2);
		finish(&script);
	}
}

static void test_token_row_without_a_token_counts_as_once(void **state)
{
	const char *replies[] = {"!close", EMPTY, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	assert_false(send_simple(&script, AWS_ec2_RunInstances, &err));
	assert_int_equal(loopback_requests(script.server), 1);
	finish(&script);
}

static void test_not_yet_known(void **state)
{
	_cleanup_(freep) char *absent =
		refusal(400, "InvalidGroup.NotFound", "The security group 'sg-1' does not exist");
	const char *replies[] = {absent, absent, EMPTY, NULL}, *never[] = {absent, NULL};
	struct script script;
	struct error err = {0};
	start(&script, replies);
	script.aws->most_attempts = 1;
	assert_false(send_simple(&script, AWS_ec2_AuthorizeSecurityGroupIngress, &err));
	assert_int_equal(err.kind, ERROR_ABSENT);
	struct aws_call call = aws_call(AWS_ec2_AuthorizeSecurityGroupIngress, NULL);
	call.not_yet_s = 10;
	assert_true(aws_send(script.aws, &call, NULL, &err));
	assert_int_equal(loopback_requests(script.server), 3);
	finish(&script);
	start(&script, never);
	call = aws_call(AWS_ec2_AuthorizeSecurityGroupIngress, NULL);
	call.not_yet_s = 1;
	assert_false(aws_send(script.aws, &call, NULL, &err));
	assert_int_equal(err.kind, ERROR_ABSENT);
	assert_int_equal(loopback_requests(script.server), 2);
	finish(&script);
}

static void test_budget(void **state)
{
	_cleanup_(freep) char *down = refusal(503, "Unavailable", "later");
	const char *replies[] = {down, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	script.aws->budget->tokens = 10;
	assert_false(send_simple(&script, AWS_ec2_DescribeImages, &err));
	assert_int_equal(loopback_requests(script.server), 3);
	assert_non_null(strstr(err.text, "not asked again, since most calls fail now"));
	finish(&script);
}

static void test_pauses(void **state)
{
	struct attempt throttled = {HTTP_ANSWERED, {ERROR_THROTTLED, RETRY_THROTTLED}, true, 0};
	struct attempt failed = {HTTP_ANSWERED, {ERROR_TRANSIENT, RETRY_AGAIN}, true, 0};
	struct attempt unreached = {HTTP_UNREACHED, {0}, false, 0};
	struct attempt told = {HTTP_ANSWERED, {ERROR_THROTTLED, RETRY_THROTTLED}, true, 3};
	assert_int_equal(retry_pause_ms(&throttled, 1, 1), 1000);
	assert_int_equal(retry_pause_ms(&throttled, 3, 1), 4000);
	assert_int_equal(retry_pause_ms(&throttled, 3, 0.5), 2000);
	assert_int_equal(retry_pause_ms(&throttled, 40, 1), 20000);
	assert_int_equal(retry_pause_ms(&failed, 1, 1), 200);
	assert_int_equal(retry_pause_ms(&unreached, 2, 1), 200);
	assert_int_equal(retry_pause_ms(&told, 1, 0), 3000);
	assert_false(retry_may_repeat(&unreached, REPEAT_SAFE, RETRY_UNREACHED_ATTEMPTS, 10));
	assert_true(retry_may_repeat(&unreached, REPEAT_ONCE, 1, 10));
}

/* --- strangers --- */

static void test_strangers(void **state)
{
	static const struct {
		const char *reply;
		enum error_kind kind;
		int requests;
	} cases[] = {
		{"HTTP/1.1 404 X\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>", ERROR_DENIED,
		 1},
		{"HTTP/1.1 200 X\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>", ERROR_DENIED,
		 1},
		{"HTTP/1.1 200 X\r\nContent-Type: text/xml\r\nContent-Length: 5\r\n\r\n<html", ERROR_DENIED, 1},
		{"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", ERROR_DENIED, 1},
		{"HTTP/1.1 502 X\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>",
		 ERROR_TRANSIENT, 5},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *replies[] = {cases[i].reply, NULL};
		struct script script;
		struct error err;
		start(&script, replies);
		assert_false(send_simple(&script, AWS_ec2_DescribeImages, &err));
		assert_int_equal(err.kind, cases[i].kind);
		assert_int_equal(loopback_requests(script.server), cases[i].requests);
		assert_non_null(strstr(err.text, loopback_url(script.server)));
		assert_true(str_starts(err.text, "DescribeImages (eu-west-1): "));
		finish(&script);
	}
}

static void test_unreached(void **state)
{
	const char *replies[] = {EMPTY, NULL};
	struct script script;
	struct error err;
	struct aws *aws = NULL;
	start(&script, replies);
	_cleanup_(freep) char *url = mem_strdup(loopback_url(script.server));
	finish(&script); /* nobody listens there any more */
	setenv("AWS_ENDPOINT_URL", url, 1);
	setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	assert_true(aws_open(&(struct aws_options){.region = "eu-west-1"}, &aws, &err));
	int64_t began_ms = clock_mono_ms();
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, NULL);
	assert_false(aws_send(aws, &call, NULL, &err));
	assert_int_equal(err.kind, ERROR_DENIED);
	_cleanup_(freep) char *expected = mem_printf("DescribeImages (eu-west-1): cannot reach %s: Connection refused; "
						     "check AWS_ENDPOINT_URL, which set this "
						     "address, and that something listens there; asked 3 times",
						     url);
	assert_string_equal(err.text, expected);
	assert_true(clock_mono_ms() - began_ms < 2000);
	aws_close(aws);
	unsetenv("AWS_ENDPOINT_URL");
}

static void test_no_region(void **state)
{
	struct error err;
	struct aws *aws = NULL;
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, NULL);
	assert_true(aws_open(&(struct aws_options){.region = NULL}, &aws, &err));
	assert_null(aws_region(aws));
	assert_false(aws_send(aws, &call, NULL, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	call = aws_call(AWS_ec2_DescribeImages, "evil.example.com/");
	assert_false(aws_send(aws, &call, NULL, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	aws_close(aws);
}

/* --- pages --- */

static char *page(const char *items, const char *token)
{
	_cleanup_(str_free) struct str reply = STR_INIT;
	_cleanup_(freep) char *body = mem_printf(
		"<DescribeImagesResponse><imagesSet>%s</imagesSet>%s</DescribeImagesResponse>", items, token);
	loopback_reply(&reply, 200, "text/xml;charset=UTF-8", "", body);
	return str_take(&reply);
}

static void test_pages(void **state)
{
	_cleanup_(freep) char *one = page("", "<nextToken>a/+b=</nextToken>");
	_cleanup_(freep) char *two = page("<item><imageId>ami-1</imageId></item>", "<nextToken>c</nextToken>");
	_cleanup_(freep) char *three = page("<item><imageId>ami-2</imageId></item>", "");
	const char *replies[] = {one, two, three, NULL};
	_cleanup_(tree_freep) struct tree *reply = NULL;
	struct script script;
	struct error err = {0};
	start(&script, replies);
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, NULL);
	aws_arg(&call, "Owner.1", "self");
	if (!aws_send(script.aws, &call, &reply, &err))
		fail_msg("%s", err.text);
	assert_int_equal(tree_count(tree_key(reply, "imagesSet")), 2);
	assert_string_equal(tree_text(reply, "imagesSet.2.imageId"), "ami-2");
	assert_null(tree_key(reply, "nextToken"));
	assert_string_equal(script.bodies.data,
			    "Action=DescribeImages&Version=2016-11-15&Owner.1=self\n"
			    "Action=DescribeImages&Version=2016-11-15&Owner.1=self&NextToken=a%2F%2Bb%3D\n"
			    "Action=DescribeImages&Version=2016-11-15&Owner.1=self&NextToken=c\n");
	finish(&script);
}

static void test_first_page_only(void **state)
{
	_cleanup_(freep) char *one = page("<item><imageId>ami-1</imageId></item>", "<nextToken>b</nextToken>");
	const char *replies[] = {one, NULL};
	_cleanup_(tree_freep) struct tree *reply = NULL;
	struct script script;
	struct error err;
	start(&script, replies);
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, NULL);
	call.first_page_only = true;
	assert_true(aws_send(script.aws, &call, &reply, &err));
	assert_int_equal(loopback_requests(script.server), 1);
	assert_string_equal(tree_text(reply, "nextToken"), "b");
	finish(&script);
}

static void test_pages_in_a_circle(void **state)
{
	_cleanup_(freep) char *one = page("", "<nextToken>b</nextToken>");
	const char *replies[] = {one, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	assert_false(send_simple(&script, AWS_ec2_DescribeImages, &err));
	assert_int_equal(err.kind, ERROR_REMOTE);
	assert_int_equal(loopback_requests(script.server), 2);
	finish(&script);
}

/* --- connections --- */

static void test_connection_is_kept(void **state)
{
	const char *replies[] = {EMPTY, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	for (int i = 0; i < 20; i++)
		assert_true(send_simple(&script, AWS_ec2_DescribeImages, &err));
	assert_int_equal(loopback_connections(script.server), 1);
	finish(&script);
}

static void *send_many(void *cookie)
{
	struct script *script = cookie;
	struct error err;
	for (int i = 0; i < 25; i++)
		if (!send_simple(script, AWS_ec2_DescribeImages, &err))
			return script; /* anything but NULL */
	return NULL;
}

static void test_threads(void **state)
{
	const char *replies[] = {EMPTY, NULL};
	struct script script;
	pthread_t threads[8];
	start(&script, replies);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, send_many, &script);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *result;
		pthread_join(threads[i], &result);
		assert_null(result);
	}
	assert_int_equal(loopback_requests(script.server), 200);
	assert_true(loopback_connections(script.server) <= 8);
	finish(&script);
}

static void test_answer_is_bounded(void **state)
{
	_cleanup_(str_free) struct str reply = STR_INIT;
	_cleanup_(freep) char *body = mem_alloc(100001);
	memset(body, 'x', 100000);
	loopback_reply(&reply, 200, "text/xml", "", body);
	const char *replies[] = {reply.data, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	http_free(script.aws->http);
	script.aws->http = http_new(&(struct http_options){NULL, 50000, 1000, 5});
	assert_false(send_simple(&script, AWS_ec2_DescribeImages, &err));
	assert_int_equal(err.kind, ERROR_REMOTE);
	assert_int_equal(loopback_requests(script.server), 1);
	finish(&script);
}

static void test_silence(void **state)
{
	const char *replies[] = {"!hang", EMPTY, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	http_free(script.aws->http);
	script.aws->http = http_new(&(struct http_options){NULL, 50000, 1000, 1});
	assert_true(send_simple(&script, AWS_ec2_DescribeImages, &err));
	assert_int_equal(loopback_requests(script.server), 2);
	finish(&script);
}

/* --- proxies --- */

static void test_no_proxy_towards_this_host(void **state)
{
	const char *replies[] = {EMPTY, NULL};
	struct script script;
	struct error err;
	setenv("http_proxy", "http://127.0.0.1:1", 1); /* nobody listens there */
	start(&script, replies);
	assert_true(send_simple(&script, AWS_ec2_DescribeImages, &err));
	finish(&script);
	unsetenv("http_proxy");
}

static void test_proxy_from_the_environment(void **state)
{
	const char *replies[] = {EMPTY, NULL};
	struct script script;
	struct error err;
	struct aws *aws = NULL;
	start(&script, replies);
	setenv("http_proxy", loopback_url(script.server), 1);
	struct aws_options options = {
		.region = "eu-west-1", .endpoint = "http://aws.invalid", .access_key = "AKID", .secret_key = "secret"};
	assert_true(aws_open(&options, &aws, &err));
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, NULL);
	if (!aws_send(aws, &call, NULL, &err))
		fail_msg("%s", err.text);
	assert_int_equal(loopback_requests(script.server), 1);
	aws_close(aws);
	finish(&script);
	unsetenv("http_proxy");
}

/* --- stopping --- */

static void *stop_soon(void *cookie)
{
	struct script *script = cookie;
	while (loopback_requests(script->server) == 0)
		usleep(1000);
	stop_request(&script->stop, 2);
	return NULL;
}

static int64_t stop_during(const char *const *replies, enum aws_operation operation, struct script *script,
			   struct error *err)
{
	pthread_t thread;
	start(script, replies);
	script->aws->most_attempts = 50;
	pthread_create(&thread, NULL, stop_soon, script);
	int64_t began_ms = clock_mono_ms();
	assert_false(send_simple(script, operation, err));
	pthread_join(thread, NULL);
	return clock_mono_ms() - began_ms;
}

static void test_stop_interrupts_a_hanging_call(void **state)
{
	const char *replies[] = {"!hang", EMPTY, NULL};
	struct script script;
	struct error err;
	assert_true(stop_during(replies, AWS_ec2_DescribeImages, &script, &err) < 500);
	assert_int_equal(err.kind, ERROR_STOPPED);
	assert_false(send_simple(&script, AWS_ec2_DeleteSecurityGroup, &err));
	assert_int_equal(err.kind, ERROR_STOPPED);
	assert_int_equal(loopback_requests(script.server), 1);
	/* Clean-up listens to another wish. */
	struct stop leave;
	stop_init(&leave);
	struct aws_call call = aws_call(AWS_ec2_DeleteSecurityGroup, NULL);
	call.stop = &leave;
	assert_true(aws_send(script.aws, &call, NULL, &err));
	stop_close(&leave);
	finish(&script);
}

static void test_stop_leaves_changes_a_grace(void **state)
{
	const char *replies[] = {"!hang", NULL};
	struct script script;
	struct error err;
	int64_t took_ms = stop_during(replies, AWS_ec2_CreateImage, &script, &err);
	assert_true(took_ms >= HTTP_GRACE_MS && took_ms < 1500);
	assert_int_equal(err.kind, ERROR_STOPPED);
	finish(&script);
}

static double longest_pause(void)
{
	return 1;
}

static void test_stop_interrupts_a_pause(void **state)
{
	_cleanup_(freep) char *throttled = refusal(503, "RequestLimitExceeded", "slower");
	const char *replies[] = {throttled, NULL};
	struct script script;
	struct error err;
	pthread_t thread;
	start(&script, replies);
	script.aws->random = longest_pause;
	pthread_create(&thread, NULL, stop_soon, &script);
	int64_t began_ms = clock_mono_ms();
	assert_false(send_simple(&script, AWS_ec2_DescribeImages, &err));
	pthread_join(thread, NULL);
	assert_true(clock_mono_ms() - began_ms < 700);
	assert_int_equal(err.kind, ERROR_STOPPED);
	finish(&script);
}

/* --- addresses --- */

static void test_own_address_towards_an_endpoint(void **state)
{
	const char *replies[] = {EMPTY, NULL};
	char address[64];
	struct script script;
	struct error err;
	start(&script, replies);
	assert_true(aws_own_address(script.aws, NULL, true, address, &err));
	assert_string_equal(address, "127.0.0.1");
	assert_int_equal(loopback_requests(script.server), 0);
	finish(&script);
}

/* --- identity --- */

static void test_identity_is_asked_once(void **state)
{
	_cleanup_(str_free) struct str reply = STR_INIT;
	loopback_reply(
		&reply, 200, "text/xml", "",
		"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ci</Arn>"
		"<UserId>AIDA</UserId><Account>123456789012</Account></GetCallerIdentityResult>"
		"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>");
	const char *replies[] = {reply.data, NULL};
	struct script script;
	struct aws_identity identity;
	struct error err;
	start(&script, replies);
	for (int i = 0; i < 3; i++)
		assert_true(aws_identity(script.aws, NULL, &identity, &err));
	assert_string_equal(identity.account, "123456789012");
	assert_string_equal(identity.arn, "arn:aws:iam::123456789012:user/ci");
	assert_int_equal(loopback_requests(script.server), 1);
	finish(&script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_throttled_is_asked_again),
		cmocka_unit_test(test_attempts_are_bounded),
		cmocka_unit_test(test_once_is_not_repeated_when_aws_may_have_acted),
		cmocka_unit_test(test_once_is_not_repeated_by_a_kept_connection),
		cmocka_unit_test(test_safe_and_token_are_repeated_after_anything),
		cmocka_unit_test(test_token_row_without_a_token_counts_as_once),
		cmocka_unit_test(test_not_yet_known),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_unreached),
		cmocka_unit_test(test_no_region),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_first_page_only),
		cmocka_unit_test(test_pages_in_a_circle),
		cmocka_unit_test(test_connection_is_kept),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_answer_is_bounded),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_no_proxy_towards_this_host),
		cmocka_unit_test(test_proxy_from_the_environment),
		cmocka_unit_test(test_stop_interrupts_a_hanging_call),
		cmocka_unit_test(test_stop_leaves_changes_a_grace),
		cmocka_unit_test(test_stop_interrupts_a_pause),
		cmocka_unit_test(test_own_address_towards_an_endpoint),
		cmocka_unit_test(test_identity_is_asked_once),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
