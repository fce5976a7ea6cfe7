/* SPDX-License-Identifier: Apache-2.0
 *
 * Entering a machine. Two steps: a helper process joins the namespaces and drops its capabilities, and its sibling,
 * made with CLONE_PARENT so that the caller can wait for it, is the first to be visible inside. So no process
 * that the machine's root could trace ever holds more than the machine may. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bakery/file.h"
#include "enter.h"
#include "spawn.h"

/* What root needs to run a system of its own, and nothing that reaches past the machine's namespaces. Left out on
 * purpose: sys_admin, mknod, sys_module, sys_rawio, sys_time, syslog, mac_*, bpf, perfmon, audit_control (the audit
 * rules are the host's), dac_read_search (open_by_handle_at reaches the whole file system below the overlay),
 * linux_immutable (such files could not be removed with the machine). */
static const uint8_t capabilities[] = {
	CAP_CHOWN,    CAP_DAC_OVERRIDE, CAP_FOWNER,	   CAP_FSETID,		 CAP_KILL,	  CAP_SETGID,
	CAP_SETUID,   CAP_SETPCAP,	CAP_SETFCAP,	   CAP_NET_BIND_SERVICE, CAP_NET_ADMIN,	  CAP_NET_RAW,
	CAP_IPC_LOCK, CAP_IPC_OWNER,	CAP_LEASE,	   CAP_SYS_CHROOT,	 CAP_SYS_PTRACE,  CAP_SYS_BOOT,
	CAP_SYS_NICE, CAP_SYS_RESOURCE, CAP_NET_BROADCAST, CAP_SYS_TTY_CONFIG,	 CAP_AUDIT_WRITE,
};

enum step { STEP_JOIN = 1, STEP_FURNISH, STEP_DROP, STEP_FORK, STEP_EXEC };
static const char *const step_names[] = {
	[STEP_JOIN] = "cannot enter its namespaces", [STEP_FURNISH] = "cannot make its mounts",
	[STEP_DROP] = "cannot drop capabilities",    [STEP_FORK] = "cannot start a process in it",
	[STEP_EXEC] = "cannot run the program",
};

struct report {
	int32_t step; /* 0: pid says who was started */
	int32_t failed;
	pid_t pid;
};

static void report_failure(int to, enum step step)
{
	struct report report = {.step = step, .failed = errno};

	if (write(to, &report, sizeof(report)) < 0)
		_exit(126);
	_exit(127);
}

/* bubblewrap mounts everything nosuid, which would disarm sudo and passwd. */
static bool furnish(void)
{
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_NODEV, NULL) < 0)
		return false;
	/* Not every root has a /sys. */
	mount("sysfs", "/sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	return true;
}

static bool drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct now[2], wanted[2] = {};

	if (syscall(SYS_capget, &header, now) < 0)
		return false;
	for (size_t i = 0; i < sizeof(capabilities); i++)
		wanted[capabilities[i] / 32].permitted |= 1U << (capabilities[i] % 32);
	for (int i = 0; i < 64 && prctl(PR_CAPBSET_READ, i) >= 0; i++)
		if (!(wanted[i / 32].permitted & 1U << (i % 32)) && prctl(PR_CAPBSET_DROP, i) < 0)
			return false;
	for (int i = 0; i < 2; i++) {
		wanted[i].permitted &= now[i].permitted;
		wanted[i].effective = wanted[i].permitted;
	}
	return syscall(SYS_capset, &header, wanted) == 0;
}

static _Noreturn void inside(const struct entry *entry, int report)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	umask(022);
	/* The caller's session keyring is not the machine's to see. */
	syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, NULL);
	spawn_close_all_at_exec();
	execve(entry->argv[0], (char *const *)entry->argv, (char *const *)entry->environment);
	report_failure(report, STEP_EXEC);
	_exit(127);
}

/* Moves the three out of each other's way first: any of them may be 0, 1 or 2 already. */
static bool arrange_descriptors(const struct entry *entry)
{
	int from[3] = {entry->input, entry->output, entry->errors};

	for (int i = 0; i < 3; i++)
		if ((from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 3)) < 0)
			return false;
	for (int i = 0; i < 3; i++)
		if (dup2(from[i], i) < 0)
			return false;
	return true;
}

static _Noreturn void helper(const struct entry *entry, int report)
{
	const int namespaces =
		CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP;
	struct clone_args sibling = {.flags = CLONE_PARENT};
	struct report done = {};

	if (!arrange_descriptors(entry) || setns(entry->machine, namespaces) < 0)
		report_failure(report, STEP_JOIN);
	if (entry->first && !furnish())
		report_failure(report, STEP_FURNISH);
	if (!drop_capabilities())
		report_failure(report, STEP_DROP);
	done.pid = (pid_t)syscall(SYS_clone3, &sibling, sizeof(sibling));
	if (done.pid < 0)
		report_failure(report, STEP_FORK);
	if (done.pid == 0)
		inside(entry, report);
	if (write(report, &done, sizeof(done)) < 0)
		_exit(126);
	_exit(0);
}

/* Both processes may report: the helper whom it started, the started one why it could not run the program. */
static bool await_reports(int from, pid_t *pid, struct error *err)
{
	struct report report;
	enum step failed_step = 0;
	int failed = 0;

	*pid = -1;
	while (read(from, &report, sizeof(report)) == sizeof(report)) {
		if (!report.step) {
			*pid = report.pid;
			continue;
		}
		failed_step = (enum step)report.step;
		failed = report.failed;
	}
	if (!failed_step && *pid > 0)
		return true;
	if (*pid > 0)
		spawn_reap(*pid, -1);
	errno = failed;
	return failed_step ? error_errno(err, "%s", step_names[failed_step])
			   : error_set(err, ERROR_INTERNAL, "the machine ended meanwhile");
}

bool entry_start(const struct entry *entry, pid_t *pid, struct error *err)
{
	_cleanup_(closep) int reports = -1;
	int ends[2];
	pid_t first;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	reports = ends[0];
	first = fork();
	if (first == 0)
		helper(entry, ends[1]);
	close(ends[1]);
	if (first < 0)
		return error_errno(err, "cannot start a process");
	spawn_reap(first, -1);
	return await_reports(reports, pid, err);
}
