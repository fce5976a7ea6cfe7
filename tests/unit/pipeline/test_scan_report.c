/* SPDX-License-Identifier: Apache-2.0
 *
 * Reports as scanners wrote them, cut down; and what must not pass for a report. */
#include "../../lib/check.h"
#include "src/pipeline/inspect/scan_report.h"

typedef bool reader(const char *data, size_t length, struct arena *arena, struct scan_report *out, struct error *err);

/* Lynis 3.0.8 on Debian 12. */
static const char lynis[] =
	"# Lynis Report\n"
	"report_version_major=1\n"
	"lynis_version=3.0.8\n"
	"os=Linux\n"
	"suggestion[]=LYNIS|This release is more than 4 months old.|-|-|\n"
	"suggestion[]=DEB-0280|Install libpam-tmpdir to set $TMP and $TMPDIR for PAM sessions|-|-|\n"
	"suggestion[]=SSH-7408|Consider hardening SSH configuration|MaxAuthTries (set 4 to 3)|-|\n"
	"suggestion[]=SSH-7408|Consider hardening SSH configuration|X11Forwarding (set YES to NO)|-|\n"
	"warning[]=LOGG-2138|klogd is not running|-|-|\n"
	"suggestion[]=LOGG-2138|Check klogd|-|-|\n"
	"hardening_index=66\n"
	"tests_executed=HRDN-7231|SSH-7408|LOGG-2138|DEB-0280|\n"
	"tests_skipped=MALW-3288|TOOL-5104|\n"
	"finish=true\n";

