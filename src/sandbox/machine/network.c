/* SPDX-License-Identifier: Apache-2.0
 *
 * slirp4netns: started for one boot of a machine, told over its control socket to forward SSH. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/tree.h"
#include "network.h"
#include "network_link.h"
#include "spawn.h"

enum {
	READY_WITHIN_MS = 10000,
	ANSWER_WITHIN_S = 5,
	STOP_WITHIN_MS = 2000,
	MOST_RESOLV_CONF = 65536,
	MOST_SERVERS = 3
};

/* slirp4netns' fixed plan of 10.0.2.0/24 */
#define GUEST_ADDRESS "10.0.2.100"
#define GUEST_NAME_SERVER "10.0.2.3"

static bool start_slirp(struct network *network, const int fds[2], int folder, int output, pid_t machine,
			struct error *err)
{
	char ready[16], leave[16], pid[16];
	const char *const argv[] = {"slirp4netns",
				    "--configure",
				    "--mtu=65520",
				    "--disable-host-loopback",
				    "--enable-sandbox",
				    "--enable-seccomp",
				    "--api-socket",
				    "slirp.sock",
				    "--ready-fd",
				    ready,
				    "--exit-fd",
				    leave,
				    pid,
				    "tap0",
				    NULL};
	const struct spawn spawn = {
		.argv = argv, .folder = folder, .output = output, .errors = output, .keep = fds, .keep_count = 2};

	snprintf(ready, sizeof(ready), "%d", fds[0]);
	snprintf(leave, sizeof(leave), "%d", fds[1]);
	snprintf(pid, sizeof(pid), "%d", (int)machine);
	unlinkat(folder, "slirp.sock", 0);
	return spawn_start(&spawn, &network->pid, err);
}

static bool await_ready(int ready, struct error *err)
{
	struct pollfd fd = {.fd = ready, .events = POLLIN};
	char answer;

	if (poll(&fd, 1, READY_WITHIN_MS) <= 0)
		return error_set(err, ERROR_INTERNAL, "slirp4netns was not ready within %d s", READY_WITHIN_MS / 1000);
	if (read(ready, &answer, 1) != 1)
		return error_set(err, ERROR_INTERNAL, "slirp4netns could not configure the network");
	return true;
}

static bool start_and_wait(struct network *network, int folder, int output, pid_t machine, struct error *err)
{
	_cleanup_(closep) int ready = -1;
	int ready_ends[2], exit_ends[2];
	bool started;

	if (pipe2(ready_ends, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	ready = ready_ends[0];
	if (pipe2(exit_ends, O_CLOEXEC) < 0) {
		close(ready_ends[1]);
		return error_errno(err, "cannot make a pipe");
	}
	network->exit_fd = exit_ends[1];
	started = start_slirp(network, (int[2]){ready_ends[1], exit_ends[0]}, folder, output, machine, err);
	close(ready_ends[1]);
	close(exit_ends[0]);
	return started && await_ready(ready, err);
}

/* The socket's path may be longer than a socket address holds, its way over the folder's descriptor is not. */
static bool connect_control(int folder, int *control, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = ANSWER_WITHIN_S};

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/slirp.sock", folder);
	*control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*control < 0 || setsockopt(*control, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(*control, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_errno(err, "cannot talk to slirp4netns");
	return true;
}

static bool ask(int control, const char *question, struct tree **answer, struct error *err)
{
	char text[4096];
	ssize_t got;

	if (send(control, question, strlen(question), MSG_NOSIGNAL) < 0)
		return error_errno(err, "cannot talk to slirp4netns");
	got = recv(control, text, sizeof(text), 0);
	if (got <= 0)
		return error_set(err, ERROR_INTERNAL, "slirp4netns did not answer");
	*answer = tree_from_json(text, (size_t)got, err);
	return *answer != NULL;
}

static bool forward_ssh(int folder, const char *address, struct error *err)
{
	_cleanup_(closep) int control = -1;
	_cleanup_(tree_freep) struct tree *answer = NULL;
	_cleanup_(freep) char *question = mem_printf("{\"execute\":\"add_hostfwd\",\"arguments\":{\"proto\":\"tcp\","
						     "\"host_addr\":\"%s\",\"host_port\":22,"
						     "\"guest_addr\":\"" GUEST_ADDRESS "\",\"guest_port\":22}}",
						     address);

	if (!connect_control(folder, &control, err) || !ask(control, question, &answer, err))
		return false;
	if (tree_get(answer, "return"))
		return true;
	return error_set(err, ERROR_CONFLICT, "cannot listen on %s:22 (%s)", address,
			 tree_text_or(answer, "error.desc", "slirp4netns refuses"));
}

static bool lead_ssh(int folder, pid_t machine, const char *address, struct error *err)
{
	return network_link_is_address(address) ? network_link_start(machine, address, err)
						: forward_ssh(folder, address, err);
}

bool network_start(struct network *network, int folder, int output, pid_t machine, const char *address,
		   struct error *err)
{
	*network = (struct network){.exit_fd = -1};
	if (start_and_wait(network, folder, output, machine, err) && lead_ssh(folder, machine, address, err))
		return true;
	network_stop(network);
	return error_context(err, "network");
}

void network_stop(struct network *network)
{
	closep(&network->exit_fd);
	if (network->pid > 0)
		spawn_reap(network->pid, STOP_WITHIN_MS);
	*network = (struct network){.exit_fd = -1};
}

static bool reachable_from_machine(const char *server)
{
	struct in_addr address;

	return inet_pton(AF_INET, server, &address) == 1 && (ntohl(address.s_addr) >> 24) != 127 && address.s_addr != 0;
}

void network_resolv_conf(struct str *out)
{
	_cleanup_(str_free) struct str host = STR_INIT;
	struct error ignored = {};
	char *state = NULL;
	int servers = 0;

	/* A host without one has no names for its machines either, which then show what that is like. */
	if (!file_read("/etc/resolv.conf", MOST_RESOLV_CONF, &host, &ignored))
		str_clear(&host);
	for (char *line = strtok_r(host.data, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
		char server[64];
		if (sscanf(line, "nameserver %63s", server) == 1) {
			if (servers < MOST_SERVERS && reachable_from_machine(server) && ++servers)
				str_addf(out, "nameserver %s\n", server);
		} else if (str_starts(line, "search ") || str_starts(line, "options ")) {
			str_addf(out, "%s\n", line);
		}
	}
	if (!servers)
		str_add(out, "nameserver " GUEST_NAME_SERVER "\n");
}

bool network_address_free(const char *address)
{
	_cleanup_(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in wanted = {.sin_family = AF_INET, .sin_port = htons(22)};
	int on = 1;

	return fd >= 0 && inet_pton(AF_INET, address, &wanted.sin_addr) == 1 &&
	       setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	       bind(fd, (struct sockaddr *)&wanted, sizeof(wanted)) == 0 && listen(fd, 1) == 0;
}
