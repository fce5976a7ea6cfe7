/* SPDX-License-Identifier: Apache-2.0
 *
 * What is sent for an upload: templates filled, a folder as one archive, so that a thousand files need no more round
 * trips than one; and its list, by which the machine can tell whether it has all that already. */
#ifndef BAKERY_RUNNER_PACK_H
#define BAKERY_RUNNER_PACK_H

#include <stdbool.h>

#include "bakery/playbook.h"
#include "bakery/str.h"

/* An upload's content as it arrives; variables: for a template that carries none of its own. */
struct pack {
	const struct transfer *upload;
	const struct text_map *variables;
};

/* "F 644 SHA256 ./name" or "D 755 - ./name" for each; *is_folder: whether it is one. Of a single file only its line. */
bool pack_list(const struct pack *pack, struct str *list, bool *is_folder, struct error *err) must_check;
/* The folder as a tar archive (GNU's). */
bool pack_write(const struct pack *pack, int fd, struct error *err) must_check;
/* A template with its variables replaced. */
bool pack_fill(const struct pack *pack, const char *path, struct str *out, struct error *err) must_check;

#endif
