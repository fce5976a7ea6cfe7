/* SPDX-License-Identifier: Apache-2.0
 *
 * Every name is checked, and every folder on the way to a file is opened by itself without following links, so that
 * neither a name nor a folder that somebody exchanges in between leads elsewhere. libarchive reads the archive; it
 * makes nothing: its own way to disk knows no rule "files and folders only". */
#include <archive.h>
#include <archive_entry.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "unpack.h"

#define END_SIZE 1024
#define WINDOW (1 << 20)
#define MOST_NAME 3000 /* PATH_MAX less what stands before it */
#define MOST_DEPTH 100

struct entry {
	const char *name;
	unsigned mode;
	bool is_folder;
};

struct unpacking {
	struct archive *tar;
	int scratch, to;
	const char *to_path;
	char *window;
	struct arena *arena;
	struct entry *entries;
	size_t count;
	struct unpack_count *told;
};

static void unpacking_end(struct unpacking *unpacking)
{
	closep(&unpacking->scratch);
	closep(&unpacking->to);
	free(unpacking->window);
	free(unpacking->entries);
	archive_read_free(unpacking->tar);
	arena_free(unpacking->arena);
}

/* A name comes from the machine, and goes to terminals. */
static char *printable(const char *name)
{
	char *text = mem_strndup(name, 200);

	for (char *at = text; *at; at++) {
		if (iscntrl((unsigned char)*at))
			*at = '?';
	}
	return text;
}

static bool refuse(const char *name, const char *why, struct error *err)
{
	_cleanup_(freep) char *shown = printable(name);

	return error_set(err, ERROR_REMOTE, "the machine sent \"%s\", %s: nothing of the folder is taken", shown, why);
}

/* --- names --- */

static bool is_part(const char *part, size_t length)
{
	return length && length <= NAME_MAX && !(length == 1 && *part == '.') &&
	       !(length == 2 && !memcmp(part, "..", 2));
}

static bool has_control(const char *name)
{
	for (; *name; name++) {
		if (iscntrl((unsigned char)*name))
			return true;
	}
	return false;
}

/* "./a/b/" becomes "a/b", and what is not below the folder an error; "" is the folder itself. */
static bool name_clean(const char *name, struct arena *arena, const char **out, struct error *err)
{
	char *clean = arena_strdup(arena, str_starts(name, "./") ? name + 2 : str_eq(name, ".") ? "" : name);
	size_t length = strlen(clean), depth = 0;

	if (length && clean[length - 1] == '/')
		clean[--length] = '\0';
	if (length > MOST_NAME)
		return refuse(name, "whose name is too long", err);
	if (has_control(clean))
		return refuse(name, "whose name has control characters", err);
	for (const char *part = clean; length;) {
		size_t part_length = strcspn(part, "/");
		if (!is_part(part, part_length) || ++depth > MOST_DEPTH)
			return refuse(name, "which is no name below the folder", err);
		part += part_length;
		if (!*part++)
			break;
	}
	*out = clean;
	return true;
}

