/* SPDX-License-Identifier: Apache-2.0
 *
 * What the checks of a preflight share: a probe is one check in one region, with the findings it makes. */
#ifndef BAKERY_PIPELINE_PROBE_H
#define BAKERY_PIPELINE_PROBE_H

#include "../pipeline.h"
#include "bakery/preflight.h"

struct probe {
	const struct check *check;
	const char *region;
	struct build *build; /* of no record: what asks AWS in the pipeline is asked for a build */
	const struct plan *plan;
	struct arena *arena; /* of this probe alone, which has a thread of its own */
	struct finding *found;
	size_t count;
};

struct check {
	const char *name;
	enum preflight_extent least; /* from which on it is made */
	bool everywhere;	     /* in every region of the plan, else only where it launches */
	bool (*wanted)(const struct plan *plan);
	void (*run)(struct probe *probe);
};
extern const struct check preflight_checks[]; /* ends with a NULL name */

void probe_ok(struct probe *probe, const char *fmt, ...) printf_like(2, 3);
void probe_warn(struct probe *probe, const char *fmt, ...) printf_like(2, 3);
void probe_unknown(struct probe *probe, const char *fmt, ...) printf_like(2, 3);
void probe_fail(struct probe *probe, enum error_kind kind, const char *fmt, ...) printf_like(3, 4);

/* false when there is no answer, after a finding that says so. ASK_NEEDED: the build asks that, too, so a refusal is
 * its failure; ASK_EXTRA: a refusal only leaves the check unknown. */
enum ask { ASK_NEEDED, ASK_EXTRA };
bool probe_ask(struct probe *probe, enum ask ask, struct aws_call *call, struct tree **reply);
/* What an error means to a build that needs what was asked for. */
void probe_error(struct probe *probe, enum ask ask, const struct error *err);

void check_lifetime(struct probe *probe);
void check_clock(struct probe *probe);
void check_endpoints(struct probe *probe);
void check_regions(struct probe *probe);
void check_names(struct probe *probe);
void check_instance_types(struct probe *probe);
void check_subnets(struct probe *probe);
void check_vcpus(struct probe *probe);
void check_image_quota(struct probe *probe);
void check_group_quota(struct probe *probe);
void check_accounts(struct probe *probe);
void check_organization(struct probe *probe);
void check_units(struct probe *probe);
void check_policies(struct probe *probe);
void check_dry_runs(struct probe *probe);
void check_copy(struct probe *probe);
void check_ansible(struct probe *probe);

#endif
