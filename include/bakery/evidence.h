/* SPDX-License-Identifier: Apache-2.0
 *
 * What each control answered on the built machine and on a fresh instance of its image, side by side, and in the
 * formats that other tools read. */
#ifndef BAKERY_EVIDENCE_H
#define BAKERY_EVIDENCE_H

#include "bakery/str.h"
#include "bakery/tree.h"

/* build, here and below: as store_show gives it. The newest answer of each control, step and phase. Free it. */
struct tree *evidence_newest(const struct tree *build);

/* A row for each control of each step, in the order they were first asked:
 *   {control, step, title, verdict, answer, drift, file, line, evidence,
 *    built: {answer, evidence, phase, instance, at, took_s}, fresh: {...}}
 * built or fresh is null where it was not asked. verdict: what counts, the fresh instance's answer where there is one
 * (pass, fail, skipped, waived), or "drift" for a control that passed on the built machine and does not on the fresh
 * instance. answer: the same, drift being a fail. evidence: of what counts; for drift both. Free it. */
struct tree *evidence_rows(const struct tree *build);

enum evidence_format { EVIDENCE_JUNIT, EVIDENCE_SARIF, EVIDENCE_XCCDF };
extern const char *const evidence_format_names[]; /* NULL-terminated, in the enum's order */
/* JUnit: a suite for each of the two machines (Jenkins' junit-10.xsd). SARIF 2.1.0: a result for each row. XCCDF 1.2: a
 * Benchmark of the controls with a TestResult of the fresh instance, or of the built machine where there was none. */
void evidence_export(const struct tree *build, enum evidence_format format, struct str *out);

#endif
