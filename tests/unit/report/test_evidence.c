/* SPDX-License-Identifier: Apache-2.0
 *
 * Evidence of both machines side by side, and in each of the formats that others read. */
#include "tests/lib/check.h"

#include "bakery/evidence.h"
#include "bakery/mem.h"
#include "src/report/xml_writer.h"

#define AT(second) "\"at\": \"2026-01-02T03:04:" second "Z\", \"newest\": true"
#define ANSWER(control, phase, step, answer, evidence, instance)                                                       \
	"{\"control\": \"" control "\", \"phase\": \"" phase "\", \"step\": \"" step "\", \"answer\": \"" answer       \
	"\", \"evidence\": \"" evidence "\", \"instance\": \"" instance "\", " AT("05") "}"
#define BUILT(control, step, answer, evidence) ANSWER(control, "provision", step, answer, evidence, "i-built")
#define FRESH(control, step, answer, evidence) ANSWER(control, "verify", step, answer, evidence, "i-fresh")
#define STEP(phase, step, name)                                                                                        \
	"{\"phase\": \"" phase "\", \"step\": \"" step "\", \"name\": \"" name                                         \
	"\", \"file\": \"playbooks/a b.yaml\", \"line\": 7, \"duration_s\": 1.5}"

static const char both[] =
	"{\"build\": \"b-1\", \"recipe\": \"tiny\", \"status\": \"failed\", \"started\": \"2026-01-02T03:04:00Z\","
	" \"images\": [{\"region\": \"r\", \"ami\": \"ami-1\"}], \"plan_sha256\": \"abc\", \"source_ami\": \"ami-0\","
	" \"steps\": [" STEP("provision",
			     "ssh/root", "No root") ", " STEP("verify", "ssh/root",
							      "No root") "],"
									 " \"controls\": [" BUILT(
										 "C-1", "ssh/root",
										 "pass", "permitrootlogin no") ","
													       " " BUILT("C-2", "kernel/aslr", "pass", "value 2") ", " BUILT("C-3", "gone/step", "pass", "") ", " BUILT("C-4", "if/step", "skipped", "the condition does not hold") ", " BUILT("C-5", "waive/step", "waived", "waived until 2027-06-30: no <IPv6> & \\\"more\\\"") ", " ANSWER("C-6",
																																															       "seal",
																																															       "seal/keys",
																																															       "pass",
																																															       "none",
																																															       "i-built") ", " FRESH("C-1",
																																																		     "ssh/root", "pass", "permitrootlogin no") ", " FRESH("C-2",
																																																									  "kernel/aslr",
																																																									  "fail",
																																																									  "value \\u0007 0") ", " FRESH("C-4",
																																																													"if/step",
																																																													"skipped",
																																																													"the condition does not hold") ", " FRESH("C-5", "waive/step", "waived", "waived until 2027-06-30: no <IPv6> & \\\"more\\\"") ", " FRESH("C-7", "verify/only", "fail", "exit status 1") "]}";

static struct tree *document(const char *json)
{
	struct error err = {0};
	struct tree *tree = tree_from_json(json, strlen(json), &err);

	if (!tree)
		fail_msg("%s", err.text);
	return tree;
}

static const struct tree *row_of(const struct tree *rows, const char *control)
{
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "control"), control))
			return i.value;
	}
	fail_msg("no row of %s", control);
	return NULL;
}

static void is_verdict(const struct tree *rows, const char *control, const char *verdict, const char *built,
		       const char *fresh)
{
	const struct tree *row = row_of(rows, control);

	assert_string_equal(tree_text(row, "verdict"), verdict);
	assert_string_equal(tree_text_or(row, "built.answer", "none"), built);
	assert_string_equal(tree_text_or(row, "fresh.answer", "none"), fresh);
	assert_int_equal(tree_bool(row, "drift", false), str_eq(verdict, "drift"));
}

