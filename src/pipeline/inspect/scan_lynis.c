/* SPDX-License-Identifier: Apache-2.0
 *
 * Lynis' report file: lines "key=value" and "key[]=value|value|..." (man lynis, lynis-report.dat). A test that was
 * executed and neither warned nor suggested anything has passed. */
#include <stdlib.h>
#include <string.h>

#include "scan_report.h"

#define PREFIX "lynis:"

struct lynis {
	struct scan_report *report;
	struct arena *arena;
	bool finished, overflows;
};

static struct scan_finding *finding_of(struct lynis *lynis, const char *id)
{
	const char *rule = arena_printf(lynis->arena, PREFIX "%s", id);
	struct scan_finding *there = (struct scan_finding *)scan_report_find(lynis->report, rule);

	if (there)
		return there;
	there = scan_report_add(lynis->report);
	lynis->overflows |= !there;
	if (there)
		*there = (struct scan_finding){rule, "", "low", ""};
	return there;
}

/* "ID|text|details|solution|": one test may say several things. */
static void complaint_add(struct lynis *lynis, char *value, const char *severity)
{
	char *rest = value, *id = strsep(&rest, "|"), *text = strsep(&rest, "|"), *details = strsep(&rest, "|");
	bool has_details = details && *details && !str_eq(details, "-");
	struct scan_finding *finding;

	if (!id || !strchr(id, '-')) /* "LYNIS" speaks of the scanner's own age */
		return;
	finding = finding_of(lynis, id);
	if (!finding)
		return;
	finding->answer = "fail";
	if (!str_eq(finding->severity, "high"))
		finding->severity = severity;
	finding->text =
		arena_printf(lynis->arena, "%s%s%s%s%s%s", finding->text, *finding->text ? "; " : "", text ? text : "",
			     has_details ? " (" : "", has_details ? details : "", has_details ? ")" : "");
}

static void tests_add(struct lynis *lynis, char *value, const char *answer)
{
	for (char *id = strsep(&value, "|"); id; id = strsep(&value, "|")) {
		struct scan_finding *finding = *id ? finding_of(lynis, id) : NULL;
		if (finding && !*finding->answer)
			finding->answer = answer;
	}
}

static void line_take(struct lynis *lynis, char *line)
{
	char *value = strchr(line, '=');

	if (!value)
		return;
	*value++ = '\0';
	if (str_eq(line, "warning[]"))
		complaint_add(lynis, value, "high");
	else if (str_eq(line, "suggestion[]"))
		complaint_add(lynis, value, "low");
	else if (str_eq(line, "tests_executed"))
		tests_add(lynis, value, "pass");
	else if (str_eq(line, "tests_skipped"))
		tests_add(lynis, value, "skipped");
	else if (str_eq(line, "hardening_index") && !str_to_int(value, &lynis->report->score))
		lynis->report->score = -1;
	else if (str_eq(line, "lynis_version"))
		lynis->report->version = arena_printf(lynis->arena, "Lynis %s", value);
	else if (str_eq(line, "finish"))
		lynis->finished = str_eq(value, "true");
}

bool scan_read_lynis(const char *data, size_t length, struct arena *arena, struct scan_report *out, struct error *err)
{
	_cleanup_(freep) char *text = mem_strndup(data, length);
	struct lynis lynis = {.report = out, .arena = arena};
	char *rest = NULL;

	*out = (struct scan_report){.score = -1};
	for (char *line = strtok_r(text, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
		line_take(&lynis, line);
	if (lynis.finished && out->count && out->score >= 0 && !lynis.overflows)
		return true;
	scan_report_free(out);
	return error_set(err, ERROR_FAILED, "Lynis' report %s",
			 lynis.overflows   ? "has too many tests"
			 : !lynis.finished ? "is not whole: its last line, finish=true, is missing"
					   : "has no tests or no hardening index");
}
