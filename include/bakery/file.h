/* SPDX-License-Identifier: Apache-2.0
 *
 * Files and paths. Reading is bounded; writing replaces atomically and survives a power cut. */
#ifndef BAKERY_FILE_H
#define BAKERY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "bakery/crypto.h"
#include "bakery/error.h"
#include "bakery/str.h"

void closep(int *fd); /* for _cleanup_(closep) int fd = -1 */

bool file_read(const char *path, size_t most_bytes, struct str *out,
	       struct error *err) must_check;		      /* appends; ERROR_ABSENT when missing */
bool file_write_all(int fd, const void *data, size_t length); /* false: errno says why */
/* Writes beside it, fsyncs, renames over it, fsyncs the folder. */
bool file_replace(const char *path, const void *data, size_t length, mode_t mode, struct error *err) must_check;
/* Of the content of a regular file, which may be large: it is mapped, not read. The error has no path. */
bool file_sha256_hex(const char *path, char hex[SHA256_HEX_SIZE], struct error *err) must_check;
bool file_exists(const char *path);
bool file_make_folders(const char *path, mode_t mode, struct error *err) must_check; /* mkdir -p */
bool file_remove_tree(const char *path,
		      struct error *err) must_check; /* rm -r, staying on one file system; absent is fine */

char *path_join(const char *folder, const char *name); /* free() it; an absolute name stays as it is */
char *path_folder(const char *path);		       /* "a/b.yaml" -> "a", "b" -> "."; free() it */
char *path_home(void); /* $HOME, else what the accounts of this host say (cron, systemd and containers leave it out),
			  else "/"; free() it */
char *path_state_home(void); /* $XDG_STATE_HOME, else ~/.local/state; free() it */
char *path_cache_home(void); /* $XDG_CACHE_HOME, else ~/.cache; free() it */
/* The nearest `name` in folder or one of its parents, or NULL; free() it. */
char *path_search_upward(const char *folder, const char *name);

#endif
