/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection inside a connection: a direct-tcpip channel of a bastion, looking like a socket to the session that runs
 * over it. A thread pumps between the two, since neither end may make the other wait: it never blocks on one of them,
 * and it ends when either does. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "session.h"

#define BUFFER_SIZE 65536
#define CLOSE_MS 500

struct buffer {
	char data[BUFFER_SIZE];
	size_t at, fill;
};

/* Whose packet went half: only the same call may go on then (libssh2 would take another's data for the rest). */
enum half_sent { HALF_NONE, HALF_WRITE, HALF_READ };

struct tunnel {
	struct ssh *gate;
	LIBSSH2_CHANNEL *channel;
	int fd; /* the pump's end */
	pthread_t thread;
	struct buffer up, down; /* to the channel, from it */
	enum half_sent half;
	atomic_bool lost_gate;
	bool gate_usable; /* after the end */
};

/* --- opening, in the caller's thread --- */

static bool open_refused(struct ssh *gate, const struct ssh_target *target, bool *gate_fine, struct error *err)
{
	char *text = NULL;
	int code = libssh2_session_last_error(gate->session, &text, NULL, 0);
	int port = target->port ? target->port : 22;
	if (code != LIBSSH2_ERROR_CHANNEL_FAILURE)
		return session_fail(gate, ERROR_TRANSIENT, err, "opening a channel");
	*gate_fine = true;
	if (text && strstr(text, "prohibited"))
		return error_set(err, ERROR_REFUSED,
				 "it does not forward to %s port %d; check AllowTcpForwarding, PermitOpen and "
				 "DisableForwarding in its sshd_config, and restrictions of the key there",
				 target->host, port);
	return error_set(err, ERROR_TRANSIENT, "%s port %d: %s", target->host, port,
			 text && *text ? text : "no connection");
}

static bool open_channel(struct ssh *gate, const struct ssh_target *target, int64_t deadline_ms, LIBSSH2_CHANNEL **out,
			 bool *gate_fine, struct error *err)
{
	session_begin(gate);
	while (!(*out = libssh2_channel_direct_tcpip_ex(gate->session, target->host, target->port ? target->port : 22,
							"127.0.0.1", 22))) {
		if (libssh2_session_last_errno(gate->session) != LIBSSH2_ERROR_EAGAIN)
			return open_refused(gate, target, gate_fine, err);
		if (!session_wait(gate, deadline_ms, err))
			return error_context(err, "%s", target->host);
	}
	return true;
}

/* --- pumping, in the tunnel's thread --- */

static bool half(struct tunnel *tunnel, ssize_t rc, enum half_sent whose)
{
	bool is = rc == LIBSSH2_ERROR_EAGAIN &&
		  libssh2_session_block_directions(tunnel->gate->session) & LIBSSH2_SESSION_BLOCK_OUTBOUND;
	tunnel->half = is ? whose : HALF_NONE;
	return is;
}

static bool is_trouble(ssize_t rc)
{
	return rc < 0 && rc != LIBSSH2_ERROR_EAGAIN;
}

/* Each step returns false when the tunnel is at its end, and sets *moved when something went on. */
static bool take_in(struct tunnel *tunnel, bool *moved)
{
	struct buffer *up = &tunnel->up;
	if (up->at < up->fill)
		return true;
	ssize_t got = recv(tunnel->fd, up->data, sizeof(up->data), MSG_DONTWAIT);
	if (got <= 0)
		return got < 0 && (errno == EAGAIN || errno == EINTR);
	up->at = 0;
	up->fill = (size_t)got;
	*moved = true;
	return true;
}

static bool send_up(struct tunnel *tunnel, bool *moved)
{
	struct buffer *up = &tunnel->up;
	if (up->at == up->fill || tunnel->half == HALF_READ)
		return true;
	ssize_t rc = libssh2_channel_write(tunnel->channel, up->data + up->at, up->fill - up->at);
	half(tunnel, rc, HALF_WRITE);
	if (is_trouble(rc)) {
		tunnel->lost_gate = rc != LIBSSH2_ERROR_CHANNEL_CLOSED && rc != LIBSSH2_ERROR_CHANNEL_EOF_SENT;
		return false;
	}
	if (rc > 0) {
		up->at += (size_t)rc;
		*moved = true;
	}
	return true;
}

