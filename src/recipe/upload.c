/* SPDX-License-Identifier: Apache-2.0
 *
 * What an upload brings: one file, or a folder with all in it, always in the same order; hashed, so that a plan which
 * names it can tell whether it is still the same. */
#include <errno.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/playbook.h"
#include "playbook_private.h"

enum { MOST_FILES = 20000 };
#define SETTLED_S 2 /* what was changed just now may change once more within the same tick of its file system */

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Names go through lists of lines, and sha256sum's own lists give a backslash a meaning. */
static bool name_check(const char *name, struct error *err)
{
	for (const char *at = name; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 127 || *at == '\\')
			return error_set(err, ERROR_INVALID,
					 "has a name with a control character or a backslash in it: %s", name);
	}
	return true;
}

static void entry_add(struct upload_list *list, const FTSENT *entry, size_t root, struct arena *arena)
{
	struct upload_entry *items;

	if ((list->count & (list->count - 1)) == 0) { /* the arena keeps the old ones: as much again at most */
		items = arena_alloc(arena, (list->count ? 2 * list->count : 1) * sizeof(*items));
		if (list->count)
			memcpy(items, list->items, list->count * sizeof(*items));
		list->items = items;
	}
	list->items[list->count++] = (struct upload_entry){.name = arena_printf(arena, ".%s", entry->fts_path + root),
							   .path = arena_strdup(arena, entry->fts_path),
							   .is_folder = entry->fts_info == FTS_D,
							   .mode = entry->fts_statp->st_mode & 0777,
							   .size = entry->fts_statp->st_size,
							   .changed_s = entry->fts_statp->st_mtime};
}

static bool entry_take(struct upload_list *list, const FTSENT *entry, size_t root, struct arena *arena,
		       struct error *err)
{
	if (entry->fts_level == 0 || entry->fts_info == FTS_DP)
		return true;
	if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS) {
		errno = entry->fts_errno;
		return error_errno(err, "cannot read %s", entry->fts_path);
	}
	if (entry->fts_info != FTS_D && entry->fts_info != FTS_F)
		return error_set(err, ERROR_INVALID, "holds %s, which is neither a file nor a folder",
				 entry->fts_path + root + 1);
	if (!name_check(entry->fts_name, err))
		return false;
	if (list->count == MOST_FILES)
		return error_set(err, ERROR_INVALID, "holds more than %d files", MOST_FILES);
	entry_add(list, entry, root, arena);
	return true;
}

static bool folder_list(const char *path, struct arena *arena, struct upload_list *out, struct error *err)
{
	char *const paths[] = {(char *)path, NULL};
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	bool done = true;

	if (!walk)
		return error_errno(err, "cannot read %s", path);
	for (FTSENT *entry; done && (entry = fts_read(walk));)
		done = entry_take(out, entry, strlen(path), arena, err);
	fts_close(walk);
	return done;
}

bool upload_list(const char *from, struct arena *arena, struct upload_list *out, struct error *err)
{
	size_t length = strlen(from);
	struct stat status;

	*out = (struct upload_list){0};
	while (length > 1 && from[length - 1] == '/')
		length--;
	const char *path = arena_strndup(arena, from, length);
	if (stat(path, &status) < 0)
		return error_errno(err, "cannot open %s", path);
	out->is_folder = S_ISDIR(status.st_mode);
	if (out->is_folder)
		return folder_list(path, arena, out, err);
	out->items = arena_alloc(arena, sizeof(*out->items));
	out->items[0] = (struct upload_entry){.name = ".", .path = path, .size = status.st_size};
	out->count = 1;
	return true;
}

/* Of the names, modes and contents of all in it. */
static bool folder_fingerprint(const char *path, char hex[SHA256_HEX_SIZE], struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(str_free) struct str text = STR_INIT;
	struct upload_list list;

	if (!upload_list(path, arena, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct upload_entry *entry = &list.items[i];
		if (!entry->is_folder && !file_sha256_hex(entry->path, hex, err))
			return error_context(err, "%s", entry->name);
		str_addf(&text, "%o %s %s\n", entry->mode, entry->is_folder ? "-" : hex, entry->name);
	}
	crypto_sha256_hex(text.data, text.len, hex);
	return true;
}

static bool is_folder(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool fingerprint(const char *path, char hex[SHA256_HEX_SIZE], struct error *err)
{
	return is_folder(path) ? folder_fingerprint(path, hex, err) : file_sha256_hex(path, hex, err);
}

/* Only of what has been at rest for a while can its state tell that it did not change. */
static const struct stat *state_at_rest(const char *path, struct arena *arena)
{
	struct stat *status = arena_alloc(arena, sizeof(*status));
	bool at_rest = stat(path, status) == 0 && S_ISREG(status->st_mode) && status->st_ctime + SETTLED_S < time(NULL);

	return at_rest ? status : NULL;
}

bool upload_fingerprint(struct transfer *upload, struct arena *arena, struct error *err)
{
	const struct stat *before = state_at_rest(upload->from, arena);
	char hex[SHA256_HEX_SIZE];

	if (!fingerprint(upload->from, hex, err))
		return false;
	upload->seen = before;
	upload->sha256 = arena_strdup(arena, hex);
	return true;
}

static bool untouched(const struct transfer *upload)
{
	const struct stat *then = upload->seen;
	struct stat now;

	return then && stat(upload->from, &now) == 0 && now.st_dev == then->st_dev && now.st_ino == then->st_ino &&
	       now.st_size == then->st_size && !memcmp(&now.st_mtim, &then->st_mtim, sizeof(now.st_mtim)) &&
	       !memcmp(&now.st_ctim, &then->st_ctim, sizeof(now.st_ctim));
}

/* A plan may be run long after it was made, and elsewhere: it names files, it does not hold them. */
bool upload_check(const struct transfer *upload, struct error *err)
{
	char now[SHA256_HEX_SIZE];

	if (!upload->sha256 || untouched(upload))
		return true;
	if (!fingerprint(upload->from, now, err))
		return error_context(err, "%s, which is to be uploaded", upload->from);
	if (str_eq(now, upload->sha256))
		return true;
	return error_set(
		err, ERROR_CONFLICT,
		"%s has changed since the plan was made (its sha256 was %.12s, is %.12s); bring the file back, "
		"or begin anew with `bakery build`",
		upload->from, upload->sha256, now);
}
