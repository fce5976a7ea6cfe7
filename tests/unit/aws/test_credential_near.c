/* SPDX-License-Identifier: Apache-2.0
 *
 * Credentials that are handed out over HTTP: a container's agent, the instance metadata service, IAM Identity
 * Center. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "src/aws/credentials/near_http.h"
#include "trial.h"

#define KEYS(key)                                                                                                      \
	"{\"Code\":\"Success\",\"AccessKeyId\":\"" key "\",\"SecretAccessKey\":\"s3cret\",\"Token\":\"s3cret\","       \
	"\"Expiration\":\"2026-01-02T04:04:05Z\"}"

/* --- containers --- */

static void test_container_of_ecs(void **state)
{
	struct trial trial;
	trial_start(&trial);
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1?x=y", 1);
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://not.this/", 1);
	trial_answer(&trial, 200, KEYS("ASIA1"));
	trial_open(&trial, NULL);
	assert_string_equal(trial.aws->container_base, "http://169.254.170.2");
	trial.aws->container_base = loopback_url(trial.server);
	trial_expect_key(&trial, "ASIA1");
	trial_expect_request(&trial, 1, "GET /v2/credentials/1?x=y HTTP/1.1\n");
	assert_null(strstr(trial_request(&trial, 1), "Authorization"));
	trial_expect_source(&trial, "container at SERVER");
	trial_expect_lifetime(&trial, 3600, true);
	trial_stop(&trial);
}

static void test_container_of_eks(void **state)
{
	struct trial trial;
	trial_start(&trial);
	_cleanup_(freep) char *uri = mem_printf("%s/v1/credentials", loopback_url(trial.server));
	_cleanup_(freep) char *path = trial_write("token", "s3cret-first");
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri, 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "s3cret-not-this", 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path, 1);
	trial_answer(&trial, 200, KEYS("ASIA1"));
	trial_answer(&trial, 500, "{}"); /* trouble that passes */
	trial_answer(&trial, 200, KEYS("ASIA2"));
	trial_open(&trial, NULL);
	trial_expect_key(&trial, "ASIA1");
	trial_expect_request(&trial, 1, "GET /v1/credentials HTTP/1.1\n");
	trial_expect_request(&trial, 1, "Authorization: s3cret-first\n");
	free(trial_write("token", "s3cret-second\n"));
	trial_pass(56 * 60);
	trial_expect_key(&trial, "ASIA2");
	trial_expect_request(&trial, 3, "Authorization: s3cret-second\n");
	trial_stop(&trial);
}

static void test_wrong_containers(void **state)
{
	static const struct {
		const char *uri, *token;
		int status;
		const char *body, *fault;
	} cases[] = {
		{"http://169.254.169.254/x", NULL, 0, NULL,
		 "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or the address of this host, ECS or EKS "
		 "(169.254.170.2, 169.254.170.23, [fd00:ec2::23]), not http://169.254.169.254"},
		{"http://127.0.0.1.example.com/x", NULL, 0, NULL,
		 "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or the address of this host, ECS or EKS "
		 "(169.254.170.2, 169.254.170.23, [fd00:ec2::23]), not http://127.0.0.1.example.com"},
		{"file:///etc/passwd", NULL, 0, NULL,
		 "AWS_CONTAINER_CREDENTIALS_FULL_URI: file:///etc/passwd: only http and https are spoken"},
		{"SERVER/x", "s3cret\r\nX-Evil: 1", 0, NULL,
		 "container credentials at SERVER: AWS_CONTAINER_AUTHORIZATION_TOKEN holds more than one line"},
		{"SERVER/x", NULL, 403, "{\"code\":\"AccessDenied\",\"message\":\"not\\nyou\"}",
		 "container credentials at SERVER: it answered with status 403: AccessDenied: not you"},
		{"SERVER/x", NULL, 200, "<html>",
		 "container credentials at SERVER: the answer cannot be used: JSON, line "
		 "1, column 1: unexpected character"},
		{"SERVER/x", NULL, 200, "{\"SecretAccessKey\":\"s3cret\"}",
		 "container credentials at SERVER: the answer cannot be used: there is no AccessKeyId in it"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trial trial;
		trial_start(&trial);
		bool is_ours = str_starts(cases[i].uri, "SERVER");
		_cleanup_(freep) char *uri =
			mem_printf("%s%s", is_ours ? loopback_url(trial.server) : "", cases[i].uri + (is_ours ? 6 : 0));
		setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri, 1);
		if (cases[i].token)
			setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", cases[i].token, 1);
		if (cases[i].body)
			trial_answer(&trial, cases[i].status, cases[i].body);
		trial_open(&trial, NULL);
		trial_expect_failure(&trial, ERROR_DENIED, cases[i].fault);
		assert_int_equal(loopback_requests(trial.server), cases[i].body ? 1 : 0);
		trial_stop(&trial);
	}
}

