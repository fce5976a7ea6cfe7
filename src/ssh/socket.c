/* SPDX-License-Identifier: Apache-2.0
 *
 * Reaching the machine: a TCP connection that never blocks, over the addresses that a name has, given up at a deadline
 * or when a stop is asked for. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bakery/file.h"
#include "session.h"

static void set_options(int fd)
{
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
}

static int poll_ms(int64_t deadline_ms)
{
	int64_t left = deadline_ms - clock_mono_ms();
	return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static bool wait_connected(int fd, const struct stop *stop, int64_t deadline_ms, struct error *err)
{
	struct pollfd wait[2] = {{.fd = fd, .events = POLLOUT}, {.fd = stop ? stop->event_fd : -1, .events = POLLIN}};
	int failure = 0;
	socklen_t size = sizeof(failure);
	while (poll(wait, 2, poll_ms(deadline_ms)) <= 0) {
		if (clock_mono_ms() >= deadline_ms)
			return error_set(err, ERROR_TRANSIENT, "no answer");
	}
	if (stop_requested(stop))
		return error_set(err, ERROR_STOPPED, "interrupted");
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size);
	return failure ? error_set(err, ERROR_TRANSIENT, "%s", strerror(failure)) : true;
}

static bool connect_address(const struct ssh_target *target, const struct addrinfo *address, int64_t deadline_ms,
			    int *out, struct error *err)
{
	_cleanup_(closep) int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_errno(err, "socket");
	set_options(fd);
	if (connect(fd, address->ai_addr, address->ai_addrlen) && errno != EINPROGRESS)
		return error_set(err, ERROR_TRANSIENT, "%s", strerror(errno));
	if (!wait_connected(fd, target->stop, deadline_ms, err))
		return false;
	*out = fd;
	fd = -1;
	return true;
}

/* A name that does not resolve may do so in a moment: the record of a machine that is being made. */
static bool resolve(const struct ssh_target *target, struct addrinfo **out, struct error *err)
{
	char port[8];
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	snprintf(port, sizeof(port), "%hu", (unsigned short)(target->port ? target->port : 22));
	int failure = getaddrinfo(target->host, port, &hints, out);
	return failure ? error_set(err, ERROR_TRANSIENT, "%s: %s", target->host, gai_strerror(failure)) : true;
}

bool socket_connect(const struct ssh_target *target, int64_t deadline_ms, int *fd, struct error *err)
{
	struct addrinfo *addresses = NULL;
	bool connected = false;
	if (!resolve(target, &addresses, err))
		return false;
	for (const struct addrinfo *at = addresses; at && !connected; at = at->ai_next) {
		connected = connect_address(target, at, deadline_ms, fd, err);
		if (!connected && error_is(err, ERROR_STOPPED))
			break;
	}
	freeaddrinfo(addresses);
	return connected || error_context(err, "%s port %d", target->host, target->port ? target->port : 22);
}
