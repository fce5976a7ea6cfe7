/* SPDX-License-Identifier: Apache-2.0
 *
 * Between plan.c and waivers.c. */
#ifndef BAKERY_PLAN_WAIVERS_H
#define BAKERY_PLAN_WAIVERS_H

#include "bakery/plan.h"

/* Marks the steps of these playbooks, which must be the plan's own copies, that serve only waived controls. */
void waivers_apply(const struct plan *plan, const struct struct_list *playbooks, struct arena *arena);
/* Those that end within two weeks. */
void waivers_note(const struct plan *plan, struct text_list *notes, struct arena *arena);

#endif
