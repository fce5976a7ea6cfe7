/* SPDX-License-Identifier: Apache-2.0
 *
 * Events as lines: sentences for people, JSON for programs. */
#include <string.h>
#include <unistd.h>

#include "bakery/mem.h"
#include "bakery/utf8.h"
#include "view_private.h"

static const char *paint(const struct view *view, const char *color)
{
	return view->app->color ? color : "";
}

/* Terminals must not be steered by what a machine prints, nor by what AWS says. */
static void add_shown(struct str *out, const char *text)
{
	utf8_add_visible_lines(out, text, strlen(text));
}

static void step_sentence(const struct view *view, const struct build_event *event, struct str *out)
{
	static const char *const colors[] = {
		[STEP_OK] = "\033[2m",	    [STEP_UNCHANGED] = "\033[2m", [STEP_CHANGED] = "\033[32m",
		[STEP_SKIPPED] = "\033[2m", [STEP_FAILED] = "\033[31m",
	};
	const struct step_report *report = event->step;
	char took[CLOCK_TEXT_SIZE];

	clock_duration(event->duration_ms, took);
	str_addf(out, "%s%-9s%s [%zu/%zu] ", paint(view, colors[report->result]), step_result_name(report->result),
		 paint(view, "\033[0m"), event->index + 1, event->total);
	add_shown(out, report->step->name ? report->step->name : report->step->id);
	str_addf(out, " (%s)", took);
	if (report->result != STEP_FAILED && report->result != STEP_SKIPPED)
		return;
	str_add(out, ": ");
	add_shown(out, report->why ? report->why : "");
}

/* A failed step's output belongs where the person reads; all of it is in `bakery log`. */
static void failed_output(const struct step_report *report, struct str *out)
{
	enum { SHOWN_LINES = 30 };
	const char *at = report->output ? report->output + strlen(report->output) : "";
	int lines = 0;

	while (report->output && at > report->output && lines <= SHOWN_LINES)
		lines += *--at == '\n';
	if (*at == '\n')
		at++;
	while (*at) {
		size_t length = strcspn(at, "\n");
		str_add(out, "\n    | ");
		output_as_seen(out, at, length);
		at += length + (at[length] == '\n');
	}
}

static void ended_sentence(const struct view *view, const struct build_event *event, struct str *out)
{
	const char *color = event->status == BUILD_DONE ? "\033[32m" : "\033[31m";
	char took[CLOCK_TEXT_SIZE];

	clock_duration(event->duration_ms, took);
	str_addf(out, "%s%s%s after %s (build %s)", paint(view, color), build_status_name(event->status),
		 paint(view, "\033[0m"), took, event->build);
}

/* "done in 23.7s: 55 changed, 26 unchanged" */
static void stage_sentence(const struct view_row *row, const struct build_event *event, struct str *out)
{
	const char *separator = ": ";
	char took[CLOCK_TEXT_SIZE];

	clock_duration(event->duration_ms, took);
	str_addf(out, "done in %s", took);
	for (enum step_result result = STEP_OK; result <= STEP_FAILED; result++) {
		if (!row->results[result])
			continue;
		str_addf(out, "%s%zu %s", separator, row->results[result], step_result_name(result));
		separator = ", ";
	}
}

bool view_step_matters(const struct build_event *event)
{
	return event->step->result == STEP_CHANGED || event->step->result == STEP_FAILED;
}

static void sentence_add(const struct view *view, const struct view_row *row, const struct build_event *event,
			 struct str *out)
{
	switch (event->kind) {
	case EVENT_BUILD_BEGAN:
		str_addf(out, "build %s", event->build);
		break;
	case EVENT_STAGE_BEGAN:
		str_add(out, event->doing);
		break;
	case EVENT_STAGE_DONE:
		stage_sentence(row, event, out);
		break;
	case EVENT_STAGE_FAILED:
		str_addf(out, "%sfailed%s: ", paint(view, "\033[31m"), paint(view, "\033[0m"));
		add_shown(out, event->text);
		break;
	case EVENT_STEP_ENDED:
		step_sentence(view, event, out);
		if (event->step->result == STEP_FAILED)
			failed_output(event->step, out);
		break;
	case EVENT_NOTE:
		add_shown(out, event->text);
		break;
	case EVENT_BUILD_ENDED:
		ended_sentence(view, event, out);
		break;
	default:
		break;
	}
}

