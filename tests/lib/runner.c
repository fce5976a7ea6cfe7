/* SPDX-License-Identifier: Apache-2.0
 *
 * Running playbooks made in C. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "runner.h"

static void step_began(void *cookie, const struct step *step, size_t index, size_t total)
{
	struct told *told = cookie;
	told->began++;
}

static void output(void *cookie, const struct step *step, bool is_stderr, const char *data, size_t length)
{
	struct told *told = cookie;
	str_add_n(is_stderr ? &told->errors : &told->out, data, length);
	told->calls++;
	if (told->on_output)
		told->on_output(told);
}

static bool step_ended(void *cookie, const struct step_report *report, struct error *err)
{
	struct told *told = cookie;
	assert_true(told->count < MOST_STEPS);
	told->steps[told->count++] = (struct told_step){.result = report->result,
							.status = report->status,
							.attempts = report->attempts,
							.id = mem_strdup(report->step->id),
							.why = mem_strdup(report->why),
							.output = mem_strdup(report->output),
							.evidence = mem_strdup(report->evidence),
							.started_ms = report->started_ms,
							.ended_ms = report->ended_ms};
	return !told->refuse || error_set(err, ERROR_INTERNAL, "the record could not be written");
}

static void reconnected(void *cookie, const char *why)
{
	struct told *told = cookie;
	told->reconnections++;
}

void told_free(struct told *told)
{
	for (size_t i = 0; i < told->count; i++) {
		free(told->steps[i].id);
		free(told->steps[i].why);
		free(told->steps[i].output);
		free(told->steps[i].evidence);
	}
	if (told->out.size)
		str_free(&told->out);
	if (told->errors.size)
		str_free(&told->errors);
	told->count = 0;
}

bool told_nothing_left(const struct told *told)
{
	_cleanup_(freep) char *run = mem_printf("/run/bakery/%s", told->run_id);
	_cleanup_(freep) char *staging = mem_printf("%s/.bakery-%s", told->sshd->folder, told->run_id);
	return !file_exists(run) && !file_exists(staging);
}

static void fill(struct step *steps, size_t count, char ids[][40])
{
	for (size_t i = 0; i < count; i++) {
		snprintf(ids[i], 40, "test/step-%zu", i);
		if (!steps[i].id)
			steps[i].id = ids[i];
		if (!steps[i].name)
			steps[i].name = steps[i].id;
		steps[i].file = "test.yaml";
		steps[i].line = 10 + (int)i;
	}
}

bool run_steps(const struct test_sshd *sshd, struct step *steps, size_t count, const struct runner_options *options,
	       struct told *told, struct error *err)
{
	static char ids[MOST_STEPS][40];
	struct runner_options all = *options;
	struct ssh_target target = test_sshd_target(sshd);
	struct playbook playbook = {.name = "test", .file = "test.yaml", .steps = {.items = steps, .count = count}};
	_cleanup_(ssh_closep) struct ssh *ssh = NULL;
	told->out = told->errors = (struct str)STR_INIT;
	told->sshd = sshd;
	fill(steps, count, ids);
	crypto_random_hex(told->run_id, 16);
	if (told->fixed_run_id)
		snprintf(told->run_id, sizeof(told->run_id), "%s", told->fixed_run_id);
	all.run_id = told->run_id;
	all.events = (struct runner_events){told, step_began, output, step_ended, reconnected};
	target.stop = told->stop;
	if (!ssh_open(&target, &ssh, err))
		fail_msg("%s", err->text);
	return runner_run(ssh, &playbook, &all, err);
}

void must_run_steps(const struct test_sshd *sshd, struct step *steps, size_t count, struct told *told)
{
	struct error err = {0};
	if (!run_steps(sshd, steps, count, &(struct runner_options){.mode = RUNNER_APPLY}, told, &err))
		fail_msg("%s", err.text);
}