static void test_both_sides_stand_in_one_row(void **state)
{
	_cleanup_(tree_freep) struct tree *build = document(both), *rows = evidence_rows(build);

	assert_int_equal(tree_count(rows), 7);
	is_verdict(rows, "C-1", "pass", "pass", "pass");
	is_verdict(rows, "C-2", "drift", "pass", "fail");
	is_verdict(rows, "C-3", "drift", "pass", "none");
	is_verdict(rows, "C-4", "skipped", "skipped", "skipped");
	is_verdict(rows, "C-5", "waived", "waived", "waived");
	is_verdict(rows, "C-6", "pass", "pass", "none");
	is_verdict(rows, "C-7", "fail", "none", "fail");
	assert_string_equal(tree_text(row_of(rows, "C-1"), "title"), "No root");
	assert_string_equal(tree_text(row_of(rows, "C-2"), "evidence"), "built: value 2; fresh: value \a 0");
	assert_string_equal(tree_text(row_of(rows, "C-3"), "evidence"), "built: ; fresh: not asked for");
}

static void test_without_a_fresh_instance_nothing_drifts(void **state)
{
	_cleanup_(tree_freep) struct tree *build =
		document("{\"build\": \"b\", \"controls\": [" BUILT("C-1", "s", "pass", "x") "]}");
	_cleanup_(tree_freep) struct tree *rows = evidence_rows(build);

	is_verdict(rows, "C-1", "pass", "pass", "none");
}

static void test_an_older_answer_does_not_count(void **state)
{
	_cleanup_(tree_freep) struct tree *build = document(
		"{\"controls\": [{\"control\": \"C\", \"phase\": \"verify\", \"step\": \"s\", \"answer\": \"fail\", "
		"\"newest\": false}, {\"control\": \"C\", \"phase\": \"verify\", \"step\": \"s\", \"answer\": "
		"\"pass\", "
		"\"newest\": true}]}");
	_cleanup_(tree_freep) struct tree *rows = evidence_rows(build);

	assert_int_equal(tree_count(rows), 1);
	is_verdict(rows, "C", "pass", "none", "pass");
}

static void exported(enum evidence_format format, struct str *out)
{
	_cleanup_(tree_freep) struct tree *build = document(both);

	evidence_export(build, format, out);
}

static void has(const struct str *text, const char *part)
{
	if (!strstr(text->data, part))
		fail_msg("no \"%s\" in\n%s", part, text->data);
}

static void test_junit(void **state)
{
	_cleanup_(str_free) struct str out = STR_INIT;
	_cleanup_(tree_freep) struct tree *parsed = NULL;
	struct error err = {0};

	exported(EVIDENCE_JUNIT, &out);
	assert_works(parsed = tree_from_xml(out.data, out.len, &err));
	has(&out, "<testsuites name=\"bakery b-1\" tests=\"12\" failures=\"3\" errors=\"0\">");
	has(&out, "<testsuite name=\"tiny: built machine\" tests=\"6\" failures=\"0\" errors=\"0\" skipped=\"2\" "
		  "time=\"1.500\" timestamp=\"2026-01-02T03:04:05Z\" hostname=\"i-built\">");
	has(&out, "<testsuite name=\"tiny: fresh instance\" tests=\"6\" failures=\"3\" errors=\"0\" skipped=\"2\"");
	has(&out, "<testcase classname=\"ssh/root\" name=\"C-1 No root\" time=\"1.500\">\n"
		  "      <system-out>permitrootlogin no</system-out>");
	has(&out, "<failure type=\"drift\" message=\"built: value 2; fresh: value \xef\xbf\xbd 0\"");
	has(&out, "<failure type=\"drift\" message=\"built: ; fresh: not asked for\"");
	has(&out, "<skipped type=\"waived\" message=\"waived until 2027-06-30: no &lt;IPv6&gt; &amp; "
		  "&quot;more&quot;\"/>");
}

static const struct tree *sarif_result(const struct tree *log, const char *control)
{
	for (struct tree_iter i = tree_iter(tree_get(log, "runs.1.results")); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "ruleId"), control))
			return i.value;
	}
	fail_msg("no result of %s", control);
	return NULL;
}

static void is_result(const struct tree *log, const char *control, const char *kind, const char *level)
{
	assert_string_equal(tree_text(sarif_result(log, control), "kind"), kind);
	assert_string_equal(tree_text(sarif_result(log, control), "level"), level);
}

