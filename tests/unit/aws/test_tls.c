/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS is verified: a certificate that nobody vouches for, one for another host and one that has run out are refused
 * before anything is sent; AWS_CA_BUNDLE says whom to trust. The server is libmicrohttpd's, the certificates are made
 * here. */
#include "tls_server.h"

static char folder[] = "/tmp/bakery-tls-XXXXXX";

static bool ask(const struct server *server, int times, struct error *err)
{
	struct aws *aws = NULL;
	struct aws_options options = {
		.region = "eu-west-1", .endpoint = server->url, .access_key = "AKID", .secret_key = "secret"};
	bool good = aws_open(&options, &aws, err);
	for (int i = 0; good && i < times; i++) {
		struct aws_call call = aws_call(AWS_ec2_DescribeRegions, NULL);
		good = aws_send(aws, &call, NULL, err);
	}
	aws_close(aws);
	return good;
}

static void expect_distrust(struct server *server)
{
	struct error err = {0};
	assert_false(ask(server, 1, &err));
	assert_int_equal(err.kind, ERROR_DENIED);
	assert_true(str_starts(err.text, "DescribeRegions (eu-west-1): cannot reach https://127.0.0.1:"));
	assert_non_null(strstr(err.text, "check AWS_CA_BUNDLE"));
	assert_int_equal(server->requests, 0);
	finish(server);
}

static void test_trusted(void **state)
{
	struct server server;
	struct error err = {0};
	if (!start(&server, "IP:127.0.0.1", 86400))
		return;
	trust(folder, &server);
	if (!ask(&server, 5, &err))
		fail_msg("%s", err.text);
	assert_int_equal(server.requests, 5);
	finish(&server);
}

static void test_unknown_issuer(void **state)
{
	struct server server;
	if (!start(&server, "IP:127.0.0.1", 86400))
		return;
	expect_distrust(&server);
}

static void test_another_host(void **state)
{
	struct server server;
	if (!start(&server, "IP:127.0.0.2", 86400))
		return;
	trust(folder, &server);
	expect_distrust(&server);
}

static void test_run_out(void **state)
{
	struct server server;
	if (!start(&server, "IP:127.0.0.1", -3600))
		return;
	trust(folder, &server);
	expect_distrust(&server);
}

static void test_unusable_bundle(void **state)
{
	struct server server;
	if (!start(&server, "IP:127.0.0.1", 86400))
		return;
	setenv("AWS_CA_BUNDLE", "/nonexistent/bundle.pem", 1);
	expect_distrust(&server);
}

static int set_up(void **state)
{
	unsetenv("AWS_CA_BUNDLE");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_trusted, set_up),
		cmocka_unit_test_setup(test_unknown_issuer, set_up),
		cmocka_unit_test_setup(test_another_host, set_up),
		cmocka_unit_test_setup(test_run_out, set_up),
		cmocka_unit_test_setup(test_unusable_bundle, set_up),
	};
	struct error err;
	setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
	if (!mkdtemp(folder))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return file_remove_tree(folder, &err) ? failed : 1;
}
