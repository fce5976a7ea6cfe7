/* SPDX-License-Identifier: Apache-2.0
 *
 * Files over SFTP. libssh2 keeps as many requests under way as it is given data for, so it gets big windows; nothing is
 * ever seen half written under its own name, on either side. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "session.h"

#define WINDOW_SIZE (4 << 20)
#define READ_SIZE (1 << 20)
#define CREATION_MODE 0600 /* which no umask that lets its owner in takes from */

/* Where an upload's bytes come from: a file, read through a window that slides over it, or memory. */
struct source {
	int fd; /* -1: memory */
	char *window;
	size_t at, fill; /* bytes of the window acknowledged, present */
	const char *path;
};

struct transfer_context {
	struct ssh *ssh;
	LIBSSH2_SFTP_HANDLE *handle;
};

static const char *const sftp_errors[] = {
	[LIBSSH2_FX_EOF] = "end of file",
	[LIBSSH2_FX_NO_SUCH_FILE] = "no such file or folder",
	[LIBSSH2_FX_PERMISSION_DENIED] = "permission denied",
	[LIBSSH2_FX_FAILURE] = "the machine refused (disk full, or a folder in the way)",
	[LIBSSH2_FX_OP_UNSUPPORTED] = "not supported by the machine's sftp-server",
	[LIBSSH2_FX_NO_SPACE_ON_FILESYSTEM] = "no space left on the machine",
};

static bool sftp_fail(struct ssh *ssh, struct error *err, const char *doing)
{
	if (!ssh->sftp || libssh2_session_last_errno(ssh->session) != LIBSSH2_ERROR_SFTP_PROTOCOL)
		return session_fail(ssh, ERROR_REMOTE, err, doing);
	unsigned long code = libssh2_sftp_last_error(ssh->sftp);
	const char *text = code < ARRAY_SIZE(sftp_errors) ? sftp_errors[code] : NULL;
	enum error_kind kind = code == LIBSSH2_FX_NO_SUCH_FILE ? ERROR_ABSENT : ERROR_REMOTE;
	if (!text)
		return error_set(err, kind, "%s: SFTP error %lu", doing, code);
	return error_set(err, kind, "%s: %s", doing, text);
}

static bool ensure_sftp(struct ssh *ssh, struct error *err)
{
	if (!ssh->session)
		return error_set(err, ERROR_TRANSIENT, "not connected");
	while (!ssh->sftp && !(ssh->sftp = libssh2_sftp_init(ssh->session))) {
		if (libssh2_session_last_errno(ssh->session) != LIBSSH2_ERROR_EAGAIN)
			return session_fail(ssh, ERROR_REMOTE, err, "starting SFTP (is sftp-server installed there?)");
		if (!session_wait(ssh, NO_DEADLINE, err))
			return false;
	}
	return true;
}

static bool open_remote(struct transfer_context *context, const char *path, unsigned long flags, mode_t mode,
			struct error *err)
{
	struct ssh *ssh = context->ssh;
	while (!(context->handle = libssh2_sftp_open(ssh->sftp, path, flags, (long)mode))) {
		if (libssh2_session_last_errno(ssh->session) != LIBSSH2_ERROR_EAGAIN)
			return sftp_fail(ssh, err, path);
		if (!session_wait(ssh, NO_DEADLINE, err))
			return false;
	}
	return true;
}

static bool close_remote(struct transfer_context *context, struct error *err)
{
	int rc;
	if (!context->handle)
		return true;
	while ((rc = libssh2_sftp_close(context->handle)) == LIBSSH2_ERROR_EAGAIN) {
		if (!session_wait(context->ssh, NO_DEADLINE, err))
			return false; /* freed with the session */
	}
	context->handle = NULL;
	return rc == 0 || sftp_fail(context->ssh, err, "closing the remote file");
}

/* Keeps the window full: what is acknowledged makes room once half of it is. */
static bool source_fill(struct source *source, struct error *err)
{
	if (source->fd < 0 || (source->fill && source->fill - source->at > WINDOW_SIZE / 2))
		return true;
	memmove(source->window, source->window + source->at, source->fill - source->at);
	source->fill -= source->at;
	source->at = 0;
	while (source->fill < WINDOW_SIZE) {
		ssize_t got = read(source->fd, source->window + source->fill, WINDOW_SIZE - source->fill);
		if (got < 0 && errno != EINTR)
			return error_errno(err, "%s", source->path);
		if (got == 0)
			break;
		source->fill += got > 0 ? (size_t)got : 0;
	}
	return true;
}

static bool send_all(struct transfer_context *context, struct source *source, struct error *err)
{
	for (;;) {
		if (!source_fill(source, err))
			return false;
		if (source->at == source->fill)
			return true;
		ssize_t rc =
			libssh2_sftp_write(context->handle, source->window + source->at, source->fill - source->at);
		if (rc > 0)
			source->at += rc;
		else if (rc < 0 && rc != LIBSSH2_ERROR_EAGAIN)
			return sftp_fail(context->ssh, err, "writing");
		else if (!session_wait(context->ssh, NO_DEADLINE, err))
			return false;
	}
}

static bool set_mode(struct transfer_context *context, mode_t mode, struct error *err)
{
	LIBSSH2_SFTP_ATTRIBUTES attributes = {.flags = LIBSSH2_SFTP_ATTR_PERMISSIONS, .permissions = mode};
	int rc;
	while ((rc = libssh2_sftp_fsetstat(context->handle, &attributes)) == LIBSSH2_ERROR_EAGAIN) {
		if (!session_wait(context->ssh, NO_DEADLINE, err))
			return false;
	}
	return rc == 0 || sftp_fail(context->ssh, err, "setting the mode");
}

