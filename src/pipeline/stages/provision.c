/* SPDX-License-Identifier: Apache-2.0
 *
 * provision: the recipe's playbooks. seal: what belongs to this one instance is removed, and that it is gone is proven;
 * nothing can log in afterwards. */
#include "../pipeline.h"

/* The inventory is a fresh instance's; where none will be started, it is taken of this one while it can be asked. */
bool stage_provision(struct build *build, struct error *err)
{
	return record_playbooks(build, &build->box, &build->plan->playbooks, RUNNER_APPLY, "provision", err) &&
	       (!build->plan->verify_off || inventory_take(build, &build->box, "provision", err));
}

bool stage_seal(struct build *build, struct error *err)
{
	bool sealed = record_playbooks(build, &build->box, &build->plan->seal, RUNNER_APPLY, "seal", err) &&
		      (!build->box.ssh || prove(build, err)); /* without a connection it was proven before (rejoin.c) */

	if (sealed)
		box_close(&build->box);
	return sealed;
}
