/* SPDX-License-Identifier: Apache-2.0
 *
 * Following the steps: frames and output become live lines and one report a step. Everything that leaves here is
 * redacted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "run.h"

/* Of a step's output the report keeps the beginning and the end; the live lines carry every byte. */
#define MOST_OUTPUT (16 << 20)
#define KEPT_FRONT (8 << 20)
#define LEFT_OUT_AT_ONCE (4 << 20)
#define MOST_CHECK_OUTPUT 65536
#define LONGEST_LINE 16384

void progress_init(struct run *run)
{
	struct progress *progress = &run->progress;
	*progress = (struct progress){.output = STR_INIT, .check_output = STR_INIT};
	for (int i = 0; i < 2; i++) {
		progress->lines[i] = (struct str)STR_INIT;
		progress->redactors[i] = (struct redactor){.redaction = &run->redaction, .held = STR_INIT};
	}
}

void progress_free(struct run *run)
{
	struct progress *progress = &run->progress;
	str_free(&progress->output);
	str_free(&progress->check_output);
	for (int i = 0; i < 2; i++) {
		str_free(&progress->lines[i]);
		redactor_free(&progress->redactors[i]);
	}
}

/* What an earlier process told is not told again. */
static bool is_recorded(const struct run *run)
{
	return run->progress.index < run->options->recorded;
}

static void show(struct run *run, bool is_stderr, size_t length)
{
	struct progress *progress = &run->progress;
	struct str *line = &progress->lines[is_stderr];
	const struct runner_events *events = &run->options->events;
	if (length && events->output && !is_recorded(run))
		events->output(events->cookie, progress->step, is_stderr, line->data, length);
	str_remove_front(line, length);
}

static void show_whole_lines(struct run *run, bool is_stderr)
{
	struct str *line = &run->progress.lines[is_stderr];
	const char *newline = memrchr(line->data, '\n', line->len);
	show(run, is_stderr, newline ? (size_t)(newline + 1 - line->data) : line->len > LONGEST_LINE ? line->len : 0);
}

/* The report has C strings. */
static void add_text(struct str *text, const char *data, size_t length)
{
	size_t start = text->len;
	str_add_n(text, data, length);
	for (char *nul; (nul = memchr(text->data + start, '\0', text->len - start));)
		*nul = '?';
}

static void keep_output(struct progress *progress, const char *data, size_t length)
{
	struct str *output = &progress->output;
	add_text(output, data, length);
	if (output->len <= MOST_OUTPUT)
		return;
	memmove(output->data + KEPT_FRONT, output->data + KEPT_FRONT + LEFT_OUT_AT_ONCE,
		output->len - KEPT_FRONT - LEFT_OUT_AT_ONCE);
	output->len -= LEFT_OUT_AT_ONCE;
	output->data[output->len] = '\0';
	progress->left_out += LEFT_OUT_AT_ONCE;
}

static void deliver(struct run *run, bool is_stderr, const struct str *piece)
{
	struct progress *progress = &run->progress;
	if (!piece->len)
		return;
	keep_output(progress, piece->data, piece->len);
	if (progress->in_check) {
		add_text(&progress->check_output, piece->data, piece->len);
		if (progress->check_output.len > 2 * MOST_CHECK_OUTPUT)
			str_remove_front(&progress->check_output, progress->check_output.len - MOST_CHECK_OUTPUT);
	}
	str_add_n(&progress->lines[is_stderr], piece->data, piece->len);
	show_whole_lines(run, is_stderr);
}

static void take_output(struct run *run, const struct frame_event *event)
{
	_cleanup_(str_free) struct str piece = STR_INIT;
	if (!run->progress.step)
		return; /* between steps only what an earlier one left running can speak */
	redactor_feed(&run->progress.redactors[event->is_stderr], event->data, event->length, &piece);
	deliver(run, event->is_stderr, &piece);
}

/* No secret reaches over the end of a phase. */
static void flush(struct run *run)
{
	for (int i = 0; i < 2; i++) {
		_cleanup_(str_free) struct str piece = STR_INIT;
		redactor_flush(&run->progress.redactors[i], &piece);
		if (run->progress.step)
			deliver(run, i == 1, &piece);
		show(run, i == 1, run->progress.lines[i].len);
	}
}

static int64_t wall_ms(const struct run *run, double uptime_s)
{
	return run->clock_offset_ms + (int64_t)(uptime_s * 1000);
}

/* A frame arrives after it was written: the shortest way ever seen tells the clocks' difference best. */
static void compare_clocks(struct run *run, double uptime_s)
{
	int64_t offset_ms = runner_now_ms(&run->options->events) - (int64_t)(uptime_s * 1000);
	if (!run->clock_known || offset_ms < run->clock_offset_ms)
		run->clock_offset_ms = offset_ms;
	run->clock_known = true;
}

static void take_facts(struct run *run, const char *text)
{
	run->boot[0] = run->machine[0] = run->ids[0] = '\0';
	sscanf(text, "F %79[^|]|%63[^|]|%255[^|]", run->boot, run->machine, run->ids);
}

static void begin_step(struct run *run, size_t index)
{
	struct progress *progress = &run->progress;
	const struct runner_events *events = &run->options->events;
	progress->step = run->script.steps[index];
	progress->index = index;
	progress->left_out = 0;
	str_clear(&progress->output);
	str_clear(&progress->check_output);
	if (events->step_began && !is_recorded(run))
		events->step_began(events->cookie, progress->step, index, run->script.step_count);
}

