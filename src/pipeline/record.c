/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs playbooks and writes down what they did: each step's result and output, each control's answer. */
#include "bakery/str.h"
#include "pipeline.h"

struct recording {
	struct build *build;
	struct box *box;
	const struct playbook *playbook;
	const char *phase;
	size_t index, total;	/* of the step, over all playbooks */
	struct error unwritten; /* of the log; reported at the step's end */
};

static void on_began(void *cookie, const struct step *step, size_t index, size_t total)
{
	struct recording *recording = cookie;

	build_emit(recording->build, (struct build_event){
					     .kind = EVENT_STEP_BEGAN,
					     .text = step->name ? step->name : step->id,
					     .index = recording->index,
					     .total = recording->total,
				     });
}

static void on_output(void *cookie, const struct step *step, bool is_stderr, const char *data, size_t length)
{
	struct recording *recording = cookie;
	struct build *build = recording->build;

	if (recording->unwritten.kind == ERROR_NONE &&
	    !store_log_add(build->store, build->id, recording->phase, step->id, is_stderr ? "err" : "out",
			   build_now_ms(build), data, length, &recording->unwritten))
		return;
	build_emit(build, (struct build_event){.kind = EVENT_OUTPUT, .text = data, .length = length});
}

static const char *answer_of(enum step_result result)
{
	if (result == STEP_FAILED)
		return "fail";
	return result == STEP_SKIPPED ? "skipped" : "pass";
}

/* How a check failed, and what it printed: a drift is understood by both. */
static char *evidence_of(const struct step_report *report)
{
	if (report->result == STEP_SKIPPED || (report->result == STEP_FAILED && !*report->evidence))
		return mem_strdup(report->why);
	if (report->result == STEP_FAILED)
		return mem_printf("%s; the check says: %s", report->why, report->evidence);
	return mem_strdup(report->evidence);
}

/* A waived control is asked all the same when its step serves another one: what the check said is kept. */
static const char *waived_evidence(const struct waiver *waiver, const struct step *step, const struct evidence_row *row,
				   char **text)
{
	*text = step->waived ? mem_printf("waived until %s: %s", waiver->expires, waiver->reason)
			     : mem_printf("waived until %s: %s; the check says %s%s%s", waiver->expires, waiver->reason,
					  row->answer, *row->evidence ? ": " : "", row->evidence);
	return *text;
}

static bool evidence_write(struct recording *recording, const struct step_report *report, struct error *err)
{
	_cleanup_(freep) char *evidence = evidence_of(report);

	for (size_t i = 0; i < report->step->controls.count; i++) {
		struct evidence_row row = {
			.build = recording->build->id,
			.phase = recording->phase,
			.control = report->step->controls.items[i],
			.step = report->step->id,
			.answer = answer_of(report->result),
			.evidence = evidence,
			.instance = recording->box->instance,
			.at_ms = report->ended_ms,
		};
		const struct waiver *waiver = plan_waiver(recording->build->plan, row.control);
		_cleanup_(freep) char *waived = NULL;
		if (waiver) {
			row.evidence = waived_evidence(waiver, report->step, &row, &waived);
			row.answer = "waived";
		}
		if (!store_evidence_add(recording->build->store, &row, err))
			return false;
	}
	return true;
}

static bool step_write(struct recording *recording, const struct step_report *report, struct error *err)
{
	struct step_row row = {
		.build = recording->build->id,
		.phase = recording->phase,
		.playbook = recording->playbook->name,
		.playbook_sha256 = recording->playbook->sha256,
		.step = report->step->id,
		.name = report->step->name,
		.result = step_result_name(report->result),
		.why = report->why,
		.file = report->step->file,
		.line = report->step->line,
		.status = report->status,
		.attempts = report->attempts,
		.started_ms = report->started_ms,
		.ended_ms = report->ended_ms,
		.output = report->output,
	};

	return store_step_add(recording->build->store, &row, err);
}

static bool on_ended(void *cookie, const struct step_report *report, struct error *err)
{
	struct recording *recording = cookie;

	build_emit(recording->build, (struct build_event){
					     .kind = EVENT_STEP_ENDED,
					     .step = report,
					     .duration_ms = report->ended_ms - report->started_ms,
					     .index = recording->index,
					     .total = recording->total,
				     });
	/* How many tasks an Ansible playbook has, nobody knows: all of it is one step. */
	recording->index += report->step->kind != STEP_TASK;
	if (recording->unwritten.kind != ERROR_NONE) {
		*err = recording->unwritten;
		return error_context(err, "record");
	}
	/* The step last: whoever finds it after a kill may rely on its evidence. */
	if (evidence_write(recording, report, err) && step_write(recording, report, err))
		return true;
	return error_context(err, "record");
}

static void on_reconnected(void *cookie, const char *why)
{
	build_note(((struct recording *)cookie)->build, "connection dropped and taken up again (%s)", why);
}

static int64_t now_of(void *cookie)
{
	return build_now_ms(((struct recording *)cookie)->build);
}

/* One playbook, of which the first steps may be recorded by an earlier process. */
static bool playbook_run(struct recording *recording, const struct runner_options *options, struct error *err)
{
	const struct playbook *playbook = recording->playbook;
	struct ssh *ssh = recording->box->ssh;

	recording->index += options->recorded;
	if (options->recorded < playbook->steps.count && playbook->ansible)
		return play_run(recording->build, recording->box, playbook, options, err);
	if (options->recorded < playbook->steps.count)
		return runner_run(ssh, playbook, options, err);
	if (ssh && options->recorded && !playbook->ansible) /* none when the machine is sealed */
		runner_forget(ssh, options);
	return true;
}

bool record_playbooks(struct build *build, struct box *box, const struct struct_list *playbooks, enum runner_mode mode,
		      const char *phase, struct error *err)
{
	const struct playbook *items = playbooks->items;
	struct recording recording = {.build = build, .box = box, .phase = phase};
	size_t recorded = 0;

	if (box == &build->box && !rejoin_recorded(build, phase, playbooks, &recorded, err))
		return false;
	if (recorded)
		build_note(build, "%zu steps of %s are done already", recorded, phase);
	for (size_t i = 0; i < playbooks->count; i++)
		recording.total += items[i].steps.count;
	for (size_t i = 0; i < playbooks->count; i++) {
		_cleanup_(freep) char *run_id = mem_printf("%s-%s-%zu", build->id, phase, i);
		struct runner_options options = {
			.mode = mode,
			.recorded = recorded < items[i].steps.count ? recorded : items[i].steps.count,
			.run_id = run_id,
			.variables = &items[i].vars,
			.download_folder = build->downloads ? build->downloads : ".",
			.needs_sudo = !str_eq(build->plan->connect.user, "root"),
			.stop = &build->work,
			.events = {&recording, on_began, on_output, on_ended, on_reconnected, now_of},
		};
		recording.playbook = &items[i];
		recorded -= options.recorded;
		if (!playbook_run(&recording, &options, err))
			return false;
	}
	return true;
}
