/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes from the environment and the shared files: credentials, profiles, regions, endpoints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "src/aws/aws_private.h"

static char folder[] = "/tmp/bakery-settings-XXXXXX";

static const char *const variables[] = {
	"AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN",
	"AWS_PROFILE",
	"AWS_REGION",
	"AWS_DEFAULT_REGION",
	"AWS_ENDPOINT_URL",
	"AWS_ENDPOINT_URL_EC2",
	"AWS_MAX_ATTEMPTS",
	"AWS_CA_BUNDLE",
	"AWS_ENDPOINT_URL_SSM",
	"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
	"AWS_CREDENTIAL_EXPIRATION",
	"AWS_WEB_IDENTITY_TOKEN_FILE",
	"AWS_ROLE_ARN",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI",
};

static void write_file(const char *name, const char *text)
{
	struct error err;
	_cleanup_(freep) char *path = path_join(folder, name);
	assert_true(file_replace(path, text, strlen(text), 0600, &err));
}

static int set_up(void **state)
{
	_cleanup_(freep) char *config = path_join(folder, "config");
	_cleanup_(freep) char *credentials = path_join(folder, "credentials");
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	unlink(config);
	unlink(credentials);
	setenv("AWS_CONFIG_FILE", config, 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", credentials, 1);
	return 0;
}

static struct aws *open_with(const char *profile)
{
	struct aws *aws = NULL;
	struct error err = {0};
	if (!aws_open(&(struct aws_options){.profile = profile}, &aws, &err))
		fail_msg("%s", err.text);
	return aws;
}

static void expect_keys(struct aws *aws, const char *access_key, const char *secret_key, const char *token,
			const char *source)
{
	_cleanup_(credentials_free) struct credentials got = {0};
	struct error err = {0};
	assert_string_equal(aws_credentials_source(aws), "");
	if (!credential_store_get(aws->credentials, &got, &err))
		fail_msg("%s", err.text);
	assert_string_equal(got.access_key, access_key);
	assert_string_equal(got.secret_key, secret_key);
	assert_true(str_eq(got.session_token, token));
	assert_true(str_starts(aws_credentials_source(aws), source));
}

static void expect_failure(struct aws *aws, const char *const *parts)
{
	struct credentials got = {0};
	struct error err = {0};
	assert_false(credential_store_get(aws->credentials, &got, &err));
	assert_int_equal(err.kind, ERROR_DENIED);
	for (; *parts; parts++)
		if (!strstr(err.text, *parts))
			fail_msg("\"%s\" is not in \"%s\"", *parts, err.text);
}

static void test_environment(void **state)
{
	setenv("AWS_ACCESS_KEY_ID", "AKENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret-env", 1);
	setenv("AWS_SESSION_TOKEN", "token", 1);
	_cleanup_(aws_closep) struct aws *aws = open_with(NULL);
	expect_keys(aws, "AKENV", "secret-env", "token", "environment");
}

static void test_half_an_environment(void **state)
{
	setenv("AWS_ACCESS_KEY_ID", "AKENV", 1);
	_cleanup_(aws_closep) struct aws *aws = open_with(NULL);
	expect_failure(aws, (const char *[]){"AWS_SECRET_ACCESS_KEY", NULL});
}

static void test_environment_with_an_end(void **state)
{
	struct aws_lifetime lifetime;
	struct error err = {0};
	setenv("AWS_ACCESS_KEY_ID", "AKENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret-env", 1);
	struct aws *aws = open_with(NULL);
	assert_true(aws_lifetime(aws, &lifetime, &err));
	assert_int_equal(lifetime.expires_ms, 0);
	assert_false(lifetime.is_temporary || lifetime.is_renewable);
	aws_close(aws);
	setenv("AWS_CREDENTIAL_EXPIRATION", "2099-01-02T03:04:05+00:00", 1);
	aws = open_with(NULL);
	assert_true(aws_lifetime(aws, &lifetime, &err));
	assert_int_equal(lifetime.expires_ms, 4071006245000);
	assert_true(lifetime.is_temporary && !lifetime.is_renewable);
	aws_close(aws);
	setenv("AWS_CREDENTIAL_EXPIRATION", "2019-01-02T03:04:05Z", 1);
	aws = open_with(NULL);
	assert_false(aws_lifetime(aws, &lifetime, &err));
	assert_int_equal(err.kind, ERROR_EXPIRED);
	assert_string_equal(err.text, "the AWS credentials ended at 2019-01-02T03:04:05Z (environment); get new ones");
	aws_close(aws);
	setenv("AWS_CREDENTIAL_EXPIRATION", "tomorrow", 1);
	aws = open_with(NULL);
	expect_failure(aws, (const char *[]){"AWS_CREDENTIAL_EXPIRATION is \"tomorrow\", which is not a time", NULL});
	aws_close(aws);
}

static void test_credentials_file(void **state)
{
	write_file("credentials", "# a comment\n[default]\naws_access_key_id = AKDEF\naws_secret_access_key=sec=ret\n"
				  "[ci]\r\naws_access_key_id=AKCI\r\n  nested = x\r\naws_secret_access_key =  s2 \r\n"
				  "aws_session_token=tt\r\n");
	struct aws *aws = open_with(NULL);
	expect_keys(aws, "AKDEF", "sec=ret", NULL, "profile default in ");
	aws_close(aws);
	aws = open_with("ci");
	expect_keys(aws, "AKCI", "s2", "tt", "profile ci in ");
	aws_close(aws);
	setenv("AWS_PROFILE", "ci", 1);
	aws = open_with(NULL);
	expect_keys(aws, "AKCI", "s2", "tt", "profile ci in ");
	aws_close(aws);
}

static void test_environment_and_profile(void **state)
{
	write_file("credentials", "[ci]\naws_access_key_id=AKCI\naws_secret_access_key=s2\n");
	setenv("AWS_ACCESS_KEY_ID", "AKENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret-env", 1);
	struct aws *aws = open_with("ci"); /* --profile means what it says */
	expect_keys(aws, "AKCI", "s2", NULL, "profile ci");
	aws_close(aws);
	setenv("AWS_PROFILE", "ci", 1); /* but the variable yields to the keys, as with AWS's own tools */
	aws = open_with(NULL);
	expect_keys(aws, "AKENV", "secret-env", NULL, "environment");
	aws_close(aws);
}

static void test_config_file(void **state)
{
	write_file("config",
		   "[default]\nregion=eu-north-1\n[profile \"two words\"]\nregion = eu-west-3\naws_access_key_id=AKC\n"
		   "aws_secret_access_key=s\n[sso-session ci]\nregion=us-west-1\n[services x]\nec2 =\n  endpoint_url = "
		   "http://n\n");
	struct aws *aws = open_with(NULL);
	assert_string_equal(aws_region(aws), "eu-north-1");
	aws_close(aws);
	aws = open_with("two words");
	assert_string_equal(aws_region(aws), "eu-west-3");
	expect_keys(aws, "AKC", "s", NULL, "profile two words in ");
	aws_close(aws);
	setenv("AWS_DEFAULT_REGION", "us-west-2", 1);
	aws = open_with(NULL);
	assert_string_equal(aws_region(aws), "us-west-2");
	aws_close(aws);
	setenv("AWS_REGION", "us-east-2", 1);
	aws = open_with(NULL);
	assert_string_equal(aws_region(aws), "us-east-2");
	aws_close(aws);
}

static void test_no_such_profile(void **state)
{
	struct aws *aws = NULL;
	struct error err = {0};
	write_file("config", "[profile prod]\nregion=eu-north-1\n[sso-session x]\n");
	write_file("credentials", "[ci]\n");
	assert_false(aws_open(&(struct aws_options){.profile = "cj"}, &aws, &err));
	assert_int_equal(err.kind, ERROR_DENIED);
	assert_non_null(strstr(err.text, "no AWS profile cj"));
	assert_non_null(strstr(err.text, "(profiles there: ci prod)"));
	assert_null(aws);
}

static void test_nothing_found(void **state)
{
	struct error err = {0};
	_cleanup_(aws_closep) struct aws *aws = open_with(NULL);
	expect_failure(
		aws,
		(const char *[]){"no AWS credentials found; looked at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (not "
				 "set), AWS_WEB_IDENTITY_TOKEN_FILE (not set), profile default in ",
				 "/credentials (not there), profile default in ",
				 "/config (not there), AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and "
				 "AWS_CONTAINER_CREDENTIALS_FULL_URI (not set), the instance metadata service "
				 "(AWS_EC2_METADATA_DISABLED is set); name a profile with --profile or AWS_PROFILE, "
				 "set the AWS_ACCESS_KEY_ID variables, or set up a profile with `aws configure`; "
				 "--sandbox needs none",
				 NULL});
	struct aws_call call = aws_call(AWS_sts_GetCallerIdentity, "eu-west-1");
	assert_false(aws_send(aws, &call, NULL, &err));
	assert_true(str_starts(err.text, "GetCallerIdentity (eu-west-1): no AWS credentials found"));
	assert_int_equal(err.kind, ERROR_DENIED);
	assert_int_equal(aws_requests_sent(aws), 0);
}

static void test_profile_without_secret(void **state)
{
	write_file("credentials", "[default]\naws_access_key_id = AKDEF\n");
	_cleanup_(aws_closep) struct aws *aws = open_with(NULL);
	expect_failure(aws, (const char *[]){"profile default in ", "has an access key but no secret key", NULL});
}

static void test_odd_files(void **state)
{
	static const char *const texts[] = {"",
					    "\n\n",
					    "[",
					    "[]\n=\n",
					    "key = value\n",
					    "[default\naws_access_key_id",
					    "[profile]\n[profile ]\n",
					    "[default]\n = x\naws_access_key_id\n"};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		write_file("credentials", texts[i]);
		write_file("config", texts[i]);
		_cleanup_(aws_closep) struct aws *aws = open_with(NULL);
		expect_failure(aws, (const char *[]){"no AWS credentials found", NULL});
	}
}

