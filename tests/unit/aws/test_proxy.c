/* SPDX-License-Identifier: Apache-2.0
 *
 * Proxies from the usual variables: asked for a tunnel (CONNECT) to AWS, left out where no_proxy says so, and named
 * when they refuse. */
#include "tls_server.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

static char folder[] = "/tmp/bakery-proxy-XXXXXX";

/* A CONNECT proxy that leads everybody to one server, whatever they ask for. */
struct proxy {
	int listener, target_port, status;
	char *url;
	char asked[512]; /* the request line of the newest */
	_Atomic int tunnels;
	_Atomic bool over;
	pthread_t thread;
};

static int connect_to(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* false when one of them has hung up. */
static bool pass_on(int from, int to)
{
	char data[8192];
	ssize_t got = recv(from, data, sizeof data, 0);
	for (ssize_t sent = 0; sent < got;) {
		ssize_t count = send(to, data + sent, (size_t)(got - sent), MSG_NOSIGNAL);
		if (count <= 0)
			return false;
		sent += count;
	}
	return got > 0;
}

static void tunnel(const struct proxy *proxy, int client)
{
	int server = connect_to(proxy->target_port);
	struct pollfd fds[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
	for (bool open = true; open && !proxy->over;) {
		poll(fds, 2, 50);
		if (fds[0].revents)
			open = pass_on(client, server);
		if (open && fds[1].revents)
			open = pass_on(server, client);
	}
	close(server);
}

static void serve(struct proxy *proxy, int client)
{
	static const char good[] = "HTTP/1.1 200 OK\r\n\r\n",
			  bad[] = "HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n";
	char head[4096] = "";
	size_t length = 0;
	while (!strstr(head, "\r\n\r\n") && length < sizeof head - 1) {
		ssize_t got = recv(client, head + length, sizeof head - 1 - length, 0);
		if (got <= 0)
			return;
		length += (size_t)got;
		head[length] = '\0';
	}
	snprintf(proxy->asked, sizeof proxy->asked, "%.*s", (int)strcspn(head, "\r"), head);
	proxy->tunnels++;
	const char *reply = proxy->status == 200 ? good : bad;
	if (send(client, reply, strlen(reply), MSG_NOSIGNAL) > 0 && proxy->status == 200)
		tunnel(proxy, client);
}

static void *run_proxy(void *cookie)
{
	struct proxy *proxy = cookie;
	while (!proxy->over) {
		struct pollfd ready = {proxy->listener, POLLIN, 0};
		if (poll(&ready, 1, 50) < 1)
			continue;
		int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
		serve(proxy, client);
		close(client);
	}
	return NULL;
}

static void proxy_start(struct proxy *proxy, const struct server *server, int status)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	*proxy = (struct proxy){.status = status};
	proxy->target_port = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(proxy->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(proxy->listener, 8), 0);
	getsockname(proxy->listener, (struct sockaddr *)&address, &length);
	proxy->url = mem_printf("http://127.0.0.1:%d", ntohs(address.sin_port));
	pthread_create(&proxy->thread, NULL, run_proxy, proxy);
}

static void proxy_end(struct proxy *proxy)
{
	proxy->over = true;
	pthread_join(proxy->thread, NULL);
	close(proxy->listener);
	free(proxy->url);
}

/* aws.invalid has no address: only a proxy leads there. */
static bool ask(struct error *err)
{
	_cleanup_(aws_closep) struct aws *aws = NULL;
	struct aws_options options = {
		.region = "eu-west-1", .endpoint = "https://aws.invalid", .access_key = "AKID", .secret_key = "secret"};
	*err = (struct error){0};
	if (!aws_open(&options, &aws, err))
		return false;
	aws->most_attempts = 1;
	struct aws_call call = aws_call(AWS_ec2_DescribeRegions, NULL);
	return aws_send(aws, &call, NULL, err);
}

/* A server for the name, that is trusted, behind a proxy that answers CONNECT with status. */
static bool start_behind_proxy(struct server *server, const char *name, struct proxy *proxy, int status)
{
	if (!start(server, name, 86400))
		return false;
	trust(folder, server);
	proxy_start(proxy, server, status);
	setenv("https_proxy", proxy->url, 1);
	return true;
}

static void end_behind_proxy(struct server *server, struct proxy *proxy)
{
	proxy_end(proxy);
	finish(server);
}

static void test_tunnel(void **state)
{
	static const char *const variables[] = {"https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"};
	struct server server;
	if (!start(&server, "DNS:aws.invalid", 86400))
		return;
	trust(folder, &server);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		struct proxy proxy;
		struct error err;
		proxy_start(&proxy, &server, 200);
		setenv(variables[i], proxy.url, 1);
		assert_works(ask(&err));
		assert_string_equal(proxy.asked, "CONNECT aws.invalid:443 HTTP/1.1");
		assert_int_equal(proxy.tunnels, 1);
		assert_int_equal(server.requests, (int)i + 1);
		unsetenv(variables[i]);
		proxy_end(&proxy);
	}
	finish(&server);
}

static void test_no_proxy(void **state)
{
	static const char *const exceptions[] = {"aws.invalid", "other,.invalid", "*"};
	struct server server;
	struct proxy proxy;
	struct error err;
	if (!start_behind_proxy(&server, "DNS:aws.invalid", &proxy, 200))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(exceptions); i++) {
		setenv("no_proxy", exceptions[i], 1);
		assert_fails(ask(&err), ERROR_DENIED, "cannot reach https://aws.invalid: ");
	}
	assert_int_equal(proxy.tunnels, 0);
	setenv("no_proxy", "other.invalid", 1);
	assert_works(ask(&err));
	end_behind_proxy(&server, &proxy);
}

/* The tunnel leads to somebody who is not AWS: TLS notices. */
static void test_proxy_answers_itself(void **state)
{
	struct server server;
	struct proxy proxy;
	struct error err;
	if (!start_behind_proxy(&server, "DNS:another.invalid", &proxy, 200))
		return;
	assert_fails(ask(&err), ERROR_DENIED, "whether a proxy answers in AWS's place");
	assert_int_equal(server.requests, 0);
	end_behind_proxy(&server, &proxy);
}

static void test_proxy_refuses(void **state)
{
	struct server server;
	struct proxy proxy;
	struct error err;
	if (!start_behind_proxy(&server, "DNS:aws.invalid", &proxy, 407))
		return;
	assert_fails(ask(&err), ERROR_DENIED,
		     "cannot reach https://aws.invalid: the proxy refuses to lead there (status 407)");
	end_behind_proxy(&server, &proxy);
}

static void test_no_such_proxy(void **state)
{
	struct error err;
	setenv("https_proxy", "http://127.0.0.1:1", 1);
	assert_fails(ask(&err), ERROR_DENIED,
		     "cannot reach https://aws.invalid: the proxy 127.0.0.1:1: Connection refused");
}

static int set_up(void **state)
{
	static const char *const variables[] = {"https_proxy", "HTTPS_PROXY", "http_proxy", "ALL_PROXY",
						"all_proxy",   "no_proxy",    "NO_PROXY",   "AWS_CA_BUNDLE"};
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_tunnel, set_up),
		cmocka_unit_test_setup(test_no_proxy, set_up),
		cmocka_unit_test_setup(test_proxy_answers_itself, set_up),
		cmocka_unit_test_setup(test_proxy_refuses, set_up),
		cmocka_unit_test_setup(test_no_such_proxy, set_up),
	};
	struct error err;
	setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
	if (!mkdtemp(folder))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return file_remove_tree(folder, &err) ? failed : 1;
}
