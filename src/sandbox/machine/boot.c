/* SPDX-License-Identifier: Apache-2.0
 *
 * Booting: bubblewrap makes the namespaces and mounts and waits in them; when the network is up, init enters. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/tree.h"
#include "boot.h"
#include "cloud_init.h"
#include "enter.h"
#include "inside.h"
#include "spawn.h"

enum { END_WITHIN_MS = 5000, MOST_LOG = 1 << 20 };

enum { INFO, BOOT_ID, INIT, SETTINGS, OPTIONS, FD_COUNT };

struct starter {
	int folder, log;
	int fds[FD_COUNT];    /* of bubblewrap */
	int ready, ready_end; /* ends of a pipe: ours, the machine's */
};

static void starter_close(struct starter *starter)
{
	for (int i = 0; i < FD_COUNT; i++)
		closep(&starter->fds[i]);
	closep(&starter->ready);
	closep(&starter->ready_end);
	closep(&starter->log);
}

static bool file_in_memory(const char *text, size_t length, int *fd, struct error *err)
{
	*fd = memfd_create("machine", MFD_CLOEXEC);
	if (*fd < 0 || write(*fd, text, length) != (ssize_t)length || lseek(*fd, 0, SEEK_SET) < 0)
		return error_errno(err, "cannot make a file in memory");
	return true;
}

static bool prepare_files(struct starter *starter, const struct machine_spec *spec, struct error *err)
{
	_cleanup_(str_wipe_free) struct str settings = STR_INIT;
	_cleanup_(str_free) struct str name_servers = STR_INIT;
	char uuid[37], boot_id[sizeof(uuid) + 1];

	crypto_random_uuid(uuid);
	snprintf(boot_id, sizeof(boot_id), "%s\n", uuid);
	network_resolv_conf(&name_servers);
	str_trim_right(&name_servers);
	cloud_init_settings(spec, name_servers.data, &settings);
	return file_in_memory(boot_id, strlen(boot_id), &starter->fds[BOOT_ID], err) &&
	       file_in_memory(inside_init, strlen(inside_init), &starter->fds[INIT], err) &&
	       file_in_memory(settings.data, settings.len, &starter->fds[SETTINGS], err);
}