static bool fetch_down(struct tunnel *tunnel, bool *moved)
{
	struct buffer *down = &tunnel->down;
	if (down->at < down->fill || tunnel->half == HALF_WRITE)
		return true;
	ssize_t rc = libssh2_channel_read(tunnel->channel, down->data, sizeof(down->data));
	half(tunnel, rc, HALF_READ);
	if (is_trouble(rc)) {
		tunnel->lost_gate = true;
		return false;
	}
	if (rc > 0) {
		down->at = 0;
		down->fill = (size_t)rc;
		*moved = true;
	}
	return rc > 0 || !libssh2_channel_eof(tunnel->channel);
}

static bool hand_out(struct tunnel *tunnel, bool *moved)
{
	struct buffer *down = &tunnel->down;
	if (down->at == down->fill)
		return true;
	ssize_t sent = send(tunnel->fd, down->data + down->at, down->fill - down->at, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent <= 0)
		return sent < 0 && (errno == EAGAIN || errno == EINTR);
	down->at += (size_t)sent;
	*moved = true;
	return true;
}

/* What would let something go on. While what came is not taken, more of it is not read, so that the window fills; what
 * is written needs the other side's window, which comes in by the same socket. */
static bool sleep_some(struct tunnel *tunnel)
{
	bool up = tunnel->up.at < tunnel->up.fill, down = tunnel->down.at < tunnel->down.fill;
	int64_t sleep_ms = session_tend(tunnel->gate);
	struct pollfd wait[2] = {
		{.fd = tunnel->gate->fd,
		 .events = tunnel->half	 ? POLLOUT
			   : !down || up ? POLLIN
					 : 0},
		{.fd = tunnel->fd, .events = (up ? 0 : POLLIN) | (down ? POLLOUT : 0)},
	};
	if (!sleep_ms) {
		tunnel->lost_gate = true;
		return false;
	}
	poll(wait, 2, (int)(sleep_ms < 60000 ? sleep_ms : 60000));
	if (!wait[0].events && wait[0].revents) {
		tunnel->lost_gate = true;
		return false;
	}
	return !(wait[1].revents & (POLLERR | POLLNVAL)) && (wait[1].revents & (POLLHUP | POLLIN)) != POLLHUP;
}

static bool pump_once(struct tunnel *tunnel)
{
	bool moved = false;
	if (!take_in(tunnel, &moved) || !send_up(tunnel, &moved) || !fetch_down(tunnel, &moved) ||
	    !hand_out(tunnel, &moved))
		return false;
	return moved || sleep_some(tunnel);
}

/* The bastion must agree that the channel is at its end, or the connection is not used again. */
static bool close_channel(struct tunnel *tunnel)
{
	int64_t end_ms = clock_mono_ms() + CLOSE_MS;
	int rc = LIBSSH2_ERROR_EAGAIN;
	while (!tunnel->lost_gate && tunnel->half == HALF_NONE && clock_mono_ms() < end_ms) {
		rc = libssh2_channel_free(tunnel->channel);
		if (rc != LIBSSH2_ERROR_EAGAIN)
			break;
		int directions = libssh2_session_block_directions(tunnel->gate->session);
		struct pollfd wait = {.fd = tunnel->gate->fd,
				      .events = directions & LIBSSH2_SESSION_BLOCK_OUTBOUND ? POLLOUT : POLLIN};
		poll(&wait, 1, CLOSE_MS / 10);
	}
	return rc == 0;
}

static void *pump(void *argument)
{
	struct tunnel *tunnel = argument;
	while (pump_once(tunnel))
		continue;
	shutdown(tunnel->fd, SHUT_RDWR); /* first the one who waits there hears of it */
	tunnel->gate_usable = close_channel(tunnel);
	return NULL;
}

/* --- for the session over it --- */

bool tunnel_open(struct ssh *gate, const struct ssh_target *target, int64_t deadline_ms, struct tunnel **out, int *fd,
		 bool *gate_fine, struct error *err)
{
	LIBSSH2_CHANNEL *channel = NULL;
	int ends[2];
	*gate_fine = false;
	if (!open_channel(gate, target, deadline_ms, &channel, gate_fine, err))
		return false;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
		return error_errno(err, "socketpair");
	struct tunnel *tunnel = mem_alloc(sizeof(*tunnel));
	tunnel->gate = gate;
	tunnel->channel = channel;
	tunnel->fd = ends[1];
	if (pthread_create(&tunnel->thread, NULL, pump, tunnel))
		abort();
	*fd = ends[0];
	*out = tunnel;
	*gate_fine = true;
	return true;
}

bool tunnel_close(struct tunnel *tunnel)
{
	pthread_join(tunnel->thread, NULL);
	bool usable = tunnel->gate_usable;
	close(tunnel->fd);
	free(tunnel);
	return usable;
}

bool tunnel_lost_gate(const struct tunnel *tunnel)
{
	return tunnel->lost_gate;
}
