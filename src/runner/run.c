/* SPDX-License-Identifier: Apache-2.0
 *
 * A run from its first step to its last. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "run.h"

int64_t runner_now_ms(const struct runner_events *events)
{
	return events->now_ms ? events->now_ms(events->cookie) : clock_wall_ms();
}

static bool check_run_id(const char *run_id, struct error *err)
{
	if (run_id && *run_id && strspn(run_id, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(run_id))
		return true;
	return error_set(err, ERROR_INTERNAL, "\"%s\" cannot name a run", run_id ? run_id : "");
}

/* Where only checks are run, a step without one needs none. */
static bool needs_secrets(const struct run *run, const struct step *step)
{
	return run->options->mode == RUNNER_APPLY || step->check || step->condition;
}

/* Every secret that is missing, with who wants it, before anything runs. */
static bool gather_secrets(struct run *run, struct error *err)
{
	_cleanup_(str_free) struct str missing = STR_INIT;
	for (size_t i = 0; i < run->script.step_count; i++) {
		const struct step *step = run->script.steps[i];
		_cleanup_(freep) char *place = step_place(step);
		for (size_t k = 0; k < step->secrets.count; k++) {
			const char *value = getenv(step->secrets.items[k]);
			if (value)
				redaction_add(&run->redaction, value);
			else if (needs_secrets(run, step))
				str_addf(&missing, "%s%s for step %s", missing.len ? ", " : "", step->secrets.items[k],
					 place);
		}
	}
	return !missing.len || error_set(err, ERROR_USAGE, "secrets are missing in the environment: %s", missing.data);
}

/* The program stopped where this host must act. */
static bool do_own_part(struct run *run, struct error *err)
{
	const struct step *step = run->progress.step;
	struct error trouble = {0};
	bool done = step->kind == STEP_REBOOT ? remote_reboot(run, step->reboot ? step->reboot->timeout_s : 0, &trouble)
					      : transfer_fetch(run, step, run->progress.index, &trouble);
	run->awaits_host = false;
	run->rebooted |= step->kind == STEP_REBOOT;
	if (!done && error_is(&trouble, ERROR_STOPPED)) {
		*err = trouble;
		return false;
	}
	return progress_end_here(run, done ? "" : trouble.text, err);
}

static bool run_program(struct run *run, size_t part, struct error *err)
{
	return transfer_send_ahead(run, &run->script.programs[part], err) && follow_program(run, part, err) &&
	       (!run->awaits_host || do_own_part(run, err));
}

/* An earlier process was about to restart the machine, or had done so: *done, it is now. */
static bool rejoin_reboot(struct run *run, size_t index, bool *done, struct error *err)
{
	_cleanup_(str_free) struct str life = STR_INIT;
	bool over;
	*done = false;
	if (run->script.steps[index]->kind != STEP_REBOOT)
		return true;
	if (!remote_reboot_noted(run, index, &life, &over, err))
		return false;
	if (!life.len)
		return true;
	*done = run->rebooted = true;
	progress_begin_here(run, index);
	if (over)
		return progress_end_here(run, "", err);
	snprintf(run->boot, sizeof(run->boot), "%s", life.data);
	return do_own_part(run, err);
}

/* An earlier process recorded some of the program's steps, so it was started. When only its last step is left, which
 * this host takes part in, it may have said all and be gone: that step is begun again. */
static bool rejoin_program(struct run *run, size_t part, struct error *err)
{
	struct program *program = &run->script.programs[part];
	size_t last = program->first + program->count - 1;
	enum step_kind kind = run->script.steps[last]->kind;
	bool only_last = run->options->recorded == last && (kind == STEP_REBOOT || kind == STEP_DOWNLOAD);
	run->joins = true;
	bool done = run_program(run, part, err);
	run->joins = false;
	if (done || !only_last || !run->frames.gone || !str_eq(err->code, RUNNER_NOT_REJOINED))
		return done;
	*program = (struct program){.first = last, .count = 1};
	return run_program(run, part, err);
}

/* As far as an earlier process has not done it. */
static bool run_rest(struct run *run, size_t part, struct error *err)
{
	const struct program *program = &run->script.programs[part];
	size_t recorded = run->options->recorded, end = program->first + program->count;
	bool done = false;
	if (recorded >= end)
		return true;
	if (recorded + 1 == end && (!rejoin_reboot(run, recorded, &done, err) || done))
		return done;
	return recorded > program->first ? rejoin_program(run, part, err) : run_program(run, part, err);
}

static bool run_programs(struct run *run, struct error *err)
{
	for (size_t part = 0; part < run->script.program_count && !run->failed; part++) {
		if (!run_rest(run, part, err))
			return false;
	}
	if (run->failed)
		*err = run->failure;
	return !run->failed;
}

static bool prepare(struct run *run, enum runner_mode mode, struct error *err)
{
	return check_run_id(run->options->run_id, err) && script_make(run->playbook, mode, &run->script, err) &&
	       gather_secrets(run, err);
}

static void release(struct run *run)
{
	progress_free(run);
	frames_free(&run->frames);
	redaction_free(&run->redaction);
	script_free(&run->script);
	free(run->staging);
}

bool runner_run(struct ssh *ssh, const struct playbook *playbook, const struct runner_options *options,
		struct error *err)
{
	struct run run = {.ssh = ssh, .playbook = playbook, .options = options};
	const struct stop *stop = ssh_target_of(ssh)->stop;
	progress_init(&run);
	frames_init(&run.frames, "");
	if (options->stop)
		ssh_set_stop(ssh, options->stop);
	bool done = prepare(&run, options->mode, err) && run_programs(&run, err);
	transfer_tidy(&run);
	if (options->recorded || run.rebooted)
		runner_forget(ssh, options);
	ssh_set_stop(ssh, stop);
	release(&run);
	return done;
}
