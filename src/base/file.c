/* SPDX-License-Identifier: Apache-2.0
 *
 * Files and paths. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"

void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

bool file_read(const char *path, size_t most_bytes, struct str *out, struct error *err)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t before = out->len;
	char chunk[16384];
	ssize_t got;

	if (fd < 0)
		return error_errno(err, "cannot open %s", path);
	while ((got = read(fd, chunk, sizeof(chunk))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, "cannot read %s", path);
		if (out->len - before + (size_t)got > most_bytes)
			return error_set(err, ERROR_INVALID, "%s is larger than %zu bytes", path, most_bytes);
		str_add_n(out, chunk, (size_t)got);
	}
	mem_wipe(chunk, sizeof(chunk)); /* keys are read here, too */
	return true;
}

bool file_write_all(int fd, const void *bytes, size_t length)
{
	const char *data = bytes;

	while (length) {
		ssize_t put = write(fd, data, length);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		data += put;
		length -= (size_t)put;
	}
	return true;
}

static bool folder_sync(const char *path)
{
	_cleanup_(freep) char *folder = path_folder(path);
	_cleanup_(closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && fsync(fd) == 0;
}

static bool write_beside(int fd, const char *temporary, const char *path, const void *data, size_t length, mode_t mode)
{
	return file_write_all(fd, data, length) && fchmod(fd, mode) == 0 && fsync(fd) == 0 &&
	       rename(temporary, path) == 0 && folder_sync(path);
}

bool file_replace(const char *path, const void *data, size_t length, mode_t mode, struct error *err)
{
	_cleanup_(freep) char *temporary = mem_printf("%s.XXXXXX", path);
	_cleanup_(closep) int fd = mkostemp(temporary, O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "cannot write beside %s", path);
	if (write_beside(fd, temporary, path, data, length, mode))
		return true;
	error_errno(err, "cannot write %s", path);
	unlink(temporary);
	return false;
}

bool file_sha256_hex(const char *path, char hex[SHA256_HEX_SIZE], struct error *err)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a fifo must not hold us up */
	struct stat status;
	void *data = NULL;

	if (fd < 0 || fstat(fd, &status) < 0)
		return error_errno(err, "cannot be read");
	if (!S_ISREG(status.st_mode))
		return error_set(err, ERROR_INVALID, "is no regular file");
	if (status.st_size > 0)
		data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return error_errno(err, "cannot be read");
	crypto_sha256_hex(data ? data : "", (size_t)status.st_size, hex);
	if (data)
		munmap(data, (size_t)status.st_size);
	return true;
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

bool file_make_folders(const char *path, mode_t mode, struct error *err)
{
	_cleanup_(freep) char *copy = mem_strdup(path);

	for (char *slash = copy + 1; *slash; slash++) {
		if (*slash != '/')
			continue;
		*slash = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return error_errno(err, "cannot make folder %s", copy);
		*slash = '/';
	}
	if (mkdir(copy, mode) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make folder %s", copy);
	return true;
}

static int entry_remove(const FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_D:
		return 0;
	case FTS_DP:
	case FTS_DNR:
		return rmdir(entry->fts_accpath);
	case FTS_ERR:
		errno = entry->fts_errno;
		return -1;
	default:
		return unlink(entry->fts_accpath);
	}
}

static void fts_closep(FTS **walk)
{
	if (*walk)
		fts_close(*walk);
}

bool file_remove_tree(const char *path, struct error *err)
{
	char *paths[] = {(char *)path, NULL};
	struct stat info;
	_cleanup_(fts_closep) FTS *walk = NULL;
	FTSENT *entry;

	if (lstat(path, &info) < 0)
		return errno == ENOENT ? true : error_errno(err, "cannot look at %s", path);
	walk = fts_open(paths, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	if (!walk)
		return error_errno(err, "cannot walk %s", path);
	while ((entry = fts_read(walk))) {
		if (entry_remove(entry) < 0 && errno != ENOENT)
			return error_errno(err, "cannot remove %s", entry->fts_path);
	}
	return true;
}

char *path_join(const char *folder, const char *name)
{
	if (name[0] == '/')
		return mem_strdup(name);
	return mem_printf("%s%s%s", folder, folder[0] && folder[strlen(folder) - 1] == '/' ? "" : "/", name);
}

char *path_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_strdup(".");
	return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}

char *path_home(void)
{
	const char *home = getenv("HOME");
	struct passwd entry, *found = NULL;
	char text[4096];

	if (home && home[0] == '/')
		return mem_strdup(home);
	if (getpwuid_r(geteuid(), &entry, text, sizeof(text), &found) == 0 && found && found->pw_dir[0] == '/')
		return mem_strdup(found->pw_dir);
	return mem_strdup("/");
}

static char *xdg_home(const char *variable, const char *below_home)
{
	const char *value = getenv(variable);
	_cleanup_(freep) char *home = path_home();

	if (value && value[0] == '/')
		return mem_strdup(value);
	return path_join(home, below_home);
}

char *path_state_home(void)
{
	return xdg_home("XDG_STATE_HOME", ".local/state");
}

char *path_cache_home(void)
{
	return xdg_home("XDG_CACHE_HOME", ".cache");
}

char *path_search_upward(const char *folder, const char *name)
{
	_cleanup_(freep) char *at = realpath(folder, NULL);

	while (at) {
		_cleanup_(freep) char *candidate = path_join(at, name);
		char *slash;

		if (file_exists(candidate))
			return take(&candidate);
		if (str_eq(at, "/"))
			return NULL;
		slash = strrchr(at, '/');
		slash[slash == at] = '\0';
	}
	return NULL;
}
