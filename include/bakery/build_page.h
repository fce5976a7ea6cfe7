/* SPDX-License-Identifier: Apache-2.0
 *
 * The page of one build, for people: what a release manager asks first stands first. */
#ifndef BAKERY_REPORT_BUILD_PAGE_H
#define BAKERY_REPORT_BUILD_PAGE_H

#include "bakery/str.h"
#include "bakery/tree.h"

/* build: as store_show gives it. width: of the terminal, 0 when there is none. */
void build_page(struct str *out, const struct tree *build, int width);

#endif
