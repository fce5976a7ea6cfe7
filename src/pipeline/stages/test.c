/* SPDX-License-Identifier: Apache-2.0
 *
 * test: a fresh instance of the image runs the verify playbooks, and the checks of every control once more. gate: the
 * answers decide. */
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
	if (!box_launch(build, &build->test, image->ami, err) || !box_connect(build, &build->test, err))
		return error_context(err, "fresh instance of %s", image->ami);
	/* Scanners last: what they need is installed, and the machine is no longer the image's then. */
	if (!checks_run(build, err) || !scan_run(build, err))
		return error_context(err, "fresh instance %s", build->test.instance);
	return box_terminate(build, &build->test, err);
}

struct verdict {
	size_t passed, failed, skipped, waived;
	struct str failures;
};

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
		str_addf(&verdict->failures, "%s%s (%s)", verdict->failed ? ", " : "",
			 tree_text_or(evidence, "control", "?"), tree_text_or(evidence, "step", "?"));
		verdict->failed++;
	}
}

bool stage_gate(struct build *build, struct error *err)
{
	_cleanup_(tree_freep) struct tree *evidence = NULL;
	struct verdict verdict = {.failures = STR_INIT};
	bool fine;

	if (!store_evidence_list(build->store, build->id, build->plan->verify_off ? "provision" : "verify", &evidence,
				 err))
		return false;
	for (struct tree_iter i = tree_iter(evidence); tree_next(&i);)
		verdict_add(&verdict, i.value);
	build_note(build, "controls: %zu pass, %zu fail, %zu skipped, %zu waived", verdict.passed, verdict.failed,
		   verdict.skipped, verdict.waived);
	fine = !verdict.failed;
	if (!fine)
		error_set(err, ERROR_REFUSED,
			  "controls do not hold on the image: %s; `bakery show %s --controls` has the evidence",
			  verdict.failures.data, build->id);
	str_free(&verdict.failures);
	return fine && scan_gate(build, err);
}
