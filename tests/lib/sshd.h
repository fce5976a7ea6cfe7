/* SPDX-License-Identifier: Apache-2.0
 *
 * The machine's own sshd on a free loopback port, with its own keys and a temporary folder, for one test program. It
 * answers when test_sshd_start returns, and is gone with everything it started after test_sshd_stop. */
#ifndef BAKERY_TEST_SSHD_H
#define BAKERY_TEST_SSHD_H

#include <stdbool.h>
#include <sys/types.h>

#include "bakery/crypto.h"
#include "bakery/ssh.h"

struct test_sshd {
	char folder[40]; /* temporary; tests may use it too */
	int port;
	pid_t pid; /* of the listener; 0: not running */
	char *user;
	struct ssh_key_pair host_key, user_key;
	const char *expected[2]; /* for ssh_target.host_keys */
};

/* False when this host has no sshd: the test is then skipped. Anything else that is wrong fails the test. */
bool test_sshd_start(struct test_sshd *sshd);
/* also: more of its configuration (sshd takes what comes first); FOLDER stands for the sshd's. prepare (may be NULL)
 * is called when the folder is there and nothing runs yet. */
bool test_sshd_start_with(struct test_sshd *sshd, const char *also, void (*prepare)(const struct test_sshd *sshd));
void test_sshd_stop(struct test_sshd *sshd);

struct ssh_target test_sshd_target(const struct test_sshd *sshd);
void test_sshd_kill_sessions(const struct test_sshd *sshd); /* SIGKILL to those that serve connections */
void test_sshd_kill_listener(struct test_sshd *sshd);
void test_sshd_listen_again(struct test_sshd *sshd); /* on the same port */
void test_sshd_wait_listening(const struct test_sshd *sshd);

#endif
