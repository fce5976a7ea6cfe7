/* SPDX-License-Identifier: Apache-2.0
 *
 * Compliance scanners: playbooks run them on the instance of the test and hand their reports down; those are kept as
 * documents, and each rule's answer is evidence. The gate judges by the documents, so that it can be asked again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../pipeline.h"
#include "bakery/file.h"
#include "bakery/str.h"
#include "scan_report.h"

#define PHASE "scan"
#define RULE_SHORT "openscap:"

enum { MOST_REPORT = 64 << 20, MOST_NAMED = 20 };

static const struct {
	const char *kind, *media_type;
	bool (*read)(const char *data, size_t length, struct arena *arena, struct scan_report *out, struct error *err);
} formats[] = {
	{"lynis", "text/plain", scan_read_lynis},
	{"openscap", "application/xml", scan_read_xccdf},
};

static size_t format_of(const struct plan_scanner *scanner)
{
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(formats) && !str_eq(formats[i].kind, scanner->kind))
		i++;
	return i;
}

/* "xccdf_org.ssgproject.content_rule_package_aide_installed" may be waived as "openscap:package_aide_installed", too.
 */
static const struct waiver *waiver_of(const struct build *build, const char *rule)
{
	static const char before[] = "_rule_";
	const struct waiver *waiver = plan_waiver(build->plan, rule);
	const char *name = strstr(rule, before);
	_cleanup_(freep) char *shorter = name ? mem_printf(RULE_SHORT "%s", name + strlen(before)) : NULL;

	return waiver || !shorter ? waiver : plan_waiver(build->plan, shorter);
}

/* --- judging --- */

struct judgement {
	struct build *build;
	size_t critical, high; /* failed, not waived, of all scanners */
	struct str reasons;
};

static struct str *reason(struct judgement *judgement)
{
	if (judgement->reasons.len)
		str_add(&judgement->reasons, "; ");
	return &judgement->reasons;
}

struct counts {
	size_t passed, failed, waived, skipped, critical, high;
};

static struct counts count(const struct build *build, const struct scan_report *report)
{
	struct counts counts = {0};

	for (size_t i = 0; i < report->count; i++) {
		const struct scan_finding *finding = &report->findings[i];
		bool failed = str_eq(finding->answer, "fail");
		if (str_eq(finding->answer, "pass"))
			counts.passed++;
		else if (!failed)
			counts.skipped++;
		else if (waiver_of(build, finding->rule))
			counts.waived++;
		else
			counts.failed++;
		if (failed && !waiver_of(build, finding->rule)) {
			counts.critical += str_eq(finding->severity, "critical");
			counts.high += str_eq(finding->severity, "high");
		}
	}
	return counts;
}

static bool is_worst(const struct scan_finding *finding)
{
	return str_eq(finding->severity, "critical") || str_eq(finding->severity, "high");
}

static void failed_name(const struct build *build, const struct scan_report *report, bool worst_only, struct str *out)
{
	size_t named = 0;

	for (size_t i = 0; i < report->count; i++) {
		const struct scan_finding *finding = &report->findings[i];
		if (!str_eq(finding->answer, "fail") || waiver_of(build, finding->rule) ||
		    (worst_only && !is_worst(finding)))
			continue;
		if (named++ < MOST_NAMED)
			str_addf(out, "%s%s", named > 1 ? ", " : "", finding->rule);
	}
	if (named > MOST_NAMED)
		str_addf(out, " and %zu more", named - MOST_NAMED);
}

/* "81.4%" */
static void percent_add(struct str *out, const struct counts *counts)
{
	size_t applicable = counts->passed + counts->failed,
	       tenths = applicable ? counts->passed * 1000 / applicable : 0;

	str_addf(out, "%zu.%zu%%", tenths / 10, tenths % 10);
}