static void test_attempts(void **state)
{
	static const char *const wrong[] = {"0", "x", "-1", "1000"};
	struct aws *aws = open_with(NULL);
	assert_int_equal(aws->most_attempts, 5);
	aws_close(aws);
	setenv("AWS_MAX_ATTEMPTS", "3", 1);
	aws = open_with(NULL);
	assert_int_equal(aws->most_attempts, 3);
	aws_close(aws);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct error err = {0};
		setenv("AWS_MAX_ATTEMPTS", wrong[i], 1);
		assert_false(aws_open(&(struct aws_options){0}, &aws, &err));
		assert_int_equal(err.kind, ERROR_INVALID);
		assert_non_null(strstr(err.text, "AWS_MAX_ATTEMPTS"));
	}
}

/* --- endpoints --- */

static void expect_endpoint(struct aws *aws, enum service service, const char *region, const char *url,
			    const char *signing_region)
{
	struct endpoint got;
	struct error err = {0};
	if (!endpoint_find(&aws->endpoints, service, region, &got, &err))
		fail_msg("%s", err.text);
	_cleanup_(freep) char *whole = mem_printf("%s%s", got.url.base, got.url.path);
	assert_string_equal(whole, url);
	assert_string_equal(got.signing_region, signing_region);
	endpoint_free(&got);
}

