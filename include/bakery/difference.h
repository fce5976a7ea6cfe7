/* SPDX-License-Identifier: Apache-2.0
 *
 * What differs between two builds: packages, files, controls, what they were asked to do, and how long they took. */
#ifndef BAKERY_DIFFERENCE_H
#define BAKERY_DIFFERENCE_H

#include "bakery/output.h"
#include "bakery/str.h"
#include "bakery/tree.h"

struct difference_side {
	const struct tree *build;      /* as store_show gives it */
	const struct tree *sbom, *etc; /* its documents; NULL: it has none */
};

/* {a, b: {build, recipe, status, started, ami}, packages, opt, etc, controls, plan, stages}. Each but a and b is an
 * array of {change, name, before, after, ...}, empty when nothing differs, null when one of the builds has nothing to
 * compare. change: added, removed, changed; of packages upgraded and downgraded, too; of lists reordered. What every
 * instance makes for itself (host keys, machine-id) is marked `of_instance` in etc. stages holds all, with before_s and
 * after_s. */
struct tree *difference_make(const struct difference_side *a, const struct difference_side *b);
/* For people: only what differs. width: of the terminal, 0 when there is none. */
void difference_page(struct str *out, const struct tree *difference, int width);
/* One array of {section, change, name, before, after}: for CSV and JSON lines. */
struct tree *difference_rows(const struct tree *difference);

#endif