static bool prepare(struct starter *starter, const struct machine_spec *spec, struct error *err)
{
	int ready[2];

	starter->log = openat(starter->folder, "boot.log",
			      O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (starter->log < 0)
		return error_errno(err, "cannot write boot.log");
	/* No pipe: were its reader killed, writing to it would end bubblewrap before it lets its inner process go, and
	 * that one would wait for ever. */
	if (!file_in_memory("", 0, &starter->fds[INFO], err))
		return false;
	if (pipe2(ready, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	starter->ready = ready[0];
	starter->ready_end = ready[1];
	return prepare_files(starter, spec, err);
}

/* The options go over a descriptor, NUL-terminated, so that a machine's process list is not filled with them. */
static bool prepare_options(struct starter *starter, const char *hostname, struct error *err)
{
	char fd[FD_COUNT][16];
	/* /proc/sys is the kernel's, but for net, which is the machine's own. */
	/* clang-format off */
	const char *const options[] = {
		"--unshare-pid", "--unshare-uts", "--unshare-ipc", "--unshare-net", "--unshare-cgroup-try",
		"--die-with-parent", "--cap-drop", "ALL",
		"--hostname", hostname,
		"--info-fd", fd[INFO],
		"--clearenv", "--setenv", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin",
		"--bind", "root", "/",
		"--dev", "/dev",
		"--proc", "/proc",
		"--ro-bind", "/proc/sys", "/proc/sys",
		"--bind", "/proc/sys/net", "/proc/sys/net",
		"--perms", "0444", "--ro-bind-data", fd[BOOT_ID], "/proc/sys/kernel/random/boot_id",
		"--perms", "0755", "--tmpfs", "/run",
		"--perms", "0755", "--dir", "/run/sandbox",
		"--perms", "0755", "--file", fd[INIT], "/run/sandbox/init",
		"--perms", "0600", "--file", fd[SETTINGS], "/run/sandbox/settings",
	};
	/* clang-format on */
	_cleanup_(str_free) struct str joined = STR_INIT;

	for (int i = 0; i < FD_COUNT; i++)
		snprintf(fd[i], sizeof(fd[i]), "%d", starter->fds[i]);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		str_add_n(&joined, options[i], strlen(options[i]) + 1);
	return file_in_memory(joined.data, joined.len, &starter->fds[OPTIONS], err);
}

static bool run_bwrap(struct boot *boot, const struct starter *starter, struct error *err)
{
	/* Says that all is mounted, then keeps the namespaces until the lifeline's other end is closed, by whatever
	 * death. bubblewrap kills its inner process only once that has run for a while: were it killed itself before,
	 * while the inner one waits to be let go, that one would wait for ever. */
	static const char holder[] = "echo ready; exec >/dev/null 2>&1; read -r line";
	_cleanup_(closep) int theirs = -1;
	int lifeline[2];
	char options[16];
	const char *const argv[] = {"bwrap", "--args", options, "sh", "-c", holder, NULL};
	const struct spawn spawn = {.argv = argv,
				    .folder = starter->folder,
				    .output = starter->ready_end,
				    .errors = starter->log,
				    .lifeline = &theirs,
				    .keep = starter->fds,
				    .keep_count = FD_COUNT};

	if (pipe2(lifeline, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	theirs = lifeline[0];
	boot->lifeline = lifeline[1];
	snprintf(options, sizeof(options), "%d", starter->fds[OPTIONS]);
	if (!spawn_start(&spawn, &boot->bwrap, err))
		return false;
	boot->bwrap_fd = spawn_pidfd(boot->bwrap);
	return boot->bwrap_fd >= 0 || error_errno(err, "cannot watch bubblewrap");
}

/* bubblewrap has said {"child-pid": N, ...} before it starts anything. */
static bool find_machine(struct boot *boot, int info, pid_t *pid, struct error *err)
{
	_cleanup_(tree_freep) struct tree *said = NULL;
	struct error ignored = {};
	char text[1024];
	ssize_t length = pread(info, text, sizeof(text), 0);

	said = tree_from_json(text, length > 0 ? (size_t)length : 0, &ignored);
	*pid = (pid_t)tree_int(said, "child-pid", 0);
	if (*pid <= 0)
		return error_set(err, ERROR_INTERNAL, "bubblewrap could not make the namespaces");
	boot->machine_fd = spawn_pidfd(*pid);
	return boot->machine_fd >= 0 || error_errno(err, "cannot watch the machine");
}

static bool await_mounts(int ready, struct error *err)
{
	char said[8];

	return read(ready, said, sizeof(said)) > 0 ||
	       error_set(err, ERROR_INTERNAL, "bubblewrap could not start the machine");
}

static uint64_t start_time(pid_t pid)
{
	_cleanup_(freep) char *path = mem_printf("/proc/%d/stat", (int)pid);
	_cleanup_(str_free) struct str stat = STR_INIT;
	struct error ignored = {};
	const char *field;

	if (!file_read(path, 4096, &stat, &ignored) || !(field = strrchr(stat.data, ')')))
		return 0;
	for (int i = 2; field && i < 22; i++) /* proc(5): starttime is field 22; the name in parentheses is field 2 */
		field = strchr(field + 1, ' ');
	return field ? strtoull(field, NULL, 10) : 0;
}

static bool write_pid_file(int folder, pid_t machine, struct error *err)
{
	_cleanup_(freep) char *text = mem_printf("%d %llu\n", (int)machine, (unsigned long long)start_time(machine));
	_cleanup_(closep) int fd =
		openat(folder, "pid.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || renameat(folder, "pid.new", folder, "pid") < 0)
		return error_errno(err, "cannot write the pid file");
	return true;
}

bool boot_find(int folder, int *machine_fd, struct error *err)
{
	_cleanup_(closep) int fd = openat(folder, "pid", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	unsigned long long since = 0;
	char text[64] = "";
	int pid = 0;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || sscanf(text, "%d %llu", &pid, &since) != 2)
		return error_set(err, ERROR_CONFLICT, "it is not running");
	*machine_fd = spawn_pidfd(pid);
	if (*machine_fd >= 0 && start_time(pid) == since)
		return true;
	closep(machine_fd);
	*machine_fd = -1;
	return error_set(err, ERROR_CONFLICT, "it is not running");
}

static bool run_init(struct boot *boot, struct error *err)
{
	static const char *const argv[] = {"/bin/sh", "/run/sandbox/init", NULL};
	static const char *const environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
						  "HOME=/", "TERM=linux", NULL};
	_cleanup_(closep) int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	_cleanup_(closep) int theirs = -1;
	struct entry entry = {
		.machine = boot->machine_fd, .argv = argv, .environment = environment, .input = nothing, .first = true};
	int console[2];

	if (nothing < 0 || pipe2(console, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make the console");
	boot->console_fd = console[0];
	entry.output = entry.errors = theirs = console[1];
	if (!entry_start(&entry, &boot->init, err))
		return error_context(err, "init");
	boot->init_fd = spawn_pidfd(boot->init);
	return boot->init_fd >= 0 || error_errno(err, "cannot watch init");
}

static void add_log(int folder, struct error *err)
{
	_cleanup_(freep) char *path = mem_printf("/proc/self/fd/%d/boot.log", folder);
	_cleanup_(str_free) struct str log = STR_INIT;
	struct error ignored = {};
	const char *line;

	if (!file_read(path, MOST_LOG, &log, &ignored) || !log.len)
		return;
	str_trim_right(&log);
	line = strrchr(log.data, '\n');
	error_hint(err, "%s", line ? line + 1 : log.data);
}

static bool start(struct boot *boot, struct starter *starter, const struct machine_spec *spec, struct error *err)
{
	pid_t machine;

	if (!prepare(starter, spec, err) || !prepare_options(starter, spec->hostname, err) ||
	    !run_bwrap(boot, starter, err))
		return false;
	closep(&starter->ready_end);
	starter->ready_end = -1;
	return await_mounts(starter->ready, err) && find_machine(boot, starter->fds[INFO], &machine, err) &&
	       network_start(&boot->network, starter->folder, starter->log, machine, spec->address, err) &&
	       write_pid_file(starter->folder, machine, err) && run_init(boot, err);
}

bool boot_start(struct boot *boot, int folder, const struct machine_spec *spec, struct error *err)
{
	_cleanup_(starter_close) struct starter starter = {
		.folder = folder, .log = -1, .fds = {-1, -1, -1, -1, -1}, .ready = -1, .ready_end = -1};

	*boot = (struct boot){.bwrap_fd = -1,
			      .init_fd = -1,
			      .machine_fd = -1,
			      .console_fd = -1,
			      .lifeline = -1,
			      .network = {.exit_fd = -1}};
	if (start(boot, &starter, spec, err))
		return true;
	boot_finish(boot, folder);
	add_log(folder, err);
	return false;
}

void boot_ask_to_end(struct boot *boot)
{
	if (boot->init > 0)
		kill(boot->init, SIGTERM);
}

void boot_kill(struct boot *boot)
{
	if (boot->machine_fd >= 0)
		syscall(SYS_pidfd_send_signal, boot->machine_fd, SIGKILL, NULL, 0);
}

static int reap(pid_t *pid, int *pidfd)
{
	int status = *pid > 0 ? spawn_reap(*pid, END_WITHIN_MS) : 0;

	closep(pidfd);
	*pidfd = -1;
	*pid = 0;
	return status;
}

void boot_reap_init(struct boot *boot)
{
	boot->init_status = reap(&boot->init, &boot->init_fd);
}

void boot_reap_bwrap(struct boot *boot)
{
	boot->bwrap_status = reap(&boot->bwrap, &boot->bwrap_fd);
}

void boot_finish(struct boot *boot, int folder)
{
	boot_kill(boot);
	if (boot->init > 0)
		boot_reap_init(boot); /* first: process 1 ends only after everybody's parents took note */
	closep(&boot->lifeline);
	if (boot->bwrap > 0)
		boot_reap_bwrap(boot);
	if (boot->machine_fd >= 0)
		spawn_wait_pidfd(boot->machine_fd, END_WITHIN_MS);
	network_stop(&boot->network);
	closep(&boot->machine_fd);
	closep(&boot->console_fd);
	boot->machine_fd = boot->console_fd = boot->lifeline = -1;
	unlinkat(folder, "pid", 0);
}
