/* SPDX-License-Identifier: Apache-2.0
 *
 * The format is IEEE Std 1003.1's ustar, written file by file as each is read: nothing of it is held in memory but one
 * template. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"

#define MOST_TEMPLATE (16 << 20)
#define MOST_SIZE 077777777777 /* what the header's field holds: 8 GiB */
#define BLOCK 512
#define WINDOW (1 << 20)

struct header { /* of ustar; all text */
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], kind, link[100], magic[6],
		version[2], user[32], group[32], major[8], minor[8], prefix[155], unused[12];
};

bool archive_fill(const struct archive *archive, const char *path, struct str *out, struct error *err)
{
	static const struct text_map none = {0};
	const struct transfer *upload = archive->upload;
	const struct text_map *given = archive->variables ? archive->variables : &none;
	_cleanup_(str_free) struct str text = STR_INIT;

	if (!file_read(path, MOST_TEMPLATE, &text, err))
		return false;
	if (strlen(text.data) != text.len)
		return error_set(err, ERROR_INVALID, "%s: a template must be text", path);
	return template_render(text.data, upload->vars.count ? &upload->vars : given, out, err) ||
	       error_context(err, "%s", path);
}

static unsigned mode_of(const struct archive *archive, const struct upload_entry *entry)
{
	const char *given = archive->upload->mode;
	unsigned mode = given ? (unsigned)strtoul(given, NULL, 8) : entry->mode ? entry->mode : 0644;

	return given && entry->is_folder ? mode | (mode & 0444) >> 2 : mode; /* who may read it may enter it */
}

static bool sum_of(const struct archive *archive, const struct upload_entry *entry, char hex[SHA256_HEX_SIZE],
		   struct error *err)
{
	_cleanup_(str_free) struct str filled = STR_INIT;

	if (!archive->upload->is_template)
		return file_sha256_hex(entry->path, hex, err) || error_context(err, "%s", entry->path);
	if (!archive_fill(archive, entry->path, &filled, err))
		return false;
	crypto_sha256_hex(filled.data, filled.len, hex);
	return true;
}

bool archive_list(const struct archive *archive, struct str *list, bool *is_folder, struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct upload_list entries;
	char hex[SHA256_HEX_SIZE];

	if (!upload_list(archive->upload->from, arena, &entries, err))
		return false;
	*is_folder = entries.is_folder;
	for (size_t i = 0; i < entries.count; i++) {
		const struct upload_entry *entry = &entries.items[i];
		if (!entry->is_folder && !sum_of(archive, entry, hex, err))
			return false;
		str_addf(list, "%c %o %s %s\n", entry->is_folder ? 'D' : 'F', mode_of(archive, entry),
			 entry->is_folder ? "-" : hex, entry->name);
	}
	return true;
}

static bool put(int fd, const char *data, size_t length, struct error *err)
{
	return file_write_all(fd, data, length) || error_errno(err, "packing");
}

static bool pad(int fd, int64_t size, struct error *err)
{
	static const char zeros[BLOCK];

	return put(fd, zeros, (size_t)((BLOCK - size % BLOCK) % BLOCK), err);
}

/* A long name goes into two fields, parted at a slash. */
static bool set_name(struct header *header, const char *name, struct error *err)
{
	size_t length = strlen(name);
	const char *slash = name;

	while (slash && length - (size_t)(slash - name) > sizeof(header->name) + (slash > name))
		slash = strchr(slash + 1, '/');
	if (!slash || (size_t)(slash - name) > sizeof(header->prefix))
		return error_set(err, ERROR_INVALID, "%s: the name is too long to be sent", name);
	if (slash > name) {
		memcpy(header->prefix, name, (size_t)(slash - name));
		name = slash + 1;
	}
	memcpy(header->name, name, strlen(name));
	return true;
}

static bool put_header(int fd, const char *name, const struct upload_entry *entry, unsigned mode, int64_t size,
		       struct error *err)
{
	struct header header = {.kind = entry->is_folder ? '5' : '0', .magic = "ustar", .version = {'0', '0'}};
	unsigned sum = 0;

	_Static_assert(sizeof(header) == BLOCK, "a header is a block");
	if (size > MOST_SIZE)
		return error_set(err, ERROR_INVALID, "%s: is too large to be sent within a folder (8 GiB)", name);
	if (!set_name(&header, name, err))
		return false;
	snprintf(header.mode, sizeof(header.mode), "%07o", mode);
	snprintf(header.uid, sizeof(header.uid), "%07o", 0);
	snprintf(header.gid, sizeof(header.gid), "%07o", 0);
	snprintf(header.size, sizeof(header.size), "%011llo", (unsigned long long)size);
	snprintf(header.mtime, sizeof(header.mtime), "%011llo", (unsigned long long)entry->changed_s);
	memset(header.checksum, ' ', sizeof(header.checksum));
	for (size_t i = 0; i < sizeof(header); i++)
		sum += ((const unsigned char *)&header)[i];
	snprintf(header.checksum, sizeof(header.checksum), "%06o", sum);
	return put(fd, (const char *)&header, sizeof(header), err);
}

static bool put_file(int fd, const struct upload_entry *entry, struct error *err)
{
	_cleanup_(closep) int from = open(entry->path, O_RDONLY | O_CLOEXEC);
	_cleanup_(freep) char *window = mem_alloc(WINDOW);
	int64_t left = entry->size;

	if (from < 0)
		return error_errno(err, "%s", entry->path);
	while (left) {
		ssize_t got = read(from, window, left < WINDOW ? (size_t)left : WINDOW);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, "%s", entry->path);
		if (got == 0)
			return error_set(err, ERROR_CONFLICT, "%s: became shorter while it was read", entry->path);
		if (!put(fd, window, (size_t)got, err))
			return false;
		left -= got;
	}
	return true;
}

static bool put_entry(const struct archive *archive, int fd, const struct upload_entry *entry, struct error *err)
{
	_cleanup_(str_free) struct str filled = STR_INIT;
	bool fill = archive->upload->is_template && !entry->is_folder;

	if (fill && !archive_fill(archive, entry->path, &filled, err))
		return false;
	int64_t size = entry->is_folder ? 0 : fill ? (int64_t)filled.len : entry->size;
	if (!put_header(fd, entry->name, entry, mode_of(archive, entry), size, err))
		return false;
	if (!entry->is_folder && !(fill ? put(fd, filled.data, filled.len, err) : put_file(fd, entry, err)))
		return false;
	return pad(fd, size, err);
}

bool archive_write(const struct archive *archive, int fd, struct error *err)
{
	static const char end[2 * BLOCK];
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct upload_list entries;

	if (!upload_list(archive->upload->from, arena, &entries, err))
		return false;
	for (size_t i = 0; i < entries.count; i++) {
		if (!put_entry(archive, fd, &entries.items[i], err))
			return false;
	}
	return put(fd, end, sizeof(end), err);
}
