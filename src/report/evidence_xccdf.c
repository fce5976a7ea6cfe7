/* SPDX-License-Identifier: Apache-2.0
 *
 * Evidence as XCCDF 1.2 (NIST IR 7275 revision 4): a Benchmark with a rule for each control, and a TestResult in it, as
 * `oscap xccdf eval --results` writes them. The elements stand in the order that the schema demands. */
#include <ctype.h>
#include <string.h>

#include "bakery/mem.h"
#include "config.h"
#include "evidence_private.h"
#include "xml_writer.h"

#define NAMESPACE "http://checklists.nist.gov/xccdf/1.2"

/* A rule that the recipe waives is not selected, as if a tailoring had left it out. */
static const struct {
	const char *verdict, *result, *severity;
} results[] = {
	{"pass", "pass", "info"},	   {"fail", "fail", "error"},
	{"drift", "fail", "error"},	   {"skipped", "notapplicable", "info"},
	{"waived", "notselected", "info"},
};

/* Identifiers are XML names, in which little may stand. */
static char *identifier(const char *kind, const char *text)
{
	char *id = mem_printf("xccdf_org.bakery_%s_%s", kind, text);

	for (char *c = id; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			*c = '_';
	}
	return id;
}

static void fact(struct xml_writer *xml, const char *name, const char *value)
{
	if (!value)
		return;
	xml_begin(xml, "fact");
	xml_attribute(xml, "name", name);
	xml_attribute(xml, "type", "string");
	xml_text(xml, value);
	xml_end(xml);
}

/* All answers that count come from the same machine but those that were never asked of the fresh instance. */
static const struct tree *counting(const struct tree *row)
{
	const struct tree *fresh = tree_get(row, "fresh");

	return tree_kind(fresh) == TREE_OBJECT ? fresh : tree_get(row, "built");
}

static const char *target_of(const struct tree *rows)
{
	const char *target = NULL;

	for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
		if (tree_text(i.value, "fresh.instance"))
			return tree_text(i.value, "fresh.instance");
		target = target ? target : tree_text(i.value, "built.instance");
	}
	return target ? target : "none";
}

static void head_add(struct xml_writer *xml, const struct tree *build, const struct tree *rows)
{
	const char *recipe = tree_text_or(build, "recipe", "?");
	_cleanup_(freep) char *benchmark = identifier("benchmark", recipe);
	_cleanup_(freep) char *href = mem_printf("#%s", benchmark);
	_cleanup_(freep) char *title = mem_printf("%s, build %s", recipe, tree_text_or(build, "build", "?"));

	xml_begin(xml, "benchmark");
	xml_attribute(xml, "href", href);
	xml_attribute(xml, "id", benchmark);
	xml_end(xml);
	xml_leaf(xml, "title", title);
	xml_begin(xml, "identity");
	xml_attribute(xml, "authenticated", "true");
	xml_attribute(xml, "privileged", "true");
	xml_text(xml, "root");
	xml_end(xml);
	xml_leaf(xml, "target", target_of(rows));
	xml_begin(xml, "target-facts");
	fact(xml, "urn:bakery:build", tree_text(build, "build"));
	fact(xml, "urn:bakery:image", tree_text(build, "images.1.ami"));
	fact(xml, "urn:bakery:source-image", tree_text(build, "source_ami"));
	fact(xml, "urn:bakery:plan-sha256", tree_text(build, "plan_sha256"));
	xml_end(xml);
}

static size_t result_of(const struct tree *row)
{
	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		if (str_eq(results[i].verdict, tree_text(row, "verdict")))
			return i;
	}
	return 1; /* no answer is no pass */
}

static void check_add(struct xml_writer *xml, const char *step)
{
	xml_begin(xml, "check");
	xml_attribute(xml, "system", "urn:bakery:step");
	xml_begin(xml, "check-content-ref");
	xml_attribute(xml, "href", "urn:bakery:playbooks");
	xml_attribute(xml, "name", step);
	xml_end(xml);
	xml_end(xml);
}

