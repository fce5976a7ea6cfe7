/* SPDX-License-Identifier: Apache-2.0
 *
 * An SSH connection to one machine, over libssh2 (only src/ssh knows it). Host keys are always verified: a key that is
 * not one of the expected ones ends the connection. One connection is used by one thread at a time. */
#ifndef BAKERY_SSH_H
#define BAKERY_SSH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bakery/clock.h"
#include "bakery/error.h"
#include "bakery/log.h"
#include "bakery/str.h"

struct ssh_target {
	const char *host; /* address or name */
	int port;	  /* 22 when 0 */
	const char *user;
	const char *private_key;      /* OpenSSH format, in memory; NULL: the agent ($SSH_AUTH_SOCK) */
	const char *const *host_keys; /* expected public key lines ("ssh-ed25519 AAAA..."), NULL-terminated; ... */
	const char *known_hosts;      /* ... or a known_hosts file; or ... */
	const char *const
		*host_key_fingerprints; /* ... "SHA256:..." of acceptable keys. One of the three is required. */
	int64_t connect_timeout_s;	/* of each attempt; 10 when 0 */
	int64_t silence_timeout_s; /* keep-alives are sent; the connection counts as dropped after this; 30 when 0, 4 at
				      least */
	/* A bastion: the machine is reached through a connection to it (direct-tcpip), and the host is a name or
	 * address as it sees it. Its stop and log are ours; one via another is not known. */
	const struct ssh_target *via;
	const struct stop *stop;
	struct log *log;
};

/* A private key file as ssh_target wants it; refuses, with what to do, one that libssh2 cannot use: a key with a
 * passphrase, an RSA key, a public key. Wipe *out. */
bool ssh_key_read(const char *path, struct str *out, struct error *err) must_check;

struct ssh;
/* One attempt. ERROR_TRANSIENT when the machine is not (yet) reachable or dropped the connection, ERROR_REFUSED when
 * the host key is wrong or the bastion does not forward, ERROR_DENIED when the login is refused. The target's texts
 * must outlive the connection. */
bool ssh_open(const struct ssh_target *target, struct ssh **out, struct error *err) must_check;
/* Attempts until it works or timeout_s is over; a refused login is tried again too for that long (the key is installed
 * late in the boot), a wrong host key is not, nor is a bastion that refuses us. The connection to the bastion serves
 * many attempts. */
bool ssh_open_within(const struct ssh_target *target, int64_t timeout_s, struct ssh **out,
		     struct error *err) must_check;
void ssh_close(struct ssh *ssh);
void ssh_closep(struct ssh **ssh);
bool ssh_reopen(struct ssh *ssh, int64_t timeout_s,
		struct error *err) must_check; /* a new connection to the same target */
const struct ssh_target *ssh_target_of(const struct ssh *ssh);
/* Another wish to stop, or NULL for none: so that what was begun can be ended after a stop. */
void ssh_set_stop(struct ssh *ssh, const struct stop *stop);

/* Receives what a command prints, as it comes. Returning false ends the command (err filled). */
typedef bool ssh_sink(void *cookie, bool is_stderr, const char *data, size_t length, struct error *err);

struct ssh_command {
	const char *command; /* for the login shell of the target */
	const char *input;   /* streamed to its stdin, then EOF; may be NULL */
	size_t input_length;
	/* When not NULL, stdin stays open after the input until the sink has set *finished; then `farewell` (may be
	 * NULL) and EOF follow. */
	const bool *finished;
	const char *farewell;
	ssh_sink *sink; /* may be NULL */
	void *cookie;
	int64_t timeout_s; /* 0: none */
};
/* *status: exit code, or 128 + signal. Fails with ERROR_TRANSIENT when the connection dropped: what the command did is
 * then unknown. */
bool ssh_run(struct ssh *ssh, const struct ssh_command *command, int *status, struct error *err) must_check;
/* For short ones: output collected (may be NULL); fails when the status is not 0, with the last line of stderr. */
bool ssh_must(struct ssh *ssh, const char *command, struct str *out, struct error *err) must_check;

/* Files, by SFTP with requests pipelined. The remote file is written beside its name and renamed over it. Fail with
 * ERROR_TRANSIENT when the connection dropped: the remote file is then as it was. */
bool ssh_upload(struct ssh *ssh, const char *local, const char *remote, mode_t mode, struct error *err) must_check;
bool ssh_upload_data(struct ssh *ssh, const void *data, size_t length, const char *remote, mode_t mode,
		     struct error *err) must_check;
/* Into a file that is open for writing; more than `most` bytes are an error, since the machine may never end. What of
 * it is there after a failure is for the caller to drop. ERROR_ABSENT: there is no such file. */
bool ssh_download_to(struct ssh *ssh, const char *remote, int fd, int64_t most, struct error *err) must_check;
/* The local file is replaced as a whole, or left as it is. */
bool ssh_download(struct ssh *ssh, const char *remote, const char *local, struct error *err) must_check;

#endif
