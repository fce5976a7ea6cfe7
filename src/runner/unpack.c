/* SPDX-License-Identifier: Apache-2.0
 *
 * Every name is checked, and every folder on the way to a file is opened by itself without following links, so that
 * neither a name nor a folder that somebody exchanges in between leads elsewhere. Formats: IEEE Std 1003.1, pax, "ustar
 * Interchange Format"; tar(5) of libarchive, "GNU tar Archives". */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "unpack.h"

#define BLOCK 512
#define WINDOW (1 << 20)
#define MOST_NAME 3000 /* PATH_MAX less what stands before it */
#define MOST_DEPTH 100

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], kind, link[100], magic[8], user[32],
		group[32], major[8], minor[8], prefix[155], unused[12];
};

struct entry {
	const char *name;
	unsigned mode;
	bool is_folder;
};

struct unpacking {
	int archive, scratch, to;
	const char *to_path;
	char *window;
	struct arena *arena;
	struct entry *entries;
	size_t count;
	char *long_name, *long_link; /* of the entry to come, or NULL */
	struct unpack_count *told;
};

static void unpacking_end(struct unpacking *unpacking)
{
	closep(&unpacking->scratch);
	closep(&unpacking->to);
	free(unpacking->window);
	free(unpacking->entries);
	freep(&unpacking->long_name);
	freep(&unpacking->long_link);
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

static bool cut_off(struct error *err)
{
	return error_set(err, ERROR_REMOTE, "the machine's archive of it is not whole");
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

/* Fewer bytes than asked for: the end. */
static bool read_some(int fd, void *data, size_t length, size_t *got, struct error *err)
{
	ssize_t part = 1;

	for (*got = 0; *got < length && part;) {
		part = read(fd, (char *)data + *got, length - *got);
		if (part < 0 && errno != EINTR)
			return error_errno(err, "reading the archive");
		*got += part > 0 ? (size_t)part : 0;
	}
	return true;
}

static bool read_whole(int fd, void *data, size_t length, struct error *err)
{
	size_t got;

	return read_some(fd, data, length, &got, err) && (got == length || cut_off(err));
}

static bool octal(const char *field, size_t width, int64_t *out)
{
	char text[16] = "", *end;

	memcpy(text, field, width);
	*out = (int64_t)strtoull(text, &end, 8); /* 12 digits at most */
	return end != text && !end[strspn(end, " ")];
}

static bool is_end(const struct header *header)
{
	const char *bytes = (const char *)header;

	for (size_t i = 0; i < sizeof(*header); i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

static bool sum_is_right(const struct header *header)
{
	struct header plain = *header;
	int64_t told, sum = 0;

	memset(plain.checksum, ' ', sizeof(plain.checksum));
	for (size_t i = 0; i < sizeof(plain); i++)
		sum += ((const unsigned char *)&plain)[i];
	return octal(header->checksum, sizeof(header->checksum), &told) && told == sum;
}

static char *header_name(const struct header *header)
{
	int name = (int)strnlen(header->name, sizeof(header->name));
	int prefix = (int)strnlen(header->prefix, sizeof(header->prefix));

	/* GNU's own format has other things there. */
	if (memcmp(header->magic, "ustar\0", 6) != 0 || !prefix)
		return mem_strndup(header->name, (size_t)name);
	return mem_printf("%.*s/%.*s", prefix, header->prefix, name, header->name);
}

static bool skip_padding(struct unpacking *unpacking, int64_t size, struct error *err)
{
	return read_whole(unpacking->archive, unpacking->window, (size_t)((BLOCK - size % BLOCK) % BLOCK), err);
}

/* --- making what it says --- */

static bool write_whole(int fd, const char *data, size_t length, struct error *err)
{
	while (length) {
		ssize_t put = write(fd, data, length);
		if (put < 0 && errno != EINTR)
			return error_errno(err, "writing");
		data += put > 0 ? put : 0;
		length -= put > 0 ? (size_t)put : 0;
	}
	return true;
}

static bool copy(struct unpacking *unpacking, int to, int64_t size, struct error *err)
{
	for (int64_t left = size; left;) {
		size_t part = left < WINDOW ? (size_t)left : WINDOW;
		if (!read_whole(unpacking->archive, unpacking->window, part, err) ||
		    !write_whole(to, unpacking->window, part, err))
			return false;
		left -= (int64_t)part;
	}
	return skip_padding(unpacking, size, err);
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

static bool read_long(struct unpacking *unpacking, int64_t size, char **out, struct error *err)
{
	free(take(out));
	if (size <= 0 || size > MOST_NAME)
		return refuse("", "whose name is too long", err);
	*out = mem_alloc((size_t)size + 1);
	return read_whole(unpacking->archive, *out, (size_t)size, err) && skip_padding(unpacking, size, err);
}

static bool make_entry(struct unpacking *unpacking, const struct header *header, const char *name, int64_t size,
		       struct error *err)
{
	char short_link[sizeof(header->link) + 1] = "";
	struct entry entry = {.is_folder = header->kind == '5'};
	int64_t mode = 0;

	if (!name_clean(name, unpacking->arena, &entry.name, err))
		return false;
	if (!octal(header->mode, sizeof(header->mode), &mode) || (size && (entry.is_folder || header->kind == '1')))
		return refuse(name, "of which the archive says nonsense", err);
	entry.mode = (unsigned)mode;
	if (!*entry.name)
		return entry.is_folder || refuse(name, "which is no name below the folder", err);
	if (unpacking->count == UNPACK_MOST_ENTRIES)
		return refuse(name, "one too many (at most 20000 files and folders)", err);
	unpacking->entries = mem_grow(unpacking->entries, unpacking->count + 1, sizeof(*unpacking->entries));
	unpacking->entries[unpacking->count++] = entry;
	unpacking->told->folders += entry.is_folder;
	memcpy(short_link, header->link, sizeof(header->link));
	if (entry.is_folder)
		return make_folder(unpacking->scratch, &entry, err);
	return header->kind == '1'
		       ? make_link(unpacking, &entry, unpacking->long_link ? unpacking->long_link : short_link, err)
		       : make_file(unpacking, &entry, size, err);
}

/* What went before it may have said names that have no room in a header. */
static bool take_entry(struct unpacking *unpacking, const struct header *header, struct error *err)
{
	int64_t size;

	if (!octal(header->size, sizeof(header->size), &size))
		return refuse("", "which is larger than 8 GiB", err);
	if (header->kind == 'L')
		return read_long(unpacking, size, &unpacking->long_name, err);
	if (header->kind == 'K')
		return read_long(unpacking, size, &unpacking->long_link, err);
	_cleanup_(freep) char *name = unpacking->long_name ? take(&unpacking->long_name) : header_name(header);
	if (!strchr("015", header->kind)) /* or NUL, which is a file, too */
		return refuse(name, "which is neither a file nor a folder", err);
	bool done = make_entry(unpacking, header, name, size, err);
	free(take(&unpacking->long_link));
	return done;
}

/* One archive or several, each ended by blocks of nothing. */
static bool read_archive(struct unpacking *unpacking, struct error *err)
{
	struct header header;
	bool ended = false;
	size_t got;

	_Static_assert(sizeof(header) == BLOCK, "a header is a block");
	for (;;) {
		if (!read_some(unpacking->archive, &header, sizeof(header), &got, err))
			return false;
		if (got < sizeof(header))
			return (ended && !got) || cut_off(err);
		ended = is_end(&header);
		if (!ended && !sum_is_right(&header))
			return cut_off(err);
		if (!ended && !take_entry(unpacking, &header, err))
			return false;
	}
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

bool archive_unpack(int archive, const char *scratch, const char *to, struct unpack_count *count, struct error *err)
{
	_cleanup_(unpacking_end) struct unpacking unpacking = {.archive = archive,
							       .scratch = folder_open(scratch, err),
							       .to = -1,
							       .to_path = to,
							       .window = mem_alloc(WINDOW),
							       .arena = arena_new(),
							       .told = count};

	*count = (struct unpack_count){0};
	if (unpacking.scratch < 0 || !read_archive(&unpacking, err))
		return false;
	unpacking.to = folder_open(to, err);
	return unpacking.to >= 0 && place_all(&unpacking, err);
}
