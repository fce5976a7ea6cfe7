/* SPDX-License-Identifier: Apache-2.0
 *
 * Running another program of this host. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/process.h"

enum { DEFAULT_MOST_OUTPUT = 1 << 20, KILL_AFTER_MS = 1000 };

extern char **environ;

struct child {
	const struct process *process;
	pid_t pid;
	int input, out, errors; /* our ends; -1 when closed */
	size_t fed;
	int64_t deadline_ms; /* 0: none */
	bool terminated, killed;
	bool refused; /* by the sink */
	struct error refusal;
};

static char **environment_make(const char *const *more)
{
	size_t count = 0, extra = 0, used = 0;
	char **all;

	while (environ[count])
		count++;
	while (more && more[extra])
		extra++;
	all = mem_array(count + extra + 1, sizeof(*all));
	for (size_t i = 0; i < extra; i++)
		all[used++] = (char *)more[i];
	for (size_t i = 0; i < count; i++) {
		bool replaced = false;
		for (size_t j = 0; j < extra && !replaced; j++)
			replaced = str_starts(environ[i], more[j]) ||
				   strncmp(environ[i], more[j], (size_t)(strchrnul(more[j], '=') - more[j]) + 1) == 0;
		if (!replaced)
			all[used++] = environ[i];
	}
	return all;
}

/* fds[0] ours, fds[1] the child's. */
static bool channel(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0;
}

static int spawn(const struct process *process, const int theirs[3], pid_t *pid)
{
	_cleanup_(freep) char **environment = environment_make(process->environment);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, defaults;
	int failed;

	sigemptyset(&none);
	sigfillset(&defaults);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	for (int i = 0; i < 3; i++)
		posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
	if (process->folder)
		posix_spawn_file_actions_addchdir_np(&actions, process->folder);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	failed = posix_spawnp(pid, process->argv[0], &actions, &attributes, (char *const *)process->argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return failed;
}

static bool start(struct child *child, struct error *err)
{
	int input[2] = {-1, -1}, out[2] = {-1, -1}, errors[2] = {-1, -1}, failed;

	if (!channel(input) || !channel(out) || !channel(errors))
		failed = errno;
	else
		failed = spawn(child->process, (int[3]){input[1], out[1], errors[1]}, &child->pid);
	closep(&input[1]);
	closep(&out[1]);
	closep(&errors[1]);
	child->input = input[0];
	child->out = out[0];
	child->errors = errors[0];
	if (!failed)
		return true;
	errno = failed;
	return error_errno(err, "cannot start %s", child->process->argv[0]);
}

static void shut(int *fd)
{
	closep(fd);
	*fd = -1;
}

static void feed(struct child *child)
{
	const struct process *process = child->process;
	ssize_t put = send(child->input, process->input + child->fed, process->input_length - child->fed,
			   MSG_NOSIGNAL | MSG_DONTWAIT);

	if (put > 0)
		child->fed += (size_t)put;
	if ((child->fed == process->input_length && !process->hold_input) ||
	    (put < 0 && errno != EAGAIN && errno != EINTR))
		shut(&child->input);
}

static void keep(struct child *child, bool is_stderr, const char *data, size_t length, struct str *into)
{
	const struct process *process = child->process;
	size_t most = process->most_output ? process->most_output : DEFAULT_MOST_OUTPUT;

	if (process->sink)
		child->refused =
			child->refused || !process->sink(process->cookie, is_stderr, data, length, &child->refusal);
	else if (into && into->len < most)
		str_add_n(into, data, length < most - into->len ? length : most - into->len);
}

static void drain(struct child *child, bool is_stderr, struct str *into)
{
	int *fd = is_stderr ? &child->errors : &child->out;
	char chunk[16384];
	ssize_t got = read(*fd, chunk, sizeof(chunk));

	if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
		shut(fd);
		return;
	}
	if (got > 0)
		keep(child, is_stderr, chunk, (size_t)got, into);
	mem_wipe(chunk, got > 0 ? (size_t)got : 0); /* some programs print secrets */
}

