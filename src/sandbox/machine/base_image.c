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

enum { TIMEOUT_MS = 45 * 60 * 1000, LOOK_EVERY_MS = 200, MOST_SOURCES = 1 << 20, MOST_LINES = 8, NAME_DIGITS = 12 };

/* A server as small as one can be that is hardened and patched like a cloud's Debian. */
#define PACKAGES "ca-certificates,cron,iproute2,iputils-ping,kmod,less,netbase,openssh-server,procps,python3,sudo"

/* Host keys are the first boot's to make; all machines of an image would share those of the package's installation. */
#define NO_HOST_KEYS "rm -f \"$1\"/etc/ssh/ssh_host_*"

struct making {
	const struct base_image *image;
	const char *cache_folder, *folder, *partial;
	const struct stop *stop;
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

static const char *const *sources_of(const struct base_image *image)
{
	return image->on_arm64 && str_eq(architecture(), "arm64") ? image->on_arm64 : image->sources;
}

static char *folder_name(const struct base_image *image)
{
	_cleanup_(str_free) struct str contents = STR_INIT;
	char hex[SHA256_HEX_SIZE];

	str_addf(&contents, "%s\n%s\n%s\n", image->suite, PACKAGES, NO_HOST_KEYS);
	if (image->packages)
		str_addf(&contents, "%s\n", image->packages);
	for (const char *const *line = sources_of(image); line && *line; line++)
		str_addf(&contents, "%s\n", *line);
	crypto_sha256_hex(contents.data, contents.len, hex);
	return mem_printf("%s-%s-%.*s", image->name, architecture(), NAME_DIGITS, hex);
}

/* --- the publisher's keys --- */

static bool run(const struct making *making, const char *const *argv, struct error *err)
{
	return process_must(&(struct process){.argv = argv, .timeout_ms = TIMEOUT_MS, .stop = making->stop}, NULL, err);
}

/* apt's own download, so that its proxies count. */
static bool keyring_unpack(const struct making *making, const char *folder, struct error *err)
{
	const struct base_keyring *keyring = making->image->keyring;
	_cleanup_(freep) char *partial = mem_printf("%s.%s", folder, making->image->name),
			      *package = mem_printf("%s.deb", partial), *sum = mem_printf("SHA256:%s", keyring->sha256);
	const char *const download[] = {"/usr/lib/apt/apt-helper", "download-file", keyring->url, package, sum, NULL};
	const char *const unpack[] = {"dpkg-deb", "-x", package, partial, NULL};

	log_info(making->log, "fetching %s, by its hash", keyring->url);
	if (!file_remove_tree(partial, err) || !run(making, download, err) || !run(making, unpack, err))
		return false;
	unlink(package);
	/* Another image's making may have been a moment earlier: then its folder is as good. */
	if (rename(partial, folder) < 0 && !file_exists(folder))
		return error_errno(err, "cannot make %s", folder);
	return file_remove_tree(partial, err);
}

/* *path stays NULL when this host's own will do. */
static bool keyring_find(const struct making *making, char **path, struct error *err)
{
	const struct base_keyring *keyring = making->image->keyring;
	_cleanup_(freep) char *folder = NULL;

	if (!keyring)
		return true;
	if (file_exists(keyring->path)) {
		*path = mem_strdup(keyring->path);
		return true;
	}
	folder = mem_printf("%s/%s-%.*s", making->cache_folder, keyring->name, NAME_DIGITS, keyring->sha256);
	if (!file_exists(folder) && !keyring_unpack(making, folder, err))
		return error_context(err, "the keys of its archive");
	*path = mem_printf("%s%s", folder, keyring->path);
	return true;
}

/* --- the root file system --- */

/* sources: what follows the target, at most MOST_LINES: lines or a file of apt's, or nothing for mmdebstrap's own. */
static bool run_mmdebstrap(const struct making *making, const char *keyring, const char *const *sources,
			   struct error *err)
{
	_cleanup_(freep) char *trusted = keyring ? mem_printf("--keyring=%s", keyring) : NULL;
	const char *packages = making->image->packages;
	_cleanup_(freep) char *more = packages ? mem_printf("--include=%s", packages) : NULL;
	const char *argv[16 + MOST_LINES] = {"mmdebstrap",
					     "--quiet",
					     "--mode=root",
					     "--format=directory",
					     "--variant=minbase",
					     "--include=" PACKAGES,
					     "--customize-hook=" NO_HOST_KEYS};
	size_t count = 7;

