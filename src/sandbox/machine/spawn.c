/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting a helper program that dies with the thread which started it. Between fork and exec only
 * async-signal-safe calls are made, as the program has threads. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bakery/clock.h"
#include "bakery/file.h"
#include "spawn.h"

void spawn_close_all_at_exec(void)
{
	syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
}

static void signals_to_default(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	/* The process that holds a machine's pid namespace open is in reach of a `kill -TERM -1` from inside. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

static bool keep_descriptors(const struct spawn *spawn)
{
	spawn_close_all_at_exec();
	for (size_t i = 0; i < spawn->keep_count; i++)
		if (fcntl(spawn->keep[i], F_SETFD, 0) < 0)
			return false;
	return true;
}

static _Noreturn void child(const struct spawn *spawn, pid_t parent, int nothing, int report)
{
	int failed;

	signals_to_default();
	/* The parent may have ended before the wish to die with it was known. */
	if (!spawn->lifeline && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
		_exit(127);
	setsid();
	if (keep_descriptors(spawn) && dup2(spawn->lifeline ? *spawn->lifeline : nothing, 0) >= 0 &&
	    dup2(spawn->output, 1) >= 0 && dup2(spawn->errors, 2) >= 0 && fchdir(spawn->folder) == 0)
		execvp(spawn->argv[0], (char *const *)spawn->argv);
	failed = errno;
	if (write(report, &failed, sizeof(failed)) < 0)
		_exit(126);
	_exit(127);
}

bool spawn_start(const struct spawn *spawn, pid_t *pid, struct error *err)
{
	_cleanup_(closep) int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	_cleanup_(closep) int report = -1;
	pid_t parent = getpid();
	int ends[2], failed = 0;

	if (nothing < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "cannot start %s", spawn->argv[0]);
	report = ends[0];
	*pid = fork();
	if (*pid == 0)
		child(spawn, parent, nothing, ends[1]);
	close(ends[1]);
	if (*pid < 0)
		return error_errno(err, "cannot start %s", spawn->argv[0]);
	if (read(report, &failed, sizeof(failed)) != sizeof(failed))
		return true;
	spawn_reap(*pid, -1);
	errno = failed;
	return error_errno(err, "cannot start %s", spawn->argv[0]);
}

int spawn_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

bool spawn_wait_pidfd(int pidfd, int timeout_ms)
{
	int64_t deadline_ms = clock_mono_ms() + timeout_ms;

	for (;;) {
		int64_t left_ms = deadline_ms - clock_mono_ms();
		struct pollfd fd = {.fd = pidfd, .events = POLLIN};
		int ready = poll(&fd, 1, timeout_ms < 0 ? -1 : left_ms < 0 ? 0 : (int)left_ms);

		if (ready > 0)
			return true;
		if (ready == 0 || errno != EINTR)
			return false;
	}
}

int spawn_reap(pid_t pid, int timeout_ms)
{
	_cleanup_(closep) int pidfd = spawn_pidfd(pid);
	int status = 0;

	if (pidfd >= 0 && timeout_ms >= 0 && !spawn_wait_pidfd(pidfd, timeout_ms))
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
