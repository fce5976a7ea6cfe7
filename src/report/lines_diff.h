/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines in which two texts differ. */
#ifndef BAKERY_REPORT_LINES_DIFF_H
#define BAKERY_REPORT_LINES_DIFF_H

#include "bakery/str.h"

/* Adds them behind the indent, those that went with "- " and those that came with "+ ", made safe for a terminal; at
 * most so many. */
void lines_diff(struct str *out, const char *before, const char *after, const char *indent, size_t most);

#endif