static bool begin(struct run *run, const struct frame_event *event, struct error *err)
{
	size_t index = 0;
	if (sscanf(event->text, "B %zu", &index) != 1 || index >= run->script.step_count)
		return error_set(err, ERROR_INTERNAL, "the machine speaks of a step that is not there: %s",
				 event->text);
	run->progress.began_s = event->uptime_s;
	run->progress.began_ms = wall_ms(run, event->uptime_s);
	begin_step(run, index);
	return true;
}

void progress_begin_here(struct run *run, size_t index)
{
	run->progress.began_ms = runner_now_ms(&run->options->events);
	begin_step(run, index);
}

static void begin_phase(struct run *run, const char *text)
{
	flush(run);
	run->progress.in_check = str_eq(text, "P check");
	if (run->progress.in_check)
		str_clear(&run->progress.check_output);
}

static void end_phase(struct run *run)
{
	flush(run);
	run->progress.in_check = false;
}

char *last_line(const struct str *text)
{
	size_t end = text->len;
	while (end && strchr(" \t\r\n", text->data[end - 1]))
		end--;
	const char *newline = end ? memrchr(text->data, '\n', end) : NULL;
	const char *start = newline ? newline + 1 : text->data;
	return mem_strndup(start, (size_t)(text->data + end - start));
}

static void mark_left_out(struct progress *progress)
{
	_cleanup_(freep) char *mark = NULL;
	if (!progress->left_out)
		return;
	mark = mem_printf("\n[... %zu bytes left out ...]\n", progress->left_out);
	_cleanup_(str_free) struct str tail = STR_INIT;
	str_add_n(&tail, progress->output.data + KEPT_FRONT, progress->output.len - KEPT_FRONT);
	progress->output.len = KEPT_FRONT;
	str_add(&progress->output, mark);
	str_add_n(&progress->output, tail.data, tail.len);
}

static bool report(struct run *run, struct step_report *report, struct error *err)
{
	const struct runner_events *events = &run->options->events;
	_cleanup_(freep) char *evidence = last_line(&run->progress.check_output);
	mark_left_out(&run->progress);
	report->step = run->progress.step;
	report->playbook = run->playbook->name;
	report->evidence = evidence;
	report->output = run->progress.output.data;
	run->progress.step = NULL;
	if (report->result == STEP_FAILED && run->script.mode == RUNNER_APPLY) {
		run->failed = true;
		failure_set(&run->failure, report);
	}
	return is_recorded(run) || !events->step_ended || events->step_ended(events->cookie, report, err);
}

/* "would-change" is one word on its way. */
static bool find_result(char *name, enum step_result *result)
{
	char *dash = strchr(name, '-');
	if (dash)
		*dash = ' ';
	for (enum step_result at = STEP_OK; at <= STEP_WOULD_RUN; at++) {
		if (str_eq(name, step_result_name(at))) {
			*result = at;
			return true;
		}
	}
	return false;
}

static bool is_for_host(const struct run *run, enum step_result result)
{
	enum step_kind kind = run->progress.step->kind;
	return result == STEP_CHANGED && (kind == STEP_DOWNLOAD || kind == STEP_REBOOT);
}

static bool end(struct run *run, const struct frame_event *event, struct error *err)
{
	struct step_report ended = {0};
	char result[16] = "", code[24] = "";
	size_t index = 0;
	flush(run);
	if (sscanf(event->text, "E %zu %15s %23s %d %d", &index, result, code, &ended.status, &ended.attempts) != 5 ||
	    !run->progress.step || index != run->progress.index || !find_result(result, &ended.result))
		return error_set(err, ERROR_INTERNAL, "the machine's account of a step makes no sense: %s",
				 event->text);
	if (is_for_host(run, ended.result)) {
		run->awaits_host = true;
		return true;
	}
	_cleanup_(freep) char *why = failure_why(run, run->progress.step, result, code, ended.status);
	if (ended.result != STEP_FAILED)
		ended.status = 0;
	ended.why = why;
	ended.started_ms = wall_ms(run, run->progress.began_s);
	ended.ended_ms = wall_ms(run, event->uptime_s);
	return report(run, &ended, err);
}

bool progress_end_here(struct run *run, const char *why, struct error *err)
{
	struct step_report ended = {.why = why,
				    .attempts = 1,
				    .started_ms = run->progress.began_ms,
				    .ended_ms = runner_now_ms(&run->options->events)};
	if (!run->progress.step)
		return true;
	flush(run);
	ended.result = *why ? STEP_FAILED : run->progress.step->kind == STEP_REBOOT ? STEP_CHANGED : STEP_OK;
	return report(run, &ended, err);
}

bool progress_take(struct run *run, const struct frame_event *event, struct error *err)
{
	if (event->kind == FRAME_DATA) {
		take_output(run, event);
		return true;
	}
	compare_clocks(run, event->uptime_s);
	switch (event->text[0]) {
	case 'F':
		take_facts(run, event->text);
		return true;
	case 'B':
		return begin(run, event, err);
	case 'P':
		begin_phase(run, event->text);
		return true;
	case 'X':
		end_phase(run);
		return true;
	case 'E':
		return end(run, event, err);
	case 'Z':
		run->said_last = run->finished = true;
		return true;
	default:
		return error_set(err, ERROR_INTERNAL, "the machine said what this bakery does not know: %s",
				 event->text);
	}
}
