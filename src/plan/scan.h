/* SPDX-License-Identifier: Apache-2.0
 *
 * Between plan.c and scan.c. */
#ifndef BAKERY_PLAN_SCAN_H
#define BAKERY_PLAN_SCAN_H

#include "bakery/faults.h"
#include "bakery/plan.h"

/* The recipe's scanners with the playbooks that run them, named scan-... and found like any other. */
void scan_decide(const struct settings *settings, const struct recipe *recipe, struct plan *plan, struct arena *arena,
		 struct faults *faults);

#endif
