/* SPDX-License-Identifier: Apache-2.0
 *
 * A control that passed on the built machine and does not on a fresh instance of its image has drifted: what was done
 * lived only in the running machine, or something at boot undoes it. */
#ifndef BAKERY_PIPELINE_DRIFT_H
#define BAKERY_PIPELINE_DRIFT_H

#include "bakery/tree.h"

/* built, fresh: as store_evidence_list gives them. A sentence for each control that drifted, both answers with their
 * evidence, is added to *out, joined with "; "; returns how many there are. */
size_t drift_tell(const struct tree *built, const struct tree *fresh, struct str *out);
/* Whether that control's step passed there. */
bool drift_passed(const struct tree *built, const struct tree *evidence);

#endif