/* The folder below root that the name lies in, opened part by part; *last: the name's last part. -1: err says why. */
static int parent_open(int root, const char *name, const char **last, struct error *err)
{
	int fd = fcntl(root, F_DUPFD_CLOEXEC, 0);

	for (const char *slash; fd >= 0 && (slash = strchr(name, '/')); name = slash + 1) {
		_cleanup_(freep) char *part = mem_strndup(name, (size_t)(slash - name));
		int next = openat(fd, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int why = errno;
		close(fd);
		errno = why;
		fd = next;
	}
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		error_set(err, ERROR_CONFLICT, "a folder on the way to it is none here, but a file or a symbolic link");
	else if (fd < 0)
		error_errno(err, "the folder it lies in");
	*last = name;
	return fd;
}

/* --- reading the archive --- */

static bool not_whole(struct unpacking *unpacking, struct error *err)
{
	const char *why = archive_error_string(unpacking->tar);
	_cleanup_(freep) char *shown = printable(why ? why : "it is cut off");

	return error_set(err, ERROR_REMOTE, "the machine's archive of it is not whole: %s", shown);
}

/* Without the blocks of nothing at its end libarchive would take it as well. */
static bool has_end(int archive)
{
	char end[END_SIZE], nothing[END_SIZE] = "";
	struct stat found;

	return fstat(archive, &found) == 0 && found.st_size >= END_SIZE &&
	       pread(archive, end, END_SIZE, found.st_size - END_SIZE) == END_SIZE &&
	       memcmp(end, nothing, END_SIZE) == 0;
}

/* As the system's tars write it; several may come one behind the other. */
static bool reading_begin(struct unpacking *unpacking, int archive, struct error *err)
{
	if (!has_end(archive))
		return not_whole(unpacking, err);
	if (archive_read_support_format_tar(unpacking->tar) != ARCHIVE_OK ||
	    archive_read_set_options(unpacking->tar, "tar:read_concatenated_archives,tar:!mac-ext") != ARCHIVE_OK ||
	    archive_read_open_fd(unpacking->tar, archive, WINDOW) != ARCHIVE_OK)
		return not_whole(unpacking, err);
	return true;
}

/* --- making what it says --- */

static bool copy(struct unpacking *unpacking, int to, int64_t size, struct error *err)
{
	la_ssize_t part;

	while ((part = archive_read_data(unpacking->tar, unpacking->window, WINDOW)) > 0) {
		if (!file_write_all(to, unpacking->window, (size_t)part))
			return error_errno(err, "writing");
	}
	if (part < 0)
		return not_whole(unpacking, err);
	/* A hole at its end is not read as data. */
	return ftruncate(to, size) == 0 || error_errno(err, "writing");
}

/* The umask has its say, and the bits that change who runs a file never come along. */
static bool make_file(struct unpacking *unpacking, const struct entry *entry, int64_t size, struct error *err)
{
	const char *last;
	_cleanup_(closep) int parent = parent_open(unpacking->scratch, entry->name, &last, err);

	if (parent < 0)
		return false;
	_cleanup_(closep) int fd =
		openat(parent, last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (entry->mode & 0777) | 0600);
	unpacking->told->files++;
	unpacking->told->bytes += size;
	return fd >= 0 ? copy(unpacking, fd, size, err) : error_errno(err, "making it");
}

static bool make_folder(int root, const struct entry *entry, struct error *err)
{
	const char *last;
	_cleanup_(closep) int parent = parent_open(root, entry->name, &last, err);

	if (parent < 0)
		return false;
	if (mkdirat(parent, last, (entry->mode & 0777) | 0700) && errno != EEXIST)
		return error_errno(err, "making it");
	_cleanup_(closep) int fd = openat(parent, last, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 || error_set(err, ERROR_CONFLICT, "there is a file or a symbolic link of that name here");
}

/* The second name of a file that came before it. */
static bool make_link(struct unpacking *unpacking, const struct entry *entry, const char *link, struct error *err)
{
	const char *last, *old_last, *old;

	if (!name_clean(link, unpacking->arena, &old, err))
		return false;
	_cleanup_(closep) int parent = parent_open(unpacking->scratch, entry->name, &last, err);
	_cleanup_(closep) int old_parent = parent < 0 ? -1 : parent_open(unpacking->scratch, old, &old_last, err);
	if (old_parent < 0)
		return false;
	unpacking->told->files++;
	return linkat(old_parent, old_last, parent, last, 0) == 0 || error_errno(err, "a second name of %s", old);
}

static bool take_entry(struct unpacking *unpacking, struct archive_entry *header, struct error *err)
{
	const char *name = archive_entry_pathname(header), *link = archive_entry_hardlink(header);
	struct entry entry = {.mode = archive_entry_perm(header),
			      .is_folder = archive_entry_filetype(header) == AE_IFDIR};

	if (!name || !name_clean(name, unpacking->arena, &entry.name, err))
		return name ? false : refuse("", "a name in another character set", err);
	if (!link && !entry.is_folder && archive_entry_filetype(header) != AE_IFREG)
		return refuse(name, "which is neither a file nor a folder", err);
	if (!*entry.name)
		return entry.is_folder || refuse(name, "which is no name below the folder", err);
	if (unpacking->count == UNPACK_MOST_ENTRIES)
		return refuse(name, "one too many (at most 20000 files and folders)", err);
	unpacking->entries = mem_grow(unpacking->entries, unpacking->count + 1, sizeof(*unpacking->entries));
	unpacking->entries[unpacking->count++] = entry;
	unpacking->told->folders += entry.is_folder;
	if (link)
		return make_link(unpacking, &entry, link, err);
	if (entry.is_folder)
		return make_folder(unpacking->scratch, &entry, err);
	/* Holes cost nothing on the way, but are written here. */
	if (archive_entry_size(header) > UNPACK_MOST_BYTES - unpacking->told->bytes)
		return refuse(name, "with which it is larger than 8 GiB", err);
	return make_file(unpacking, &entry, archive_entry_size(header), err);
}

static bool read_archive(struct unpacking *unpacking, struct error *err)
{
	struct archive_entry *header;
	int found;

	while ((found = archive_read_next_header(unpacking->tar, &header)) == ARCHIVE_OK) {
		if (!take_entry(unpacking, header, err))
			return false;
	}
	return found == ARCHIVE_EOF || not_whole(unpacking, err);
}

/* --- putting it in place --- */

static bool place_file(const struct unpacking *unpacking, const struct entry *entry, struct error *err)
{
	const char *last, *same;
	_cleanup_(closep) int from = parent_open(unpacking->scratch, entry->name, &last, err);
	_cleanup_(closep) int to = from < 0 ? -1 : parent_open(unpacking->to, entry->name, &same, err);

	return to >= 0 && (renameat(from, last, to, same) == 0 || error_errno(err, "putting it in place"));
}

static bool place_all(const struct unpacking *unpacking, struct error *err)
{
	for (size_t i = 0; i < unpacking->count; i++) {
		const struct entry *entry = &unpacking->entries[i];
		if (!(entry->is_folder ? make_folder(unpacking->to, entry, err) : place_file(unpacking, entry, err)))
			return error_context(err, "%s/%s", unpacking->to_path, entry->name);
	}
	return true;
}

static int folder_open(const char *path, struct error *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		error_errno(err, "%s", path);
	return fd;
}

bool unpack_folder(int archive, const char *scratch, const char *to, struct unpack_count *count, struct error *err)
{
	_cleanup_(unpacking_end) struct unpacking unpacking = {.tar = archive_read_new(),
							       .scratch = folder_open(scratch, err),
							       .to = -1,
							       .to_path = to,
							       .window = mem_alloc(WINDOW),
							       .arena = arena_new(),
							       .told = count};

	*count = (struct unpack_count){0};
	if (unpacking.scratch < 0 || !reading_begin(&unpacking, archive, err) || !read_archive(&unpacking, err))
		return false;
	unpacking.to = folder_open(to, err);
	return unpacking.to >= 0 && place_all(&unpacking, err);
}
