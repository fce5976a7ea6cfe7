/* SPDX-License-Identifier: Apache-2.0
 *
 * What AWS refuses: kinds of errors, their words, reasons that STS decodes, clocks that are wrong, dry runs. */
#include "script.h"
#include "src/aws/clock_skew.h"

/* --- kinds --- */

static void test_kinds(void **state)
{
	static const struct {
		const char *code, *message;
		long status;
		enum error_kind kind;
		enum retry_class retry;
	} cases[] = {
		{"UnauthorizedOperation", NULL, 403, ERROR_DENIED, RETRY_NEVER},
		{"AuthFailure", NULL, 401, ERROR_DENIED, RETRY_NEVER},
		{"AccessDeniedException", NULL, 400, ERROR_DENIED, RETRY_NEVER},
		{"UnrecognizedClientException", NULL, 400, ERROR_DENIED, RETRY_NEVER},
		{"InvalidSignatureException", "The request signature we calculated does not match", 400, ERROR_DENIED,
		 RETRY_NEVER},
		{"InvalidSignatureException", "Signature expired: 20260102T030405Z is now earlier than", 400,
		 ERROR_CLOCK, RETRY_NEVER},
		{"SignatureDoesNotMatch", "Signature not yet current: 20260102T030405Z is still later than", 403,
		 ERROR_CLOCK, RETRY_NEVER},
		{"SignatureDoesNotMatch", NULL, 403, ERROR_DENIED, RETRY_NEVER},
		{"RequestTimeTooSkewed", NULL, 403, ERROR_CLOCK, RETRY_NEVER},
		{"RequestExpired", NULL, 400, ERROR_CLOCK, RETRY_NEVER},
		{"ExpiredTokenException", NULL, 400, ERROR_EXPIRED, RETRY_NEVER},
		{"ExpiredToken", NULL, 403, ERROR_EXPIRED, RETRY_NEVER},
		{"InvalidAMIID.NotFound", NULL, 400, ERROR_ABSENT, RETRY_NEVER},
		{"InvalidAMIID.Unavailable", NULL, 400, ERROR_ABSENT, RETRY_NEVER},
		{"InvalidAMIID.Malformed", NULL, 400, ERROR_REMOTE, RETRY_NEVER},
		{"NoSuchEntity", NULL, 404, ERROR_ABSENT, RETRY_NEVER},
		{"ParameterNotFound", NULL, 400, ERROR_ABSENT, RETRY_NEVER},
		{"AWSOrganizationsNotInUseException", NULL, 400, ERROR_ABSENT, RETRY_NEVER},
		{"InvalidAMIName.Duplicate", NULL, 400, ERROR_CONFLICT, RETRY_NEVER},
		{"InvalidGroup.InUse", NULL, 400, ERROR_CONFLICT, RETRY_NEVER},
		{"EntityAlreadyExists", NULL, 409, ERROR_CONFLICT, RETRY_NEVER},
		{"IncorrectInstanceState", NULL, 400, ERROR_CONFLICT, RETRY_NEVER},
		{"InsufficientInstanceCapacity", NULL, 500, ERROR_CAPACITY, RETRY_NEVER},
		{"InsufficientHostCapacity", NULL, 500, ERROR_CAPACITY, RETRY_NEVER},
		{"InsufficientFreeAddressesInSubnet", NULL, 400, ERROR_CAPACITY, RETRY_NEVER},
		{"VcpuLimitExceeded", NULL, 400, ERROR_CAPACITY, RETRY_NEVER},
		{"InstanceLimitExceeded", NULL, 400, ERROR_CAPACITY, RETRY_NEVER},
		{"MaxSpotInstanceCountExceeded", NULL, 400, ERROR_CAPACITY, RETRY_NEVER},
		{"SecurityGroupLimitExceeded", NULL, 400, ERROR_QUOTA, RETRY_NEVER},
		{"SnapshotLimitExceeded", NULL, 400, ERROR_QUOTA, RETRY_NEVER},
		{"ParameterLimitExceeded", NULL, 400, ERROR_QUOTA, RETRY_NEVER},
		{"ParameterMaxVersionLimitExceeded", NULL, 400, ERROR_QUOTA, RETRY_NEVER},
		{"ServiceQuotaExceededException", NULL, 400, ERROR_QUOTA, RETRY_NEVER},
		{"LimitExceeded", NULL, 409, ERROR_QUOTA, RETRY_NEVER},
		{"Throttling", NULL, 400, ERROR_THROTTLED, RETRY_THROTTLED},
		{"ThrottlingException", NULL, 400, ERROR_THROTTLED, RETRY_THROTTLED},
		{"RequestLimitExceeded", NULL, 503, ERROR_THROTTLED, RETRY_THROTTLED},
		{"ResourceLimitExceeded", NULL, 400, ERROR_QUOTA, RETRY_NEVER},
		{"Unavailable", NULL, 503, ERROR_TRANSIENT, RETRY_AGAIN},
		{"KMSInternalException", NULL, 500, ERROR_TRANSIENT, RETRY_AGAIN},
		{"InvalidParameterValue", NULL, 400, ERROR_REMOTE, RETRY_NEVER},
		{"NeverHeardOf", NULL, 400, ERROR_REMOTE, RETRY_NEVER},
		{"NeverHeardOf", NULL, 500, ERROR_TRANSIENT, RETRY_AGAIN},
		{"NeverHeardOf", NULL, 403, ERROR_DENIED, RETRY_NEVER},
		{"", NULL, 429, ERROR_THROTTLED, RETRY_THROTTLED},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct aws_error_class got = aws_error_classify(cases[i].code, cases[i].message, cases[i].status);
		if (got.kind != cases[i].kind || got.retry != cases[i].retry)
			fail_msg("%s: kind %s, retry %d", cases[i].code, error_kind_name(got.kind), got.retry);
	}
	assert_true(aws_error_is_known("InvalidParameterValue"));
	assert_false(aws_error_is_known("NeverHeardOf"));
}

