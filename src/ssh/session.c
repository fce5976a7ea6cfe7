/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections: opening them within a time, waiting on them without ever hanging, closing them. Whatever waits here also
 * waits for the wish to stop, and a machine that falls silent counts as gone. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bakery/mem.h"
#include "session.h"

#define FIRST_PAUSE_MS 100
#define LONGEST_PAUSE_MS 1000
/* While a machine boots its packets are dropped, and the kernel's own retries come after 1, 3, 7 s: short attempts
 * notice it sooner. */
#define EAGER_CONNECT_MS 1000
#define EAGER_FOR_MS 30000
#define PATIENT_CONNECT_MS 3500
#define LEAST_SILENCE_S 4
/* A bastion tries to connect by its kernel's rhythm, after 1, 3 and 7 s. */
#define THROUGH_MS 8000

static void start_library(void)
{
	libssh2_init(0);
}

static void start_library_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, start_library);
}

static int64_t or_default(int64_t value, int64_t otherwise)
{
	return value ? value : otherwise;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static LIBSSH2_RECV_FUNC(receive)
{
	struct ssh *ssh = *abstract;
	ssize_t got = recv(socket, buffer, length, flags);
	if (got > 0)
		ssh->heard_ms = clock_mono_ms();
	return got < 0 ? -errno : got;
}

void session_begin(struct ssh *ssh)
{
	ssh->heard_ms = ssh->pinged_ms = clock_mono_ms();
}

/* libssh2 sends one every 2 s at most, so silence is judged over 4 s at least. Not while libssh2 still has half a
 * packet to send: it would take this one for its rest. */
static void keep_alive(struct ssh *ssh, int64_t silence_ms)
{
	int64_t now = clock_mono_ms();
	int64_t last = most(ssh->heard_ms, ssh->pinged_ms);
	bool sending = libssh2_session_block_directions(ssh->session) & LIBSSH2_SESSION_BLOCK_OUTBOUND;
	int next_s;
	if (sending || now - last < silence_ms / 3 || !libssh2_userauth_authenticated(ssh->session))
		return;
	ssh->pinged_ms = now;
	libssh2_keepalive_config(ssh->session, 1, 1);
	libssh2_keepalive_send(ssh->session, &next_s); /* a failure shows in the next read */
}

static short wanted_events(const struct ssh *ssh)
{
	int directions = libssh2_session_block_directions(ssh->session);
	short events = directions & LIBSSH2_SESSION_BLOCK_OUTBOUND ? POLLOUT : 0;
	return directions & LIBSSH2_SESSION_BLOCK_INBOUND || !events ? events | POLLIN : events;
}

static int64_t silence_limit_ms(const struct ssh *ssh)
{
	return most(or_default(ssh->target.silence_timeout_s, 30), LEAST_SILENCE_S) * 1000;
}

int64_t session_tend(struct ssh *ssh)
{
	int64_t silence_ms = silence_limit_ms(ssh), left_ms = ssh->heard_ms + silence_ms - clock_mono_ms();

	if (left_ms <= 0)
		return 0;
	keep_alive(ssh, silence_ms);
	return least(left_ms, silence_ms / 3 + 1);
}

bool session_wait(struct ssh *ssh, int64_t deadline_ms, struct error *err)
{
	const struct stop *stop = ssh->target.stop;
	struct pollfd wait[2] = {{.fd = ssh->fd, .events = wanted_events(ssh)},
				 {.fd = stop ? stop->event_fd : -1, .events = POLLIN}};
	for (;;) {
		int64_t now = clock_mono_ms();
		if (stop_requested(stop))
			return error_set(err, ERROR_STOPPED, "interrupted");
		if (now >= deadline_ms)
			return error_set(err, ERROR_TRANSIENT, "no answer in time");
		int64_t sleep_ms = session_tend(ssh);
		if (!sleep_ms)
			return error_set(err, ERROR_TRANSIENT, "nothing heard for %llds",
					 (long long)(silence_limit_ms(ssh) / 1000));
		if (poll(wait, 2, (int)least(least(sleep_ms, deadline_ms - now), 60000)) > 0 && wait[0].revents)
			return true;
	}
}

static bool is_drop(int code)
{
	static const int drops[] = {LIBSSH2_ERROR_SOCKET_DISCONNECT, LIBSSH2_ERROR_SOCKET_RECV,
				    LIBSSH2_ERROR_SOCKET_SEND,	     LIBSSH2_ERROR_SOCKET_TIMEOUT,
				    LIBSSH2_ERROR_TIMEOUT,	     LIBSSH2_ERROR_BANNER_RECV,
				    LIBSSH2_ERROR_BANNER_SEND,	     LIBSSH2_ERROR_BAD_SOCKET};
	for (size_t i = 0; i < ARRAY_SIZE(drops); i++) {
		if (code == drops[i])
			return true;
	}
	return false;
}

bool session_fail(struct ssh *ssh, enum error_kind kind, struct error *err, const char *doing)
{
	char *text = NULL;
	int code = libssh2_session_last_error(ssh->session, &text, NULL, 0);
	if (is_drop(code) && ssh->tunnel && tunnel_lost_gate(ssh->tunnel))
		return error_set(err, ERROR_TRANSIENT, "%s: the connection to the bastion %s was dropped", doing,
				 ssh->target.via->host);
	if (is_drop(code))
		return error_set(err, ERROR_TRANSIENT, "%s: the connection was dropped (%s)", doing, text);
	return error_set(err, kind, "%s: %s", doing, text && *text ? text : "refused");
}

/* A machine under way may accept and hang up, or send half a banner: before the login everything but a wrong key is
 * "not yet". */
static bool handshake(struct ssh *ssh, int64_t deadline_ms, struct error *err)
{
	_cleanup_(host_keys_free) struct host_keys keys = {0};
	int rc;
	if (!host_keys_load(&ssh->target, ssh->session, &keys, err) || !host_keys_restrict(&keys, ssh->session, err))
		return false;
	while ((rc = libssh2_session_handshake(ssh->session, ssh->fd)) == LIBSSH2_ERROR_EAGAIN) {
		if (!session_wait(ssh, deadline_ms, err))
			return error_context(err, "%s: handshake", ssh->target.host);
	}
	if (rc == LIBSSH2_ERROR_KEX_FAILURE || rc == LIBSSH2_ERROR_METHOD_NONE)
		return session_fail(ssh, ERROR_REFUSED, err,
				    "no common algorithms, or no host key of the expected kind");
	if (rc)
		return session_fail(ssh, ERROR_TRANSIENT, err, "handshake");
	return host_keys_verify(&keys, &ssh->target, ssh->session, err);
}

static bool start_session(struct ssh *ssh, struct error *err)
{
	ssh->session = libssh2_session_init_ex(NULL, NULL, NULL, ssh);
	if (!ssh->session)
		return error_set(err, ERROR_INTERNAL, "libssh2 could not start a session");
	libssh2_session_set_blocking(ssh->session, 0);
	libssh2_session_callback_set(ssh->session, LIBSSH2_CALLBACK_RECV, (void *)receive);
	return true;
}

static bool attempt(struct ssh *ssh, int64_t connect_ms, struct error *err);

static struct ssh *make(const struct ssh_target *target)
{
	struct ssh *ssh = mem_alloc(sizeof(*ssh));
	start_library_once();
	ssh->target = *target;
	ssh->fd = -1;
	return ssh;
}

/* What the bastion refuses it will refuse again; only its being away may pass. */
static bool gate_open(struct ssh *ssh, struct error *err)
{
	const struct stop *stop = ssh->target.stop;
	if (ssh->gate) {
		ssh->gate->target.stop = stop;
		return true;
	}
	_cleanup_(ssh_closep) struct ssh *gate = make(ssh->target.via);
	gate->target.stop = stop;
	gate->target.log = ssh->target.log;
	if (!attempt(gate, INT32_MAX, err)) {
		ssh->hopeless = !error_is(err, ERROR_TRANSIENT);
		return error_context(err, "bastion %s", ssh->target.via->host);
	}
	ssh->gate = take(&gate);
	return true;
}

static bool reach_through(struct ssh *ssh, struct error *err)
{
	bool gate_fine = true;
	if (!gate_open(ssh, err))
		return false;
	if (tunnel_open(ssh->gate, &ssh->target, clock_mono_ms() + THROUGH_MS, &ssh->tunnel, &ssh->fd, &gate_fine, err))
		return true;
	ssh->hopeless = error_is(err, ERROR_REFUSED);
	if (!gate_fine)
		ssh_closep(&ssh->gate);
	return error_context(err, "through the bastion %s", ssh->target.via->host);
}

static bool attempt(struct ssh *ssh, int64_t connect_ms, struct error *err)
{
	int64_t limit_ms = or_default(ssh->target.connect_timeout_s, 10) * 1000;
	int64_t start_ms = clock_mono_ms();
	ssh->hopeless = false;
	if (ssh->target.via && !reach_through(ssh, err))
		return false;
	if (!ssh->target.via && !socket_connect(&ssh->target, start_ms + least(limit_ms, connect_ms), &ssh->fd, err))
		return false;
	int64_t deadline_ms = (ssh->target.via ? clock_mono_ms() : start_ms) + limit_ms;
	session_begin(ssh);
	return start_session(ssh, err) && handshake(ssh, deadline_ms, err) && session_login(ssh, deadline_ms, err);
}

/* libssh2 wants to say goodbye on the wire; with the socket shut it cannot block on that, and frees. */
static void disconnect(struct ssh *ssh)
{
	if (ssh->session) {
		libssh2_session_disconnect(ssh->session, "done");
		shutdown(ssh->fd, SHUT_RDWR);
		for (int i = 0; i < 100 && libssh2_session_free(ssh->session) == LIBSSH2_ERROR_EAGAIN; i++)
			continue;
	}
	if (ssh->fd >= 0)
		close(ssh->fd);
	ssh->session = NULL;
	ssh->sftp = NULL;
	ssh->fd = -1;
	if (ssh->tunnel && !tunnel_close(ssh->tunnel))
		ssh_closep(&ssh->gate);
	ssh->tunnel = NULL;
}

/* Refused logins are tried again as well: the key is installed late in the boot, and nobody may log in before that. */
static bool worth_another(const struct error *err)
{
	return error_is(err, ERROR_TRANSIENT) || error_is(err, ERROR_DENIED);
}

static bool attempts(struct ssh *ssh, int64_t timeout_s, struct error *err)
{
	int64_t start_ms = clock_mono_ms(), end_ms = start_ms + timeout_s * 1000, pause_ms = FIRST_PAUSE_MS;
	for (;;) {
		int64_t elapsed_ms = clock_mono_ms() - start_ms;
		int64_t connect_ms = elapsed_ms < EAGER_FOR_MS ? EAGER_CONNECT_MS : PATIENT_CONNECT_MS;
		if (attempt(ssh, connect_ms, err))
			return true;
		disconnect(ssh);
		log_trace(ssh->target.log, "ssh: %s", err->text);
		if (ssh->hopeless || !worth_another(err))
			return false;
		if (clock_mono_ms() + pause_ms > end_ms)
			return error_context(err, "not reachable by ssh within %llds", (long long)timeout_s);
		if (!stop_sleep_ms(ssh->target.stop, pause_ms))
			return error_set(err, ERROR_STOPPED, "interrupted");
		pause_ms = least(pause_ms + pause_ms / 4, LONGEST_PAUSE_MS);
	}
}

bool ssh_open(const struct ssh_target *target, struct ssh **out, struct error *err)
{
	_cleanup_(ssh_closep) struct ssh *ssh = make(target);
	if (!attempt(ssh, INT32_MAX, err))
		return false;
	*out = take(&ssh);
	return true;
}

bool ssh_open_within(const struct ssh_target *target, int64_t timeout_s, struct ssh **out, struct error *err)
{
	_cleanup_(ssh_closep) struct ssh *ssh = make(target);
	if (!attempts(ssh, timeout_s, err))
		return false;
	*out = take(&ssh);
	return true;
}

bool ssh_reopen(struct ssh *ssh, int64_t timeout_s, struct error *err)
{
	disconnect(ssh);
	return attempts(ssh, timeout_s, err);
}

void ssh_close(struct ssh *ssh)
{
	if (!ssh)
		return;
	disconnect(ssh);
	ssh_close(ssh->gate);
	free(ssh);
}

void ssh_closep(struct ssh **ssh)
{
	ssh_close(*ssh);
	*ssh = NULL;
}

void ssh_set_stop(struct ssh *ssh, const struct stop *stop)
{
	ssh->target.stop = stop;
}

const struct ssh_target *ssh_target_of(const struct ssh *ssh)
{
	return &ssh->target;
}
