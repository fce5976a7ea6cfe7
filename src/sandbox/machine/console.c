/* SPDX-License-Identifier: Apache-2.0
 *
 * The console file, cut back to what is shown whenever it has grown to four times that. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/file.h"
#include "console.h"

enum { MOST_KEPT = 4 * CONSOLE_SHOWN };

#define NAME "console.log"
#define NEW_NAME "console.log.new"

bool console_open(struct console *console, int folder, struct error *err)
{
	struct stat found;

	console->folder = folder;
	console->fd = openat(folder, NAME, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (console->fd < 0 || fstat(console->fd, &found) < 0)
		return error_errno(err, "cannot open the console");
	console->size = (size_t)found.st_size;
	return true;
}

void console_close(struct console *console)
{
	closep(&console->fd);
	console->fd = -1;
}

static bool read_end(int folder, size_t most, struct str *out)
{
	_cleanup_(closep) int fd = openat(folder, NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char chunk[4096];
	struct stat found;
	size_t left = most; /* it may grow while it is read */
	ssize_t got = 0;

	if (fd < 0 || fstat(fd, &found) < 0)
		return false;
	if (found.st_size > (off_t)most && lseek(fd, found.st_size - (off_t)most, SEEK_SET) < 0)
		return false;
	for (; left && (got = read(fd, chunk, left < sizeof(chunk) ? left : sizeof(chunk))) > 0; left -= (size_t)got)
		str_add_n(out, chunk, (size_t)got);
	return got >= 0;
}

/* Readers see the old file or the new one. */
static void cut_back(struct console *console)
{
	_cleanup_(str_free) struct str kept = STR_INIT;
	int fd;

	if (!read_end(console->folder, CONSOLE_SHOWN, &kept))
		return;
	fd = openat(console->folder, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (write(fd, kept.data, kept.len) != (ssize_t)kept.len ||
	    renameat(console->folder, NEW_NAME, console->folder, NAME) < 0) {
		close(fd);
		return;
	}
	close(console->fd);
	console->fd = fd;
	console->size = kept.len;
}

void console_append(struct console *console, const void *text, size_t length)
{
	ssize_t put = write(console->fd, text, length);

	if (put > 0)
		console->size += (size_t)put;
	if (console->size > MOST_KEPT)
		cut_back(console);
}

bool console_read(int folder, struct str *out, struct error *err)
{
	if (read_end(folder, CONSOLE_SHOWN, out) || errno == ENOENT)
		return true;
	return error_errno(err, "cannot read the console");
}
