/* SPDX-License-Identifier: Apache-2.0
 *
 * What happened to a step, in words. */
#include <stdio.h>
#include <string.h>

#include "bakery/clock.h"
#include "bakery/mem.h"
#include "run.h"

#define LAST_LINES 10
#define LAST_BYTES 1200

char *step_place(const struct step *step)
{
	return step->file ? mem_printf("%s (%s:%d)", step->id, step->file, step->line) : mem_strdup(step->id);
}

static char *duration(int64_t seconds)
{
	static const struct {
		int64_t seconds;
		char letter;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}};
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (seconds && seconds % units[i].seconds == 0)
			return mem_printf("%lld%c", (long long)(seconds / units[i].seconds), units[i].letter);
	}
	return mem_printf("%llds", (long long)seconds);
}

static char *first_word(const char *text)
{
	return mem_strndup(text, strcspn(text, " "));
}

static char *why_skipped(const struct run *run, const struct step *step, const char *code)
{
	if (str_eq(code, "waived"))
		return mem_strdup(step->waived ? step->waived : "waived");
	if (str_eq(code, "if"))
		return mem_strdup("its condition does not hold");
	bool is_os = str_eq(code, "os");
	_cleanup_(freep) char *word = first_word(is_os ? run->ids : run->machine);
	return mem_printf("%s is %s", is_os ? "os" : "arch", word);
}

static char *how_it_ended(const char *what, int status)
{
	if (status > 128 && status < 128 + 65)
		return mem_printf("%s was killed by signal %d", what, status - 128);
	return mem_printf("%s exited with %d", what, status);
}

static char *why_failed(const struct step *step, const char *code, int status)
{
	if (str_starts(code, "timeout-")) {
		_cleanup_(freep) char *limit = duration(step->timeout_s ? step->timeout_s : 600);
		const char *phase = code + strlen("timeout-");
		const char *where = str_eq(phase, "if")	   ? " (its condition)"
				    : str_eq(phase, "run") ? ""
							   : " (its check)";
		return mem_printf("timed out after %s%s", limit, where);
	}
	if (str_eq(code, "check"))
		return mem_strdup("check still fails after run");
	if (str_eq(code, "assert"))
		return how_it_ended("check", status);
	if (step->kind != STEP_SHELL)
		return mem_strdup(step->kind == STEP_UPLOAD ? "the file could not be put in place"
				  : status == 1		    ? "there is no such file or folder to fetch"
							    : "it could not be made ready to be fetched");
	return how_it_ended("run", status);
}

/* What a step that is only looked at would do. */
static char *why_would(const struct run *run, const struct step *step, int status)
{
	_cleanup_(freep) char *evidence = last_line(&run->progress.check_output);
	if (step->kind == STEP_REBOOT)
		return mem_strdup("the machine would be restarted");
	if (step->kind == STEP_DOWNLOAD)
		return mem_printf("%s would be fetched", step->download->from);
	if (!step->check && step->kind == STEP_SHELL)
		return mem_strdup("it has no check that could tell whether it would change anything");
	return *evidence ? mem_strdup(evidence) : how_it_ended("its check", status);
}

char *failure_why(const struct run *run, const struct step *step, const char *result, const char *code, int status)
{
	if (str_eq(result, "skipped"))
		return why_skipped(run, step, code);
	if (str_starts(result, "would"))
		return why_would(run, step, status);
	return str_eq(result, "failed") ? why_failed(step, code, status) : mem_strdup("");
}

/* Where the last lines begin: at most LAST_LINES, at most LAST_BYTES. */
static const char *last_lines(const char *text, size_t length)
{
	size_t at = length, lines = 0;
	while (at && length - at < LAST_BYTES) {
		if (text[at - 1] == '\n' && at < length && ++lines == LAST_LINES)
			break;
		at--;
	}
	while (at < length && at && text[at - 1] != '\n' && length - at >= LAST_BYTES &&
	       memchr(text + at, '\n', length - at))
		at = (size_t)((const char *)memchr(text + at, '\n', length - at) - text) + 1;
	return text + at;
}

/* Only what a terminal can show: the text goes into one message. */
static void add_printable(struct str *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '\n')
			str_add(out, "\n    ");
		else if (c >= ' ' && c != 127)
			str_add_char(out, (char)c);
		else if (c == '\t')
			str_add_char(out, ' ');
	}
}

void failure_set(struct error *err, const struct step_report *report)
{
	_cleanup_(freep) char *place = step_place(report->step);
	_cleanup_(str_free) struct str tail = STR_INIT;
	size_t length = strlen(report->output);
	while (length && strchr(" \t\r\n", report->output[length - 1]))
		length--;
	if (length) {
		const char *from = last_lines(report->output, length);
		str_add(&tail, "; its last output:\n    ");
		add_printable(&tail, from, (size_t)(report->output + length - from));
	}
	error_set(err, ERROR_FAILED, "step %s: %s%s%s", place, report->why,
		  report->attempts > 1 ? " (after several attempts)" : "", tail.data);
}
