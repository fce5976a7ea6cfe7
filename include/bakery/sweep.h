/* SPDX-License-Identifier: Apache-2.0
 *
 * What builds left in AWS, found by its tags alone: the database may be gone, or another runner's. Three steps, each by
 * itself: looking (asks AWS, changes nothing), judging (pure), removing. docs/crash-safety.md has the rules. */
#ifndef BAKERY_SWEEP_H
#define BAKERY_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "bakery/aws.h"
#include "bakery/error.h"
#include "bakery/fields.h"
#include "bakery/log.h"
#include "bakery/mem.h"
#include "bakery/store.h"

/* In the order in which they are removed: what holds others first. */
enum sweep_kind {
	SWEEP_INSTANCE,
	SWEEP_VOLUME,
	SWEEP_INSTANCE_PROFILE,
	SWEEP_ROLE,
	SWEEP_SECURITY_GROUP,
	SWEEP_IMAGE,
	SWEEP_SNAPSHOT,
	SWEEP_KIND_COUNT
};
const char *sweep_kind_name(enum sweep_kind kind); /* "security_group", as in the ledger */

struct sweep_account {
	const char *account; /* id */
	struct aws *aws;
};

struct sweep_found {
	enum sweep_kind kind;
	const struct sweep_account *in;
	const char *region, *id, *name;
	const char *project, *build, *recipe, *token; /* tags; NULL: not there */
	const char *parameter;			      /* that names the image, or NULL */
	const char *unreadable;			      /* a tag that should hold a date and does not, or NULL */
	bool has_expires, has_retire_after, quarantined;
	int64_t made_ms; /* 0: not told */
	int64_t expires_ms, retire_after_ms;
	double cost_month_usd; /* an estimate; below 0: not known */
};

/* What the database knows of the build in the tags. */
struct sweep_build {
	bool known, live; /* live: a living process works on it */
	bool passed;	  /* its images passed their gates */
	enum build_status status;
};

struct sweep_rules {
	const char *project;
	int64_t now_ms; /* AWS's */
	int64_t quarantine_s;
	bool with_images; /* those of builds that the database does not know, too */
};

struct sweep_verdict {
	bool removable;
	bool is_plain; /* kept since it is a result, or not ours: nobody need be told */
	char reason[192];
};
struct sweep_verdict sweep_judge(const struct sweep_found *found, const struct sweep_build *build,
				 const struct sweep_rules *rules);

/* What serves an instance (its group, role, profile, volumes) stays at least as long: a build that goes on after a kill
 * renews its instance's time alone. */
void sweep_serve_on(struct sweep_found *items, size_t count);

/* --- looking --- */

struct sweep_options {
	const char *project, *parameter_prefix;
	struct text_list regions; /* none: all that the account may use */
	struct log *log;
	const struct stop *stop;
};
struct sweep_list {
	struct sweep_found *items; /* in arena */
	size_t count;
};
/* Everything of the project's builds in an account that costs or is in the way. A region that may not be looked at is
 * told in the log and left out; when that is so of all, or one fails otherwise, so does this. */
bool sweep_look(const struct sweep_account *account, const struct sweep_options *options, struct arena *arena,
		struct sweep_list *out, struct error *err) must_check;
bool sweep_build_find(struct store *store, const char *build, struct sweep_build *out, struct error *err) must_check;

/* --- removing --- */

/* Gone already counts as removed. An image is looked for once more in the parameters before it goes: ERROR_CONFLICT
 * when one names it by now. */
bool sweep_remove(const struct sweep_found *found, const struct sweep_options *options, struct error *err) must_check;

/* --- prices --- */

/* What AWS lists for us-east-1; other regions differ by some tenths. Below 0: not known. */
extern const char sweep_prices_of[]; /* since when: "January 2025" */
double sweep_volume_month_usd(const char *type, int64_t size_gib);
double sweep_snapshot_month_usd(int64_t size_gib);
double sweep_instance_month_usd(const char *type);

#endif
