/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes that name what was asked for: of documents in canonical form, and of files (uploads may be large: they are
 * mapped, not read). */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "playbook_private.h"
#include "search.h"

const char *tree_fingerprint(const struct tree *tree, struct arena *arena)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	char hex[SHA256_HEX_SIZE];

	tree_to_json_canonical(tree, &text);
	crypto_sha256_hex(text.data, text.len, hex);
	return arena_strdup(arena, hex);
}

const char *file_fingerprint(const char *path, struct arena *arena, struct error *err)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a fifo must not hold us up */
	struct stat status;
	char hex[SHA256_HEX_SIZE];
	void *data = NULL;

	if (fd < 0 || fstat(fd, &status) < 0) {
		error_errno(err, "cannot be read");
		return NULL;
	}
	if (!S_ISREG(status.st_mode)) {
		error_set(err, ERROR_INVALID, "is no regular file");
		return NULL;
	}
	if (status.st_size > 0)
		data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED) {
		error_errno(err, "cannot be read");
		return NULL;
	}
	crypto_sha256_hex(data ? data : "", (size_t)status.st_size, hex);
	if (data)
		munmap(data, (size_t)status.st_size);
	return arena_strdup(arena, hex);
}

const char *file_fault(const char *path, const struct error *err, struct arena *arena)
{
	const char *shown = search_shown(path, arena);

	return error_is(err, ERROR_ABSENT) ? arena_printf(arena, "there is no file %s", shown)
					   : arena_printf(arena, "%s %s", shown, err->text);
}
