/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts that facts are gathered from. */
#ifndef BAKERY_PLAN_FACTS_PRIVATE_H
#define BAKERY_PLAN_FACTS_PRIVATE_H

#include "bakery/plan.h"

struct gather {
	struct aws *aws;
	const struct settings *settings;
	const struct recipe *recipe;
	struct arena *arena;
	struct facts *facts;
};

bool source_find(struct gather *gather, struct error *err) must_check;
bool network_find(struct gather *gather, struct error *err) must_check;
bool vpc_blocks_find(struct gather *gather, struct error *err) must_check; /* when a bastion needs them */
bool profile_policy_read(struct gather *gather, struct error *err) must_check;

#endif
