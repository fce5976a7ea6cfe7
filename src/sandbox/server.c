/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP server: the only file that knows libmicrohttpd. */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "api.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "control.h"

#define BODY_MOST (1 << 20)
#define IDLE_S 120

struct server {
	struct cloud *cloud;
	struct api api;
	char *token;
	struct MHD_Daemon *daemon;
};

/* One request on its way in. */
struct exchange {
	char *uri;
	struct str body;
	bool begun, too_long;
	struct MHD_Connection *connection;
	struct server *server;
};

/* libmicrohttpd decodes the path; the signature is over the raw one. */
static void *begin_exchange(void *cookie, const char *uri, struct MHD_Connection *connection)
{
	struct exchange *exchange = mem_alloc(sizeof *exchange);
	*exchange =
		(struct exchange){.uri = mem_strdup(uri), .body = STR_INIT, .connection = connection, .server = cookie};
	return exchange;
}

static void end_exchange(void *cookie, struct MHD_Connection *connection, void **held,
			 enum MHD_RequestTerminationCode code)
{
	struct exchange *exchange = *held;
	(void)cookie;
	(void)connection;
	(void)code;
	if (exchange == NULL)
		return;
	str_free(&exchange->body);
	free(exchange->uri);
	free(exchange);
	*held = NULL;
}

static int socket_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	return info == NULL ? -1 : info->connect_fd;
}

/* --- waiting on behalf of a request --- */

static bool wait_for_client(void *cookie, int64_t ms)
{
	struct exchange *exchange = cookie;
	struct pollfd fds[] = {
		{.fd = socket_of(exchange->connection), .events = POLLRDHUP},
		{.fd = exchange->server->cloud->stop.event_fd, .events = POLLIN},
	};
	int64_t until_ms = clock_mono_ms() + ms;
	for (;;) {
		int64_t left_ms = ms < 0 ? -1 : until_ms - clock_mono_ms();
		if (ms >= 0 && left_ms <= 0)
			return true;
		int ready = poll(fds, ARRAY_SIZE(fds), (int)(left_ms > INT32_MAX ? INT32_MAX : left_ms));
		if (ready > 0)
			return false;
		if (ready < 0 && errno != EINTR)
			return false;
	}
}

/* --- headers --- */

struct headers {
	struct sigv4_header *items;
	size_t count;
};

static enum MHD_Result add_header(void *cookie, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct headers *headers = cookie;
	(void)kind;
	headers->items = mem_grow(headers->items, headers->count + 1, sizeof *headers->items);
	headers->items[headers->count++] = (struct sigv4_header){name, value == NULL ? "" : value};
	return MHD_YES;
}

static void free_headers(struct headers *headers)
{
	free(headers->items);
}

/* --- replies --- */

struct half_body {
	struct str text;
	size_t whole;
};

static ssize_t give_half(void *cookie, uint64_t position, char *buffer, size_t most)
{
	struct half_body *half = cookie;
	if (position >= half->text.len)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	size_t count = half->text.len - (size_t)position;
	count = count < most ? count : most;
	memcpy(buffer, half->text.data + position, count);
	return (ssize_t)count;
}

static void free_half(void *cookie)
{
	struct half_body *half = cookie;
	str_free(&half->text);
	free(half);
}

/* Announces all of it and breaks off in the middle. */
static struct MHD_Response *half_response(const struct str *body)
{
	struct half_body *half = mem_alloc(sizeof *half);
	*half = (struct half_body){.text = STR_INIT, .whole = body->len};
	str_add_n(&half->text, body->data, body->len / 2);
	return MHD_create_response_from_callback(body->len, 1024, give_half, half, free_half);
}

/* Clients correct their clocks by it. */
static const char *http_date(const struct cloud *cloud, char text[40])
{
	time_t now_s = (time_t)(cloud_clock_ms(cloud) / 1000);
	struct tm parts;
	gmtime_r(&now_s, &parts);
	strftime(text, 40, "%a, %d %b %Y %H:%M:%S GMT", &parts);
	return text;
}

static enum MHD_Result send_reply(struct exchange *exchange, const struct answer *answer)
{
	char date[40];
	struct MHD_Response *response =
		answer->kind == ANSWER_CUT
			? half_response(&answer->body)
			: MHD_create_response_from_buffer(answer->body.len, answer->body.data, MHD_RESPMEM_MUST_COPY);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type);
	MHD_add_response_header(response, "x-amzn-RequestId", answer->request_id);
	MHD_add_response_header(response, MHD_HTTP_HEADER_DATE, http_date(exchange->server->cloud, date));
	enum MHD_Result queued = MHD_queue_response(exchange->connection, (unsigned)answer->status, response);
	MHD_destroy_response(response);
	return queued;
}