	if (trusted)
		argv[count++] = trusted;
	if (more)
		argv[count++] = more;
	argv[count++] = making->image->suite;
	argv[count++] = making->partial;
	for (size_t i = 0; sources && sources[i] && i < MOST_LINES; i++)
		argv[count++] = sources[i];
	return file_remove_tree(making->partial, err) && run(making, argv, err);
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
static bool make_of_host_sources(const struct making *making, struct error *err)
{
	_cleanup_(freep) char *sources = NULL;

	if (run_mmdebstrap(making, NULL, NULL, err))
		return true;
	sources = error_is(err, ERROR_STOPPED) ? NULL : host_sources(making->image->suite);
	if (!sources)
		return false;
	log_info(making->log, "Debian's archive did not do (%s); trying this host's %s", err->text, sources);
	error_clear(err);
	return run_mmdebstrap(making, NULL, (const char *const[]){sources, NULL}, err);
}

static bool make(const struct making *making, struct error *err)
{
	const char *const *sources = sources_of(making->image);
	_cleanup_(freep) char *keyring = NULL;

	if (!sources)
		return make_of_host_sources(making, err);
	return keyring_find(making, &keyring, err) && run_mmdebstrap(making, keyring, sources, err);
}

static bool sync_and_rename(const char *partial, const char *folder, struct error *err)
{
	_cleanup_(closep) int fd = open(partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fchmod(fd, 0755) < 0 || syncfs(fd) < 0 || rename(partial, folder) < 0)
		return error_errno(err, "cannot make %s", folder);
	return true;
}

static bool make_and_rename(const struct making *making, struct error *err)
{
	char took[CLOCK_TEXT_SIZE];
	int64_t begun_ms = clock_mono_ms();

	log_info(
		making->log,
		"making the base image %s with mmdebstrap, once: downloads about 60 MB and takes half a minute or more",
		making->image->name);
	if (!make(making, err) || !sync_and_rename(making->partial, making->folder, err))
		return false;
	clock_duration(clock_mono_ms() - begun_ms, took);
	log_info(making->log, "base image %s made in %s: %s", making->image->name, took, making->folder);
	return true;
}

static bool lock_take(const struct making *making, int lock, struct error *err)
{
	bool told = false;

	while (flock(lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_errno(err, "cannot lock %s.lock", making->folder);
		if (!told)
			log_info(making->log, "waiting for another process that makes the base image %s",
				 making->image->name);
		told = true;
		if (!stop_sleep_ms(making->stop, LOOK_EVERY_MS))
			return error_set(err, ERROR_STOPPED, "stopped while another process makes it");
	}
	return true;
}

/* Another process may be making the same one: then it is there when the lock is. */
static bool make_once(const struct making *making, struct error *err)
{
	_cleanup_(freep) char *path = mem_printf("%s.lock", making->folder);
	_cleanup_(closep) int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (lock < 0)
		return error_errno(err, "cannot open %s", path);
	return lock_take(making, lock, err) && (file_exists(making->folder) || make_and_rename(making, err));
}

char *base_image_cache(void)
{
	_cleanup_(freep) char *cache = path_cache_home();

	return path_join(cache, "bakery/base");
}

static bool make_in(const struct base_image *image, const char *cache_folder, const struct stop *stop, struct log *log,
		    char **folder, struct error *err)
{
	_cleanup_(freep) char *name = folder_name(image), *path = path_join(cache_folder, name),
			      *partial = mem_printf("%s.partial", path);
	const struct making making = {.image = image,
				      .cache_folder = cache_folder,
				      .folder = path,
				      .partial = partial,
				      .stop = stop,
				      .log = log};

	if (!file_make_folders(cache_folder, 0700, err) || (!file_exists(path) && !make_once(&making, err)))
		return false;
	*folder = take(&path);
	return true;
}

bool base_image_can_be(const struct base_image *image, struct error *err)
{
	return image->suite != NULL || error_set(err, ERROR_FAILED, "no root file system of %s can be made here: %s",
						 image->name, image->unmade);
}

bool base_image_make(const struct base_image *image, const char *cache_folder, const struct stop *stop, struct log *log,
		     char **folder, struct error *err)
{
	return base_image_can_be(image, err) && (make_in(image, cache_folder, stop, log, folder, err) ||
						 error_context(err, "base image %s", image->name));
}
