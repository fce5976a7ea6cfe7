/* SPDX-License-Identifier: Apache-2.0
 *
 * The address this host is seen from, for a security group that admits nobody else. Behind NAT only somebody outside
 * knows it: AWS answers the question at checkip.amazonaws.com. Where the endpoint was overridden, instances are on the
 * near side of any NAT, and this host's own address on the way there is the one. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "aws_private.h"
#include "bakery/file.h"
#include "bakery/mem.h"

#define CHECKIP "https://checkip.amazonaws.com/"

static bool is_address(const char *text)
{
	struct in6_addr scratch;
	return inet_pton(AF_INET, text, &scratch) == 1 || inet_pton(AF_INET6, text, &scratch) == 1;
}

/* AWS's own service says where a request came from. */
static bool ask_checkip(struct aws *aws, char address[64], struct error *err)
{
	_cleanup_(http_url_free) struct http_url url = {0};
	_cleanup_(http_reply_free) struct http_reply reply = {.body = STR_INIT};
	if (!http_url_parse(CHECKIP, &url, err))
		return false;
	struct sigv4_header host = {"Host", url.host};
	struct http_request request = {.method = "GET", .url = &url, .headers = &host, .header_count = 1};
	aws->requests_sent++;
	enum http_outcome outcome = http_send(aws->http, &request, aws->stop, &reply, err);
	if (outcome != HTTP_ANSWERED)
		return error_context(err, CHECKIP);
	str_trim_right(&reply.body);
	if (reply.status != 200 || reply.body.len >= 64 || !is_address(reply.body.data))
		return error_set(err, ERROR_TRANSIENT, CHECKIP ": answered with status %ld and no address",
				 reply.status);
	memcpy(address, reply.body.data, reply.body.len + 1);
	return true;
}

static void free_addresses(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

/* Connecting a datagram socket sends nothing, but lets the kernel choose the way out. */
static bool address_towards(const struct http_url *url, char address[64], struct error *err)
{
	_cleanup_(free_addresses) struct addrinfo *found = NULL;
	struct addrinfo wanted = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
	struct sockaddr_storage own;
	socklen_t length = sizeof own;
	char port[16];
	snprintf(port, sizeof port, "%d", url->port);
	int failed = getaddrinfo(url->name, port, &wanted, &found);
	if (failed)
		return error_set(err, ERROR_DENIED, "%s: %s", url->name, gai_strerror(failed));
	_cleanup_(closep) int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &length) != 0)
		return error_errno(err, "no way to %s", url->name);
	failed = getnameinfo((struct sockaddr *)&own, length, address, 64, NULL, 0, NI_NUMERICHOST);
	if (failed)
		return error_set(err, ERROR_INTERNAL, "%s", gai_strerror(failed));
	address[strcspn(address, "%")] = '\0'; /* an IPv6 address may name its interface */
	return true;
}

bool aws_own_address(struct aws *aws, const char *region, bool is_public, char address[64], struct error *err)
{
	_cleanup_(endpoint_free) struct endpoint endpoint = {0};
	const char *where = region ? region : aws->region;
	if (!where)
		return error_set(err, ERROR_INVALID, "this host's address: no region is set");
	bool good = endpoint_find(&aws->endpoints, SERVICE_ec2, where, &endpoint, err) &&
		    (is_public && !endpoint.origin ? ask_checkip(aws, address, err)
						   : address_towards(&endpoint.url, address, err));
	return good || error_context(err, "the address this host is seen from");
}
