/* SPDX-License-Identifier: Apache-2.0 */
#include "loopback.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bakery/mem.h"

#define MOST_HEADERS 64

struct connection {
	struct connection *next;
	struct loopback *server;
	pthread_t thread;
	int fd, number;
};

struct loopback {
	loopback_handler *handler;
	void *cookie;
	int listener, quit[2];
	char *url;
	pthread_t thread;
	pthread_mutex_t lock;
	struct connection *connections;
	int connection_count, request_count;
};

static bool read_more(struct connection *connection, struct str *text)
{
	char buffer[65536];
	struct pollfd polled[2] = {{connection->fd, POLLIN, 0}, {connection->server->quit[0], POLLIN, 0}};
	if (poll(polled, 2, -1) < 0 || polled[1].revents)
		return false;
	ssize_t got = recv(connection->fd, buffer, sizeof buffer, 0);
	if (got > 0)
		str_add_n(text, buffer, (size_t)got);
	return got > 0;
}

static void parse_head(struct arena *arena, char *head, struct sigv4_header *headers, struct sigv4_request *out)
{
	char *line = strsep(&head, "\n");
	*out = (struct sigv4_request){.headers = headers};
	out->method = strsep(&line, " ");
	out->path = strsep(&line, " ");
	char *query = out->path ? strchr(out->path, '?') : NULL;
	if (query)
		*query++ = '\0';
	out->query = query;
	while ((line = strsep(&head, "\n")) && out->header_count < MOST_HEADERS) {
		line[strcspn(line, "\r")] = '\0';
		char *colon = strchr(line, ':');
		if (!colon)
			continue;
		*colon = '\0';
		headers[out->header_count++] = (struct sigv4_header){line, colon + 1 + strspn(colon + 1, " ")};
	}
}

static size_t content_length(const struct sigv4_request *request)
{
	for (size_t i = 0; i < request->header_count; i++)
		if (strcasecmp(request->headers[i].name, "content-length") == 0)
			return strtoul(request->headers[i].value, NULL, 10);
	return 0;
}

static void reset(int fd)
{
	struct linger linger = {1, 0};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

static void wait_for_quit(struct connection *connection)
{
	struct pollfd polled = {connection->server->quit[0], POLLIN, 0};
	while (poll(&polled, 1, -1) < 0 && errno == EINTR)
		;
}

/* Whether the connection goes on. */
static bool answer(struct connection *connection, struct loopback_request *request)
{
	struct loopback *server = connection->server;
	_cleanup_(str_free) struct str reply = STR_INIT;
	pthread_mutex_lock(&server->lock);
	request->number = ++server->request_count;
	request->connection = connection->number;
	enum loopback_after after = server->handler(server->cookie, request, &reply);
	pthread_mutex_unlock(&server->lock);
	for (size_t sent = 0; sent < reply.len;) {
		ssize_t put = send(connection->fd, reply.data + sent, reply.len - sent, MSG_NOSIGNAL);
		if (put <= 0)
			return false;
		sent += (size_t)put;
	}
	if (after == LOOPBACK_HANG)
		wait_for_quit(connection);
	if (after == LOOPBACK_RESET)
		reset(connection->fd);
	return after == LOOPBACK_KEEP;
}

static bool serve_one(struct connection *connection, struct str *text)
{
	struct sigv4_header headers[MOST_HEADERS];
	struct loopback_request request = {0};
	const char *end;
	while (!(end = strstr(text->data, "\r\n\r\n")))
		if (!read_more(connection, text))
			return false;
	size_t head_length = (size_t)(end - text->data);
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	request.head = arena_strndup(arena, text->data, head_length);
	parse_head(arena, arena_strdup(arena, request.head), headers, &request.parsed);
	request.body_length = content_length(&request.parsed);
	while (text->len < head_length + 4 + request.body_length)
		if (!read_more(connection, text))
			return false;
	request.body = arena_strndup(arena, text->data + head_length + 4, request.body_length);
	request.parsed.body = request.body;
	request.parsed.body_length = request.body_length;
	str_remove_front(text, head_length + 4 + request.body_length);
	return answer(connection, &request);
}

static void *serve(void *cookie)
{
	struct connection *connection = cookie;
	_cleanup_(str_free) struct str text = STR_INIT;
	while (serve_one(connection, &text))
		;
	close(connection->fd);
	return NULL;
}

static void *accept_all(void *cookie)
{
	struct loopback *server = cookie;
	struct pollfd polled[2] = {{server->listener, POLLIN, 0}, {server->quit[0], POLLIN, 0}};
	while (poll(polled, 2, -1) >= 0 && !polled[1].revents) {
		int on = 1, fd = accept(server->listener, NULL, NULL);
		if (fd < 0)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		struct connection *connection = mem_alloc(sizeof *connection);
		pthread_mutex_lock(&server->lock);
		*connection = (struct connection){
			.next = server->connections, .server = server, .fd = fd, .number = ++server->connection_count};
		server->connections = connection;
		pthread_create(&connection->thread, NULL, serve, connection);
		pthread_mutex_unlock(&server->lock);
	}
	return NULL;
}

struct loopback *loopback_start(loopback_handler *handler, void *cookie)
{
	struct loopback *server = mem_alloc(sizeof *server);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	server->handler = handler;
	server->cookie = cookie;
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good = server->listener >= 0 && bind(server->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
		    listen(server->listener, 64) == 0 &&
		    getsockname(server->listener, (struct sockaddr *)&address, &length) == 0 && pipe(server->quit) == 0;
	assert(good);
	server->url = mem_printf("http://127.0.0.1:%d", ntohs(address.sin_port));
	pthread_mutex_init(&server->lock, NULL);
	pthread_create(&server->thread, NULL, accept_all, server);
	return server;
}

void loopback_stop(struct loopback *server)
{
	close(server->quit[1]); /* makes the other end readable for all */
	pthread_join(server->thread, NULL);
	for (struct connection *next; server->connections; server->connections = next) {
		next = server->connections->next;
		pthread_join(server->connections->thread, NULL);
		free(server->connections);
	}
	close(server->quit[0]);
	close(server->listener);
	pthread_mutex_destroy(&server->lock);
	free(server->url);
	free(server);
}

const char *loopback_url(const struct loopback *server)
{
	return server->url;
}

static int read_locked(struct loopback *server, const int *number)
{
	pthread_mutex_lock(&server->lock);
	int value = *number;
	pthread_mutex_unlock(&server->lock);
	return value;
}

int loopback_connections(struct loopback *server)
{
	return read_locked(server, &server->connection_count);
}

int loopback_requests(struct loopback *server)
{
	return read_locked(server, &server->request_count);
}

void loopback_reply(struct str *reply, int status, const char *content_type, const char *headers, const char *body)
{
	str_addf(reply, "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n%s", status, content_type,
		 strlen(body), headers, body);
}
