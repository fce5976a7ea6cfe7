/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder's archive is written file by file as each is read: nothing of it is held in memory but one template. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "pack.h"

#define MOST_TEMPLATE (16 << 20)
#define WINDOW (1 << 20)

struct packing {
	const struct pack *pack;
	struct archive *tar;
	struct archive_entry *header; /* of one file after the other */
	char *window;
};

bool pack_fill(const struct pack *pack, const char *path, struct str *out, struct error *err)
{
	static const struct text_map none = {0};
	const struct transfer *upload = pack->upload;
	const struct text_map *given = pack->variables ? pack->variables : &none;
	_cleanup_(str_free) struct str text = STR_INIT;

	if (!file_read(path, MOST_TEMPLATE, &text, err))
		return false;
	if (strlen(text.data) != text.len)
		return error_set(err, ERROR_INVALID, "%s: a template must be text", path);
	return template_render(text.data, upload->vars.count ? &upload->vars : given, out, err) ||
	       error_context(err, "%s", path);
}

static unsigned mode_of(const struct pack *pack, const struct upload_entry *entry)
{
	const char *given = pack->upload->mode;
	unsigned mode = given ? (unsigned)strtoul(given, NULL, 8) : entry->mode ? entry->mode : 0644;

	return given && entry->is_folder ? mode | (mode & 0444) >> 2 : mode; /* who may read it may enter it */
}

static bool sum_of(const struct pack *pack, const struct upload_entry *entry, char hex[SHA256_HEX_SIZE],
		   struct error *err)
{
	_cleanup_(str_free) struct str filled = STR_INIT;

	if (!pack->upload->is_template)
		return file_sha256_hex(entry->path, hex, err) || error_context(err, "%s", entry->path);
	if (!pack_fill(pack, entry->path, &filled, err))
		return false;
	crypto_sha256_hex(filled.data, filled.len, hex);
	return true;
}

bool pack_list(const struct pack *pack, struct str *list, bool *is_folder, struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct upload_list entries;
	char hex[SHA256_HEX_SIZE];

	if (!upload_list(pack->upload->from, arena, &entries, err))
		return false;
	*is_folder = entries.is_folder;
	for (size_t i = 0; i < entries.count; i++) {
		const struct upload_entry *entry = &entries.items[i];
		if (!entry->is_folder && !sum_of(pack, entry, hex, err))
			return false;
		str_addf(list, "%c %o %s %s\n", entry->is_folder ? 'D' : 'F', mode_of(pack, entry),
			 entry->is_folder ? "-" : hex, entry->name);
	}
	return true;
}

static bool refused(const struct packing *packing, const char *name, struct error *err)
{
	return error_set(err, ERROR_FAILED, "packing %s: %s", name, archive_error_string(packing->tar));
}

static bool put(const struct packing *packing, const char *name, const char *data, size_t length, struct error *err)
{
	return archive_write_data(packing->tar, data, length) == (la_ssize_t)length || refused(packing, name, err);
}

static bool put_header(const struct packing *packing, const struct upload_entry *entry, int64_t size, struct error *err)
{
	struct archive_entry *header = archive_entry_clear(packing->header);

	archive_entry_set_pathname(header, entry->name);
	archive_entry_set_filetype(header, entry->is_folder ? AE_IFDIR : AE_IFREG);
	archive_entry_set_perm(header, mode_of(packing->pack, entry));
	archive_entry_set_size(header, size);
	archive_entry_set_mtime(header, entry->changed_s, 0);
	return archive_write_header(packing->tar, header) == ARCHIVE_OK || refused(packing, entry->name, err);
}

static bool put_file(const struct packing *packing, const struct upload_entry *entry, struct error *err)
{
	_cleanup_(closep) int from = open(entry->path, O_RDONLY | O_CLOEXEC);
	int64_t left = entry->size;

	if (from < 0)
		return error_errno(err, "%s", entry->path);
	while (left) {
		ssize_t got = read(from, packing->window, left < WINDOW ? (size_t)left : WINDOW);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, "%s", entry->path);
		if (got == 0)
			return error_set(err, ERROR_CONFLICT, "%s: became shorter while it was read", entry->path);
		if (!put(packing, entry->name, packing->window, (size_t)got, err))
			return false;
		left -= got;
	}
	return true;
}

static bool put_entry(const struct packing *packing, const struct upload_entry *entry, struct error *err)
{
	_cleanup_(str_free) struct str filled = STR_INIT;

	if (entry->is_folder)
		return put_header(packing, entry, 0, err);
	if (!packing->pack->upload->is_template)
		return put_header(packing, entry, entry->size, err) && put_file(packing, entry, err);
	return pack_fill(packing->pack, entry->path, &filled, err) &&
	       put_header(packing, entry, (int64_t)filled.len, err) &&
	       put(packing, entry->name, filled.data, filled.len, err);
}

static void packing_end(struct packing *packing)
{
	free(packing->window);
	archive_entry_free(packing->header);
	archive_write_free(packing->tar);
}

bool pack_write(const struct pack *pack, int fd, struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(packing_end) struct packing packing = {
		.pack = pack, .tar = archive_write_new(), .header = archive_entry_new(), .window = mem_alloc(WINDOW)};
	struct upload_list entries;

	if (!upload_list(pack->upload->from, arena, &entries, err))
		return false;
	/* GNU's: what GNU's, BSD's and busybox's tar all read, with names and files of any length. */
	if (archive_write_set_format_gnutar(packing.tar) != ARCHIVE_OK ||
	    archive_write_open_fd(packing.tar, fd) != ARCHIVE_OK)
		return refused(&packing, pack->upload->from, err);
	for (size_t i = 0; i < entries.count; i++) {
		if (!put_entry(&packing, &entries.items[i], err))
			return false;
	}
	return archive_write_close(packing.tar) == ARCHIVE_OK || refused(&packing, pack->upload->from, err);
}
