/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into bakery, it kills the process at its Nth write to the database: before the write reaches the file,
 * half-way through it, or after it. STOP_AT_WRITE is "N:before", "N:torn" or "N:after"; STOP_AT_COMMIT counts only what
 * ends a transaction: the last frame in the -wal (https://www.sqlite.org/fileformat2.html#walformat), header and page.
 * STOP_COUNT names a file that gets both numbers when nobody was killed. SQLite writes with pwrite64 and makes sure
 * with fdatasync or fsync; each of these counts as one. */
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

enum { FRAME_HEADER = 24, COMMIT_AT = 4 }; /* a frame ends a transaction when the word there is not 0 */
enum { PASS, TEAR, STOP };

static _Atomic long writes, commits;
static _Atomic int page_then; /* what becomes of the page of a commit whose header was written */

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

static const char *stop_here(const char *variable, _Atomic long *count)
{
	const char *at = getenv(variable);
	long number = atomic_fetch_add(count, 1) + 1;
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

static int is_commit(const void *data, size_t length)
{
	static const char none[4];
	return length == FRAME_HEADER && memcmp((const char *)data + COMMIT_AT, none, sizeof none) != 0;
}

static const char *commit_begins(void)
{
	const char *when = stop_here("STOP_AT_COMMIT", &commits);
	atomic_store(&page_then, strcmp(when, "torn") == 0 ? TEAR : strcmp(when, "after") == 0 ? STOP : PASS);
	return when;
}

ssize_t pwrite64(int fd, const void *data, size_t length, __off64_t offset)
{
	static ssize_t (*next)(int, const void *, size_t, off64_t);
	if (!next)
		next = (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
	if (!is_database(fd))
		return next(fd, data, length, offset);
	const char *when = stop_here("STOP_AT_WRITE", &writes);
	if (is_commit(data, length) && strcmp(commit_begins(), "before") == 0)
		die();
	int then = length == FRAME_HEADER ? PASS : atomic_exchange(&page_then, PASS);
	if (strcmp(when, "before") == 0)
		die();
	if (strcmp(when, "torn") == 0 || then == TEAR) {
		next(fd, data, length / 2, offset);
		die();
	}
	ssize_t written = next(fd, data, length, offset);
	if (strcmp(when, "after") == 0 || then == STOP)
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
	const char *when = stop_here("STOP_AT_WRITE", &writes);
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
	fprintf(file, "%ld %ld\n", atomic_load(&writes), atomic_load(&commits));
	fclose(file);
}
