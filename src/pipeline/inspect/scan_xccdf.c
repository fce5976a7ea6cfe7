/* SPDX-License-Identifier: Apache-2.0
 *
 * XCCDF 1.2 results, as oscap writes them (NIST IR 7275 rev. 4, 6.6): the benchmark's rules with their titles, then a
 * TestResult with each rule's answer. Megabytes, so they are read as they come and never held as a tree. */
#include <stdlib.h>
#include <string.h>

#include "bakery/xml.h"
#include "scan_report.h"

struct title {
	const char *rule, *text;
};

struct xccdf {
	struct scan_report *report;
	struct arena *arena;
	struct title *titles; /* of the benchmark's rules, in its order */
	size_t title_count, title_next;
	size_t depth, taken_at; /* taken_at: depth of the element whose text is wanted; 0: none */
	size_t rule_depth;	/* of the Rule or rule-result we are in; 0: in none */
	struct str text;
	const char *rule, *severity; /* of the rule-result we are in */
	bool in_result, overflows, saw_end;
	const char *result;
};

static void on_start(void *cookie, const char *name, const char *const *attributes)
{
	struct xccdf *xccdf = cookie;
	const char *local = xml_local_name(name), *id = NULL;

	xccdf->depth++;
	if (str_eq(local, "Rule"))
		id = xml_attribute_of(attributes, "id");
	else if (str_eq(local, "rule-result"))
		id = xml_attribute_of(attributes, "idref");
	if (id) {
		const char *severity = xml_attribute_of(attributes, "severity");
		xccdf->rule = arena_strdup(xccdf->arena, id);
		xccdf->severity = arena_strdup(xccdf->arena, severity ? severity : "unknown");
		xccdf->in_result = str_eq(local, "rule-result");
		xccdf->rule_depth = xccdf->depth;
		xccdf->result = NULL;
	} else if (xccdf->rule_depth && xccdf->depth == xccdf->rule_depth + 1 &&
		   str_eq(local, xccdf->in_result ? "result" : "title")) {
		xccdf->taken_at = xccdf->depth;
		str_clear(&xccdf->text);
	}
}

static void on_text(void *cookie, const char *text, size_t length)
{
	enum { MOST_TEXT = 2000 };
	struct xccdf *xccdf = cookie;

	if (xccdf->taken_at && xccdf->text.len + length <= MOST_TEXT)
		str_add_n(&xccdf->text, text, length);
}

static void title_add(struct xccdf *xccdf)
{
	if (xccdf->title_count == SCAN_MOST_FINDINGS) {
		xccdf->overflows = true;
		return;
	}
	xccdf->titles = mem_grow(xccdf->titles, xccdf->title_count + 1, sizeof(*xccdf->titles));
	xccdf->titles[xccdf->title_count++] = (struct title){xccdf->rule, arena_strdup(xccdf->arena, xccdf->text.data)};
}

/* Results come in the order of the rules, so that the next title is mostly the right one. */
static const char *title_of(struct xccdf *xccdf, const char *rule)
{
	for (size_t i = 0; i < xccdf->title_count; i++) {
		size_t at = (xccdf->title_next + i) % xccdf->title_count;
		if (str_eq(xccdf->titles[at].rule, rule)) {
			xccdf->title_next = at + 1;
			return xccdf->titles[at].text;
		}
	}
	return "";
}

/* NULL: a rule that the profile does not select. What could not be found out has not passed. */
static const char *answer_of(const char *result)
{
	static const struct {
		const char *result, *answer;
	} answers[] = {
		{"pass", "pass"},	   {"fixed", "pass"},
		{"fail", "fail"},	   {"error", "fail"},
		{"unknown", "fail"},	   {"notapplicable", "skipped"},
		{"notchecked", "skipped"}, {"informational", "skipped"},
		{"notselected", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		if (str_eq(answers[i].result, result))
			return answers[i].answer;
	}
	return "fail";
}

static void result_add(struct xccdf *xccdf)
{
	const char *result = xccdf->result ? xccdf->result : "unknown", *answer = answer_of(result);
	struct scan_finding *finding = answer ? scan_report_add(xccdf->report) : NULL;
	const char *title;

	if (!finding) {
		xccdf->overflows |= answer != NULL;
		return;
	}
	title = title_of(xccdf, xccdf->rule);
	*finding = (struct scan_finding){
		.rule = xccdf->rule,
		.answer = answer,
		.severity = xccdf->severity,
		.text = str_eq(result, answer)
				? title
				: arena_printf(xccdf->arena, "%s%s%s", result, *title ? ": " : "", title),
	};
}

static void on_end(void *cookie, const char *name)
{
	struct xccdf *xccdf = cookie;

	if (xccdf->taken_at == xccdf->depth) {
		str_trim_right(&xccdf->text);
		if (xccdf->in_result)
			xccdf->result = arena_strdup(xccdf->arena, xccdf->text.data);
		else
			title_add(xccdf);
		xccdf->taken_at = 0;
	}
	if (xccdf->rule_depth == xccdf->depth) {
		if (xccdf->in_result)
			result_add(xccdf);
		xccdf->rule_depth = 0;
		xccdf->in_result = false;
	}
	xccdf->saw_end |= str_eq(xml_local_name(name), "TestResult");
	xccdf->depth--;
}

bool scan_read_xccdf(const char *data, size_t length, struct arena *arena, struct scan_report *out, struct error *err)
{
	struct xccdf xccdf = {.report = out, .arena = arena, .text = STR_INIT};
	const struct xml_events events = {&xccdf, on_start, on_text, on_end};
	bool done;

	*out = (struct scan_report){.score = -1};
	done = xml_read(data, length, &events, err);
	free(xccdf.titles);
	str_free(&xccdf.text);
	if (done && (!xccdf.saw_end || !out->count || xccdf.overflows))
		done = error_set(err, ERROR_FAILED, "%s",
				 xccdf.overflows  ? "it has too many rules"
				 : !xccdf.saw_end ? "it has no TestResult"
						  : "no rule was looked at");
	if (done)
		return true;
	scan_report_free(out);
	err->kind = ERROR_FAILED;
	return error_context(err, "the XCCDF results");
}
