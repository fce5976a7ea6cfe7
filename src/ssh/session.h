/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share: a connection whose socket never blocks, and the one place where it waits. */
#ifndef BAKERY_SSH_SESSION_H
#define BAKERY_SSH_SESSION_H

#include <libssh2.h>
#include <libssh2_sftp.h>

#include "bakery/ssh.h"

#define NO_DEADLINE INT64_MAX

struct ssh {
	struct ssh_target target;
	int fd;
	LIBSSH2_SESSION *session;
	LIBSSH2_SFTP *sftp;	     /* opened with the first transfer */
	int64_t heard_ms, pinged_ms; /* monotonic: last byte received, last keep-alive sent */
	struct ssh *gate;	     /* to target.via; NULL: not connected, or there is none */
	struct tunnel *tunnel;	     /* through the gate; the other end of fd */
	bool hopeless;		     /* another attempt would fail like the last */
};

/* Each exchange with the machine begins here: silence counts from now. */
void session_begin(struct ssh *ssh);
/* After LIBSSH2_ERROR_EAGAIN: sleeps until the socket is ready, sends keep-alives. Fails when a stop was asked for, the
 * machine has been silent for too long (both as ssh.h says) or the deadline (monotonic ms) is over (ERROR_TRANSIENT).
 */
bool session_wait(struct ssh *ssh, int64_t deadline_ms, struct error *err) must_check;
/* What silence asks for: sends a keep-alive when it is time. How long it may be slept now, in ms; 0: the machine has
 * been silent for too long. */
int64_t session_tend(struct ssh *ssh);
/* Fails with what libssh2 says; a dropped connection is ERROR_TRANSIENT, anything else `kind`. */
bool session_fail(struct ssh *ssh, enum error_kind kind, struct error *err, const char *doing);

/* A TCP connection within the deadline; ERROR_TRANSIENT when nothing answers there. */
bool socket_connect(const struct ssh_target *target, int64_t deadline_ms, int *fd, struct error *err) must_check;

/* A way through the connection `gate` to the target, as a socket that ssh->fd may be. A thread pumps; the gate is its
 * own until tunnel_close, for which our end must have been closed. Failing leaves the gate unusable unless it says that
 * only the target could not be reached (*gate_fine). */
struct tunnel;
bool tunnel_open(struct ssh *gate, const struct ssh_target *target, int64_t deadline_ms, struct tunnel **out, int *fd,
		 bool *gate_fine, struct error *err) must_check;
/* true: the gate may serve another one. */
bool tunnel_close(struct tunnel *tunnel);
bool tunnel_lost_gate(const struct tunnel *tunnel); /* it ended because the bastion went away */

/* The keys and fingerprints that the machine may show. */
struct host_keys {
	struct str *blobs; /* as on the wire */
	size_t blob_count;
	const char *const *fingerprints;
};
bool host_keys_load(const struct ssh_target *target, LIBSSH2_SESSION *session, struct host_keys *out,
		    struct error *err) must_check;
void host_keys_free(struct host_keys *keys);
/* Asks only for algorithms whose keys are expected: another key of the same machine could not be verified. */
bool host_keys_restrict(const struct host_keys *keys, LIBSSH2_SESSION *session, struct error *err) must_check;
bool host_keys_verify(const struct host_keys *keys, const struct ssh_target *target, LIBSSH2_SESSION *session,
		      struct error *err) must_check;

bool session_login(struct ssh *ssh, int64_t deadline_ms, struct error *err) must_check;

#endif
