/* SPDX-License-Identifier: Apache-2.0
 *
 * The root file systems that base images are, made by mmdebstrap. One folder in the cache for each list of contents;
 * made under another name, under a lock, and renamed when whole. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bakery/clock.h"
#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/process.h"
#include "machine.h"

enum { TIMEOUT_MS = 45 * 60 * 1000, MOST_SOURCES = 1 << 20, NAME_DIGITS = 12 };

/* A server as small as one can be that is hardened and patched like a cloud's Debian. */
#define PACKAGES "ca-certificates,cron,iproute2,iputils-ping,kmod,less,netbase,openssh-server,procps,python3,sudo"

/* Host keys are the first boot's to make; all machines of an image would share those of the package's installation. */
#define NO_HOST_KEYS "rm -f \"$1\"/etc/ssh/ssh_host_*"

struct making {
	const struct base_image *image;
	const char *partial;
	struct log *log;
};

static const char *architecture(void)
{
	static const char *const names[][2] = {{"x86_64", "amd64"}, {"aarch64", "arm64"}};
	struct utsname host;

	uname(&host);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_eq(host.machine, names[i][0]))
			return names[i][1];
	return "unknown";
}

static char *folder_name(const struct base_image *image)
{
	_cleanup_(freep) char *contents = mem_printf("%s\n%s\n%s\n", image->suite, PACKAGES, NO_HOST_KEYS);
	char hex[SHA256_HEX_SIZE];

	crypto_sha256_hex(contents, strlen(contents), hex);
	return mem_printf("%s-%s-%.*s", image->name, architecture(), NAME_DIGITS, hex);
}

/* sources: a file of apt's, or NULL for mmdebstrap's own. */
static bool run_mmdebstrap(const struct making *making, const char *sources, struct error *err)
{
	const char *const argv[] = {"mmdebstrap",
				    "--quiet",
				    "--mode=root",
				    "--format=directory",
				    "--variant=minbase",
				    "--include=" PACKAGES,
				    "--customize-hook=" NO_HOST_KEYS,
				    making->image->suite,
				    making->partial,
				    sources,
				    NULL};

	return file_remove_tree(making->partial, err) &&
	       process_must(&(struct process){.argv = argv, .timeout_ms = TIMEOUT_MS}, NULL, err);
}

static bool names_suite(const char *path, const char *suite)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	_cleanup_(freep) char *deb822 = mem_printf("\nSuites: %s", suite), *one_line = mem_printf(" %s main", suite);
	struct error ignored = {};

	return file_read(path, MOST_SOURCES, &text, &ignored) &&
	       (strstr(text.data, deb822) || strstr(text.data, one_line));
}

/* The file of this host's apt that has the suite, or NULL; free() it. */
static char *host_sources(const char *suite)
{
	static const char folder_path[] = "/etc/apt/sources.list.d";
	DIR *folder = opendir(folder_path);
	char *found = names_suite("/etc/apt/sources.list", suite) ? mem_strdup("/etc/apt/sources.list") : NULL;
	struct dirent *entry;

	while (folder && !found && (entry = readdir(folder))) {
		_cleanup_(freep) char *path = path_join(folder_path, entry->d_name);
		if ((str_ends(path, ".list") || str_ends(path, ".sources")) && names_suite(path, suite))
			found = take(&path);
	}
	if (folder)
		closedir(folder);
	return found;
}

/* mmdebstrap's own choice of archives comes first, since it has the security updates in any case; a host behind a
 * mirror of its own knows that one. */
static bool make(const struct making *making, struct error *err)
{
	_cleanup_(freep) char *sources = NULL;

	if (run_mmdebstrap(making, NULL, err))
		return true;
	sources = host_sources(making->image->suite);
	if (!sources)
		return false;
	log_info(making->log, "Debian's archive did not do (%s); trying this host's %s", err->text, sources);
	error_clear(err);
	return run_mmdebstrap(making, sources, err);
}

static bool sync_and_rename(const char *partial, const char *folder, struct error *err)
{
	_cleanup_(closep) int fd = open(partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fchmod(fd, 0755) < 0 || syncfs(fd) < 0 || rename(partial, folder) < 0)
		return error_errno(err, "cannot make %s", folder);
	return true;
}

static bool make_and_rename(const struct base_image *image, const char *folder, struct log *log, struct error *err)
{
	_cleanup_(freep) char *partial = mem_printf("%s.partial", folder);
	const struct making making = {.image = image, .partial = partial, .log = log};
	char took[CLOCK_TEXT_SIZE];
	int64_t begun_ms = clock_mono_ms();

	log_info(
		log,
		"making the base image %s with mmdebstrap, once: downloads about 60 MB and takes half a minute or more",
		image->name);
	if (!make(&making, err) || !sync_and_rename(partial, folder, err))
		return false;
	clock_duration(clock_mono_ms() - begun_ms, took);
	log_info(log, "base image %s made in %s: %s", image->name, took, folder);
	return true;
}

/* Another process may be making the same one: then it is there when the lock is. */
static bool make_once(const struct base_image *image, const char *folder, struct log *log, struct error *err)
{
	_cleanup_(freep) char *path = mem_printf("%s.lock", folder);
	_cleanup_(closep) int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (lock < 0)
		return error_errno(err, "cannot open %s", path);
	if (flock(lock, LOCK_EX | LOCK_NB) < 0) {
		log_info(log, "waiting for another process that makes the base image %s", image->name);
		while (flock(lock, LOCK_EX) < 0)
			if (errno != EINTR)
				return error_errno(err, "cannot lock %s", path);
	}
	return file_exists(folder) || make_and_rename(image, folder, log, err);
}

char *base_image_cache(void)
{
	_cleanup_(freep) char *cache = path_cache_home();

	return path_join(cache, "bakery/base");
}

bool base_image_make(const struct base_image *image, const char *cache_folder, struct log *log, char **folder,
		     struct error *err)
{
	_cleanup_(freep) char *name = folder_name(image), *path = path_join(cache_folder, name);

	if (!file_make_folders(cache_folder, 0700, err))
		return false;
	if (!file_exists(path) && !make_once(image, path, log, err))
		return error_context(err, "base image %s", image->name);
	*folder = take(&path);
	return true;
}