void view_sentence(const struct view *view, const struct view_row *row, const struct build_event *event,
		   struct str *out)
{
	bool of_build = event->kind == EVENT_BUILD_BEGAN || event->kind == EVENT_BUILD_ENDED || !row->stage[0];
	_cleanup_(str_free) struct str sentence = STR_INIT;

	sentence_add(view, row, event, &sentence);
	if (sentence.len)
		str_addf(out, "%-10s %s", of_build ? "build" : row->stage, sentence.data);
}

static bool worth_a_line(const struct view *view, const struct build_event *event)
{
	bool quiet = !log_wants(view->app->log, LOG_LEVEL_INFO);

	if (quiet)
		return event->kind == EVENT_STAGE_FAILED ||
		       (event->kind == EVENT_STEP_ENDED && event->step->result == STEP_FAILED);
	return event->kind != EVENT_STEP_ENDED || view_step_matters(event) ||
	       log_wants(view->app->log, LOG_LEVEL_DEBUG);
}

/* With -v a step's output is shown as it comes. */
static void raw_output(const struct build_event *event)
{
	ssize_t put = write(STDERR_FILENO, event->text, event->length);

	(void)put; /* nowhere left to say it */
}

void plain_event(struct view *view, const struct view_row *row, const struct build_event *event)
{
	_cleanup_(str_free) struct str line = STR_INIT, sentence = STR_INIT;
	int64_t elapsed_s = (clock_mono_ms() - row->began_ms) / 1000;
	ssize_t put;

	if (event->kind == EVENT_OUTPUT && log_wants(view->app->log, LOG_LEVEL_DEBUG))
		raw_output(event);
	view_sentence(view, row, event, &sentence);
	if (!sentence.len || !worth_a_line(view, event))
		return;
	str_addf(&line, "%02lld:%02lld ", (long long)(elapsed_s / 60), (long long)(elapsed_s % 60));
	if (view->build_count > 1)
		str_addf(&line, "%s ", row->recipe);
	str_addf(&line, "%s\n", sentence.data);
	put = write(STDERR_FILENO, line.data, line.len);
	(void)put; /* nowhere left to say it */
}

static const char *const kind_names[] = {
	[EVENT_BUILD_BEGAN] = "build_began", [EVENT_STAGE_BEGAN] = "stage_began",
	[EVENT_STAGE_DONE] = "stage_done",   [EVENT_STAGE_FAILED] = "stage_failed",
	[EVENT_STEP_BEGAN] = "step_began",   [EVENT_STEP_ENDED] = "step_ended",
	[EVENT_OUTPUT] = "output",	     [EVENT_NOTE] = "note",
	[EVENT_PROGRESS] = "progress",	     [EVENT_BUILD_ENDED] = "build_ended",
};

static void json_step(struct tree *object, const struct step_report *report)
{
	tree_set_text(object, "step", report->step->id);
	tree_set_text(object, "result", step_result_name(report->result));
	if (report->why && *report->why)
		tree_set_text(object, "why", report->why);
}

void view_json(struct view *view, const struct build_event *event)
{
	_cleanup_(tree_freep) struct tree *object = tree_new_object();
	_cleanup_(str_free) struct str json = STR_INIT, line = STR_INIT;
	char at[CLOCK_TEXT_SIZE];
	ssize_t put;

	clock_rfc3339_ms(event->at_ms, at);
	tree_set_text(object, "at", at);
	tree_set_text(object, "event", kind_names[event->kind]);
	tree_set_text(object, "build", event->build);
	tree_set_text(object, "recipe", event->recipe);
	if (event->stage)
		tree_set_text(object, "stage", event->stage);
	if (event->text)
		tree_set(object, "text",
			 event->kind == EVENT_OUTPUT ? tree_new_text_n(event->text, event->length)
						     : tree_new_text(event->text));
	if (event->step)
		json_step(object, event->step);
	if (event->duration_ms)
		tree_set(object, "duration_s", tree_new_double((double)event->duration_ms / 1000));
	if (event->kind == EVENT_BUILD_ENDED)
		tree_set_text(object, "status", build_status_name(event->status));
	tree_to_json(object, &json);
	utf8_add_clean(&line, json.data, json.len); /* machines print anything; JSON is UTF-8 */
	str_add_char(&line, '\n');
	put = write(view->events_fd, line.data, line.len);
	(void)put; /* the build matters more than its event file */
}