/* oscap 1.3.7; Rule elements lie in Groups, with and without a prefix. */
static const char xccdf[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<Benchmark xmlns=\"http://checklists.nist.gov/xccdf/1.2\" id=\"xccdf_b\"><title>Guide</title>"
	"<Group id=\"g\"><title>A group</title>"
	"<Rule id=\"xccdf_rule_a\" severity=\"high\"><title xml:lang=\"en\">Install <sub idref=\"v\"/>AIDE &amp; run "
	"it</title>"
	"<description><html:p xmlns:html=\"x\"><html:title>not this</html:title></html:p></description></Rule>"
	"<Rule id=\"xccdf_rule_b\" severity=\"low\"><title>B</title></Rule></Group>"
	"<TestResult id=\"t\"><title>OSCAP Scan Result</title>"
	"<rule-result idref=\"xccdf_rule_a\" severity=\"high\" weight=\"1.0\"><result>fail</result>"
	"<check system=\"s\"><result>pass</result></check></rule-result>"
	"<rule-result idref=\"xccdf_rule_b\" severity=\"low\"><result>pass</result></rule-result>"
	"<x:rule-result xmlns:x=\"y\" idref=\"xccdf_rule_c\"><x:result>error</x:result></x:rule-result>"
	"<rule-result idref=\"xccdf_rule_d\" severity=\"medium\"><result>notapplicable</result></rule-result>"
	"<rule-result idref=\"xccdf_rule_e\" severity=\"medium\"><result>notselected</result></rule-result>"
	"<rule-result idref=\"xccdf_rule_f\" severity=\"medium\"><result>fixed</result></rule-result>"
	"<rule-result idref=\"xccdf_rule_g\" severity=\"medium\"></rule-result>"
	"<score maximum=\"100\">50</score></TestResult></Benchmark>";

static char *told(const struct scan_report *report)
{
	struct str out = STR_INIT;
	for (size_t i = 0; i < report->count; i++) {
		const struct scan_finding *finding = &report->findings[i];
		str_addf(&out, "%s %s %s %s\n", finding->rule, finding->answer, finding->severity, finding->text);
	}
	return str_take(&out);
}

static void lynis_tests_are_rules(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(scan_report_free) struct scan_report report;
	_cleanup_(freep) char *text = NULL;
	struct error err = {0};
	assert_works(scan_read_lynis(lynis, strlen(lynis), arena, &report, &err));
	assert_int_equal(report.score, 66);
	assert_string_equal(report.version, "Lynis 3.0.8");
	text = told(&report);
	assert_string_equal(text,
			    "lynis:DEB-0280 fail low Install libpam-tmpdir to set $TMP and $TMPDIR for PAM sessions\n"
			    "lynis:SSH-7408 fail low Consider hardening SSH configuration (MaxAuthTries (set 4 to 3)); "
			    "Consider hardening SSH configuration (X11Forwarding (set YES to NO))\n"
			    "lynis:LOGG-2138 fail high klogd is not running; Check klogd\n"
			    "lynis:HRDN-7231 pass low \n"
			    "lynis:MALW-3288 skipped low \n"
			    "lynis:TOOL-5104 skipped low \n");
}

static void xccdf_results_have_titles(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(scan_report_free) struct scan_report report;
	_cleanup_(freep) char *text = NULL;
	struct error err = {0};
	assert_works(scan_read_xccdf(xccdf, strlen(xccdf), arena, &report, &err));
	assert_int_equal(report.score, -1);
	text = told(&report);
	assert_string_equal(text, "xccdf_rule_a fail high Install AIDE & run it\n"
				  "xccdf_rule_b pass low B\n"
				  "xccdf_rule_c fail unknown error\n"
				  "xccdf_rule_d skipped medium notapplicable\n"
				  "xccdf_rule_f pass medium fixed\n"
				  "xccdf_rule_g fail medium unknown\n");
}

/* A report that was cut anywhere is refused, never read as a better one. */
static void cut_reports_are_refused(void **state)
{
	static const struct {
		reader *read;
		const char *text;
		size_t step, whole; /* whole: length from which nothing is missing */
	} reports[] = {
		{scan_read_lynis, lynis, 7, sizeof(lynis) - 2},
		{scan_read_xccdf, xccdf, 11, sizeof(xccdf) - 1},
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	for (size_t i = 0; i < ARRAY_SIZE(reports); i++) {
		for (size_t length = 0; length < reports[i].whole; length += reports[i].step) {
			struct scan_report report;
			struct error err = {0};
			assert_false(reports[i].read(reports[i].text, length, arena, &report, &err));
			assert_int_equal(err.kind, ERROR_FAILED);
			assert_null(report.findings);
			error_clear(&err);
		}
	}
}

static void what_is_none_is_refused(void **state)
{
	static const struct {
		reader *read;
		const char *text, *why;
	} reports[] = {
		{scan_read_lynis, "hardening_index=99\nfinish=true\n", "no tests"},
		{scan_read_lynis, "tests_executed=A-1|\nfinish=true\n", "no hardening index"},
		{scan_read_lynis, "hardening_index=many\ntests_executed=A-1|\nfinish=true\n", "no hardening index"},
		{scan_read_lynis, "\0binary", "not whole"},
		{scan_read_xccdf, "<Benchmark/>", "no TestResult"},
		{scan_read_xccdf, "<Benchmark><TestResult/></Benchmark>", "no rule was looked at"},
		{scan_read_xccdf,
		 "<TestResult><rule-result idref=\"a\"><result>notselected</result></rule-result></TestResult>",
		 "no rule was looked at"},
		{scan_read_xccdf, "<!DOCTYPE x [<!ENTITY a \"b\">]><TestResult>&a;</TestResult>", "document type"},
		{scan_read_xccdf, "hardening_index=66", "cannot be read"},
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	for (size_t i = 0; i < ARRAY_SIZE(reports); i++) {
		struct scan_report report;
		struct error err = {0};
		assert_fails(reports[i].read(reports[i].text, strlen(reports[i].text), arena, &report, &err),
			     ERROR_FAILED, reports[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lynis_tests_are_rules),
		cmocka_unit_test(xccdf_results_have_titles),
		cmocka_unit_test(cut_reports_are_refused),
		cmocka_unit_test(what_is_none_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
