/* SPDX-License-Identifier: Apache-2.0
 *
 * What a recipe's waivers do to a plan: they stand in it, steps that serve only waived controls are marked as not to be
 * run, and who reads the plan hears of those that end soon. */
#include <string.h>

#include "bakery/clock.h"
#include "bakery/plan.h"
#include "waivers.h"

enum { SOON_DAYS = 14 };
static const int64_t day_ms = INT64_C(24) * 3600 * 1000;

const struct waiver *plan_waiver(const struct plan *plan, const char *control)
{
	const struct waiver *waivers = plan->waivers.items;

	for (size_t i = 0; i < plan->waivers.count; i++) {
		if (strcmp(waivers[i].control, control) == 0)
			return &waivers[i];
	}
	return NULL;
}

/* Why a step is not run; NULL: it serves something that is not waived. */
static const char *why_not_run(const struct plan *plan, const struct step *step, struct arena *arena)
{
	const struct waiver *first = NULL;

	for (size_t i = 0; i < step->controls.count; i++) {
		const struct waiver *waiver = plan_waiver(plan, step->controls.items[i]);
		if (!waiver)
			return NULL;
		first = first ? first : waiver;
	}
	return first ? arena_printf(arena, "waived until %s: %s", first->expires, first->reason) : NULL;
}

void waivers_apply(const struct plan *plan, const struct struct_list *playbooks, struct arena *arena)
{
	struct playbook *items = playbooks->items;

	for (size_t i = 0; plan->waivers.count && i < playbooks->count; i++) {
		size_t count = items[i].steps.count;
		struct step *steps = arena_alloc(arena, (count + 1) * sizeof(*steps));
		if (count)
			memcpy(steps, items[i].steps.items, count * sizeof(*steps));
		for (size_t j = 0; j < count; j++)
			steps[j].waived = why_not_run(plan, &steps[j], arena);
		items[i].steps.items = steps;
	}
}

void waivers_note(const struct plan *plan, struct text_list *notes, struct arena *arena)
{
	const struct waiver *waivers = plan->waivers.items;
	int64_t now_ms = clock_wall_ms(), end_ms;

	for (size_t i = 0; i < plan->waivers.count; i++) {
		if (!waiver_end(&waivers[i], &end_ms) || end_ms > now_ms + SOON_DAYS * day_ms)
			continue;
		text_list_append(notes,
				 arena_printf(arena,
					      "the waiver of %s ends with %s; after that day the recipe is refused",
					      waivers[i].control, waivers[i].expires),
				 arena);
	}
}

bool plan_waivers_check(const struct plan *plan, struct error *err)
{
	const struct waiver *waivers = plan->waivers.items;
	int64_t end_ms;

	for (size_t i = 0; i < plan->waivers.count; i++) {
		if (!waiver_end(&waivers[i], &end_ms) || end_ms <= clock_wall_ms())
			return error_set(err, ERROR_INVALID,
					 "the plan waives %s until %s, which is over; make a new plan",
					 waivers[i].control, waivers[i].expires);
	}
	return true;
}