/* What one report alone must come to. */
static bool report_judge(struct judgement *judgement, const struct plan_scanner *scanner,
			 const struct scan_report *report, const struct counts *counts)
{
	const struct plan_scan *gate = judgement->build->plan->scan;
	size_t applicable = counts->passed + counts->failed, before = judgement->reasons.len;
	struct str *why;

	if (report->score >= 0 && report->score < gate->gate_score) {
		why = reason(judgement);
		str_addf(why, "%s: the hardening index is %lld, and %lld is wanted: ", scanner->name,
			 (long long)report->score, (long long)gate->gate_score);
		failed_name(judgement->build, report, false, why);
	}
	if (report->score < 0 && gate->gate_pass >= 0 && counts->passed * 100 < (size_t)gate->gate_pass * applicable) {
		why = reason(judgement);
		str_addf(why, "%s: ", scanner->name);
		percent_add(why, counts);
		str_addf(why, " of %zu rules pass, and %lld%% are wanted: ", applicable, (long long)gate->gate_pass);
		failed_name(judgement->build, report, false, why);
	}
	return judgement->reasons.len == before;
}

static bool over(int64_t most, size_t count)
{
	return most >= 0 && count > (size_t)most;
}

static void severities_judge(struct judgement *judgement, const struct str *worst)
{
	const struct plan_scan *gate = judgement->build->plan->scan;

	if (over(gate->gate_critical, judgement->critical))
		str_addf(reason(judgement), "%zu critical findings, and at most %lld are allowed", judgement->critical,
			 (long long)gate->gate_critical);
	if (over(gate->gate_high, judgement->high))
		str_addf(reason(judgement), "%zu findings of high severity, and at most %lld are allowed",
			 judgement->high, (long long)gate->gate_high);
	if (over(gate->gate_critical, judgement->critical) || over(gate->gate_high, judgement->high))
		str_addf(&judgement->reasons, ": %s", worst->data);
}

/* --- the record --- */

static bool row_add(struct build *build, const struct plan_scanner *scanner, const char *control, const char *answer,
		    const char *text, struct error *err)
{
	const struct evidence_row row = {
		.build = build->id,
		.phase = PHASE,
		.control = control,
		.step = scanner->name,
		.answer = answer,
		.evidence = text,
		.instance = build->test.instance,
		.at_ms = build_now_ms(build),
	};

	return store_evidence_add(build->store, &row, err) || error_context(err, "record");
}

static bool finding_record(struct build *build, const struct plan_scanner *scanner, const struct scan_finding *finding,
			   struct error *err)
{
	const struct waiver *waiver = str_eq(finding->answer, "fail") ? waiver_of(build, finding->rule) : NULL;
	_cleanup_(freep) char *text = NULL;

	if (waiver)
		text = mem_printf("waived until %s: %s; the scanner says %s: %s", waiver->expires, waiver->reason,
				  finding->answer, finding->text);
	else if (str_eq(finding->answer, "fail"))
		text = mem_printf("%s: %s", finding->severity, finding->text);
	return row_add(build, scanner, finding->rule, waiver ? "waived" : finding->answer, text ? text : finding->text,
		       err);
}

/* The scanner's own row: what it comes to altogether. */
static bool summary_record(struct build *build, const struct plan_scanner *scanner, const struct scan_report *report,
			   struct error *err)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	struct judgement judgement = {.build = build, .reasons = STR_INIT};
	struct counts counts = count(build, report);
	bool good = report_judge(&judgement, scanner, report, &counts);

	str_free(&judgement.reasons);
	if (report->score >= 0)
		str_addf(&text, "hardening index %lld; ", (long long)report->score);
	str_addf(&text, "%zu of %zu rules pass (", counts.passed, counts.passed + counts.failed);
	percent_add(&text, &counts);
	str_addf(&text, "), %zu waived, %zu do not apply", counts.waived, counts.skipped);
	if (report->version)
		str_addf(&text, "; %s", report->version);
	build_note(build, "%s: %s", scanner->name, text.data);
	return row_add(build, scanner, scanner->name, good ? "pass" : "fail", text.data, err);
}

