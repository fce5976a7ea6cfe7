/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into bakery, it kills the process at its Nth write to the database: before the write reaches the file,
 * half-way through it, or after it. STOP_AT_WRITE is "N:before", "N:torn" or "N:after"; STOP_COUNT names a file that
 * gets the number of writes when nobody was killed. SQLite writes with pwrite64 and makes sure with fdatasync or fsync;
 * each of these counts as one. */
/* pwrite and pwrite64 are two symbols here. */
#undef _FILE_OFFSET_BITS

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Atomic long writes;

/* bakery.db, its -wal; not the -shm, which lives in memory. */
static int is_database(int fd)
{
	char link[64], path[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, sizeof path - 1);
	if (length <= 0)
		return 0;
	path[length] = '\0';
	const char *name = strrchr(path, '/');
	return name && (strcmp(name, "/bakery.db") == 0 || strcmp(name, "/bakery.db-wal") == 0);
}

static const char *stop_here(void)
{
	const char *at = getenv("STOP_AT_WRITE");
	long number = atomic_fetch_add(&writes, 1) + 1;
	char *end = NULL;
	if (!at || strtol(at, &end, 10) != number || *end != ':')
		return "";
	return end + 1;
}

static void die(void)
{
	kill(getpid(), SIGKILL);
	pause();
}

ssize_t pwrite64(int fd, const void *data, size_t length, __off64_t offset)
{
	static ssize_t (*next)(int, const void *, size_t, off64_t);
	if (!next)
		next = (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
	if (!is_database(fd))
		return next(fd, data, length, offset);
	const char *when = stop_here();
	if (strcmp(when, "before") == 0)
		die();
	if (strcmp(when, "torn") == 0) {
		next(fd, data, length / 2, offset);
		die();
	}
	ssize_t written = next(fd, data, length, offset);
	if (strcmp(when, "after") == 0)
		die();
	return written;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset)
{
	return pwrite64(fd, data, length, offset);
}

static int sync_counted(int fd, const char *name)
{
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
	if (!is_database(fd))
		return next(fd);
	const char *when = stop_here();
	if (*when && strcmp(when, "after") != 0)
		die();
	int result = next(fd);
	if (*when)
		die();
	return result;
}

int fdatasync(int fd)
{
	return sync_counted(fd, "fdatasync");
}

int fsync(int fd)
{
	return sync_counted(fd, "fsync");
}

__attribute__((destructor)) static void tell(void)
{
	const char *path = getenv("STOP_COUNT");
	FILE *file = path ? fopen(path, "w") : NULL;
	if (!file)
		return;
	fprintf(file, "%ld\n", atomic_load(&writes));
	fclose(file);
}
