/* SPDX-License-Identifier: Apache-2.0
 *
 * What is sent for an upload: templates filled, a folder as one archive, so that a thousand files need no more round
 * trips than one; and its list, by which the machine can tell whether it has all that already. */
#ifndef BAKERY_RUNNER_ARCHIVE_H
#define BAKERY_RUNNER_ARCHIVE_H

#include <stdbool.h>

#include "bakery/playbook.h"
#include "bakery/str.h"

/* An upload's content as it arrives; variables: for a template that carries none of its own. */
struct archive {
	const struct transfer *upload;
	const struct text_map *variables;
};

/* "F 644 SHA256 ./name" or "D 755 - ./name" for each; *is_folder: whether it is one. Of a single file only its line. */
bool archive_list(const struct archive *archive, struct str *list, bool *is_folder, struct error *err) must_check;
/* The folder as a tar archive (POSIX ustar). */
bool archive_write(const struct archive *archive, int fd, struct error *err) must_check;
/* A template with its variables replaced. */
bool archive_fill(const struct archive *archive, const char *path, struct str *out, struct error *err) must_check;

#endif
