/* SPDX-License-Identifier: Apache-2.0
 *
 * A scanner's findings as a list. */
#include "scan_report.h"

#include <stdlib.h>

struct scan_finding *scan_report_add(struct scan_report *report)
{
	if (report->count == SCAN_MOST_FINDINGS)
		return NULL;
	report->findings = mem_grow(report->findings, report->count + 1, sizeof(*report->findings));
	return &report->findings[report->count++];
}

const struct scan_finding *scan_report_find(const struct scan_report *report, const char *rule)
{
	for (size_t i = 0; i < report->count; i++) {
		if (str_eq(report->findings[i].rule, rule))
			return &report->findings[i];
	}
	return NULL;
}

void scan_report_free(struct scan_report *report)
{
	free(report->findings);
	*report = (struct scan_report){.score = -1};
}
