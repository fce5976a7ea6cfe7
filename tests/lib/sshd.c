/* SPDX-License-Identifier: Apache-2.0
 *
 * A real sshd for tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bakery/clock.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "sshd.h"

#define PROGRAM "/usr/sbin/sshd"
#define READY_MS 10000

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int free_port(void)
{
	struct sockaddr_in address = loopback(0);
	socklen_t size = sizeof(address);
	_cleanup_(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_return_code(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_return_code(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin_port);
}

static bool answers(int port)
{
	struct sockaddr_in address = loopback(port);
	_cleanup_(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static void put(const struct test_sshd *sshd, const char *name, const char *text)
{
	struct error err;
	_cleanup_(freep) char *path = path_join(sshd->folder, name);
	if (!file_replace(path, text, strlen(text), 0600, &err))
		fail_msg("%s", err.text);
}

static void add_also(struct str *config, const struct test_sshd *sshd, const char *also)
{
	for (const char *found; (found = strstr(also, "FOLDER")); also = found + strlen("FOLDER")) {
		str_add_n(config, also, (size_t)(found - also));
		str_add(config, sshd->folder);
	}
	str_add(config, also);
}

static void write_files(const struct test_sshd *sshd, const char *also)
{
	_cleanup_(str_free) struct str config = STR_INIT;
	add_also(&config, sshd, also);
	str_addf(&config, "Port %d\nListenAddress 127.0.0.1\nHostKey %s/host_key\n", sshd->port, sshd->folder);
	str_addf(&config, "AuthorizedKeysFile %s/authorized_keys\nPidFile none\nStrictModes no\n", sshd->folder);
	str_add(&config,
		"UsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nMaxStartups 100\nMaxSessions 100\n");
	str_add(&config, "LogLevel ERROR\nPrintMotd no\n");
	if (!strstr(also, "Subsystem"))
		str_add(&config, "Subsystem sftp internal-sftp\n");
	str_addf(&config, "SetEnv HOME=%s\n", sshd->folder); /* this host's own start-up files stay out of it */
	put(sshd, "sshd_config", config.data);
	put(sshd, "host_key", sshd->host_key.private_key);
	put(sshd, "authorized_keys", sshd->user_key.public_key);
}

void test_sshd_wait_listening(const struct test_sshd *sshd)
{
	int64_t end_ms = clock_mono_ms() + READY_MS;
	while (!answers(sshd->port)) {
		if (clock_mono_ms() > end_ms || waitpid(sshd->pid, NULL, WNOHANG))
			fail_msg("sshd did not start on port %d", sshd->port);
		stop_sleep_ms(NULL, 5);
	}
}

void test_sshd_listen_again(struct test_sshd *sshd)
{
	_cleanup_(freep) char *config = path_join(sshd->folder, "sshd_config");
	_cleanup_(freep) char *log = path_join(sshd->folder, "sshd.log");
	sshd->pid = fork();
	if (sshd->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(PROGRAM, PROGRAM, "-D", "-f", config, "-E", log, NULL);
		_exit(127);
	}
	test_sshd_wait_listening(sshd);
}

bool test_sshd_start(struct test_sshd *sshd)
{
	return test_sshd_start_with(sshd, "", NULL);
}

bool test_sshd_start_with(struct test_sshd *sshd, const char *also, void (*prepare)(const struct test_sshd *sshd))
{
	struct error err;
	*sshd = (struct test_sshd){.folder = "/tmp/bakery-sshd-XXXXXX"};
	if (access(PROGRAM, X_OK))
		return false;
	if (geteuid() == 0)
		mkdir("/run/sshd", 0755); /* sshd insists on it; normally made at boot */
	assert_non_null(mkdtemp(sshd->folder));
	sshd->user = mem_strdup(getpwuid(geteuid())->pw_name);
	sshd->port = free_port();
	if (!ssh_key_pair_make(SSH_KEY_ED25519, "test host", &sshd->host_key, &err) ||
	    !ssh_key_pair_make(SSH_KEY_ED25519, "test user", &sshd->user_key, &err))
		fail_msg("%s", err.text);
	sshd->expected[0] = sshd->host_key.public_key;
	write_files(sshd, also);
	if (prepare)
		prepare(sshd);
	test_sshd_listen_again(sshd);
	return true;
}

static bool is_sshd(pid_t pid)
{
	char path[64], name[16] = "";
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	FILE *file = fopen(path, "re");
	bool is = file && fgets(name, sizeof(name), file) && str_starts(name, "sshd");
	if (file)
		fclose(file);
	return is;
}

/* Only sshd's own processes: what they started for the user must survive. */
static void kill_children(pid_t parent)
{
	char path[64];
	int child;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	FILE *file = fopen(path, "re");
	while (file && fscanf(file, "%d", &child) == 1) {
		if (is_sshd(child)) {
			kill_children(child);
			kill(child, SIGKILL);
		}
	}
	if (file)
		fclose(file);
}

void test_sshd_kill_sessions(const struct test_sshd *sshd)
{
	kill_children(sshd->pid);
}

void test_sshd_kill_listener(struct test_sshd *sshd)
{
	if (sshd->pid <= 0)
		return;
	kill(sshd->pid, SIGKILL);
	waitpid(sshd->pid, NULL, 0);
	sshd->pid = 0;
}

void test_sshd_stop(struct test_sshd *sshd)
{
	struct error err;
	if (!sshd->user)
		return;
	test_sshd_kill_sessions(sshd);
	test_sshd_kill_listener(sshd);
	if (!file_remove_tree(sshd->folder, &err))
		print_error("%s\n", err.text);
	ssh_key_pair_free(&sshd->host_key);
	ssh_key_pair_free(&sshd->user_key);
	freep(&sshd->user);
}

struct ssh_target test_sshd_target(const struct test_sshd *sshd)
{
	return (struct ssh_target){.host = "127.0.0.1",
				   .port = sshd->port,
				   .user = sshd->user,
				   .private_key = sshd->user_key.private_key,
				   .host_keys = sshd->expected};
}
