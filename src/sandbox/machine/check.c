/* SPDX-License-Identifier: Apache-2.0
 *
 * What this host must have for machines, looked at before anything is begun; the last look is the real thing, in a
 * thread whose mount namespace ends with it. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/process.h"
#include "machine.h"
#include "overlay.h"

static const struct needed_program {
	const char *program, *package, *purpose;
} needed_programs[] = {
	{"bwrap", "bubblewrap", "the namespaces of machines"},
	{"slirp4netns", "slirp4netns", "the network of machines"},
	{"mmdebstrap", "mmdebstrap", "base images"},
};

static bool check_programs(struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(needed_programs); i++) {
		const struct needed_program *needed = &needed_programs[i];
		if (process_available(needed->program))
			continue;
		error_set(err, ERROR_FAILED, "%s is missing, which makes %s", needed->program, needed->purpose);
		return error_hint(err, "apt-get install %s", needed->package);
	}
	return true;
}

static bool check_tun(struct error *err)
{
	struct stat found;

	if (stat("/dev/net/tun", &found) == 0 && S_ISCHR(found.st_mode))
		return true;
	error_set(err, ERROR_FAILED, "/dev/net/tun is missing, which slirp4netns needs");
	return error_hint(err, "modprobe tun, or give this container the device");
}

static bool try_overlay(const char *scratch, struct error *err)
{
	_cleanup_(freep) char *lower = path_join(scratch, "lower");
	const char *const layers[] = {lower};

	if (!overlay_private(err))
		return false;
	if (mount("tmpfs", scratch, "tmpfs", 0, "size=1m") < 0 || mkdir(lower, 0755) < 0)
		return error_errno(err, "cannot mount a file system");
	return overlay_mount(scratch, layers, 1, err);
}

struct trial {
	const char *scratch;
	struct error err;
	bool worked;
};

static void *trial_main(void *argument)
{
	struct trial *trial = argument;

	trial->worked = try_overlay(trial->scratch, &trial->err);
	return NULL;
}

static bool check_overlay(struct error *err)
{
	char scratch[] = "/tmp/bakery-check-XXXXXX";
	struct trial trial = {.scratch = scratch};
	pthread_t thread;

	if (!mkdtemp(scratch))
		return error_errno(err, "cannot make a folder in /tmp");
	if (pthread_create(&thread, NULL, trial_main, &trial) != 0)
		error_set(&trial.err, ERROR_INTERNAL, "cannot start a thread");
	else
		pthread_join(thread, NULL);
	rmdir(scratch);
	*err = trial.err;
	return trial.worked || error_context(err, "machines need overlayfs and mount namespaces");
}

bool machines_check(struct error *err)
{
	if (geteuid() != 0) {
		error_set(err, ERROR_FAILED, "machines need root, for their mounts and namespaces");
		return error_hint(err, "run as root");
	}
	return check_programs(err) && check_tun(err) && check_overlay(err);
}
