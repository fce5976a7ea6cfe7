/* SPDX-License-Identifier: Apache-2.0
 *
 * The files that a sandbox is found by. */
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/str.h"

#define LOOK_EVERY_MS 30
#define START_WITHIN_MS 60000

char *folder_path(const struct sandbox_options *options)
{
	const char *from_environment = getenv("BAKERY_SANDBOX");
	if (options->folder != NULL)
		return mem_strdup(options->folder);
	if (from_environment != NULL && *from_environment != '\0')
		return mem_strdup(from_environment);
	_cleanup_(freep) char *home = path_state_home();
	return mem_printf("%s/bakery/sandbox", home);
}

/* Locks of open file descriptions: they end with the process however it ends, and can be asked about without being
 * taken. */
static int open_lock(const char *folder, int flags)
{
	_cleanup_(freep) char *path = path_join(folder, "lock");
	return open(path, O_RDWR | O_CLOEXEC | flags, 0600);
}

bool folder_lock(const char *folder, int *fd, struct error *err)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (!file_make_folders(folder, 0700, err))
		return false;
	*fd = open_lock(folder, O_CREAT);
	if (*fd < 0)
		return error_errno(err, "%s/lock", folder);
	if (fcntl(*fd, F_OFD_SETLK, &whole) == 0)
		return true;
	bool held = errno == EAGAIN || errno == EACCES;
	if (!held)
		error_errno(err, "%s/lock", folder);
	closep(fd);
	*fd = -1;
	return held ? error_set(err, ERROR_CONFLICT, "a sandbox runs in %s already", folder) : false;
}

bool folder_is_served(const char *folder)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	_cleanup_(closep) int fd = open_lock(folder, 0);
	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

bool folder_write_address(const char *folder, const char *endpoint, struct error *err)
{
	_cleanup_(freep) char *path = path_join(folder, "address.json");
	_cleanup_(tree_freep) struct tree *address = tree_new_object();
	_cleanup_(str_free) struct str text = STR_INIT;
	tree_set_text(address, "endpoint", endpoint);
	tree_set_int(address, "pid", getpid());
	tree_to_json_pretty(address, &text);
	return file_replace(path, text.data, text.len, 0600, err);
}

void folder_drop_address(const char *folder)
{
	_cleanup_(freep) char *path = path_join(folder, "address.json");
	unlink(path);
}

static struct tree *read_json(const char *folder, const char *name, struct error *err)
{
	_cleanup_(freep) char *path = path_join(folder, name);
	_cleanup_(str_wipe_free) struct str text = STR_INIT;
	if (!file_read(path, 4096, &text, err))
		return NULL;
	struct tree *tree = tree_from_json(text.data, text.len, err);
	if (tree == NULL)
		error_context(err, "%s", path);
	return tree;
}

/* ERROR_ABSENT: not there (yet). */
static bool read_address(const char *folder, struct sandbox_address *out, struct error *err)
{
	_cleanup_(tree_freep) struct tree *address = read_json(folder, "address.json", err);
	if (address == NULL)
		return false;
	_cleanup_(tree_freep) struct tree *key = read_json(folder, "credentials.json", err);
	if (key == NULL)
		return false;
	*out = (struct sandbox_address){.pid = (int)tree_int(address, "pid", 0)};
	snprintf(out->endpoint, sizeof out->endpoint, "%s", tree_text_or(address, "endpoint", ""));
	snprintf(out->access_key, sizeof out->access_key, "%s", tree_text_or(key, "access_key", ""));
	snprintf(out->secret_key, sizeof out->secret_key, "%s", tree_text_or(key, "secret_key", ""));
	snprintf(out->region, sizeof out->region, "us-east-1");
	return true;
}

/* One that has the lock may still be starting, or be ending. */
bool folder_find(const char *folder, const struct stop *stop, struct sandbox_address *out, struct error *err)
{
	int64_t until_ms = clock_mono_ms() + START_WITHIN_MS;
	while (folder_is_served(folder) && clock_mono_ms() < until_ms) {
		if (read_address(folder, out, err))
			return true;
		if (!error_is(err, ERROR_ABSENT))
			return false;
		if (!stop_sleep_ms(stop, LOOK_EVERY_MS))
			return error_set(err, ERROR_STOPPED, "stopped while waiting for the sandbox");
	}
	return error_set(err, ERROR_ABSENT, "no sandbox runs in %s", folder);
}

bool sandbox_find(const struct sandbox_options *options, struct sandbox_address *out, struct error *err)
{
	_cleanup_(freep) char *folder = folder_path(options);
	return folder_find(folder, options->stop, out, err);
}

bool folder_token(const char *folder, char token[65], struct error *err)
{
	_cleanup_(freep) char *path = path_join(folder, "token");
	_cleanup_(str_wipe_free) struct str text = STR_INIT;
	if (!file_exists(path)) {
		crypto_random_hex(token, 64);
		return file_replace(path, token, 64, 0600, err);
	}
	if (!file_read(path, 64, &text, err))
		return false;
	snprintf(token, 65, "%s", text.data);
	return true;
}
