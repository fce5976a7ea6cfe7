/* SPDX-License-Identifier: Apache-2.0
 *
 * Drift between two answers to the same question. */
#include "drift.h"

#include <string.h>

enum { MOST_TOLD = 8, EVIDENCE_TOLD = 80 };

/* The answer of the same step to the same control. */
static const struct tree *same_question(const struct tree *list, const struct tree *evidence)
{
	for (struct tree_iter i = tree_iter(list); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "control"), tree_text(evidence, "control")) &&
		    str_eq(tree_text(i.value, "step"), tree_text(evidence, "step")))
			return i.value;
	}
	return NULL;
}

static bool answered(const struct tree *evidence, const char *answer)
{
	return str_eq(tree_text(evidence, "answer"), answer);
}

bool drift_passed(const struct tree *built, const struct tree *evidence)
{
	return answered(same_question(built, evidence), "pass");
}

/* A step's condition holds on both or on neither: one that is skipped on the fresh instance alone proves nothing there.
 */
static bool drifted(const struct tree *before, const struct tree *now)
{
	return answered(before, "pass") && !answered(now, "pass") && !answered(now, "waived");
}

static void evidence_add(struct str *out, const struct tree *evidence)
{
	const char *text = tree_text_or(evidence, "evidence", "");

	str_addf(out, "%s", tree_text_or(evidence, "instance", "?"));
	if (*text)
		str_addf(out, ": %.*s%s", EVIDENCE_TOLD, text, strlen(text) > EVIDENCE_TOLD ? "..." : "");
}

static void tell(struct str *out, const struct tree *before, const struct tree *now)
{
	const char *what = !now ? "was not asked for" : answered(now, "skipped") ? "was skipped" : "fails";

	str_addf(out, "%s (%s) passed on the built machine (", tree_text_or(before, "control", "?"),
		 tree_text_or(before, "step", "?"));
	evidence_add(out, before);
	str_addf(out, ") and %s on the fresh instance", what);
	if (now) {
		str_add(out, " (");
		evidence_add(out, now);
		str_add_char(out, ')');
	}
}

size_t drift_tell(const struct tree *built, const struct tree *fresh, struct str *out)
{
	size_t count = 0;

	for (struct tree_iter i = tree_iter(built); tree_next(&i);) {
		const struct tree *now = same_question(fresh, i.value);

		if (!drifted(i.value, now) || ++count > MOST_TOLD)
			continue;
		str_add(out, count > 1 ? "; " : "");
		tell(out, i.value, now);
	}
	if (count > MOST_TOLD)
		str_addf(out, "; and %zu more", count - MOST_TOLD);
	return count;
}