/* MHD_NO closes the connection; with nothing to linger for, that is a reset. */
static enum MHD_Result reset(struct exchange *exchange)
{
	struct linger none = {.l_onoff = 1, .l_linger = 0};
	setsockopt(socket_of(exchange->connection), SOL_SOCKET, SO_LINGER, &none, sizeof none);
	return MHD_NO;
}

static enum MHD_Result send_answer(struct exchange *exchange, const struct answer *answer)
{
	if (answer->kind == ANSWER_RESET || answer->kind == ANSWER_NONE)
		return reset(exchange);
	return send_reply(exchange, answer);
}

/* --- a request that is there whole --- */

static enum MHD_Result carry_out(struct exchange *exchange, const char *method)
{
	struct server *server = exchange->server;
	_cleanup_(free_headers) struct headers headers = {0};
	struct answer answer = {.body = STR_INIT};
	const struct api_patience patience = {wait_for_client, exchange};
	MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, add_header, &headers);
	char *question = strchr(exchange->uri, '?');
	if (question != NULL)
		*question = '\0';
	struct sigv4_request http = {
		.method = method,
		.path = exchange->uri,
		.query = question == NULL ? "" : question + 1,
		.headers = headers.items,
		.header_count = headers.count,
		.body = exchange->body.data,
		.body_length = exchange->body.len,
	};
	if (str_starts(exchange->uri, "/_sandbox/"))
		control_answer(&server->api, server->token, &http, &answer);
	else
		api_answer(&server->api, &http, &patience, &answer);
	enum MHD_Result result = send_answer(exchange, &answer);
	str_free(&answer.body);
	return result;
}

static enum MHD_Result refuse_length(struct exchange *exchange)
{
	struct answer answer = {.status = 413, .content_type = "text/plain", .body = STR_INIT};
	str_add(&answer.body, "the request is too long\n");
	enum MHD_Result result = send_reply(exchange, &answer);
	str_free(&answer.body);
	return result;
}

/* Called once when the headers are there, then with each piece of the body, then with none. */
static enum MHD_Result handle(void *cookie, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *data, size_t *length, void **held)
{
	struct exchange *exchange = *held;
	(void)cookie;
	(void)connection;
	(void)url;
	(void)version;
	if (!exchange->begun) {
		exchange->begun = true;
		return MHD_YES;
	}
	if (*length == 0)
		return exchange->too_long ? refuse_length(exchange) : carry_out(exchange, method);
	exchange->too_long = exchange->too_long || exchange->body.len + *length > BODY_MOST;
	if (!exchange->too_long)
		str_add_n(&exchange->body, data, *length);
	*length = 0;
	return MHD_YES;
}

/* --- the server --- */

static bool open_record(struct server *server, const char *path, struct error *err)
{
	if (path == NULL)
		return true;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, "%s", path);
	server->api.record = fdopen(fd, "a");
	return true;
}

static bool listen_on(struct server *server, int port, struct error *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->daemon = MHD_start_daemon(
		MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, (uint16_t)port, NULL,
		NULL, handle, server, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_URI_LOG_CALLBACK, begin_exchange,
		server, MHD_OPTION_NOTIFY_COMPLETED, end_exchange, server, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)IDLE_S, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
	return server->daemon != NULL || error_errno(err, "cannot listen on 127.0.0.1:%d", port);
}

static void server_free(struct server *server)
{
	if (server->api.record != NULL)
		fclose(server->api.record);
	pthread_mutex_destroy(&server->api.record_lock);
	free(server->token);
	free(server);
}

bool server_start(struct cloud *cloud, int port, const char *record, const char *token, struct server **out,
		  struct error *err)
{
	struct server *server = mem_alloc(sizeof *server);
	server->cloud = cloud;
	server->api.cloud = cloud;
	server->token = mem_strdup(token);
	pthread_mutex_init(&server->api.record_lock, NULL);
	if (open_record(server, record, err) && listen_on(server, port, err)) {
		*out = server;
		return true;
	}
	server_free(server);
	return false;
}

int server_port(const struct server *server)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
	return info == NULL ? 0 : info->port;
}

void server_stop(struct server *server)
{
	if (server == NULL)
		return;
	stop_request(&server->cloud->stop, 0);
	MHD_stop_daemon(server->daemon);
	server_free(server);
}
