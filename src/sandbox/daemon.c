/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting and ending the process that serves a folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "access/policy.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2/public_images.h"
#include "folder.h"
#include "machine/machine.h"

#define LOOK_EVERY_MS 30
#define STOP_WITHIN_MS 60000

bool sandbox_check(struct error *err)
{
	return machines_check(err);
}

/* --- starting --- */

struct arguments {
	const char *items[128];
	size_t count;
	char port[16], ready_fd[16], record[4096], policy[4096];
};

static void add(struct arguments *arguments, const char *text)
{
	if (arguments->count + 1 < ARRAY_SIZE(arguments->items))
		arguments->items[arguments->count++] = text;
}

/* The server works in another folder than its caller. */
static void make_absolute(const char *path, char *out, size_t size)
{
	char here[2048] = "";
	if (path != NULL && *path != '\0' && *path != '/' && getcwd(here, sizeof here) != NULL)
		snprintf(out, size, "%s/%s", here, path);
	else if (path != NULL)
		snprintf(out, size, "%s", path);
}

static void fill_arguments(const struct sandbox_options *options, const char *folder, int ready_fd,
			   struct arguments *arguments)
{
	make_absolute(options->record, arguments->record, sizeof arguments->record);
	snprintf(arguments->port, sizeof arguments->port, "%d", options->port);
	snprintf(arguments->ready_fd, sizeof arguments->ready_fd, "%d", ready_fd);
	const char *const fixed[] = {"bakery", "sandbox",	"serve",      "--folder",	  folder,
				     "--port", arguments->port, "--ready-fd", arguments->ready_fd};
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		add(arguments, fixed[i]);
	if (log_wants(options->log, LOG_LEVEL_DEBUG))
		add(arguments, "--verbose");
	make_absolute(options->policy, arguments->policy, sizeof arguments->policy);
	if (*arguments->policy != '\0') {
		add(arguments, "--policy");
		add(arguments, arguments->policy);
	}
	if (options->record != NULL) {
		add(arguments, "--record");
		add(arguments, arguments->record);
	}
	for (const char *const *setting = options->settings; setting != NULL && *setting != NULL; setting++) {
		add(arguments, "--set");
		add(arguments, *setting);
	}
}

/* In the child: only what is safe between fork and exec. */
static void become_server(const struct arguments *arguments, int log_fd, int ready_fd)
{
	sigset_t none;
	int null_fd = open("/dev/null", O_RDWR);
	setsid();
	if (chdir("/") < 0)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null_fd, 0);
	dup2(log_fd, 1);
	dup2(log_fd, 2);
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	fcntl(ready_fd, F_SETFD, 0);
	execv("/proc/self/exe", (char *const *)arguments->items);
	_exit(127);
}

static bool spawn(const struct arguments *arguments, int log_fd, int ready_fd, struct error *err)
{
	int status;
	pid_t pid = fork();
	if (pid < 0)
		return error_errno(err, "fork");
	if (pid == 0) {
		/* Twice, so that nobody has to wait for the server. */
		if (fork() == 0)
			become_server(arguments, log_fd, ready_fd);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return true;
}

static bool read_verdict(int fd, const struct stop *stop, const char *folder, struct error *err)
{
	char text[1024];
	size_t length = 0;
	ssize_t got = 1;
	while (got > 0 && length + 1 < sizeof text) {
		struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
				       {.fd = stop == NULL ? -1 : stop->event_fd, .events = POLLIN}};
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return error_errno(err, "poll");
		if (stop_requested(stop))
			return error_set(err, ERROR_STOPPED, "stopped while the sandbox started");
		if (fds[0].revents != 0)
			got = read(fd, text + length, sizeof text - 1 - length);
		if (got > 0 && fds[0].revents != 0)
			length += (size_t)got;
	}
	text[length] = '\0';
	if (str_eq(text, "ok"))
		return true;
	return error_set(err, ERROR_FAILED, "it did not start: %s (see %s/sandbox.log)", length > 0 ? text : "it ended",
			 folder);
}

