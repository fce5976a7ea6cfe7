/* SPDX-License-Identifier: Apache-2.0
 *
 * Going on, after a kill, on the instance that the dead process worked on. Its keys come out of the kernel's keyring,
 * what is done there out of the record. Whatever is doubtful about it ends in a new instance, never in a guess. */
#include <stdio.h>
#include <string.h>

#include "bakery/str.h"
#include "pipeline.h"

/* --- what is done --- */

bool rejoin_mark(struct build *build, struct error *err)
{
	_cleanup_(tree_freep) struct tree *rows = NULL;

	if (!store_step_list(build->store, build->id, 0, &rows, err))
		return error_context(err, "record");
	build->state.earlier_steps = (int64_t)tree_count(rows);
	return true;
}

static bool is_row_of(const struct tree *row, const struct playbook *playbook, const struct step *step)
{
	return str_eq(tree_text(row, "playbook"), playbook->name) &&
	       str_eq(tree_text(row, "playbook_sha256"), playbook->sha256) &&
	       str_eq(tree_text(row, "step"), step->id) &&
	       !str_eq(tree_text(row, "result"), step_result_name(STEP_FAILED));
}

/* A task of an Ansible playbook, all of which is one step here. */
static bool is_task(const struct tree *row, const struct struct_list *playbooks)
{
	const struct playbook *items = playbooks->items;

	for (size_t i = 0; i < playbooks->count; i++) {
		if (items[i].ansible && str_eq(tree_text(row, "playbook"), items[i].name) &&
		    str_eq(tree_text(row, "playbook_sha256"), items[i].sha256))
			return !str_eq(tree_text(row, "step"), items[i].name);
	}
	return false;
}

/* Walks over all steps of some playbooks. */
struct step_walk {
	const struct struct_list *playbooks;
	size_t playbook, step;
};

static bool step_next(struct step_walk *walk, const struct playbook **playbook, const struct step **step)
{
	const struct playbook *items = walk->playbooks->items;

	while (walk->playbook < walk->playbooks->count && walk->step >= items[walk->playbook].steps.count) {
		walk->playbook++;
		walk->step = 0;
	}
	if (walk->playbook >= walk->playbooks->count)
		return false;
	*playbook = &items[walk->playbook];
	*step = (const struct step *)(*playbook)->steps.items + walk->step++;
	return true;
}

bool rejoin_recorded(struct build *build, const char *phase, const struct struct_list *playbooks, size_t *count,
		     struct error *err)
{
	_cleanup_(tree_freep) struct tree *rows = NULL;
	struct step_walk walk = {.playbooks = playbooks};

	*count = 0;
	if (!store_step_list(build->store, build->id, build->state.earlier_steps, &rows, err))
		return error_context(err, "record");
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
		const struct playbook *playbook = NULL;
		const struct step *step = NULL;

		if (!str_eq(tree_text(i.value, "phase"), phase) || is_task(i.value, playbooks))
			continue;
		if (!step_next(&walk, &playbook, &step) || !is_row_of(i.value, playbook, step))
			return error_coded(err, ERROR_CONFLICT, RUNNER_NOT_REJOINED,
					   "what the record has of %s (%s) is not how far the playbooks came", phase,
					   tree_text_or(i.value, "step", "?"));
		++*count;
	}
	return true;
}

/* A play that is run again finds done what it had done, and so does not notify the handlers that had not run yet. */
static bool is_ansible_cut(const struct struct_list *playbooks, size_t recorded)
{
	struct step_walk walk = {.playbooks = playbooks};
	const struct playbook *playbook = NULL;
	const struct step *step = NULL;
	bool more = step_next(&walk, &playbook, &step);

	for (size_t i = 0; more && i < recorded; i++)
		more = step_next(&walk, &playbook, &step);
	return more && playbook->ansible;
}

