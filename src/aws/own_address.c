/* SPDX-License-Identifier: Apache-2.0
 *
 * The address this host is seen from, for a security group that admits nobody else. Behind NAT only somebody outside knows it: AWS answers the
 * question at checkip.amazonaws.com. Where the endpoint was overridden, instances are on the near side of any NAT, and this host's own address on
 * the way there is the one. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aws_private.h"
#include "bakery/file.h"
#include "bakery/mem.h"

#define CHECKIP_URL "https://checkip.amazonaws.com/"

static bool is_address(const char *text)
{
	uint8_t room[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, room) == 1 || inet_pton(AF_INET6, text, room) == 1;
}

static bool ask_outside(struct aws *aws, char address[64], struct error *err)
{
	struct http_url url;
	struct http_reply reply = {.body = STR_INIT};
	struct patience patience = patience_start(aws->stop);
	bool answered;

	if (!http_url_parse(CHECKIP_URL, &url, err))
		return false;
	struct sigv4_header headers[] = {{"Host", url.host}};
	struct http_request request = {.method = "GET", .url = &url, .headers = headers, .header_count = ARRAY_SIZE(headers)};
	answered = http_send(aws->http, &request, &patience, &reply, err) == HTTP_ANSWERED && reply.status == 200;
	str_trim_right(&reply.body);
	if (answered && is_address(reply.body.data))
		snprintf(address, 64, "%s", reply.body.data);
	else if (answered)
		answered = error_set(err, ERROR_REMOTE, "%s answered something that is no address", CHECKIP_URL);
	else if (err->kind == ERROR_NONE)
		error_set(err, ERROR_TRANSIENT, "%s answered with status %ld", CHECKIP_URL, reply.status);
	http_reply_free(&reply);
	http_url_free(&url);
	return answered;
}

/* "host:port", "[::1]:443" or "host" taken apart. */
static void host_split(const char *host, char name[256], char port[8])
{
	const char *colon = strrchr(host, ':'), *bracket = strchr(host, ']');
	bool has_port = colon && (!bracket || colon > bracket);

	snprintf(port, 8, "%s", has_port ? colon + 1 : "443");
	snprintf(name, 256, "%.*s", (int)(has_port ? (size_t)(colon - host) : strlen(host)), host);
	if (name[0] == '[') {
		memmove(name, name + 1, strlen(name));
		name[strcspn(name, "]")] = '\0';
	}
}

/* Connecting a UDP socket sends nothing, but makes the kernel choose the source address. */
static bool source_towards(const struct addrinfo *there, char address[64])
{
	_cleanup_(closep) int fd = socket(there->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage own;
	socklen_t length = sizeof(own);

	return fd >= 0 && connect(fd, there->ai_addr, there->ai_addrlen) == 0 && getsockname(fd, (struct sockaddr *)&own, &length) == 0 &&
	       getnameinfo((struct sockaddr *)&own, length, address, 64, NULL, 0, NI_NUMERICHOST) == 0;
}

static bool ask_kernel(const struct endpoint *endpoint, char address[64], struct error *err)
{
	struct addrinfo wish = {.ai_socktype = SOCK_DGRAM}, *found = NULL;
	char name[256], port[8];
	bool done = false;
	int failed;

	host_split(endpoint->url.host, name, port);
	failed = getaddrinfo(name, port, &wish, &found);
	if (failed)
		return error_set(err, ERROR_TRANSIENT, "%s: %s", name, gai_strerror(failed));
	for (const struct addrinfo *there = found; there && !done; there = there->ai_next)
		done = source_towards(there, address);
	freeaddrinfo(found);
	return done || error_set(err, ERROR_INTERNAL, "this host has no address on the way to %s", name);
}

bool aws_own_address(struct aws *aws, const char *region, bool is_public, char address[64], struct error *err)
{
	struct endpoint endpoint;
	bool done;

	if (!endpoint_find(&aws->endpoints, SERVICE_ec2, region ? region : aws->region, &endpoint, err))
		return false;
	done = is_public && !endpoint.origin ? ask_outside(aws, address, err) : ask_kernel(&endpoint, address, err);
	endpoint_free(&endpoint);
	return done;
}
