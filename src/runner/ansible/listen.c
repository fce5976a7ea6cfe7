/* SPDX-License-Identifier: Apache-2.0
 *
 * What ansible-playbook says: lines of our callback become reports of its tasks, all else is output of the playbook's
 * step. Everything that leaves here is redacted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../run.h"
#include "ansible.h"
#include "bakery/clock.h"
#include "bakery/tree.h"

enum { MOST_OUTPUT = 1 << 20, LONGEST_LINE = 32 << 20 };

static const struct step *own_step(const struct listener *listener)
{
	return listener->playbook->steps.items;
}

void listener_init(struct listener *listener, const struct playbook *playbook, const struct ansible_options *options,
		   const struct workplace *place)
{
	const struct text_list *secrets = &playbook->ansible->secrets;

	*listener = (struct listener){
		.playbook = playbook, .options = options, .mark = place->mark, .cwd = place->cwd, .output = STR_INIT};
	for (size_t i = 0; i < secrets->count; i++) {
		const char *value = getenv(secrets->items[i]);
		if (value)
			redaction_add(&listener->redaction, value);
	}
	for (size_t i = 0; i < 2; i++) {
		listener->lines[i] = (struct str)STR_INIT;
		listener->redactors[i] = (struct redactor){.redaction = &listener->redaction, .held = STR_INIT};
	}
}

void listener_free(struct listener *listener)
{
	for (size_t i = 0; i < 2; i++) {
		str_wipe_free(&listener->lines[i]);
		redactor_free(&listener->redactors[i]);
	}
	str_free(&listener->output);
	redaction_free(&listener->redaction);
}

static void redact(const struct listener *listener, const char *text, struct str *out)
{
	struct redactor redactor = {.redaction = &listener->redaction, .held = STR_INIT};

	redactor_feed(&redactor, text, strlen(text), out);
	redactor_flush(&redactor, out);
	redactor_free(&redactor);
}

/* --- output of the whole --- */

static void show(struct listener *listener, const struct step *step, bool is_stderr, const struct str *text)
{
	const struct runner_events *events = &listener->options->events;

	if (text->len && events->output)
		events->output(events->cookie, step, is_stderr, text->data, text->len);
}

static void keep(struct listener *listener, const struct str *text)
{
	struct str *output = &listener->output;
	size_t start = output->len, room = start < MOST_OUTPUT ? MOST_OUTPUT - start : 0;

	str_add_n(output, text->data, text->len < room ? text->len : room);
	for (char *nul; (nul = memchr(output->data + start, '\0', output->len - start));)
		*nul = '?'; /* the report is a C string */
}

static void say(struct listener *listener, bool is_stderr, const char *data, size_t length, bool is_last)
{
	_cleanup_(str_free) struct str text = STR_INIT;

	redactor_feed(&listener->redactors[is_stderr], data, length, &text);
	if (is_last)
		redactor_flush(&listener->redactors[is_stderr], &text);
	keep(listener, &text);
	show(listener, own_step(listener), is_stderr, &text);
}

/* --- tasks --- */

/* "roles/web/tasks/main.yml:12" of the path as Ansible has it: relative to the playbook's folder, where it can be. */
static char *place_split(const struct listener *listener, const char *place, int *line)
{
	const char *colon = strrchr(place, ':');
	size_t length = colon ? (size_t)(colon - place) : strlen(place), folder = strlen(listener->cwd);
	const char *shown = listener->playbook->file, *slash = strrchr(shown, '/');

	*line = colon ? atoi(colon + 1) : 0;
	if (!length)
		return mem_strdup(shown);
	if (strncmp(place, listener->cwd, folder) != 0 || place[folder] != '/')
		return mem_strndup(place, length);
	return mem_printf("%.*s%.*s", slash ? (int)(slash + 1 - shown) : 0, shown, (int)(length - folder - 1),
			  place + folder + 1);
}

struct task {
	struct step step;
	struct str id, name;
	char *file;
};

static void task_make(const struct listener *listener, const struct tree *event, struct task *task)
{
	int line;

	*task = (struct task){.id = STR_INIT, .name = STR_INIT};
	redact(listener, tree_text_or(event, "name", "?"), &task->name);
	str_addf(&task->id, "%s/%s", listener->playbook->name, task->name.data);
	task->file = place_split(listener, tree_text_or(event, "place", ""), &line);
	task->step = (struct step){
		.kind = STEP_TASK, .id = task->id.data, .name = task->name.data, .file = task->file, .line = line};
}

static void task_free(struct task *task)
{
	str_free(&task->id);
	str_free(&task->name);
	free(task->file);
}

static bool on_task(struct listener *listener, const struct tree *event, struct error *err)
{
	const struct runner_events *events = &listener->options->events;
	_cleanup_(task_free) struct task task;

	task_make(listener, event, &task);
	if (events->step_began)
		events->step_began(events->cookie, &task.step, 0, 1);
	return true;
}

static enum step_result result_of(const char *name)
{
	for (enum step_result result = STEP_OK; result < STEP_FAILED; result++) {
		if (str_eq(name, step_result_name(result)))
			return result;
	}
	return STEP_FAILED;
}

static void report_fill(const struct listener *listener, const struct tree *event, struct step_report *report)
{
	int64_t now_ms = runner_now_ms(&listener->options->events);

	report->playbook = listener->playbook->name;
	report->result = result_of(tree_text_or(event, "result", ""));
	report->status = (int)tree_int(event, "rc", 0);
	/* Its clock only tells how long it took: it goes on when somebody sets this host's, but began anywhere. */
	report->started_ms = now_ms - (tree_int(event, "ended_ms", 0) - tree_int(event, "started_ms", 0));
	report->ended_ms = now_ms;
	report->attempts = (int)tree_int(event, "attempts", 1);
	report->evidence = "";
}

