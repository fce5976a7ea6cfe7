/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands in one cell of a row, as a person or as a program wants it. */
#ifndef BAKERY_REPORT_CELL_H
#define BAKERY_REPORT_CELL_H

#include "bakery/output.h"

/* For programs: the value as it is; lists and maps as JSON; empty for absent. */
void cell_plain(struct str *out, const struct tree *row, const char *path);
/* For people: safe, short, "-" for absent. */
void cell_shown(struct str *out, const struct tree *row, const struct column *column);

/* Both write a table of already chosen columns; see output.h. */
void table_print(struct str *out, const struct tree *rows, const struct column *columns, size_t column_count,
		 size_t indent, int width);
void object_print(struct str *out, const struct tree *object, size_t indent);

#endif
