/* SPDX-License-Identifier: Apache-2.0
 *
 * test: a fresh instance of the image runs the verify playbooks, and the checks of every control once more. gate: the
 * answers decide. */
#include "../inspect/drift.h"
#include "../pipeline.h"
#include "bakery/str.h"

/* The steps that stand for a control: what others check may rightly be undone by sealing, as package lists are. */
static struct struct_list controls_only(struct build *build, const struct struct_list *playbooks)
{
	const struct playbook *from = playbooks->items;
	struct playbook *to = arena_alloc(build->arena, (playbooks->count + 1) * sizeof(*to));

	for (size_t i = 0; i < playbooks->count; i++) {
		const struct step *steps = from[i].steps.items;
		struct step *kept = arena_alloc(build->arena, (from[i].steps.count + 1) * sizeof(*kept));
		size_t count = 0;

		for (size_t j = 0; j < from[i].steps.count; j++) {
			if (steps[j].controls.count)
				kept[count++] = steps[j];
		}
		to[i] = from[i];
		to[i].steps = (struct struct_list){kept, count};
	}
	return (struct struct_list){to, playbooks->count};
}

static bool checks_run(struct build *build, struct error *err)
{
	struct struct_list controls = controls_only(build, &build->plan->playbooks);

	return record_playbooks(build, &build->test, &build->plan->verify, RUNNER_APPLY, "verify", err) &&
	       record_playbooks(build, &build->test, &controls, RUNNER_CHECKS, "verify", err);
}

bool stage_test(struct build *build, struct error *err)
{
	const struct build_image *image = build->state.images.items;

	if (build->plan->verify_off) {
		build_note(build, "the recipe says verify: false; the image is not tested");
		return true;
	}
	if (!launch_surroundings(build, err) || !box_launch(build, &build->test, image->ami, err) ||
	    !box_connect(build, &build->test, err))
		return error_context(err, "fresh instance of %s", image->ami);
	/* The inventory comes before all that may install something; scanners come last, since what they need makes the
	 * machine another one. */
	if (!inventory_take(build, &build->test, "verify", err) || !checks_run(build, err) || !scan_run(build, err))
		return error_context(err, "fresh instance %s", build->test.instance);
	return box_terminate(build, &build->test, err);
}

struct verdict {
	const struct tree *built; /* what the built machine answered */
	size_t passed, failed, skipped, waived, drifted;
	struct str failures, drift;
};

static void verdict_free(struct verdict *verdict)
{
	str_free(&verdict->failures);
	str_free(&verdict->drift);
}

static void verdict_add(struct verdict *verdict, const struct tree *evidence)
{
	const char *answer = tree_text_or(evidence, "answer", "");

	if (str_eq(answer, "pass")) {
		verdict->passed++;
	} else if (str_eq(answer, "skipped")) {
		verdict->skipped++;
	} else if (str_eq(answer, "waived")) {
		verdict->waived++;
	} else {
		verdict->failed++;
		if (!drift_passed(verdict->built, evidence)) /* drift is told by itself */
			str_addf(&verdict->failures, "%s%s (%s)", verdict->failures.len ? ", " : "",
				 tree_text_or(evidence, "control", "?"), tree_text_or(evidence, "step", "?"));
	}
}

static bool verdict_give(struct build *build, struct verdict *verdict, struct error *err)
{
	build_note(build, "controls: %zu pass, %zu fail, %zu skipped, %zu waived; %zu drifted since the built machine",
		   verdict->passed, verdict->failed, verdict->skipped, verdict->waived, verdict->drifted);
	if (!verdict->failed && !verdict->drifted)
		return true;
	return error_set(err, ERROR_REFUSED,
			 "controls do not hold on the image: %s%s%s%s; `bakery show %s --controls` has the evidence",
			 verdict->failures.data, verdict->failures.len && verdict->drifted ? "; " : "",
			 verdict->drifted ? "drift: " : "", verdict->drift.data, build->id);
}

bool stage_gate(struct build *build, struct error *err)
{
	_cleanup_(tree_freep) struct tree *built = NULL, *fresh = NULL;
	_cleanup_(verdict_free) struct verdict verdict = {.failures = STR_INIT, .drift = STR_INIT};
	bool tested = !build->plan->verify_off;

	if (!store_evidence_list(build->store, build->id, "provision", &built, err) ||
	    (tested && !store_evidence_list(build->store, build->id, "verify", &fresh, err)))
		return false;
	if (tested) {
		verdict.built = built;
		verdict.drifted = drift_tell(built, fresh, &verdict.drift);
	}
	for (struct tree_iter i = tree_iter(tested ? fresh : built); tree_next(&i);)
		verdict_add(&verdict, i.value);
	return verdict_give(build, &verdict, err) && scan_gate(build, err);
}
