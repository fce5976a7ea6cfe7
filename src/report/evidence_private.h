/* SPDX-License-Identifier: Apache-2.0
 *
 * What the exporters of evidence share: one file a format. */
#ifndef BAKERY_REPORT_EVIDENCE_PRIVATE_H
#define BAKERY_REPORT_EVIDENCE_PRIVATE_H

#include "bakery/evidence.h"

/* build: as store_show gives it; rows: evidence_rows of it. */
void evidence_junit(const struct tree *build, const struct tree *rows, struct str *out);
void evidence_sarif(const struct tree *build, const struct tree *rows, struct str *out);
void evidence_xccdf(const struct tree *build, const struct tree *rows, struct str *out);

#endif
