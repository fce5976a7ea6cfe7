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
/* Faults and notes about the recipe's KMS keys go into the facts. Needs the organization, if one is to be asked. */
bool keys_find(struct gather *gather, struct error *err) must_check;

#endif
