/* SPDX-License-Identifier: Apache-2.0
 *
 * Proving who we are: with a private key that is only in memory, or through the agent. */
#include <stdio.h>
#include <string.h>

#include "session.h"

static bool refused(struct ssh *ssh, struct error *err)
{
	char user[80];
	snprintf(user, sizeof(user), "login as %s", ssh->target.user);
	return session_fail(ssh, ERROR_DENIED, err, user);
}

static bool login_with_key(struct ssh *ssh, int64_t deadline_ms, struct error *err)
{
	const char *user = ssh->target.user, *key = ssh->target.private_key;
	int rc;
	while ((rc = libssh2_userauth_publickey_frommemory(ssh->session, user, strlen(user), NULL, 0, key, strlen(key),
							   NULL)) == LIBSSH2_ERROR_EAGAIN) {
		if (!session_wait(ssh, deadline_ms, err))
			return false;
	}
	return rc == 0 || refused(ssh, err);
}

struct counts { /* of the agent's keys */
	int all, rsa;
};

static bool try_identity(struct ssh *ssh, LIBSSH2_AGENT *agent, struct libssh2_agent_publickey *identity,
			 int64_t deadline_ms, bool *accepted, struct error *err)
{
	int rc;
	while ((rc = libssh2_agent_userauth(agent, ssh->target.user, identity)) == LIBSSH2_ERROR_EAGAIN) {
		if (!session_wait(ssh, deadline_ms, err))
			return false;
	}
	*accepted = rc == 0;
	return true;
}

/* libssh2 1.10 signs with RSA keys by SHA-1, which servers refuse now: those come last, so that they do not use up the
 * attempts that a server grants (MaxAuthTries). */
static bool is_rsa(const struct libssh2_agent_publickey *identity)
{
	static const char name[] = "\0\0\0\7ssh-rsa";
	return identity->blob_len >= sizeof(name) - 1 && !memcmp(identity->blob, name, sizeof(name) - 1);
}

static bool try_kind(struct ssh *ssh, LIBSSH2_AGENT *agent, bool rsa, int64_t deadline_ms, struct counts *counts,
		     bool *accepted, struct error *err)
{
	struct libssh2_agent_publickey *identity = NULL;
	while (!*accepted && libssh2_agent_get_identity(agent, &identity, identity) == 0) {
		if (is_rsa(identity) != rsa)
			continue;
		counts->all++;
		counts->rsa += rsa;
		if (!try_identity(ssh, agent, identity, deadline_ms, accepted, err))
			return false;
	}
	return true;
}

static bool try_identities(struct ssh *ssh, LIBSSH2_AGENT *agent, int64_t deadline_ms, struct error *err)
{
	struct counts counts = {0};
	bool accepted = false;
	if (!try_kind(ssh, agent, false, deadline_ms, &counts, &accepted, err) ||
	    !try_kind(ssh, agent, true, deadline_ms, &counts, &accepted, err))
		return false;
	if (accepted)
		return true;
	if (!counts.all)
		return error_set(err, ERROR_DENIED, "login as %s: the ssh-agent holds no key; add one with ssh-add",
				 ssh->target.user);
	error_set(err, ERROR_DENIED, "login as %s: refused with every key of the agent (%d)", ssh->target.user,
		  counts.all);
	return counts.rsa ? error_hint(err, "RSA keys are of no use here, since libssh2 signs with SHA-1 only; add an "
					    "ed25519 or ECDSA key")
			  : false;
}

static bool login_with_agent(struct ssh *ssh, int64_t deadline_ms, struct error *err)
{
	LIBSSH2_AGENT *agent = libssh2_agent_init(ssh->session);
	bool done;
	if (!agent)
		return error_set(err, ERROR_INTERNAL, "libssh2 has no agent support");
	if (libssh2_agent_connect(agent) || libssh2_agent_list_identities(agent))
		done = error_set(err, ERROR_DENIED,
				 "login as %s: no key was given and there is no ssh-agent (SSH_AUTH_SOCK)",
				 ssh->target.user);
	else
		done = try_identities(ssh, agent, deadline_ms, err);
	libssh2_agent_disconnect(agent);
	libssh2_agent_free(agent);
	return done;
}

bool session_login(struct ssh *ssh, int64_t deadline_ms, struct error *err)
{
	return ssh->target.private_key ? login_with_key(ssh, deadline_ms, err)
				       : login_with_agent(ssh, deadline_ms, err);
}