static void test_partitions(void **state)
{
	static const struct {
		enum service service;
		const char *region, *url, *signing_region;
	} cases[] = {
		{SERVICE_ec2, "eu-west-1", "https://ec2.eu-west-1.amazonaws.com/", "eu-west-1"},
		{SERVICE_sts, "us-east-1", "https://sts.us-east-1.amazonaws.com/", "us-east-1"},
		{SERVICE_ssm, "cn-north-1", "https://ssm.cn-north-1.amazonaws.com.cn/", "cn-north-1"},
		{SERVICE_ec2, "us-gov-east-1", "https://ec2.us-gov-east-1.amazonaws.com/", "us-gov-east-1"},
		{SERVICE_ec2, "us-iso-west-1", "https://ec2.us-iso-west-1.c2s.ic.gov/", "us-iso-west-1"},
		{SERVICE_ec2, "us-isob-east-1", "https://ec2.us-isob-east-1.sc2s.sgov.gov/", "us-isob-east-1"},
		{SERVICE_ec2, "eusc-de-east-1", "https://ec2.eusc-de-east-1.amazonaws.eu/", "eusc-de-east-1"},
		{SERVICE_organizations, "eu-west-1", "https://organizations.us-east-1.amazonaws.com/", "us-east-1"},
		{SERVICE_organizations, "cn-north-1", "https://organizations.cn-northwest-1.amazonaws.com.cn/",
		 "cn-northwest-1"},
		{SERVICE_organizations, "us-gov-east-1", "https://organizations.us-gov-west-1.amazonaws.com/",
		 "us-gov-west-1"},
	};
	_cleanup_(aws_closep) struct aws *aws = open_with(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_endpoint(aws, cases[i].service, cases[i].region, cases[i].url, cases[i].signing_region);
}

static void test_endpoint_order(void **state)
{
	struct aws *aws;
	struct error err;
	write_file("config", "[default]\nendpoint_url = http://profile:1\n");
	aws = open_with(NULL);
	expect_endpoint(aws, SERVICE_ec2, "eu-west-1", "http://profile:1/", "eu-west-1");
	aws_close(aws);
	setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566/base/", 1);
	setenv("AWS_ENDPOINT_URL_EC2", "https://ec2.local:443", 1);
	aws = open_with(NULL);
	expect_endpoint(aws, SERVICE_ec2, "eu-west-1", "https://ec2.local/", "eu-west-1");
	expect_endpoint(aws, SERVICE_ssm, "eu-west-1", "http://127.0.0.1:4566/base/", "eu-west-1");
	aws_close(aws);
	assert_true(aws_open(&(struct aws_options){.endpoint = "http://127.0.0.9:1"}, &aws, &err));
	expect_endpoint(aws, SERVICE_ec2, "eu-west-1", "http://127.0.0.9:1/", "eu-west-1");
	aws_close(aws);
	setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
	aws = open_with(NULL);
	expect_endpoint(aws, SERVICE_ec2, "eu-west-1", "https://ec2.eu-west-1.amazonaws.com/", "eu-west-1");
	aws_close(aws);
}

static void test_unusable_endpoints(void **state)
{
	static const char *const urls[] = {"",
					   "nonsense here",
					   "ftp://host/",
					   "http://",
					   "http://user:pass@host/",
					   "http://host/?a=b",
					   "http://host:99999/"};
	for (size_t i = 1; i < ARRAY_SIZE(urls); i++) {
		struct endpoint got;
		struct error err = {0};
		setenv("AWS_ENDPOINT_URL", urls[i], 1);
		_cleanup_(aws_closep) struct aws *aws = open_with(NULL);
		if (endpoint_find(&aws->endpoints, SERVICE_ec2, "eu-west-1", &got, &err))
			fail_msg("%s is taken for an endpoint", urls[i]);
		endpoint_free(&got);
		assert_int_equal(err.kind, ERROR_DENIED);
		assert_true(str_starts(err.text, "AWS_ENDPOINT_URL: "));
		assert_null(strstr(err.text, "pass@"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_environment, set_up),
		cmocka_unit_test_setup(test_half_an_environment, set_up),
		cmocka_unit_test_setup(test_environment_with_an_end, set_up),
		cmocka_unit_test_setup(test_credentials_file, set_up),
		cmocka_unit_test_setup(test_environment_and_profile, set_up),
		cmocka_unit_test_setup(test_config_file, set_up),
		cmocka_unit_test_setup(test_no_such_profile, set_up),
		cmocka_unit_test_setup(test_nothing_found, set_up),
		cmocka_unit_test_setup(test_profile_without_secret, set_up),
		cmocka_unit_test_setup(test_odd_files, set_up),
		cmocka_unit_test_setup(test_attempts, set_up),
		cmocka_unit_test_setup(test_partitions, set_up),
		cmocka_unit_test_setup(test_endpoint_order, set_up),
		cmocka_unit_test_setup(test_unusable_endpoints, set_up),
	};
	struct error err;
	if (!mkdtemp(folder))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return file_remove_tree(folder, &err) ? failed : 1;
}
