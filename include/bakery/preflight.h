/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be known of a build's fate before anything is made: every check is made, side by side, and all findings are
 * told at once. Only reads AWS, asks whether a call would be allowed (dry runs), and IAM what policies would say. */
#ifndef BAKERY_PREFLIGHT_H
#define BAKERY_PREFLIGHT_H

#include <stdbool.h>

#include "bakery/aws.h"
#include "bakery/build.h"
#include "bakery/error.h"
#include "bakery/fields.h"
#include "bakery/mem.h"
#include "bakery/plan.h"

enum finding_result {
	FINDING_OK,
	FINDING_WARNING, /* may go wrong, or soon will */
	FINDING_FAILED,	 /* the build would fail */
	FINDING_UNKNOWN, /* could not be looked at: mostly a permission that the build itself does not need */
};
const char *finding_result_name(enum finding_result result); /* "ok" */

struct finding {
	const char *check, *region; /* region: NULL when it is of none */
	enum finding_result result;
	enum error_kind kind; /* of a failed one */
	const char *detail;   /* what is found, and what to do */
};

enum preflight_extent {
	PREFLIGHT_QUICK,  /* asks AWS nothing: before every build */
	PREFLIGHT_BUILD,  /* before a build of a kind that has not worked yet */
	PREFLIGHT_DOCTOR, /* everything */
};
/* The findings, in the checks' order, live in arena. Fails only when it was stopped. The plan may lack what facts could
 * not find; what depends on that is left out. */
bool preflight_run(const struct build_context *context, const struct plan *plan, enum preflight_extent extent,
		   struct arena *arena, struct struct_list *findings, struct error *err) must_check;

/* Whether a build of this plan is worth the whole look: not when a build of the recipe by the same user, in the same
 * account and with the same operations on the same things, was done before. */
bool preflight_extent_of_build(const struct build_context *context, const struct plan *plan,
			       enum preflight_extent *extent, struct error *err) must_check;

/* false with every failed finding in err: ERROR_DENIED when one is a refusal, else the first one's kind. */
bool preflight_verdict(const struct struct_list *findings, struct error *err);

#endif