/* What is link-local is never asked through a proxy. */
static void test_addresses(void **state)
{
	static const struct {
		const char *text, *host, *path;
		bool is_direct;
	} cases[] = {
		{"http://169.254.170.23/v1/credentials", "169.254.170.23", "/v1/credentials", true},
		{"http://[fd00:ec2::23]/v1?a=b?c", "[fd00:ec2::23]", "/v1?a=b?c", true},
		{"http://localhost:51678/x", "localhost:51678", "/x", true},
		{"https://agent.example.com", "agent.example.com", "/", false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(http_url_free) struct http_url url = {0};
		struct error err;
		assert_true(credential_http_url(cases[i].text, &url, &err));
		assert_string_equal(url.host, cases[i].host);
		assert_string_equal(url.path, cases[i].path);
		assert_int_equal(url.loopback, cases[i].is_direct);
	}
}

/* --- instances --- */

static void start_instance(struct trial *trial)
{
	trial_start(trial);
	unsetenv("AWS_EC2_METADATA_DISABLED");
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", loopback_url(trial->server), 1);
}

static void test_instance(void **state)
{
	struct trial trial;
	start_instance(&trial);
	trial_answer(&trial, 200, "s3cret-metadata-token");
	trial_answer(&trial, 200, "builder\n");
	trial_answer(&trial, 200, KEYS("ASIA1"));
	trial_open(&trial, NULL);
	trial_expect_key(&trial, "ASIA1");
	trial_expect_request(&trial, 1, "PUT /latest/api/token HTTP/1.1\n");
	trial_expect_request(&trial, 1, "X-aws-ec2-metadata-token-ttl-seconds: 21600\n");
	trial_expect_request(&trial, 2, "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1\n");
	trial_expect_request(&trial, 2, "X-aws-ec2-metadata-token: s3cret-metadata-token\n");
	trial_expect_request(&trial, 3, "GET /latest/meta-data/iam/security-credentials/builder HTTP/1.1\n");
	trial_expect_source(&trial, "instance role builder (IMDSv2)");
	trial_expect_lifetime(&trial, 3600, true);
	trial_stop(&trial);
}

#define NOTHING                                                                                                        \
	"no AWS credentials found; looked at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (not set), "                  \
	"AWS_WEB_IDENTITY_TOKEN_FILE (not set), profile default in FOLDER/credentials (not there), profile default "   \
	"in FOLDER/config (not there), AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and "                                    \
	"AWS_CONTAINER_CREDENTIALS_FULL_URI (not set), the instance metadata service ("
#define WHAT_NEXT                                                                                                      \
	"); name a profile with --profile or AWS_PROFILE, set the AWS_ACCESS_KEY_ID variables, or set up a profile "   \
	"with `aws configure`; --sandbox needs none"

static void test_instances_without_credentials(void **state)
{
	static const struct {
		int status[3];
		const char *body[3], *fault;
	} cases[] = {
		{{403}, {"off"}, NOTHING "SERVER answered with status 403 and no token" WHAT_NEXT},
		{{200, 404}, {"t", "none"}, NOTHING "SERVER: the instance has no role" WHAT_NEXT},
		{{200, 200}, {"t", ""}, NOTHING "SERVER: the instance has no role" WHAT_NEXT},
		{{200, 401}, {"t", "{}"}, "instance metadata service: it answered with status 401"},
		{{200, 200, 200},
		 {"t", "builder",
		  "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot assume the role\"}"},
		 "instance metadata service: instance role builder: AssumeRoleUnauthorizedAccess: EC2 cannot assume "
		 "the "
		 "role"},
		{{200, 200, 200},
		 {"t", "builder", "{}"},
		 "instance metadata service: instance role builder: the answer cannot be used: there is no AccessKeyId "
		 "in "
		 "it"},
		{{200, 200, 500},
		 {"t", "builder", "{}"},
		 "instance metadata service: instance role builder: it answered with status 500"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trial trial;
		start_instance(&trial);
		for (size_t j = 0; j < 3 && cases[i].status[j]; j++)
			trial_answer(&trial, cases[i].status[j], cases[i].body[j]);
		trial_open(&trial, NULL);
		trial_expect_failure(&trial, ERROR_DENIED, cases[i].fault);
		trial_stop(&trial);
	}
}

static enum loopback_after nobody(void *cookie, const struct loopback_request *request, struct str *reply)
{
	return LOOPBACK_CLOSE;
}

/* A laptop: nobody listens. It must be said at once. */
static void test_no_instance(void **state)
{
	struct trial trial;
	int64_t began_ms = clock_mono_ms();
	start_instance(&trial);
	struct loopback *gone = loopback_start(nobody, NULL);
	_cleanup_(freep) char *url = mem_strdup(loopback_url(gone));
	_cleanup_(freep) char *fault = mem_printf(NOTHING "%s: Connection refused" WHAT_NEXT, url);
	loopback_stop(gone);
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url, 1);
	trial_open(&trial, NULL);
	trial_expect_failure(&trial, ERROR_DENIED, fault);
	assert_true(clock_mono_ms() - began_ms < 5000);
	trial_stop(&trial);
}

/* A network that swallows everything: connections are taken, and nobody answers. */
static void test_silent_instance(void **state)
{
	struct trial trial;
	int64_t began_ms = clock_mono_ms();
	start_instance(&trial);
	trial.is_mute = true;
	trial_open(&trial, NULL);
	trial_expect_failure(&trial, ERROR_DENIED, NOTHING "SERVER: no answer for 2 s" WHAT_NEXT);
	assert_true(clock_mono_ms() - began_ms < 10000);
	assert_int_equal(loopback_requests(trial.server), 1);
	trial_stop(&trial);
}

/* --- IAM Identity Center --- */

#define SESSION "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = us-east-1\n"
#define PROFILE "[profile ci]\nsso_session = corp\nsso_account_id = 210987654321\nsso_role_name = Build er\n"
#define LEGACY                                                                                                         \
	"[profile ci]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = us-east-1\nsso_account_id = "      \
	"210987654321\nsso_role_name = Builder\n"
#define ROLE_CREDENTIALS                                                                                               \
	"{\"roleCredentials\":{\"accessKeyId\":\"ASIASSO\",\"secretAccessKey\":\"s3cret\",\"sessionToken\":"           \
	"\"s3cret\","                                                                                                  \
	"\"expiration\":1767326645000}}"
#define LOG_IN "; log in with `aws sso login --profile ci`"

static char *write_cache(const char *name, const char *text)
{
	char hex[41];
	crypto_sha1_hex(name, strlen(name), hex);
	_cleanup_(freep) char *path = mem_printf(".aws/sso/cache/%s.json", hex);
	return trial_write(path, text);
}

static void test_sso(void **state)
{
	struct trial trial;
	char hex[41];
	crypto_sha1_hex("admin", 5, hex); /* as the issue trackers of AWS's tools show it for "admin" */
	assert_string_equal(hex, "d033e22ae348aeb5660fc2140aec35850c4da997");
	trial_start(&trial);
	free(trial_write("config", PROFILE SESSION));
	free(write_cache("corp", "{\"accessToken\":\"s3cret-a\",\"expiresAt\":\"2026-01-02T05:04:05Z\"}"));
	trial_answer(&trial, 200, ROLE_CREDENTIALS);
	trial_open(&trial, "ci");
	trial_expect_key(&trial, "ASIASSO");
	trial_expect_request(&trial, 1,
			     "GET /federation/credentials?role_name=Build%20er&account_id=210987654321 HTTP/1.1\n");
	trial_expect_request(&trial, 1, "x-amz-sso_bearer_token: s3cret-a\n");
	trial_expect_source(&trial, "SSO session corp, account 210987654321, role Build er");
	trial_expect_lifetime(&trial, 3600, true);
	trial_stop(&trial);
}

static void test_sso_of_the_old_kind(void **state)
{
	struct trial trial;
	trial_start(&trial);
	free(trial_write("config", LEGACY));
	free(write_cache("https://corp.awsapps.com/start",
			 "{\"accessToken\":\"s3cret-a\",\"expiresAt\":\"2026-01-02T03:05:05UTC\"}"));
	trial_answer(&trial, 200, ROLE_CREDENTIALS);
	trial_open(&trial, "ci");
	trial_expect_key(&trial, "ASIASSO");
	trial_expect_source(&trial, "SSO session https://corp.awsapps.com/start, account 210987654321, role Builder");
	trial_stop(&trial);
}

#define RENEWABLE(ends)                                                                                                \
	"{\"accessToken\":\"s3cret-a\",\"expiresAt\":\"" ends "\",\"startUrl\":\"https://corp.awsapps.com/start\","    \
	"\"region\":\"us-east-1\",\"refreshToken\":\"s3cret-r\",\"clientId\":\"c1\",\"clientSecret\":\"s3cret-c\","    \
	"\"registrationExpiresAt\":\"2026-03-02T05:04:05Z\"}"

static void test_sso_token_is_renewed(void **state)
{
	struct trial trial;
	struct error err;
	struct stat status;
	_cleanup_(str_free) struct str kept = STR_INIT;
	trial_start(&trial);
	free(trial_write("config", PROFILE SESSION));
	_cleanup_(freep) char *path = write_cache("corp", RENEWABLE("2026-01-02T03:04:00Z"));
	trial_answer(&trial, 200, "{\"accessToken\":\"s3cret-a2\",\"expiresIn\":3600,\"refreshToken\":\"s3cret-r2\"}");
	trial_answer(&trial, 200, ROLE_CREDENTIALS);
	trial_open(&trial, "ci");
	trial_expect_key(&trial, "ASIASSO");
	trial_expect_request(&trial, 1, "POST /token HTTP/1.1\n");
	trial_expect_request(&trial, 1,
			     "{\"clientId\":\"c1\",\"clientSecret\":\"s3cret-c\",\"grantType\":\"refresh_token\","
			     "\"refreshToken\":\"s3cret-r\"}");
	trial_expect_request(&trial, 2, "x-amz-sso_bearer_token: s3cret-a2\n");
	assert_true(file_read(path, 10000, &kept, &err)); /* for AWS's own tools */
	_cleanup_(tree_freep) struct tree *cache = tree_from_json(kept.data, kept.len, &err);
	assert_string_equal(tree_text(cache, "accessToken"), "s3cret-a2");
	assert_string_equal(tree_text(cache, "refreshToken"), "s3cret-r2");
	assert_string_equal(tree_text(cache, "expiresAt"), "2026-01-02T04:04:05Z");
	assert_string_equal(tree_text(cache, "clientSecret"), "s3cret-c");
	assert_string_equal(tree_text(cache, "startUrl"), "https://corp.awsapps.com/start");
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	trial_stop(&trial);
}

/* A login that still holds is used when it cannot be renewed. */
static void test_sso_token_that_still_holds(void **state)
{
	struct trial trial;
	trial_start(&trial);
	free(trial_write("config", PROFILE SESSION));
	free(write_cache("corp", RENEWABLE("2026-01-02T03:10:00Z")));
	trial_answer(&trial, 400, "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid refresh token\"}");
	trial_answer(&trial, 200, ROLE_CREDENTIALS);
	trial_open(&trial, "ci");
	trial_expect_key(&trial, "ASIASSO");
	trial_expect_request(&trial, 2, "x-amz-sso_bearer_token: s3cret-a\n");
	trial_stop(&trial);
}

#define OF_CI "SSO of profile ci: "

static void test_wrong_sso(void **state)
{
	static const struct {
		const char *config, *cache; /* of the session; NULL: nobody has logged in */
		int status;
		const char *body, *fault;
	} cases[] = {
		{PROFILE SESSION, NULL, 0, NULL, OF_CI "nobody is logged in" LOG_IN},
		{PROFILE, NULL, 0, NULL, OF_CI "there is no [sso-session corp] in FOLDER/config"},
		{PROFILE "sso_region = eu-west-1\n" SESSION, NULL, 0, NULL,
		 OF_CI "sso_start_url or sso_region is another than in [sso-session corp]; leave them out"},
		{"[profile ci]\nsso_session = corp\nsso_account_id = 1\n" SESSION, NULL, 0, NULL,
		 OF_CI "sso_role_name is missing"},
		{PROFILE "[sso-session corp]\nsso_start_url = https://x/start\n", NULL, 0, NULL,
		 OF_CI "sso_region is missing"},
		{PROFILE SESSION, "{\"accessToken\":\"s3cret\",\"expiresAt\":\"2026-01-02T03:04:05Z\"}", 0, NULL,
		 OF_CI "the login ended at 2026-01-02T03:04:05Z" LOG_IN},
		{PROFILE SESSION, "{\"accessToken\":\"s3cret\"}", 0, NULL, OF_CI "CACHE holds no token" LOG_IN},
		{PROFILE SESSION, "s3cret", 0, NULL, OF_CI "CACHE holds no token" LOG_IN},
		{PROFILE SESSION, RENEWABLE("2026-01-02T03:04:00Z"), 400,
		 "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid refresh token provided\"}",
		 OF_CI
		 "the login ended at 2026-01-02T03:04:00Z and could not be renewed: SERVER: it answered with status "
		 "400: invalid_grant: Invalid refresh token provided" LOG_IN},
		{PROFILE SESSION, RENEWABLE("2026-01-02T05:04:00Z"), 401,
		 "{\"__type\":\"com.amazonaws.switchboard.portal#UnauthorizedException\",\"message\":\"Session token "
		 "not "
		 "found or invalid\"}",
		 OF_CI "SERVER: it answered with status 401: com.amazonaws.switchboard.portal#UnauthorizedException: "
		       "Session token not found or invalid" LOG_IN},
		{PROFILE SESSION, RENEWABLE("2026-01-02T05:04:00Z"), 403, "{\"message\":\"No access\"}",
		 OF_CI
		 "SERVER: it answered with status 403: No access; check that you may use role Build er in account "
		 "210987654321"},
		{PROFILE SESSION, RENEWABLE("2026-01-02T05:04:00Z"), 200, "{\"roleCredentials\":{}}",
		 OF_CI "SERVER: the answer cannot be used: there is no roleCredentials.accessKeyId in it"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trial trial;
		trial_start(&trial);
		_cleanup_(freep) char *path = NULL;
		free(trial_write("config", cases[i].config));
		if (cases[i].cache)
			path = write_cache("corp", cases[i].cache);
		if (cases[i].body)
			trial_answer(&trial, cases[i].status, cases[i].body);
		trial_open(&trial, "ci");
		const char *at = strstr(cases[i].fault, "CACHE");
		_cleanup_(freep) char *fault =
			at ? mem_printf("%.*s%s%s", (int)(at - cases[i].fault), cases[i].fault, path, at + 5)
			   : mem_strdup(cases[i].fault);
		trial_expect_failure(&trial, ERROR_DENIED, fault);
		trial_stop(&trial);
	}
}

/* Identity Center's addresses, when nobody sets others. */
static void test_sso_addresses(void **state)
{
	struct trial trial;
	struct error err = {0};
	struct endpoint endpoint;
	trial_start(&trial);
	unsetenv("AWS_ENDPOINT_URL");
	setenv("AWS_ENDPOINT_URL_SSO_OIDC", "http://127.0.0.1:1", 1);
	trial_open(&trial, NULL);
	assert_true(endpoint_find(&trial.aws->endpoints, SERVICE_sso, "eu-west-1", &endpoint, &err));
	assert_string_equal(endpoint.url.base, "https://portal.sso.eu-west-1.amazonaws.com");
	endpoint_free(&endpoint);
	assert_true(endpoint_find(&trial.aws->endpoints, SERVICE_ssooidc, "eu-west-1", &endpoint, &err));
	assert_string_equal(endpoint.url.base, "http://127.0.0.1:1");
	endpoint_free(&endpoint);
	aws_close(trial.aws);
	unsetenv("AWS_ENDPOINT_URL_SSO_OIDC");
	trial_open(&trial, NULL);
	assert_true(endpoint_find(&trial.aws->endpoints, SERVICE_ssooidc, "eu-west-1", &endpoint, &err));
	assert_string_equal(endpoint.url.base, "https://oidc.eu-west-1.amazonaws.com");
	endpoint_free(&endpoint);
	trial_stop(&trial);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_container_of_ecs),
		cmocka_unit_test(test_container_of_eks),
		cmocka_unit_test(test_wrong_containers),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_instance),
		cmocka_unit_test(test_instances_without_credentials),
		cmocka_unit_test(test_no_instance),
		cmocka_unit_test(test_silent_instance),
		cmocka_unit_test(test_sso),
		cmocka_unit_test(test_sso_of_the_old_kind),
		cmocka_unit_test(test_sso_token_is_renewed),
		cmocka_unit_test(test_sso_token_that_still_holds),
		cmocka_unit_test(test_wrong_sso),
		cmocka_unit_test(test_sso_addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
