/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of a comparison, one file each. All give rows {change, name, before, after, ...}. */
#ifndef BAKERY_REPORT_DIFFERENCE_PRIVATE_H
#define BAKERY_REPORT_DIFFERENCE_PRIVATE_H

#include "bakery/difference.h"

struct tree *row_add(struct tree *rows, const char *change, const char *name); /* borrowed */

/* Both: of a CycloneDX document's components. */
struct tree *difference_packages(const struct tree *a, const struct tree *b);
struct tree *difference_opt(const struct tree *a, const struct tree *b);
struct tree *difference_etc(const struct tree *a, const struct tree *b);   /* documents */
struct tree *difference_plans(const struct tree *a, const struct tree *b); /* documents */

#endif
