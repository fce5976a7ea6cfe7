/* SPDX-License-Identifier: Apache-2.0
 *
 * What a machine sent as a folder, taken apart on this host. The machine is not trusted: whatever its archive says,
 * files and folders are made below one folder only, and nothing is written through a symbolic link. */
#ifndef BAKERY_RUNNER_UNPACK_H
#define BAKERY_RUNNER_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#include "bakery/error.h"

#define UNPACK_MOST_ENTRIES 20000
#define UNPACK_MOST_BYTES (8LL << 30) /* of the archive */

struct unpack_count {
	size_t files, folders;
	int64_t bytes;
};

/* The archive (tar, read from where the descriptor stands: POSIX ustar, or GNU's with long names) is first unpacked
 * whole in scratch, an empty folder on the same file system; then each file replaces what has its name below `to`,
 * which is there. What else is in it stays, and all of it when the archive is not whole or holds anything else than
 * files and folders. */
bool unpack_folder(int archive, const char *scratch, const char *to, struct unpack_count *count,
		   struct error *err) must_check;

#endif
