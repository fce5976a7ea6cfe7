/* SPDX-License-Identifier: Apache-2.0
 *
 * Evidence as JUnit XML: what GitLab, Jenkins and GitHub show beside a job. There is no standard; Jenkins' schema
 * (xunit-plugin's junit-10.xsd) is the narrowest that all of them read. */
#include <stdio.h>

#include "bakery/mem.h"
#include "evidence_private.h"
#include "xml_writer.h"

struct counts {
	int64_t tests, failures, skipped;
	double took_s;
	const char *instance, *at;
};

/* What the row says of that machine. One that vanished from the fresh instance has no answer there, and fails. */
static const char *outcome(const struct tree *row, const char *side)
{
	const struct tree *answer = tree_get(row, side);

	if (str_eq(side, "fresh") && tree_bool(row, "drift", false))
		return "fail";
	return tree_kind(answer) == TREE_OBJECT ? tree_text_or(answer, "answer", "fail") : NULL;
}

static struct counts count(const struct tree *rows, const char *side)
{
	struct counts counts = {0};

	for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
		const char *result = outcome(i.value, side);
		const struct tree *answer = tree_get(i.value, side);

		if (!result)
			continue;
		counts.tests++;
		counts.failures += str_eq(result, "fail");
		counts.skipped += str_eq(result, "skipped") || str_eq(result, "waived");
		counts.took_s += tree_double(answer, "took_s", 0);
		if (!counts.instance) {
			counts.instance = tree_text(answer, "instance");
			counts.at = tree_text(answer, "at");
		}
	}
	return counts;
}

static void seconds(struct xml_writer *xml, double took_s)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", took_s);
	xml_attribute(xml, "time", text);
}

static void result_add(struct xml_writer *xml, const struct tree *row, const char *side, const char *result)
{
	bool drift = tree_bool(row, "drift", false) && str_eq(side, "fresh");
	_cleanup_(freep) char *path = mem_printf("%s.evidence", side);
	const char *evidence = drift ? tree_text_or(row, "evidence", "") : tree_text_or(row, path, "");

	if (str_eq(result, "pass")) {
		if (*evidence)
			xml_leaf(xml, "system-out", evidence);
		return;
	}
	xml_begin(xml, str_eq(result, "fail") ? "failure" : "skipped");
	xml_attribute(xml, "type", drift ? "drift" : result);
	xml_attribute(xml, "message", *evidence ? evidence : result);
	if (str_eq(result, "fail") && tree_text(row, "file"))
		xml_text(xml, tree_text(row, "file"));
	xml_end(xml);
}

static void case_add(struct xml_writer *xml, const struct tree *row, const char *side, const char *result)
{
	const char *control = tree_text_or(row, "control", "?"), *title = tree_text(row, "title");
	_cleanup_(freep) char *name = mem_printf("%s%s%s", control, title ? " " : "", title ? title : "");

	xml_begin(xml, "testcase");
	xml_attribute(xml, "classname", tree_text_or(row, "step", "?"));
	xml_attribute(xml, "name", name);
	seconds(xml, tree_double(tree_get(row, side), "took_s", 0));
	result_add(xml, row, side, result);
	xml_end(xml);
}

static void property(struct xml_writer *xml, const char *name, const char *value)
{
	if (!value)
		return;
	xml_begin(xml, "property");
	xml_attribute(xml, "name", name);
	xml_attribute(xml, "value", value);
	xml_end(xml);
}

static void suite_add(struct xml_writer *xml, const struct tree *build, const struct tree *rows, const char *side,
		      const char *title)
{
	_cleanup_(freep) char *name = mem_printf("%s: %s", tree_text_or(build, "recipe", "?"), title);
	struct counts counts = count(rows, side);

	if (!counts.tests)
		return;
	xml_begin(xml, "testsuite");
	xml_attribute(xml, "name", name);
	xml_attribute_int(xml, "tests", counts.tests);
	xml_attribute_int(xml, "failures", counts.failures);
	xml_attribute_int(xml, "errors", 0);
	xml_attribute_int(xml, "skipped", counts.skipped);
	seconds(xml, counts.took_s);
	xml_attribute(xml, "timestamp", counts.at);
	xml_attribute(xml, "hostname", counts.instance);
	xml_begin(xml, "properties");
	property(xml, "build", tree_text(build, "build"));
	property(xml, "image", tree_text(build, "images.1.ami"));
	property(xml, "plan_sha256", tree_text(build, "plan_sha256"));
	xml_end(xml);
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
		const char *result = outcome(i.value, side);
		if (result)
			case_add(xml, i.value, side, result);
	}
	xml_end(xml);
}

void evidence_junit(const struct tree *build, const struct tree *rows, struct str *out)
{
	_cleanup_(freep) char *name = mem_printf("bakery %s", tree_text_or(build, "build", "?"));
	struct counts built = count(rows, "built"), fresh = count(rows, "fresh");
	struct xml_writer xml;

	xml_begin_document(&xml, out);
	xml_begin(&xml, "testsuites");
	xml_attribute(&xml, "name", name);
	xml_attribute_int(&xml, "tests", built.tests + fresh.tests);
	xml_attribute_int(&xml, "failures", built.failures + fresh.failures);
	xml_attribute_int(&xml, "errors", 0);
	suite_add(&xml, build, rows, "built", "built machine");
	suite_add(&xml, build, rows, "fresh", "fresh instance");
	xml_end(&xml);
}