static bool report_record(struct build *build, const struct plan_scanner *scanner, const struct str *data,
			  struct error *err)
{
	size_t format = format_of(scanner);
	_cleanup_(scan_report_free) struct scan_report report = {0};
	const struct document_row document = {build->id,  PHASE,    scanner->name, formats[format].media_type,
					      data->data, data->len};
	bool fine = formats[format].read(data->data, data->len, build->arena, &report, err);

	for (size_t i = 0; fine && i < report.count; i++)
		fine = finding_record(build, scanner, &report.findings[i], err);
	return fine && summary_record(build, scanner, &report, err) &&
	       (store_document_put(build->store, &document, err) || error_context(err, "record"));
}

/* --- scanning --- */

static bool reports_take(struct build *build, const char *folder, struct error *err)
{
	const struct plan_scanner *scanners = build->plan->scan->scanners.items;

	for (size_t i = 0; i < build->plan->scan->scanners.count; i++) {
		_cleanup_(freep) char *path = path_join(folder, scanners[i].report);
		_cleanup_(str_free) struct str data = STR_INIT;
		if (!file_read(path, MOST_REPORT, &data, err) || !report_record(build, &scanners[i], &data, err))
			return error_context(err, "scanner %s", scanners[i].name);
	}
	return true;
}

bool scan_run(struct build *build, struct error *err)
{
	const char *temporary = getenv("TMPDIR");
	_cleanup_(freep) char *folder = mem_printf("%s/bakery-scan-XXXXXX", temporary ? temporary : "/tmp");
	struct error unremoved = {0};
	bool done;

	if (!build->plan->scan)
		return true;
	if (!mkdtemp(folder))
		return error_errno(err, "%s", folder);
	build->downloads = folder;
	done = record_playbooks(build, &build->test, &build->plan->scanning, RUNNER_APPLY, PHASE, err) &&
	       reports_take(build, folder, err);
	build->downloads = NULL;
	if (!file_remove_tree(folder, &unremoved))
		build_note(build, "%s is left: %s", folder, unremoved.text);
	return done;
}

/* --- the gate --- */

static bool scanner_judge(struct judgement *judgement, const struct plan_scanner *scanner, struct str *worst,
			  struct error *err)
{
	struct build *build = judgement->build;
	_cleanup_(str_free) struct str data = STR_INIT, names = STR_INIT;
	_cleanup_(scan_report_free) struct scan_report report = {0};
	struct counts counts;

	if (!store_document_get(build->store, build->id, PHASE, scanner->name, &data, err) ||
	    !formats[format_of(scanner)].read(data.data, data.len, build->arena, &report, err))
		return error_context(err, "scanner %s", scanner->name);
	counts = count(build, &report);
	judgement->critical += counts.critical;
	judgement->high += counts.high;
	report_judge(judgement, scanner, &report, &counts);
	failed_name(build, &report, true, &names);
	if (names.len)
		str_addf(worst, "%s%s", worst->len ? ", " : "", names.data);
	return true;
}

bool scan_gate(struct build *build, struct error *err)
{
	const struct plan_scan *scan = build->plan->scan;
	const struct plan_scanner *scanners = scan ? scan->scanners.items : NULL;
	struct judgement judgement = {.build = build, .reasons = STR_INIT};
	_cleanup_(str_free) struct str worst = STR_INIT;
	bool fine = true;

	for (size_t i = 0; fine && scan && i < scan->scanners.count; i++)
		fine = scanner_judge(&judgement, &scanners[i], &worst, err);
	if (fine && scan)
		severities_judge(&judgement, &worst);
	if (fine && judgement.reasons.len)
		fine = error_set(err, ERROR_REFUSED, "the scanners refuse the image: %s", judgement.reasons.data);
	str_free(&judgement.reasons);
	return fine;
}