/* Why it failed is what Ansible says, of which the first line is enough: the output has it all. */
static char *first_line(const char *text)
{
	return mem_strndup(text, strcspn(text, "\n"));
}

static bool on_result(struct listener *listener, const struct tree *event, struct error *err)
{
	const struct runner_events *events = &listener->options->events;
	_cleanup_(str_free) struct str all = STR_INIT, output = STR_INIT, live = STR_INIT;
	_cleanup_(task_free) struct task task;
	struct step_report report = {0};

	task_make(listener, event, &task);
	report_fill(listener, event, &report);
	redact(listener, tree_text_or(event, "why", ""), &all);
	redact(listener, tree_text_or(event, "output", ""), &output);
	_cleanup_(freep) char *first = first_line(all.data);
	report.step = &task.step;
	report.why = *first || report.result != STEP_FAILED ? first : "it failed";
	report.output = output.data;
	if (output.len)
		str_addf(&live, "%s\n", output.data);
	show(listener, &task.step, false, &live);
	listener->tasks++;
	listener->changed += report.result == STEP_CHANGED;
	if (report.result == STEP_FAILED && listener->failure.kind == ERROR_NONE)
		failure_set(&listener->failure, &report);
	return !events->step_ended || events->step_ended(events->cookie, &report, err);
}

static bool on_play(struct listener *listener, const struct tree *event, struct error *err)
{
	listener->plays++;
	snprintf(listener->hosts, sizeof(listener->hosts), "%s", tree_text_or(event, "hosts", "?"));
	return true;
}

static bool on_no_hosts(struct listener *listener, const struct tree *event, struct error *err)
{
	_cleanup_(freep) char *text =
		mem_printf("no host of the inventory is one of \"%s\": this play did nothing\n", listener->hosts);

	listener->plays_without_hosts++;
	say(listener, false, text, strlen(text), true);
	return true;
}

static bool on_output(struct listener *listener, const struct tree *event, struct error *err)
{
	const char *text = tree_text_or(event, "text", "");

	say(listener, false, text, strlen(text), true);
	return true;
}

static bool on_stats(struct listener *listener, const struct tree *event, struct error *err)
{
	for (struct tree_iter host = tree_iter(tree_key(event, "hosts")); tree_next(&host);) {
		_cleanup_(str_free) struct str text = STR_INIT;

		str_addf(&text, "%s:", host.key);
		for (struct tree_iter count = tree_iter(host.value); tree_next(&count);)
			str_addf(&text, " %s=%lld", count.key, (long long)tree_int(count.value, NULL, 0));
		str_add_char(&text, '\n');
		say(listener, false, text.data, text.len, true);
	}
	return true;
}

static const struct {
	const char *name;
	bool (*on)(struct listener *listener, const struct tree *event, struct error *err);
} kinds[] = {{"task", on_task},		{"result", on_result}, {"play", on_play},
	     {"no_hosts", on_no_hosts}, {"output", on_output}, {"stats", on_stats}};

static bool event_take(struct listener *listener, const char *text, size_t length, struct error *err)
{
	_cleanup_(tree_freep) struct tree *event = tree_from_json(text, length, err);
	const char *name = tree_text_or(event, "event", "");

	if (!event)
		return error_context(err, "what Ansible tells of its tasks");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (str_eq(kinds[i].name, name))
			return kinds[i].on(listener, event, err);
	}
	return true;
}

/* --- lines --- */

static bool line_take(struct listener *listener, bool is_stderr, const char *line, size_t length, struct error *err)
{
	size_t mark = strlen(listener->mark);

	if (!is_stderr && length > mark && memcmp(line, listener->mark, mark) == 0)
		return event_take(listener, line + mark, length - mark, err);
	say(listener, is_stderr, line, length, false);
	return true;
}

bool listener_hear(void *cookie, bool is_stderr, const char *data, size_t length, struct error *err)
{
	struct listener *listener = cookie;
	struct str *lines = &listener->lines[is_stderr];
	size_t at = 0;

	str_add_n(lines, data, length);
	for (const char *newline; (newline = memchr(lines->data + at, '\n', lines->len - at));) {
		size_t end = (size_t)(newline + 1 - lines->data);
		if (!line_take(listener, is_stderr, lines->data + at, end - at, err))
			return false;
		at = end;
	}
	str_remove_front(lines, at);
	return lines->len < LONGEST_LINE ||
	       error_set(err, ERROR_FAILED, "Ansible printed a line of more than %d MiB", LONGEST_LINE >> 20);
}

void listener_begin(struct listener *listener)
{
	const struct runner_events *events = &listener->options->events;

	listener->began_ms = runner_now_ms(events);
	if (events->step_began)
		events->step_began(events->cookie, own_step(listener), 0, 1);
}

/* What does not end in a line's end. */
void listener_hear_end(struct listener *listener)
{
	for (size_t i = 0; i < 2; i++) {
		say(listener, i == 1, listener->lines[i].data, listener->lines[i].len, true);
		str_clear(&listener->lines[i]);
	}
}

bool listener_end(struct listener *listener, const char *why, struct error *err)
{
	const struct runner_events *events = &listener->options->events;
	struct step_report report = {
		.step = own_step(listener),
		.playbook = listener->playbook->name,
		.result = why		      ? STEP_FAILED
			  : listener->changed ? STEP_CHANGED
					      : STEP_UNCHANGED,
		.why = why ? why : "",
		.started_ms = listener->began_ms,
		.ended_ms = runner_now_ms(events),
		.evidence = "",
		.attempts = 1,
	};

	report.output = listener->output.data;
	return !events->step_ended || events->step_ended(events->cookie, &report, err);
}
