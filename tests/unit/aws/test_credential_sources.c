/* SPDX-License-Identifier: Apache-2.0
 *
 * Roles, web identities and processes: the files, the requests to STS, the words for what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "trial.h"

/* --- roles --- */

#define ROLE "arn:aws:iam::210987654321:role/ci"

static void test_role_with_source_profile(void **state)
{
	struct trial trial;
	trial_start(&trial);
	free(trial_write("config",
			 "[profile ci]\nrole_arn = " ROLE "\nsource_profile = base\nexternal_id = tenant/7\n"
			 "role_session_name = nightly\nduration_seconds = 1800\n[profile base]\nregion = us-west-1\n"));
	free(trial_write("credentials", "[base]\naws_access_key_id = AKBASE\naws_secret_access_key = s3cret\n"));
	trial_answer(&trial, 200, TRIAL_ROLE("ASIA1", "2026-01-02T04:04:05Z"));
	trial_open(&trial, "ci");
	trial_expect_key(&trial, "ASIA1");
	trial_expect_request(&trial, 1, "Credential=AKBASE/20260102/eu-west-1/sts/aws4_request");
	trial_expect_request(&trial, 1,
			     "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A210987654321%3Arole%2F"
			     "ci&RoleSessionName=nightly&DurationSeconds=1800&ExternalId=tenant%2F7");
	trial_expect_source(&trial, "role " ROLE " through profile ci in ");
	trial_expect_lifetime(&trial, 3600, true);
	trial_stop(&trial);
}

static void test_chain_of_roles(void **state)
{
	struct trial trial;
	trial_start(&trial);
	free(trial_write("config", "[profile a]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = b\n"
				   "[profile b]\nrole_arn = arn:aws:iam::1:role/b\nsource_profile = c\n"
				   "[profile c]\naws_access_key_id = AKC\naws_secret_access_key = s3cret\n"));
	trial_answer(&trial, 200, TRIAL_ROLE("ASIAB", "2026-01-02T04:04:05Z"));
	trial_answer(&trial, 200, TRIAL_ROLE("ASIAA", "2026-01-02T04:04:05Z"));
	trial_open(&trial, "a");
	trial_expect_key(&trial, "ASIAA");
	trial_expect_request(&trial, 1, "Credential=AKC/");
	trial_expect_request(&trial, 1, "role%2Fb&RoleSessionName=bakery");
	trial_expect_request(&trial, 2, "Credential=ASIAB/");
	trial_expect_request(&trial, 2, "X-Amz-Security-Token: s3cret-token-ASIAB");
	trial_expect_request(&trial, 2, "role%2Fa&");
	trial_stop(&trial);
}

/* A profile may name itself when it holds the keys. */
static void test_role_of_its_own_keys(void **state)
{
	struct trial trial;
	trial_start(&trial);
	free(trial_write("config", "[profile ci]\nrole_arn = " ROLE "\nsource_profile = ci\n"));
	free(trial_write("credentials", "[ci]\naws_access_key_id = AKCI\naws_secret_access_key = s3cret\n"));
	trial_answer(&trial, 200, TRIAL_ROLE("ASIA1", "2026-01-02T04:04:05Z"));
	trial_open(&trial, "ci");
	trial_expect_key(&trial, "ASIA1");
	trial_expect_request(&trial, 1, "Credential=AKCI/");
	trial_stop(&trial);
}