static void rule_result_add(struct xml_writer *xml, const struct tree *row)
{
	const char *control = tree_text_or(row, "control", "?"), *evidence = tree_text_or(row, "evidence", "");
	_cleanup_(freep) char *rule = identifier("rule", control);
	size_t result = result_of(row);

	xml_begin(xml, "rule-result");
	xml_attribute(xml, "idref", rule);
	xml_attribute(xml, "time", tree_text(counting(row), "at"));
	xml_leaf(xml, "result", results[result].result);
	xml_begin(xml, "ident");
	xml_attribute(xml, "system", "urn:bakery:control");
	xml_text(xml, control);
	xml_end(xml);
	if (*evidence) {
		xml_begin(xml, "message");
		xml_attribute(xml, "severity", results[result].severity);
		if (str_eq(tree_text(row, "verdict"), "drift"))
			xml_text(xml, "drift: ");
		xml_text(xml, evidence);
		xml_end(xml);
	}
	xml_begin(xml, "instance");
	xml_attribute(xml, "context", "step");
	xml_text(xml, tree_text_or(row, "step", "?"));
	xml_end(xml);
	check_add(xml, tree_text_or(row, "step", "?"));
	xml_end(xml);
}

/* The specification's flat unweighted model: how many of the rules that apply pass. */
static void score_add(struct xml_writer *xml, const struct tree *rows)
{
	_cleanup_(str_free) struct str score = STR_INIT;
	int64_t passed = 0, applicable = 0;

	for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
		const char *result = results[result_of(i.value)].result;
		passed += str_eq(result, "pass");
		applicable += str_eq(result, "pass") || str_eq(result, "fail");
	}
	str_addf(&score, "%lld", (long long)passed);
	xml_begin(xml, "score");
	xml_attribute(xml, "system", "urn:xccdf:scoring:flat-unweighted");
	xml_attribute_int(xml, "maximum", applicable);
	xml_text(xml, score.data);
	xml_end(xml);
}

static const char *last_time(const struct tree *rows)
{
	const char *last = NULL;

	for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
		const char *at = tree_text(counting(i.value), "at");
		if (at && (!last || strcmp(at, last) > 0))
			last = at;
	}
	return last;
}

static void test_result_add(struct xml_writer *xml, const struct tree *build, const struct tree *rows)
{
	_cleanup_(freep) char *id = identifier("testresult", tree_text_or(build, "build", "none"));
	const char *last = last_time(rows);

	xml_begin(xml, "TestResult");
	xml_attribute(xml, "id", id);
	xml_attribute(xml, "end-time", last ? last : tree_text_or(build, "started", "1970-01-01T00:00:00Z"));
	xml_attribute(xml, "test-system", "cpe:/a:bakery:bakery:" BAKERY_VERSION);
	xml_attribute(xml, "version", BAKERY_VERSION);
	head_add(xml, build, rows);
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);)
		rule_result_add(xml, i.value);
	score_add(xml, rows);
	xml_end(xml);
}

/* Several steps may answer for one control: then its rule has several results, told apart by their instances. */
static size_t steps_of(const struct tree *rows, const char *control, size_t *first)
{
	size_t count = 0;

	for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
		if (!str_eq(tree_text_or(i.value, "control", "?"), control))
			continue;
		if (!count++)
			*first = i.index;
	}
	return count;
}

static void rule_add(struct xml_writer *xml, const struct tree *rows, const struct tree *row, size_t index)
{
	const char *control = tree_text_or(row, "control", "?"), *title = tree_text(row, "title");
	_cleanup_(freep) char *id = identifier("rule", control);
	size_t first = 0, steps = steps_of(rows, control, &first);

	if (first != index)
		return;
	xml_begin(xml, "Rule");
	xml_attribute(xml, "id", id);
	xml_attribute(xml, "selected", str_eq(tree_text(row, "verdict"), "waived") ? "false" : "true");
	if (steps > 1)
		xml_attribute(xml, "multiple", "true");
	xml_leaf(xml, "title", title ? title : control);
	xml_begin(xml, "ident");
	xml_attribute(xml, "system", "urn:bakery:control");
	xml_text(xml, control);
	xml_end(xml);
	check_add(xml, tree_text_or(row, "step", "?"));
	xml_end(xml);
}

void evidence_xccdf(const struct tree *build, const struct tree *rows, struct str *out)
{
	const char *recipe = tree_text_or(build, "recipe", "?");
	_cleanup_(freep) char *id = identifier("benchmark", recipe);
	struct xml_writer xml;

	xml_begin_document(&xml, out);
	xml_begin(&xml, "Benchmark");
	xml_attribute(&xml, "xmlns", NAMESPACE);
	xml_attribute(&xml, "id", id);
	xml_leaf(&xml, "status", "accepted");
	xml_leaf(&xml, "title", recipe);
	xml_leaf(&xml, "version", tree_text_or(build, "recipe_sha256", "0"));
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);)
		rule_add(&xml, rows, i.value, i.index);
	test_result_add(&xml, build, rows);
	xml_end(&xml);
}