static size_t step_total(const struct struct_list *playbooks)
{
	const struct playbook *items = playbooks->items;
	size_t total = 0;

	for (size_t i = 0; i < playbooks->count; i++)
		total += items[i].steps.count;
	return total;
}

/* --- whether it can be --- */

/* Doubts about the instance are no failure: ERROR_CONFLICT says why it is given up. */
static bool doubt(struct error *err, const char *why)
{
	return error_set(err, ERROR_CONFLICT, "%s", why);
}

static bool doubt_too(struct error *err)
{
	err->kind = ERROR_CONFLICT;
	return false;
}

static bool stage_was_cut(struct build *build, const char *stage, struct error *err)
{
	bool failed;

	if (!store_stage_is_failed(build->store, build->id, stage, &failed, err))
		return false;
	return !failed || doubt(err, "its stage had failed, and was not cut off");
}

static bool instance_alive(struct build *build, struct box *box, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeInstances, build->plan->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const struct tree *instance;

	aws_arg(&call, "InstanceId.1", box->instance);
	if (!build_send(build, &call, &reply, err))
		return error_is(err, ERROR_ABSENT) ? doubt(err, "it is gone") : false;
	instance = tree_get(reply, "reservationSet.1.instancesSet.1");
	if (!str_eq(tree_text(instance, "instanceState.name"), "running"))
		return doubt(err, "it does not run any more");
	return box_address(build, box, instance, err) || doubt_too(err);
}

static bool is_held(struct build *build, struct error *err)
{
	struct hold *holds;
	size_t count;

	if (!store_hold_list(build->store, build->id, build->arena, &holds, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (str_eq(holds[i].kind, held_instance.name) && str_eq(holds[i].purpose, build->box.purpose) &&
		    str_eq(holds[i].id, build->state.instance))
			return true;
	}
	return doubt(err, "the ledger does not hold it");
}

static bool check(struct build *build, const char *stage, enum rejoin *how, struct error *err)
{
	struct box *box = &build->box;
	size_t provisioned, sealed;
	bool proven;

	snprintf(box->instance, sizeof(box->instance), "%s", build->state.instance);
	box->spot = build->state.spot;
	if (!is_held(build, err) || !stage_was_cut(build, stage, err) || !instance_alive(build, box, err) ||
	    !rejoin_recorded(build, "provision", &build->plan->playbooks, &provisioned, err) ||
	    !rejoin_recorded(build, "seal", &build->plan->seal, &sealed, err))
		return false;
	if (str_eq(stage, "provision") && is_ansible_cut(&build->plan->playbooks, provisioned))
		return doubt(err, "an Ansible playbook was cut off, and nobody knows which handlers were still to run");
	box->is_ready = provisioned || sealed || !str_eq(stage, "connect");
	if (str_eq(stage, "seal") && sealed && sealed == step_total(&build->plan->seal)) {
		if (!prove_is_recorded(build, &proven, err))
			return false;
		if (!proven)
			return doubt(err, "it is sealed, but nobody looked whether keys or secrets are left on it");
		*how = REJOIN_SEALED;
		return true;
	}
	if (!box_keys_find(build, box, err))
		return doubt_too(err);
	*how = REJOIN_CONNECT;
	return true;
}

bool rejoin_check(struct build *build, const char *stage, enum rejoin *how, struct error *err)
{
	struct error why = {0};

	*how = REJOIN_NOT;
	if (!build->state.instance || check(build, stage, how, &why))
		return true;
	box_close(&build->box);
	if (!error_is(&why, ERROR_CONFLICT)) {
		*err = why;
		return false;
	}
	build->doubt = arena_printf(build->arena, "%s is not gone on with: %s", build->state.instance, why.text);
	return true;
}

void rejoin_judge(struct build *build, const struct error *why)
{
	if (!build->goes_on_at || build->fall_back || stop_requested(&build->stop))
		return;
	if (str_eq(build->stage->name, "connect") || str_eq(why->code, RUNNER_NOT_REJOINED))
		build->fall_back = build->stage->after_crash;
}