static bool start_server(const struct sandbox_options *options, const char *folder, struct error *err)
{
	int ready[2];
	struct arguments arguments = {0};
	_cleanup_(freep) char *log_path = path_join(folder, "sandbox.log");
	_cleanup_(closep) int log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log_fd < 0)
		return error_errno(err, "%s", log_path);
	if (pipe2(ready, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");
	fill_arguments(options, folder, ready[1], &arguments);
	bool started = spawn(&arguments, log_fd, ready[1], err);
	close(ready[1]);
	started = started && read_verdict(ready[0], options->stop, folder, err);
	close(ready[0]);
	return started;
}

static bool wants_machines(const struct sandbox_options *options)
{
	bool wants = true;
	for (const char *const *setting = options->settings; setting != NULL && *setting != NULL; setting++)
		if (str_starts(*setting, "machines="))
			wants = !str_eq(*setting, "machines=off");
	return wants;
}

/* Here, so that whoever waits sees what takes so long; the server then finds it in the cache. */
static bool make_base(const struct sandbox_options *options, struct error *err)
{
	const struct base_image *base = base_image_find(PUBLIC_IMAGES_FIRST_BASE);
	_cleanup_(freep) char *made = NULL, *cache = base_image_cache();
	return !wants_machines(options) ||
	       (machines_check(err) && base_image_make(base, cache, options->stop, options->log, &made, err));
}

static bool up_in(const struct sandbox_options *options, const char *folder, struct error *err)
{
	if (!file_make_folders(folder, 0700, err) || !make_base(options, err))
		return false;
	_cleanup_(freep) char *absolute = realpath(folder, NULL);
	if (absolute == NULL)
		return error_errno(err, "%s", folder);
	if (start_server(options, absolute, err))
		return true;
	/* Another one was a moment earlier. */
	return folder_is_served(folder) && !error_is(err, ERROR_STOPPED);
}

static bool set_on_running(const struct sandbox_options *options, struct error *err)
{
	if (options->policy != NULL && !sandbox_set_policy(options, options->policy, err))
		return false;
	return options->settings == NULL || options->settings[0] == NULL ||
	       sandbox_set(options, options->settings, err);
}

/* Before anything is started, so that the fault stands alone. */
static bool policy_file_good(const char *path, struct error *err)
{
	_cleanup_(tree_freep) struct tree *policy = NULL;
	return path == NULL || *path == '\0' || policy_read_file(path, &policy, err);
}

bool sandbox_up(const struct sandbox_options *options, struct sandbox_address *out, struct error *err)
{
	_cleanup_(freep) char *given = folder_path(options);
	if (!policy_file_good(options->policy, err))
		return false;
	if (folder_find(given, options->stop, out, err))
		return set_on_running(options, err);
	if (!error_is(err, ERROR_ABSENT) || !up_in(options, given, err))
		return false;
	return folder_find(given, options->stop, out, err);
}

/* --- ending --- */

static bool wait_until_ended(const struct sandbox_options *options, const char *folder, int pid, struct error *err)
{
	int64_t until_ms = clock_mono_ms() + STOP_WITHIN_MS;
	while (folder_is_served(folder)) {
		if (clock_mono_ms() > until_ms)
			return error_set(err, ERROR_FAILED, "the sandbox (process %d) does not end", pid);
		if (!stop_sleep_ms(options->stop, LOOK_EVERY_MS))
			return error_set(err, ERROR_STOPPED, "stopped while the sandbox ended");
	}
	return true;
}

static bool down_in(const struct sandbox_options *options, const char *folder, struct error *err)
{
	struct sandbox_address address;
	if (!folder_find(folder, options->stop, &address, err))
		return false;
	if (kill(address.pid, SIGTERM) < 0 && errno != ESRCH)
		return error_errno(err, "process %d", address.pid);
	return wait_until_ended(options, folder, address.pid, err);
}

bool sandbox_down(const struct sandbox_options *options, struct error *err)
{
	_cleanup_(freep) char *folder = folder_path(options);
	return down_in(options, folder, err);
}

/* The lock is held, and the key that shells may have in their environment stays the same. */
static bool kept_by_reset(const char *name)
{
	static const char *const kept[] = {".", "..", "lock", "credentials.json", "token"};
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (str_eq(kept[i], name))
			return true;
	return false;
}

static bool empty_folder(const char *folder, struct error *err)
{
	bool emptied = true;
	DIR *entries = opendir(folder);
	struct dirent *entry;
	if (entries == NULL)
		return error_errno(err, "%s", folder);
	while (emptied && (entry = readdir(entries)) != NULL) {
		_cleanup_(freep) char *path = path_join(folder, entry->d_name);
		emptied = kept_by_reset(entry->d_name) || file_remove_tree(path, err);
	}
	closedir(entries);
	return emptied;
}

bool sandbox_reset(const struct sandbox_options *options, struct error *err)
{
	_cleanup_(freep) char *folder = folder_path(options);
	_cleanup_(closep) int lock = -1;
	if (!down_in(options, folder, err) && !error_is(err, ERROR_ABSENT))
		return false;
	return folder_lock(folder, &lock, err) && empty_folder(folder, err);
}

bool sandbox_exec(const struct sandbox_options *options, const char *instance, const char *const *argv, int *status,
		  struct error *err)
{
	_cleanup_(freep) char *folder = folder_path(options);
	return machine_exec(folder, instance, argv, status, err);
}
