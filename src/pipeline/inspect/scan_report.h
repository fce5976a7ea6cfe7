/* SPDX-License-Identifier: Apache-2.0
 *
 * What a scanner found, whatever its own format: scan_lynis.c and scan_xccdf.c read those. */
#ifndef BAKERY_PIPELINE_SCAN_REPORT_H
#define BAKERY_PIPELINE_SCAN_REPORT_H

#include "bakery/error.h"
#include "bakery/mem.h"
#include "bakery/str.h"

struct scan_finding {
	const char *rule;     /* "lynis:SSH-7408", "xccdf_org.ssgproject.content_rule_package_aide_installed" */
	const char *answer;   /* pass | fail | skipped */
	const char *severity; /* "critical", "high", "medium", "low", "unknown" */
	const char *text;     /* for people */
};
struct scan_report {
	struct scan_finding *findings;
	size_t count;
	int64_t score;	     /* Lynis' hardening index; -1: the scanner has none */
	const char *version; /* of scanner or content; NULL: not told */
};
enum { SCAN_MOST_FINDINGS = 20000 };

/* Texts live in arena. A report that is cut, or of nothing, is an error: it must not pass for a good one. */
bool scan_read_lynis(const char *data, size_t length, struct arena *arena, struct scan_report *out,
		     struct error *err) must_check;
bool scan_read_xccdf(const char *data, size_t length, struct arena *arena, struct scan_report *out,
		     struct error *err) must_check;

/* For readers; NULL when there are too many. Its texts are to be filled. */
struct scan_finding *scan_report_add(struct scan_report *report);
const struct scan_finding *scan_report_find(const struct scan_report *report, const char *rule);
void scan_report_free(struct scan_report *report);

#endif