static void test_role_from_the_environment(void **state)
{
	struct trial trial;
	trial_start(&trial);
	free(trial_write("config", "[profile ci]\nrole_arn = " ROLE "\ncredential_source = Environment\n"));
	setenv("AWS_ACCESS_KEY_ID", "AKENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "s3cret", 1);
	setenv("AWS_SESSION_TOKEN", "s3cret", 1);
	trial_answer(&trial, 200, TRIAL_ROLE("ASIA1", "2026-01-02T04:04:05Z"));
	trial_open(&trial, "ci");
	trial_expect_key(&trial, "ASIA1");
	trial_expect_request(&trial, 1, "Credential=AKENV/");
	trial_expect_lifetime(&trial, 3600, false); /* nobody knows how long the token holds */
	trial_stop(&trial);
}

/* What is wrong in the files is said before anything is asked. */
static void test_wrong_roles(void **state)
{
	static const struct {
		const char *config, *fault;
	} cases[] = {
		{"[profile ci]\nrole_arn = " ROLE "\n",
		 "role " ROLE " of profile ci: it has role_arn, but neither source_profile nor credential_source to "
		 "take the role with"},
		{"[profile ci]\nrole_arn = " ROLE "\nsource_profile = b\ncredential_source = Environment\n",
		 "role " ROLE " of profile ci: it has both source_profile and credential_source; leave one out"},
		{"[profile ci]\nrole_arn = " ROLE "\nsource_profile = b\n",
		 "role " ROLE " of profile ci: its source_profile b is neither in FOLDER/config nor in "
		 "FOLDER/credentials"},
		{"[profile ci]\nrole_arn = " ROLE "\nsource_profile = b\n[profile b]\nregion=x\n",
		 "role " ROLE " of profile ci: its source_profile b has no credentials; looked at profile b in "
		 "FOLDER/credentials (not there), profile b in FOLDER/config (no keys there)"},
		{"[profile ci]\nrole_arn = " ROLE "\nsource_profile = ci\n",
		 "role " ROLE " of profile ci: source_profile leads round in a circle: ci -> ci"},
		{"[profile ci]\nrole_arn = " ROLE
		 "\nsource_profile = b\n[profile b]\nrole_arn = arn:aws:iam::1:role/b\n"
		 "source_profile = ci\n",
		 "role " ROLE
		 " of profile ci: role arn:aws:iam::1:role/b of profile b: source_profile leads round in a "
		 "circle: ci -> b -> ci"},
		{"[profile ci]\nrole_arn = " ROLE "\ncredential_source = Ec2\n",
		 "role " ROLE " of profile ci: credential_source must be Environment, Ec2InstanceMetadata or "
		 "EcsContainer, not \"Ec2\""},
		{"[profile ci]\nrole_arn = " ROLE "\ncredential_source = Environment\n",
		 "role " ROLE " of profile ci: credential_source = Environment has no credentials: AWS_ACCESS_KEY_ID "
		 "and AWS_SECRET_ACCESS_KEY (not set)"},
		{"[profile ci]\nrole_arn = " ROLE "\ncredential_source = Ec2InstanceMetadata\n",
		 "role " ROLE
		 " of profile ci: credential_source = Ec2InstanceMetadata has no credentials: the instance "
		 "metadata service (AWS_EC2_METADATA_DISABLED is set)"},
		{"[profile ci]\nrole_arn = " ROLE "\nsource_profile = b\nduration_seconds = 60\n[profile b]\n",
		 "role " ROLE " of profile ci: duration_seconds must be a number from 900 to 43200, not \"60\""},
		{"[profile ci]\nrole_arn = " ROLE "\nsource_profile = b\nmfa_serial = arn:aws:iam::1:mfa/ann\n"
		 "[profile b]\naws_access_key_id = AKB\naws_secret_access_key = s3cret\n",
		 "role " ROLE " of profile ci: it wants a code of the MFA device arn:aws:iam::1:mfa/ann (mfa_serial), "
		 "and nobody can be asked; run this on a terminal, or hand over a session in the AWS_ACCESS_KEY_ID "
		 "variables, or give machines a role without MFA"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trial trial;
		trial_start(&trial);
		free(trial_write("config", cases[i].config));
		trial_open(&trial, "ci");
		trial_expect_failure(&trial, ERROR_DENIED, cases[i].fault);
		assert_int_equal(loopback_requests(trial.server), 0);
		trial_stop(&trial);
	}
}

static void test_refused_role(void **state)
{
	struct trial trial;
	trial_start(&trial);
	free(trial_write("config", "[default]\nrole_arn = " ROLE "\nsource_profile = b\n[profile b]\n"
				   "aws_access_key_id = AKB\naws_secret_access_key = s3cret\n"));
	trial_answer(
		&trial, 403,
		"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User x is not "
		"authorized to perform: sts:AssumeRole</Message></Error><RequestId>r-1</RequestId></ErrorResponse>");
	trial_open(&trial, NULL);
	trial_expect_failure(&trial, ERROR_DENIED,
			     "role " ROLE " of profile default: AssumeRole (eu-west-1): AccessDenied: User x is not "
			     "authorized to perform: sts:AssumeRole (request id r-1); credentials: profile b in "
			     "FOLDER/config; the role's trust policy must allow them (and the external id), and they "
			     "need sts:AssumeRole on the role");
	trial_stop(&trial);
}

static void test_strange_answer_of_sts(void **state)
{
	struct trial trial;
	trial_start(&trial);
	free(trial_write("config", "[default]\nrole_arn = " ROLE "\nsource_profile = b\n[profile b]\n"
				   "aws_access_key_id = AKB\naws_secret_access_key = s3cret\n"));
	trial_answer(&trial, 200,
		     "<R><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId></Credentials>"
		     "</AssumeRoleResult></R>");
	trial_open(&trial, NULL);
	trial_expect_failure(&trial, ERROR_DENIED,
			     "role " ROLE
			     " of profile default: AssumeRole (eu-west-1): the answer cannot be used: there "
			     "is no Credentials.SecretAccessKey in it");
	trial_stop(&trial);
}

/* The region comes from the role's partition when nothing else names one. */
static void test_region_of_a_role(void **state)
{
	static const struct {
		const char *arn, *region;
	} cases[] = {{"arn:aws:iam::1:role/x", "/us-east-1/sts/"},
		     {"arn:aws-cn:iam::1:role/x", "/cn-northwest-1/sts/"},
		     {"arn:aws-us-gov:iam::1:role/x", "/us-gov-west-1/sts/"}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trial trial;
		trial_start(&trial);
		unsetenv("AWS_REGION");
		_cleanup_(freep) char *config = mem_printf("[default]\nrole_arn = %s\nsource_profile = b\n[profile b]\n"
							   "aws_access_key_id = AKB\naws_secret_access_key = s3cret\n",
							   cases[i].arn);
		free(trial_write("config", config));
		trial_answer(&trial, 200, TRIAL_ROLE("ASIA1", "2026-01-02T04:04:05Z"));
		trial_open(&trial, NULL);
		trial_expect_key(&trial, "ASIA1");
		trial_expect_request(&trial, 1, cases[i].region);
		trial_stop(&trial);
	}
}

/* --- the second factor --- */

struct person {
	const char *answer; /* NULL: nobody is there */
	char question[256];
	int times;
};

static bool person_ask(void *cookie, const char *question, struct str *answer, struct error *err)
{
	struct person *person = cookie;
	person->times++;
	snprintf(person->question, sizeof person->question, "%s", question);
	if (!person->answer)
		return error_set(err, ERROR_REFUSED, "there is no terminal to ask on");
	str_add(answer, person->answer);
	return true;
}

#define WITH_MFA                                                                                                       \
	"[default]\nrole_arn = " ROLE "\nsource_profile = b\nmfa_serial = arn:aws:iam::1:mfa/ann\n[profile b]\n"       \
	"aws_access_key_id = AKB\naws_secret_access_key = s3cret\n"

static void test_mfa(void **state)
{
	struct trial trial;
	struct person ann = {.answer = "123456\n"};
	trial_start(&trial);
	free(trial_write("config", WITH_MFA));
	trial_answer(&trial, 200, TRIAL_ROLE("ASIA1", "2026-01-02T04:04:05Z"));
	trial.options.ask = person_ask;
	trial.options.ask_cookie = &ann;
	trial_open(&trial, NULL);
	trial_expect_key(&trial, "ASIA1");
	trial_expect_key(&trial, "ASIA1");
	assert_int_equal(ann.times, 1);
	assert_string_equal(ann.question, "MFA code of arn:aws:iam::1:mfa/ann for the role of profile default: ");
	trial_expect_request(&trial, 1, "SerialNumber=arn%3Aaws%3Aiam%3A%3A1%3Amfa%2Fann&TokenCode=123456");
	trial_expect_lifetime(&trial, 3600, false);
	trial_stop(&trial);
}

static void test_mfa_answers(void **state)
{
	static const struct {
		const char *answer, *fault;
	} cases[] = {
		{"12345", "role " ROLE " of profile default: an MFA code has 6 digits; nothing was asked of AWS"},
		{"12345x", "role " ROLE " of profile default: an MFA code has 6 digits; nothing was asked of AWS"},
		{NULL,
		 "role " ROLE " of profile default: it wants a code of the MFA device arn:aws:iam::1:mfa/ann "
		 "(mfa_serial), and there is no terminal to ask on; run this on a terminal, or hand over a session "
		 "in the AWS_ACCESS_KEY_ID variables, or give machines a role without MFA"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trial trial;
		struct person ann = {.answer = cases[i].answer};
		trial_start(&trial);
		free(trial_write("config", WITH_MFA));
		trial.options.ask = person_ask;
		trial.options.ask_cookie = &ann;
		trial_open(&trial, NULL);
		trial_expect_failure(&trial, ERROR_DENIED, cases[i].fault);
		assert_int_equal(loopback_requests(trial.server), 0);
		trial_stop(&trial);
	}
}

/* --- web identity --- */

#define WEB_ANSWER(key)                                                                                                \
	"<R><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>" key "</AccessKeyId><SecretAccessKey>s3cret"   \
	"</SecretAccessKey><SessionToken>s3cret</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration></"         \
	"Credentials>"                                                                                                 \
	"</AssumeRoleWithWebIdentityResult></R>"

static void test_web_identity(void **state)
{
	struct trial trial;
	trial_start(&trial);
	_cleanup_(freep) char *path = trial_write("token", "s3cret-first\n");
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path, 1);
	setenv("AWS_ROLE_ARN", ROLE, 1);
	setenv("AWS_ROLE_SESSION_NAME", "job-7", 1);
	trial_answer(&trial, 200, WEB_ANSWER("ASIA1"));
	trial_answer(&trial, 200, WEB_ANSWER("ASIA2"));
	trial_open(&trial, NULL);
	trial_expect_key(&trial, "ASIA1");
	trial_expect_request(&trial, 1, "RoleSessionName=job-7&WebIdentityToken=s3cret-first");
	assert_null(strstr(trial_request(&trial, 1), "Authorization"));
	assert_null(strstr(trial_request(&trial, 1), "X-Amz-Date"));
	trial_expect_source(&trial, "web identity of role " ROLE " (file ");
	trial_expect_lifetime(&trial, 3600, true);
	/* Somebody replaces the file, and it is read again. */
	free(trial_write("token", "s3cret-second"));
	trial_pass(56 * 60);
	trial_expect_key(&trial, "ASIA2");
	trial_expect_request(&trial, 2, "WebIdentityToken=s3cret-second");
	trial_stop(&trial);
}

/* A token that ends before the role will not do for another. {"exp":...} in the middle part. */
static void test_web_identity_that_ends(void **state)
{
	static const struct {
		const char *token;
		bool is_renewable;
	} cases[] = {
		{"eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjE3NjczMjMzNDV9.c2ln", false}, /* 03:09:05 */
		{"eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjE3Njc0MDk0NDV9.c2ln", true},  /* a day later */
		{"x.eyJleHAiOjkyMjMzNzIwMzY4NTQ3NzU4MDd9.z", true},	       /* the end of all time */
		{"x.%%%.z", true},
		{"x.", true},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trial trial;
		trial_start(&trial);
		_cleanup_(freep) char *path = trial_write("token", cases[i].token);
		_cleanup_(freep) char *config =
			mem_printf("[profile ci]\nrole_arn = " ROLE "\nweb_identity_token_file = %s\n", path);
		free(trial_write("config", config));
		setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/not-this", 1); /* --profile means what it says */
		trial_answer(&trial, 200, WEB_ANSWER("ASIA1"));
		trial_open(&trial, "ci");
		trial_expect_key(&trial, "ASIA1");
		trial_expect_request(&trial, 1, "role%2Fci&RoleSessionName=bakery&");
		trial_expect_lifetime(&trial, 3600, cases[i].is_renewable);
		trial_stop(&trial);
	}
}

static void test_wrong_web_identities(void **state)
{
	static const struct {
		const char *text, *role, *fault; /* text: of the file; NULL: there is none */
	} cases[] = {
		{"t", NULL,
		 "there is a web identity in FOLDER/token, but no role to take with it; set AWS_ROLE_ARN, or role_arn "
		 "in "
		 "profile default"},
		{"", ROLE, "web identity of role " ROLE " (file FOLDER/token): the file is empty"},
		{"  \n", ROLE, "web identity of role " ROLE " (file FOLDER/token): the file is empty"},
		{NULL, ROLE,
		 "web identity of role " ROLE
		 " (file FOLDER/token): cannot open FOLDER/token: No such file or directory"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trial trial;
		trial_start(&trial);
		_cleanup_(freep) char *path = trial_write("token", cases[i].text ? cases[i].text : "");
		if (!cases[i].text)
			unlink(path);
		setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path, 1);
		if (cases[i].role)
			setenv("AWS_ROLE_ARN", cases[i].role, 1);
		trial_open(&trial, NULL);
		trial_expect_failure(&trial, ERROR_DENIED, cases[i].fault);
		trial_stop(&trial);
	}
}

static void test_refused_web_identity(void **state)
{
	struct trial trial;
	trial_start(&trial);
	_cleanup_(freep) char *path = trial_write("token", "s3cret-token");
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path, 1);
	setenv("AWS_ROLE_ARN", ROLE, 1);
	trial_answer(&trial, 400,
		     "<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>Token expired</Message></Error>"
		     "<RequestId>r-1</RequestId></ErrorResponse>");
	trial_open(&trial, NULL);
	trial_expect_failure(
		&trial, ERROR_EXPIRED,
		"web identity of role " ROLE " (file FOLDER/token): AssumeRoleWithWebIdentity (eu-west-1): "
		"ExpiredTokenException: Token expired (request id r-1); the web identity has run out: its file "
		"needs a new one");
	assert_int_equal(loopback_requests(trial.server), 1);
	trial_stop(&trial);
}

/* --- processes --- */

static void open_process(struct trial *trial, const char *script, const char *arguments)
{
	trial_start(trial);
	_cleanup_(freep) char *path = trial_write("program", script);
	_cleanup_(freep) char *config =
		mem_printf("[profile ci]\ncredential_process = %s%s\n", script[0] ? path : "", arguments);
	assert_int_equal(chmod(path, 0700), 0);
	free(trial_write("config", config));
	trial_open(trial, "ci");
}

/* Words as a shell would cut them, but no shell. */
static void test_process(void **state)
{
	_cleanup_(str_free) struct str words = STR_INIT;
	struct trial trial;
	struct error err;
	open_process(
		&trial,
		"#!/bin/sh\nprintf '%s|' \"$@\" >\"$HOME/words\"\necho '{\"Version\": 1, \"AccessKeyId\": \"AKPROC\", "
		"\"SecretAccessKey\": \"s3cret\", \"SessionToken\": \"s3cret\", \"Expiration\": "
		"\"2026-01-02T05:04:05+01:00\"}'\n",
		" 'a \\ b' \"c \\\" $HOME\" d\\ e '' x\"y\"z | cat");
	trial_expect_key(&trial, "AKPROC");
	trial_expect_source(&trial, "credential_process of profile ci");
	trial_expect_lifetime(&trial, 3600, true);
	_cleanup_(freep) char *path = mem_printf("%s/words", trial.folder);
	assert_true(file_read(path, 1000, &words, &err));
	assert_string_equal(words.data, "a \\ b|c \" $HOME|d e||xyz|||cat|");
	trial_stop(&trial);
}

static void test_process_without_an_end(void **state)
{
	struct trial trial;
	open_process(&trial,
		     "#!/bin/sh\necho '{\"Version\": 1, \"AccessKeyId\": \"AK\", \"SecretAccessKey\": \"s3cret\"}'\n",
		     "");
	trial_expect_key(&trial, "AK");
	trial_expect_lifetime(&trial, 0, false);
	trial_stop(&trial);
}

#define OF_CI "credential_process of profile ci: "

static void test_wrong_processes(void **state)
{
	static const struct {
		const char *script, *arguments, *fault;
	} cases[] = {
		{"", "/no/such/program x", OF_CI "cannot start /no/such/program: No such file or directory"},
		{"", "a 'b", OF_CI "a quote in it is never closed"},
		{"#!/bin/sh\necho s3cret\necho one >&2\necho 'log in first' >&2\nexit 3\n", "",
		 OF_CI "FOLDER/program exited with 3: one log in first"},
		{"#!/bin/sh\nexit 1\n", "", OF_CI "FOLDER/program exited with 1: it said nothing on stderr"},
		{"#!/bin/sh\necho s3cret\n", "",
		 OF_CI "what FOLDER/program printed cannot be used: JSON, line 1, column 1: unexpected character"},
		{"#!/bin/sh\n", "", OF_CI "FOLDER/program printed nothing"},
		{"#!/bin/sh\necho '{\"Version\": 2, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"s3cret\"}'\n", "",
		 OF_CI "what FOLDER/program printed cannot be used: Version is not 1"},
		{"#!/bin/sh\necho '{\"Version\": 1, \"SecretAccessKey\": \"s3cret\"}'\n", "",
		 OF_CI "what FOLDER/program printed cannot be used: there is no AccessKeyId in it"},
		{"#!/bin/sh\necho '{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"s3cret\", "
		 "\"Expiration\": \"s3cret\"}'\n",
		 "",
		 OF_CI "what FOLDER/program printed cannot be used: Expiration is not a time such as "
		       "2026-01-02T03:04:05Z"},
		{"#!/bin/sh\nsleep 60\n", "", OF_CI "FOLDER/program did not end within 1 s"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trial trial;
		open_process(&trial, cases[i].script, cases[i].arguments);
		trial.aws->process_timeout_ms = i + 1 < ARRAY_SIZE(cases) ? 30000 : 1000;
		trial_expect_failure(&trial, ERROR_DENIED, cases[i].fault);
		trial_stop(&trial);
	}
}

/* Far more than credentials can be is cut off, and then is no JSON. */
static void test_endless_process(void **state)
{
	struct trial trial;
	open_process(&trial, "#!/bin/sh\nhead -c 300000 /dev/zero | tr '\\0' x\n", "");
	trial_expect_failure(&trial, ERROR_DENIED,
			     OF_CI "what FOLDER/program printed cannot be used: JSON, line 1, column 1: unexpected "
				   "character");
	trial_stop(&trial);
}

/* --- as somebody else --- */

static void open_parent(struct trial *trial)
{
	trial_start(trial);
	setenv("AWS_ACCESS_KEY_ID", "AKENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "s3cret", 1);
	trial_open(trial, NULL);
}

static const struct aws_role consumer = {ROLE, "tenant/7", NULL, 900};

static void test_open_as(void **state)
{
	struct trial trial;
	struct aws *as = NULL;
	struct error err = {0};
	struct aws_identity identity;
	open_parent(&trial);
	trial_answer(&trial, 200, TRIAL_ROLE("ASIA1", "2026-01-02T03:19:05Z"));
	trial_answer(&trial, 200,
		     "<R><GetCallerIdentityResult><Account>210987654321</Account><Arn>arn:x</Arn><UserId>AROA</UserId>"
		     "</GetCallerIdentityResult></R>");
	assert_true(aws_open_as(trial.aws, &consumer, &as, &err));
	assert_int_equal(loopback_requests(trial.server), 0); /* no network until it is used */
	assert_string_equal(aws_region(as), "eu-west-1");
	if (!aws_identity(as, NULL, &identity, &err))
		fail_msg("%s", err.text);
	assert_string_equal(identity.account, "210987654321");
	trial_expect_request(&trial, 1, "Credential=AKENV/");
	trial_expect_request(&trial, 1, "&RoleSessionName=bakery&DurationSeconds=900&ExternalId=tenant%2F7");
	trial_expect_request(&trial, 2, "Credential=ASIA1/");
	assert_string_equal(aws_credentials_source(as), "role " ROLE " through environment");
	struct aws_lifetime lifetime;
	assert_true(aws_lifetime(as, &lifetime, &err));
	assert_true(lifetime.is_renewable && lifetime.expires_ms == TRIAL_NOW_MS + 900 * 1000);
	aws_close(as);
	trial_expect_key(&trial, "AKENV"); /* the parent is still whole */
	trial_stop(&trial);
}

static void test_open_as_refused(void **state)
{
	struct trial trial;
	struct aws *as = NULL;
	struct error err = {0};
	open_parent(&trial);
	trial_answer(&trial, 403,
		     "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>");
	assert_true(aws_open_as(trial.aws, &consumer, &as, &err));
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, "us-west-2");
	assert_false(aws_send(as, &call, NULL, &err));
	assert_string_equal(err.text,
			    "DescribeImages (us-west-2): role " ROLE ": AssumeRole (eu-west-1): AccessDenied: no; "
			    "credentials: environment; the role's trust policy must allow them (and the external id), "
			    "and they need sts:AssumeRole on the role");
	aws_close(as);
	assert_false(aws_open_as(trial.aws, &(struct aws_role){.arn = "ci"}, &as, &err));
	assert_string_equal(err.text, "ci is not the ARN of a role (arn:aws:iam::ACCOUNT:role/NAME)");
	trial_stop(&trial);
}

/* --- when AWS says that they have ended --- */

#define EXPIRED                                                                                                        \
	"<Response><Errors><Error><Code>ExpiredToken</Code><Message>The security token included in the request is "    \
	"expired</Message></Error></Errors><RequestID>r-1</RequestID></Response>"

static void open_role(struct trial *trial)
{
	trial_start(trial);
	free(trial_write("config", "[default]\nrole_arn = " ROLE "\nsource_profile = b\n[profile b]\n"
				   "aws_access_key_id = AKB\naws_secret_access_key = s3cret\n"));
	trial_answer(trial, 200, TRIAL_ROLE("ASIA1", "2026-01-02T04:04:05Z"));
	trial_answer(trial, 400, EXPIRED);
}

static bool describe(struct trial *trial, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, NULL);
	return aws_send(trial->aws, &call, NULL, err);
}

static void test_expired_is_renewed_and_repeated(void **state)
{
	struct trial trial;
	struct error err = {0};
	open_role(&trial);
	trial_answer(&trial, 200, TRIAL_ROLE("ASIA2", "2026-01-02T04:04:05Z"));
	trial_answer(&trial, 200, "<R><a>b</a></R>");
	trial_open(&trial, NULL);
	if (!describe(&trial, &err))
		fail_msg("%s", err.text);
	trial_expect_request(&trial, 2, "Credential=ASIA1/");
	trial_expect_request(&trial, 3, "Action=AssumeRole&");
	trial_expect_request(&trial, 4, "Credential=ASIA2/");
	assert_int_equal(loopback_requests(trial.server), 4);
	trial_stop(&trial);
}

static void test_expired_again(void **state)
{
	struct trial trial;
	struct error err = {0};
	open_role(&trial);
	trial_answer(&trial, 200, TRIAL_ROLE("ASIA2", "2026-01-02T04:04:05Z"));
	trial_answer(&trial, 400, EXPIRED);
	trial_open(&trial, NULL);
	assert_false(describe(&trial, &err));
	assert_int_equal(err.kind, ERROR_EXPIRED);
	assert_int_equal(loopback_requests(trial.server), 4); /* once, not for ever */
	trial_stop(&trial);
}

static void test_expired_and_nothing_new(void **state)
{
	struct trial trial;
	struct error err = {0};
	open_parent(&trial);
	trial_answer(&trial, 400, EXPIRED);
	assert_false(describe(&trial, &err));
	assert_int_equal(err.kind, ERROR_EXPIRED);
	assert_int_equal(loopback_requests(trial.server), 1);
	assert_string_equal(err.text,
			    "DescribeImages (eu-west-1): ExpiredToken: The security token included in the request "
			    "is expired (request id r-1); credentials: environment; they have run out: get new ones");
	trial_stop(&trial);
}

/* Renewed in the middle of a build, before the end. */
static void test_renewed_in_time(void **state)
{
	struct trial trial;
	struct error err = {0};
	trial_start(&trial);
	free(trial_write("config", "[default]\nrole_arn = " ROLE "\nsource_profile = b\n[profile b]\n"
				   "aws_access_key_id = AKB\naws_secret_access_key = s3cret\n"));
	trial_answer(&trial, 200, TRIAL_ROLE("ASIA1", "2026-01-02T04:04:05Z"));
	trial_answer(&trial, 200, "<R><a>b</a></R>");
	trial_answer(&trial, 200, TRIAL_ROLE("ASIA2", "2026-01-02T05:00:05Z"));
	trial_answer(&trial, 200, "<R><a>b</a></R>");
	trial_open(&trial, NULL);
	assert_true(describe(&trial, &err));
	trial_pass(56 * 60);
	assert_true(describe(&trial, &err));
	trial_expect_request(&trial, 4, "Credential=ASIA2/");
	trial_stop(&trial);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_role_with_source_profile),
		cmocka_unit_test(test_chain_of_roles),
		cmocka_unit_test(test_role_of_its_own_keys),
		cmocka_unit_test(test_role_from_the_environment),
		cmocka_unit_test(test_wrong_roles),
		cmocka_unit_test(test_refused_role),
		cmocka_unit_test(test_strange_answer_of_sts),
		cmocka_unit_test(test_region_of_a_role),
		cmocka_unit_test(test_mfa),
		cmocka_unit_test(test_mfa_answers),
		cmocka_unit_test(test_web_identity),
		cmocka_unit_test(test_web_identity_that_ends),
		cmocka_unit_test(test_wrong_web_identities),
		cmocka_unit_test(test_refused_web_identity),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_process_without_an_end),
		cmocka_unit_test(test_wrong_processes),
		cmocka_unit_test(test_endless_process),
		cmocka_unit_test(test_open_as),
		cmocka_unit_test(test_open_as_refused),
		cmocka_unit_test(test_expired_is_renewed_and_repeated),
		cmocka_unit_test(test_expired_again),
		cmocka_unit_test(test_expired_and_nothing_new),
		cmocka_unit_test(test_renewed_in_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