static void test_sarif(void **state)
{
	_cleanup_(str_free) struct str out = STR_INIT;
	_cleanup_(tree_freep) struct tree *log = NULL;
	struct error err = {0};

	exported(EVIDENCE_SARIF, &out);
	assert_works(log = tree_from_json(out.data, out.len, &err));
	assert_string_equal(tree_text(log, "version"), "2.1.0");
	is_result(log, "C-1", "pass", "none");
	is_result(log, "C-2", "fail", "error");
	is_result(log, "C-3", "fail", "error");
	is_result(log, "C-4", "notApplicable", "none");
	is_result(log, "C-5", "fail", "warning");
	assert_string_equal(tree_text(sarif_result(log, "C-5"), "suppressions.1.status"), "accepted");
	assert_null(tree_get(sarif_result(log, "C-7"), "suppressions"));
	assert_string_equal(tree_text(sarif_result(log, "C-1"), "locations.1.physicalLocation.artifactLocation.uri"),
			    "playbooks/a%20b.yaml");
	assert_int_equal(tree_int(sarif_result(log, "C-1"), "locations.1.physicalLocation.region.startLine", 0), 7);
	assert_null(tree_get(sarif_result(log, "C-7"), "locations.1.physicalLocation"));
	assert_string_equal(tree_text(log, "runs.1.tool.driver.rules.1.shortDescription.text"), "No root");
}

static void test_xccdf(void **state)
{
	_cleanup_(str_free) struct str out = STR_INIT;
	_cleanup_(tree_freep) struct tree *document = NULL;
	struct error err = {0};

	exported(EVIDENCE_XCCDF, &out);
	assert_works(document = tree_from_xml(out.data, out.len, &err));
	const struct tree *parsed = tree_get(document, "TestResult");
	assert_int_equal(tree_count(tree_get(document, "Rule")), 7);
	assert_int_equal(tree_count(tree_get(parsed, "rule-result")), 7);
	assert_string_equal(tree_text(parsed, "rule-result.1.result"), "pass");
	assert_string_equal(tree_text(parsed, "rule-result.2.result"), "fail");
	assert_string_equal(tree_text(parsed, "rule-result.4.result"), "notapplicable");
	assert_string_equal(tree_text(parsed, "rule-result.5.result"), "notselected");
	assert_string_equal(tree_text(parsed, "target"), "i-fresh");
	assert_string_equal(tree_text(parsed, "score"), "2");
	has(&out, "maximum=\"5\"");
	has(&out, "drift: built: value 2; fresh: value \xef\xbf\xbd 0");
	has(&out, "<rule-result idref=\"xccdf_org.bakery_rule_C-1\" time=\"2026-01-02T03:04:05Z\">");
}

static void test_nothing_asked_is_a_document_too(void **state)
{
	_cleanup_(tree_freep) struct tree *build = document("{\"build\": \"b-1\", \"recipe\": \"tiny\"}");

	for (int format = 0; evidence_format_names[format]; format++) {
		_cleanup_(str_free) struct str out = STR_INIT;
		evidence_export(build, (enum evidence_format)format, &out);
		assert_true(out.len > 100);
	}
}

static void test_xml_is_well_formed_whatever_is_in_it(void **state)
{
	_cleanup_(str_free) struct str out = STR_INIT;
	_cleanup_(tree_freep) struct tree *parsed = NULL;
	struct error err = {0};
	struct xml_writer xml;

	xml_begin_document(&xml, &out);
	xml_begin(&xml, "a");
	xml_attribute(&xml, "b", "\"'<>&\n\t\x01\xff\xed\xa0\x80");
	xml_attribute(&xml, "absent", NULL);
	xml_leaf(&xml, "c", "]]>\x1b[0m\r\n\xef\xbf\xbf \xf0\x9f\x8d\x9e");
	xml_leaf(&xml, "absent", NULL);
	xml_end(&xml);
	assert_works(parsed = tree_from_xml(out.data, out.len, &err));
	assert_string_equal(tree_text(parsed, "c"), "]]>\xef\xbf\xbd[0m\r\n\xef\xbf\xbd \xf0\x9f\x8d\x9e");
	has(&out, "b=\"&quot;'&lt;&gt;&amp;&#10;&#9;\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_sides_stand_in_one_row),
		cmocka_unit_test(test_without_a_fresh_instance_nothing_drifts),
		cmocka_unit_test(test_an_older_answer_does_not_count),
		cmocka_unit_test(test_junit),
		cmocka_unit_test(test_sarif),
		cmocka_unit_test(test_xccdf),
		cmocka_unit_test(test_nothing_asked_is_a_document_too),
		cmocka_unit_test(test_xml_is_well_formed_whatever_is_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