/* --- words --- */

static void test_refusal_tells_the_story(void **state)
{
	_cleanup_(freep) char *duplicate =
		refusal(400, "InvalidAMIName.Duplicate", "AMI name x is already\nin use by AMI ami-1");
	const char *replies[] = {duplicate, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	assert_false(send_simple(&script, AWS_ec2_CreateImage, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_string_equal(err.code, "InvalidAMIName.Duplicate");
	assert_string_equal(
		err.text,
		"CreateImage (eu-west-1): InvalidAMIName.Duplicate: AMI name x is already in use by AMI ami-1 "
		"(request id req-1)");
	finish(&script);
}

static void test_json_error(void **state)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	loopback_reply(&text, 400, "application/x-amz-json-1.1", "x-amzn-RequestId: req-2\r\n",
		       "{\"__type\":\"com.amazonaws.ssm#ParameterNotFound\",\"message\":\"\"}");
	const char *replies[] = {text.data, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	assert_false(send_simple(&script, AWS_ssm_GetParameter, &err));
	assert_int_equal(err.kind, ERROR_ABSENT);
	assert_string_equal(err.text, "GetParameter (eu-west-1): ParameterNotFound: no message (request id req-2)");
	finish(&script);
}

static void test_quota_says_what_to_do(void **state)
{
	static const char *const codes[] = {"SnapshotLimitExceeded", "VcpuLimitExceeded"};
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		_cleanup_(freep) char *reply = refusal(400, codes[i], "too many");
		const char *replies[] = {reply, NULL};
		struct script script;
		struct error err;
		start(&script, replies);
		assert_fails(send_simple(&script, AWS_ec2_CreateImage, &err), i == 0 ? ERROR_QUOTA : ERROR_CAPACITY,
			     "; this is a quota of the account");
		finish(&script);
	}
}

static void test_expired_token(void **state)
{
	_cleanup_(freep) char *reply = refusal(400, "ExpiredToken", "The security token has expired");
	const char *replies[] = {reply, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	assert_fails(send_simple(&script, AWS_ec2_CreateImage, &err), ERROR_EXPIRED,
		     "credentials: the sandbox's own keys; they have run out: get new ones");
	assert_int_equal(error_exit_status(err.kind), 6);
	finish(&script);
}

/* --- reasons --- */

#define HIDDEN "You are not authorized to perform this operation. Encoded authorization failure message: ABC-def_1"

/* What STS answers: the document stands in XML. */
static char *decoded(const char *document)
{
	_cleanup_(str_free) struct str reply = STR_INIT;
	_cleanup_(freep) char *body =
		mem_printf("<DecodeAuthorizationMessageResponse><DecodeAuthorizationMessageResult><DecodedMessage>%s"
			   "</DecodedMessage></DecodeAuthorizationMessageResult></DecodeAuthorizationMessageResponse>",
			   document);
	loopback_reply(&reply, 200, "text/xml", "", body);
	return str_take(&reply);
}

#define CONTEXT                                                                                                        \
	"\"context\":{\"principal\":{\"id\":\"AIDA\",\"arn\":\"arn:aws:iam::123456789012:user/ci\"},"                  \
	"\"action\":\"ec2:CreateImage\",\"resource\":\"arn:aws:ec2:eu-west-1::image/*\",\"conditions\":{\"items\":["   \
	"{\"key\":\"aws:Region\",\"values\":{\"items\":[{\"value\":\"eu-west-1\"}]}},"                                 \
	"{\"key\":\"ec2:Owner\",\"values\":{\"items\":[{\"value\":\"123456789012\"}]}},"                               \
	"{\"key\":\"aws:TagKeys\",\"values\":{\"items\":[{\"value\":\"a\"},{\"value\":\"b\"}]}}]}}"

static void test_missing_permission_is_decoded(void **state)
{
	_cleanup_(freep) char *denied = refusal(403, "UnauthorizedOperation", HIDDEN);
	_cleanup_(freep) char *reason = decoded("{\"allowed\":false,\"explicitDeny\":false," CONTEXT "}");
	const char *replies[] = {denied, reason, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	assert_fails(send_simple(&script, AWS_ec2_CreateImage, &err), ERROR_DENIED, "");
	assert_string_equal(err.code, "UnauthorizedOperation");
	assert_string_equal(
		err.text,
		"CreateImage (eu-west-1): UnauthorizedOperation: arn:aws:iam::123456789012:user/ci may not do "
		"ec2:CreateImage on arn:aws:ec2:eu-west-1::image/*: no policy allows it; asked with "
		"ec2:Owner=123456789012, aws:TagKeys=a|b (request id req-1); credentials: the sandbox's own "
		"keys; `bakery iam-policy RECIPE` prints what a build needs");
	assert_non_null(strstr(script.bodies.data, "Action=DecodeAuthorizationMessage&Version=2011-06-15&"
						   "EncodedMessage=ABC-def_1\n"));
	finish(&script);
}

static void test_explicit_deny_is_decoded(void **state)
{
	_cleanup_(freep) char *denied = refusal(403, "UnauthorizedOperation", HIDDEN);
	_cleanup_(freep) char *reason = decoded("{\"explicitDeny\":true,\"matchedStatements\":{\"items\":[{"
						"\"statementId\":\"NoImages\",\"effect\":\"DENY\"}]}," CONTEXT "}");
	const char *replies[] = {denied, reason, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	assert_fails(send_simple(&script, AWS_ec2_CreateImage, &err), ERROR_DENIED,
		     "image/*: a policy denies it outright (statement NoImages); asked with ");
	finish(&script);
}

/* STS is asked once, and then known to refuse. */
static void test_reason_stays_hidden(void **state)
{
	_cleanup_(freep) char *denied = refusal(403, "UnauthorizedOperation", HIDDEN);
	_cleanup_(str_free) struct str no = STR_INIT;
	loopback_reply(&no, 403, "text/xml", "",
		       "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: u is not "
		       "authorized to perform: sts:DecodeAuthorizationMessage</Message></Error></ErrorResponse>");
	const char *replies[] = {denied, no.data, denied, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	for (int i = 0; i < 2; i++) {
		assert_fails(send_simple(&script, AWS_ec2_CreateImage, &err), ERROR_DENIED,
			     "UnauthorizedOperation: You are not authorized to perform this operation. (request id "
			     "req-1); credentials: the sandbox's own keys; `bakery iam-policy RECIPE` prints what a "
			     "build needs; allow sts:DecodeAuthorizationMessage");
		assert_null(strstr(err.text, "ABC-def_1"));
	}
	assert_int_equal(loopback_requests(script.server), 3);
	finish(&script);
}

static void test_plain_denial_is_kept(void **state)
{
	static const char words[] = "User: arn:aws:iam::1:user/x is not authorized to perform: ssm:PutParameter on "
				    "resource: arn:aws:ssm:eu-west-1:1:parameter/a";
	_cleanup_(str_free) struct str text = STR_INIT;
	_cleanup_(freep) char *body = mem_printf("{\"__type\":\"AccessDeniedException\",\"Message\":\"%s\"}", words);
	loopback_reply(&text, 400, "application/x-amz-json-1.1", "", body);
	const char *replies[] = {text.data, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	assert_fails(send_simple(&script, AWS_ssm_PutParameter, &err), ERROR_DENIED, words);
	assert_non_null(strstr(err.text, "`bakery iam-policy RECIPE`"));
	assert_int_equal(loopback_requests(script.server), 1);
	finish(&script);
}

/* --- clocks --- */

#define NOW_MS 1767323045000 /* Fri, 02 Jan 2026 03:04:05 GMT */

static int64_t fixed_clock(void)
{
	return NOW_MS;
}

static char *refusal_dated(const char *code, const char *date)
{
	_cleanup_(str_free) struct str reply = STR_INIT;
	_cleanup_(freep) char *header = *date ? mem_printf("Date: %s\r\n", date) : mem_strdup("");
	_cleanup_(freep) char *body = mem_printf("<Response><Errors><Error><Code>%s</Code><Message>no</Message></Error>"
						 "</Errors><RequestID>r</RequestID></Response>",
						 code);
	loopback_reply(&reply, 401, "text/xml", header, body);
	return str_take(&reply);
}

static void test_wrong_clock_is_corrected(void **state)
{
	static const struct {
		const char *code, *date;
		int64_t offset_s;
	} cases[] = {
		{"RequestTimeTooSkewed", "Fri, 02 Jan 2026 03:24:05 GMT", 1200},
		{"RequestExpired", "Fri, 02 Jan 2026 02:34:05 GMT", -1800},
		{"AuthFailure", "Fri, 02 Jan 2026 03:09:05 GMT", 300},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) char *reply = refusal_dated(cases[i].code, cases[i].date);
		const char *replies[] = {reply, EMPTY, NULL};
		struct script script;
		struct error err;
		start(&script, replies);
		script.aws->clock = fixed_clock;
		script.aws->most_attempts = 1;
		assert_works(send_simple(&script, AWS_ec2_CreateImage, &err));
		assert_int_equal(script.aws->clock_offset_ms, cases[i].offset_s * 1000);
		assert_true(script.aws->clock_warned);
		assert_int_equal(loopback_requests(script.server), 2);
		finish(&script);
	}
}

/* Another thread corrected it while this one's request was on its way: asked again all the same. */
static void test_clock_is_corrected_meanwhile(void **state)
{
	const char *replies[] = {EMPTY, NULL};
	const struct attempt attempt = {.outcome = HTTP_ANSWERED,
					.class = {ERROR_CLOCK, RETRY_NEVER},
					.signed_ms = NOW_MS,
					.date_ms = NOW_MS + 1200000};
	struct error err = {.kind = ERROR_CLOCK};
	struct script script;
	start(&script, replies);
	script.aws->clock = fixed_clock;
	for (int i = 0; i < 2; i++) {
		assert_true(clock_skew_correct(script.aws, &attempt, &err));
		assert_int_equal(script.aws->clock_offset_ms, 1200000);
	}
	finish(&script);
}

static void test_clock_is_not_the_reason(void **state)
{
	static const struct {
		const char *code, *date;
		enum error_kind kind;
		const char *words;
		int requests;
	} cases[] = {
		{"AuthFailure", "Fri, 02 Jan 2026 03:04:06 GMT", ERROR_DENIED, "credentials: ", 1},
		{"AuthFailure", "", ERROR_DENIED, "credentials: ", 1},
		{"AuthFailure", "nonsense", ERROR_DENIED, "credentials: ", 1},
		{"InvalidAMIID.NotFound", "Fri, 02 Jan 2026 13:04:05 GMT", ERROR_ABSENT, "NotFound", 1},
		{"RequestTimeTooSkewed", "", ERROR_CLOCK, "set this host's clock right", 1},
		{"RequestTimeTooSkewed", "Fri, 02 Jan 2026 03:04:05 GMT", ERROR_CLOCK, "agrees with AWS's", 1},
		{"RequestExpired", "Fri, 02 Jan 2026 03:04:05 GMT", ERROR_EXPIRED, "have run out", 1},
		{"RequestTimeTooSkewed", "Fri, 02 Jan 2026 03:24:05 GMT", ERROR_CLOCK,
		 "this host's clock is 20m00s behind AWS's: set it right", 2},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) char *reply = refusal_dated(cases[i].code, cases[i].date);
		const char *replies[] = {reply, NULL};
		struct script script;
		struct error err;
		start(&script, replies);
		script.aws->clock = fixed_clock;
		assert_fails(send_simple(&script, AWS_ec2_DescribeImages, &err), cases[i].kind, cases[i].words);
		assert_int_equal(loopback_requests(script.server), cases[i].requests);
		finish(&script);
	}
}

/* --- dry runs --- */

static bool send_dry(struct script *script, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_RunInstances, NULL);
	call.dry_run = true;
	*err = (struct error){0};
	return aws_send(script->aws, &call, NULL, err);
}

static void test_dry_run(void **state)
{
	_cleanup_(freep) char *yes =
		refusal(412, "DryRunOperation", "Request would have succeeded, but DryRun is set.");
	_cleanup_(freep) char *down = refusal(500, "InternalError", "later");
	_cleanup_(freep) char *no = refusal(403, "UnauthorizedOperation", "no");
	const char *replies[] = {down, yes, no, yes, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	assert_works(send_dry(&script, &err)); /* asked again, though the row without a token is not */
	assert_fails(send_dry(&script, &err), ERROR_DENIED, "UnauthorizedOperation");
	assert_string_equal(script.bodies.data, "Action=RunInstances&Version=2016-11-15&DryRun=true\n"
						"Action=RunInstances&Version=2016-11-15&DryRun=true\n"
						"Action=RunInstances&Version=2016-11-15&DryRun=true\n");
	assert_fails(send_simple(&script, AWS_ec2_CreateImage, &err), ERROR_REMOTE, "DryRunOperation");
	finish(&script);
}

static void test_dry_run_that_acts(void **state)
{
	const char *replies[] = {EMPTY, NULL};
	struct script script;
	struct error err;
	start(&script, replies);
	assert_fails(send_dry(&script, &err), ERROR_REMOTE, "did it, though it was only asked whether it would");
	assert_int_equal(loopback_requests(script.server), 1);
	finish(&script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_refusal_tells_the_story),
		cmocka_unit_test(test_json_error),
		cmocka_unit_test(test_quota_says_what_to_do),
		cmocka_unit_test(test_expired_token),
		cmocka_unit_test(test_missing_permission_is_decoded),
		cmocka_unit_test(test_explicit_deny_is_decoded),
		cmocka_unit_test(test_reason_stays_hidden),
		cmocka_unit_test(test_plain_denial_is_kept),
		cmocka_unit_test(test_wrong_clock_is_corrected),
		cmocka_unit_test(test_clock_is_corrected_meanwhile),
		cmocka_unit_test(test_clock_is_not_the_reason),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_dry_run_that_acts),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