static void signal_if_due(struct child *child)
{
	const struct process *process = child->process;
	bool due = child->refused || stop_requested(process->stop) ||
		   (child->deadline_ms && clock_mono_ms() >= child->deadline_ms);

	if (!due)
		return;
	if (!child->terminated) {
		kill(-child->pid, SIGTERM);
		child->terminated = true;
		child->deadline_ms = clock_mono_ms() + (process->grace_ms ? process->grace_ms : KILL_AFTER_MS);
	} else if (!child->killed && clock_mono_ms() >= child->deadline_ms) {
		kill(-child->pid, SIGKILL);
		child->killed = true;
	}
}

static int patience_ms(const struct child *child)
{
	int64_t left;

	if (!child->deadline_ms)
		return 1000;
	left = child->deadline_ms - clock_mono_ms();
	return left < 0 ? 0 : left > 1000 ? 1000 : (int)left;
}

static void follow(struct child *child, struct str *out, struct str *errors)
{
	while ((child->out >= 0 || child->errors >= 0) && !child->killed) {
		bool watch_stop = child->process->stop && !child->terminated;
		struct pollfd fds[] = {
			{.fd = child->fed < child->process->input_length ? child->input : -1, .events = POLLOUT},
			{.fd = child->out, .events = POLLIN},
			{.fd = child->errors, .events = POLLIN},
			{.fd = watch_stop ? child->process->stop->event_fd : -1, .events = POLLIN},
		};
		poll(fds, ARRAY_SIZE(fds), patience_ms(child));
		if (fds[0].revents)
			feed(child);
		if (fds[1].revents)
			drain(child, false, out);
		if (fds[2].revents)
			drain(child, true, errors);
		signal_if_due(child);
	}
}

static int reap(struct child *child)
{
	int status = 0;

	/* It may have closed its outputs and live on: then only its input, the deadline and the stop matter. */
	while (waitpid(child->pid, &status, child->killed ? 0 : WNOHANG) == 0) {
		if (child->input >= 0 && child->fed < child->process->input_length)
			feed(child);
		signal_if_due(child);
		stop_sleep_ms(NULL, 5);
	}
	shut(&child->input);
	shut(&child->out);
	shut(&child->errors);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool process_run(const struct process *process, int *status, struct str *out, struct str *errors, struct error *err)
{
	struct child child = {.process = process, .input = -1, .out = -1, .errors = -1};

	if (!start(&child, err)) {
		shut(&child.input);
		shut(&child.out);
		shut(&child.errors);
		return false;
	}
	if (process->timeout_ms)
		child.deadline_ms = clock_mono_ms() + process->timeout_ms;
	if (!process->input_length && !process->hold_input)
		shut(&child.input);
	follow(&child, out, errors);
	*status = reap(&child);
	if (child.refused) {
		*err = child.refusal;
		return false;
	}
	if (stop_requested(process->stop) && child.terminated)
		return error_set(err, ERROR_STOPPED, "%s was stopped", process->argv[0]);
	if (child.terminated)
		return error_set(err, ERROR_FAILED, "%s did not end within %lld s", process->argv[0],
				 (long long)(process->timeout_ms / 1000));
	return true;
}

static const char *last_line(struct str *text)
{
	const char *newline;

	str_trim_right(text);
	newline = strrchr(text->data, '\n');
	return newline ? newline + 1 : text->data;
}

bool process_must(const struct process *process, struct str *out, struct error *err)
{
	_cleanup_(str_free) struct str errors = STR_INIT;
	int status;

	if (!process_run(process, &status, out, &errors, err))
		return false;
	if (status == 0)
		return true;
	return error_set(err, ERROR_FAILED, "%s exited with %d: %s", process->argv[0], status, last_line(&errors));
}

bool process_available(const char *program)
{
	const char *path = getenv("PATH");
	_cleanup_(freep) char *folders = mem_strdup(path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
	char *state = NULL;

	for (char *folder = strtok_r(folders, ":", &state); folder; folder = strtok_r(NULL, ":", &state)) {
		_cleanup_(freep) char *candidate = path_join(folder, program);
		if (access(candidate, X_OK) == 0)
			return true;
	}
	return false;
}