static bool write_remote(struct transfer_context *context, struct source *source, const char *path, mode_t mode,
			 struct error *err)
{
	const unsigned long flags = LIBSSH2_FXF_WRITE | LIBSSH2_FXF_CREAT | LIBSSH2_FXF_EXCL;
	struct error ignored;
	if (!open_remote(context, path, flags, CREATION_MODE, err))
		return false;
	bool written = send_all(context, source, err) && (mode == CREATION_MODE || set_mode(context, mode, err));
	return close_remote(context, written ? err : &ignored) && written;
}

/* One round trip, where nothing has that name yet: SFTP's own rename refuses to replace a file. */
static bool rename_remote(struct ssh *ssh, const char *from, const char *to, bool *done, struct error *err)
{
	int rc;
	while ((rc = libssh2_sftp_rename(ssh->sftp, from, to)) == LIBSSH2_ERROR_EAGAIN) {
		if (!session_wait(ssh, NO_DEADLINE, err))
			return false;
	}
	*done = rc == 0;
	return rc == 0 || rc == LIBSSH2_ERROR_SFTP_PROTOCOL || sftp_fail(ssh, err, "renaming");
}

/* mv replaces what is there in one go. */
static bool move_remote(struct ssh *ssh, const char *from, const char *to, struct error *err)
{
	_cleanup_(str_free) struct str command = STR_INIT;
	bool done = false;
	if (!rename_remote(ssh, from, to, &done, err) || done)
		return done;
	str_add(&command, "mv -f -- ");
	str_add_shell_quoted(&command, from);
	str_add_char(&command, ' ');
	str_add_shell_quoted(&command, to);
	return ssh_must(ssh, command.data, NULL, err);
}

static void remove_remote(struct ssh *ssh, const char *path)
{
	struct error ignored;
	while (ssh->sftp && libssh2_sftp_unlink(ssh->sftp, path) == LIBSSH2_ERROR_EAGAIN) {
		if (!session_wait(ssh, NO_DEADLINE, &ignored))
			return;
	}
}

static bool upload(struct ssh *ssh, struct source *source, const char *remote, mode_t mode, struct error *err)
{
	struct transfer_context context = {.ssh = ssh};
	char digits[9];
	crypto_random_hex(digits, 8);
	_cleanup_(freep) char *beside = mem_printf("%s.bakery-%s", remote, digits);
	session_begin(ssh);
	if (ensure_sftp(ssh, err) && write_remote(&context, source, beside, mode, err) &&
	    move_remote(ssh, beside, remote, err))
		return true;
	if (!error_is(err, ERROR_TRANSIENT) && !error_is(err, ERROR_STOPPED))
		remove_remote(ssh, beside);
	return error_context(err, "upload to %s", remote);
}

bool ssh_upload(struct ssh *ssh, const char *local, const char *remote, mode_t mode, struct error *err)
{
	_cleanup_(closep) int fd = open(local, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "%s", local);
	_cleanup_(freep) char *window = mem_alloc(WINDOW_SIZE);
	struct source source = {.fd = fd, .window = window, .path = local};
	return upload(ssh, &source, remote, mode, err);
}

bool ssh_upload_data(struct ssh *ssh, const void *data, size_t length, const char *remote, mode_t mode,
		     struct error *err)
{
	struct source source = {.fd = -1, .window = (char *)data, .fill = length};
	return upload(ssh, &source, remote, mode, err);
}

static bool receive_all(struct transfer_context *context, int fd, int64_t most, struct error *err)
{
	_cleanup_(freep) char *buffer = mem_alloc(READ_SIZE);
	for (;;) {
		ssize_t rc = libssh2_sftp_read(context->handle, buffer, READ_SIZE);
		if (rc == 0)
			return true;
		if (rc > 0 && (most -= rc) < 0)
			return error_set(err, ERROR_REMOTE, "it is larger than it may be");
		if (rc > 0 && !file_write_all(fd, buffer, (size_t)rc))
			return error_errno(err, "writing");
		if (rc < 0 && rc != LIBSSH2_ERROR_EAGAIN)
			return sftp_fail(context->ssh, err, "reading");
		if (rc < 0 && !session_wait(context->ssh, NO_DEADLINE, err))
			return false;
	}
}

static bool read_remote(struct ssh *ssh, const char *remote, int fd, int64_t most, struct error *err)
{
	struct transfer_context context = {.ssh = ssh};
	struct error ignored;
	if (!ensure_sftp(ssh, err) || !open_remote(&context, remote, LIBSSH2_FXF_READ, 0, err))
		return false;
	bool received = receive_all(&context, fd, most, err);
	return close_remote(&context, received ? err : &ignored) && received;
}

bool ssh_download_to(struct ssh *ssh, const char *remote, int fd, int64_t most, struct error *err)
{
	session_begin(ssh);
	return read_remote(ssh, remote, fd, most, err) || error_context(err, "download of %s", remote);
}

bool ssh_download(struct ssh *ssh, const char *remote, const char *local, struct error *err)
{
	_cleanup_(freep) char *beside = mem_printf("%s.XXXXXX", local);
	_cleanup_(closep) int fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "%s", beside);
	session_begin(ssh);
	bool done = read_remote(ssh, remote, fd, INT64_MAX, err);
	if (done && (fchmod(fd, 0644) || rename(beside, local)))
		done = error_errno(err, "%s", local);
	if (!done)
		unlink(beside);
	return done || error_context(err, "download of %s", remote);
}
