/* SPDX-License-Identifier: Apache-2.0
 *
 * A build is one run of a plan: the only thing that changes. It walks through stages; each stage is written down before
 * and after it ran (journal), each AWS resource before it is asked for and after it is there (ledger).
 * docs/architecture.md has the walk. */
#ifndef BAKERY_BUILD_H
#define BAKERY_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "bakery/aws.h"
#include "bakery/clock.h"
#include "bakery/error.h"
#include "bakery/plan.h"
#include "bakery/runner.h"
#include "bakery/store.h"

enum build_event_kind {
	EVENT_BUILD_BEGAN,
	EVENT_STAGE_BEGAN,
	EVENT_STAGE_DONE,
	EVENT_STAGE_FAILED,
	EVENT_STEP_BEGAN,
	EVENT_STEP_ENDED,
	EVENT_OUTPUT,	/* of a step: text, length */
	EVENT_NOTE,	/* a sentence worth a line in a CI log */
	EVENT_PROGRESS, /* a sentence that replaces the one before */
	EVENT_BUILD_ENDED,
};

struct build_event { /* borrowed while the sink runs; texts may be NULL */
	enum build_event_kind kind;
	int64_t at_ms;
	const char *build, *recipe, *stage, *doing;
	const char *text;
	size_t length;
	int64_t duration_ms;		/* of what ended */
	const struct step_report *step; /* EVENT_STEP_ENDED; EVENT_STEP_BEGAN: name in text */
	size_t index, total;		/* of the step */
	enum build_status status;	/* EVENT_BUILD_ENDED */
};
/* Called from several threads at once; must not fail. */
struct build_events {
	void *cookie;
	void (*emit)(void *cookie, const struct build_event *event);
};

struct build_context { /* what all builds of a process share */
	struct store *store;
	struct aws *aws;
	struct log *log;
	const struct stop *stop;  /* stop and clean up */
	const struct stop *leave; /* leave at once */
	struct build_events events;
	struct build_origin origin;
	bool keep_on_failure;
	int64_t settle_s;      /* how long AWS may not show what it has made; 0: a minute */
	int64_t quarantine_s;  /* how long images of a failed build are kept; 0: 30 days */
	bool no_preflight;     /* the stage prepare looks at nothing but what it must */
	const char *until;     /* stage after which to stop, or NULL */
	const char *why;       /* why it is built, for its log; or NULL */
	const char *plan_from; /* where the plan was read from, for its log; or NULL: just made */
	/* Of the parameters that keep an image from being removed; NULL: only the one that its build publishes to. */
	const char *parameter_prefix;
};

struct build_result {
	char build[BUILD_ID_SIZE];
	enum build_status status;
};

/* Runs a plan from the start. *out is filled also when it fails (build "" when there was no build yet). */
bool build_run(const struct build_context *context, const struct plan *plan, struct build_result *out,
	       struct error *err) must_check;
/* Whether a bake of the plan would only make again what the last good build of its recipe and channel made. max_age_s:
 * 0, or how old that may be. Texts live in arena. */
struct build_verdict {
	char build[BUILD_ID_SIZE]; /* the last good one; "" when there is none */
	bool is_current;
	const char *why; /* it is, or is not */
};
bool build_compare(const struct build_context *context, const struct plan *plan, int64_t max_age_s, struct arena *arena,
		   struct build_verdict *out, struct error *err) must_check;
/* Goes on with a stored one at its first unfinished stage, after falling back where the stage says so. */
bool build_resume(const struct build_context *context, const char *build, struct build_result *out,
		  struct error *err) must_check;
/* All was removed, but the database, which may be full, could not be told: the code of that error. */
#define LEDGER_UNTOLD "LedgerUntold"
/* Drops what the build's ledger still holds; *dropped counts. Refuses a build that a living process works on. */
bool build_clean(const struct build_context *context, const char *build, size_t *dropped, struct error *err) must_check;

/* An image in quarantine goes: `remove` takes it away while the build is claimed, and the record says so. When it was
 * the last one, the build has failed. */
bool build_retire(const struct build_context *context, const char *build, const char *region, const char *ami,
		  bool (*remove)(void *cookie, struct error *err), void *cookie, struct error *err) must_check;

/* The names of the stages in order, NULL-terminated. */
const char *const *build_stage_names(void);

/* Who runs this, and where from: user, host, CI job, git commit of folder. Texts live in arena. */
struct build_origin build_origin_find(const char *folder, struct arena *arena);

#endif
