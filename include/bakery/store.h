/* SPDX-License-Identifier: Apache-2.0
 *
 * The database: every build with its plan, journal, ledger, steps, evidence, images, parameters and log. SQLite in WAL
 * mode (only src/store knows it), mode 0600, safe with several processes and, in one process, with several threads.
 * Every function is one transaction. When it returns true the fact survives a kill, and a power cut as well; steps,
 * evidence, log lines and heartbeats survive the power cut from the next other fact on (the stage's end at the latest).
 * Times are milliseconds since 1970 UTC. Queries give trees, ready to be printed: keys in snake_case, times in RFC
 * 3339, durations in _s. */
#ifndef BAKERY_STORE_H
#define BAKERY_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "bakery/error.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "bakery/tree.h"

struct store;
/* Creates it when missing; migrates an older one after keeping a copy beside it ("bakery.db.v1"). A newer, corrupt or
 * foreign file is an error that says what to do, and is never written to. A file that may only be read is opened for
 * that: queries work, writing is refused. */
bool store_open(const char *path, struct store **out, struct error *err) must_check;
void store_close(struct store *store);
void store_closep(struct store **store);
const char *store_path(const struct store *store);
/* What time it is for what the store writes down by itself; until then, and with NULL, this host's wall clock. From any
 * thread. */
void store_use_clock(struct store *store, int64_t (*now_ms)(void *cookie), void *cookie);

/* --- builds --- */

#define BUILD_ID_SIZE 32 /* "20261122-083012-7f3a" */

enum build_status { BUILD_RUNNING, BUILD_DONE, BUILD_FAILED, BUILD_INTERRUPTED, BUILD_QUARANTINED };
const char *build_status_name(enum build_status status);

struct build_origin { /* who and where from; texts may be NULL */
	const char *user, *host, *ci_job, *ci_url, *git_commit, *git_branch, *version;
	bool git_dirty;
};
struct build_new {
	const char *build, *recipe, *project;
	const char *plan, *plan_sha256; /* canonical JSON */
	const char *recipe_sha256, *playbooks_sha256;
	const char *source_ami, *source_name, *channel, *region, *account;
	struct build_origin origin;
	int64_t started_ms;
};
/* The code of the errors that say that a claim is another process's. */
#define STORE_CLAIM_LOST "ClaimLost"

/* The build is running and claimed by this process from the start. */
bool store_build_create(struct store *store, const struct build_new *build, struct error *err) must_check;

/* A process works on a build while it holds its claim: host, pid and the pid's start time, with a heartbeat.
 * ERROR_CONFLICT (naming the holder) while another living process holds it. A process on this machine is known to be
 * dead at once; one that cannot be looked at (another host, another container) counts as dead 90 s after its last
 * heartbeat, so beat every 20 s or so. Claiming makes the build running again (a done one stays done); a heartbeat
 * fails with ERROR_CONFLICT when the claim was lost. */
bool store_build_claim(struct store *store, const char *build, struct error *err) must_check;
bool store_build_heartbeat(struct store *store, const char *build, struct error *err) must_check;
/* Only asks: ERROR_CONFLICT, STORE_CLAIM_LOST when the claim is another process's, or nobody's any more. So is
 * everything below refused that writes of a build's stages, holds, end and leases. */
bool store_build_is_claimed(struct store *store, const char *build, struct error *err) must_check;
/* What only one build may do at a time (publish to a channel). holder "": `build`, which this process has claimed, has
 * it now; else the build that has it and is worked on by a living process. It ends when given back, with the build, or
 * with its process. */
bool store_lease_take(struct store *store, const char *name, const char *build, char holder[BUILD_ID_SIZE],
		      struct error *err) must_check;
bool store_lease_give(struct store *store, const char *name, const char *build, struct error *err) must_check;
/* Ends the work: status, and what went wrong (NULL or ERROR_NONE: nothing, or, when it had ended before and is not
 * newly done, as it was then: cleaning up does not change how a build ended); the claim is given up, and the build's
 * record is added to the hash chain, all in one transaction. */
bool store_build_end(struct store *store, const char *build, enum build_status status, const struct error *why,
		     struct error *err) must_check;
/* What resume needs, in arena; ERROR_ABSENT. state: the JSON last given to store_stage_done, or NULL. A build whose
 * process died is BUILD_INTERRUPTED. */
struct build_row {
	const char *build, *recipe, *plan, *plan_sha256, *state, *channel;
	enum build_status status;
	bool quarantined; /* now, or some image of it is still marked so */
	int64_t started_ms;
};
bool store_build_get(struct store *store, const char *build, struct arena *arena, struct build_row *out,
		     struct error *err) must_check;
/* The code of the error with which publishing is refused: a newer build is out. */
#define BUILD_SUPERSEDED "Superseded"
/* The newest build that can go on: interrupted, killed (running with a dead process), quarantined and not superseded,
 * or failed while its ledger still holds something; build: "" when none. */
bool store_build_resumable(struct store *store, const char *recipe_or_null, char build[BUILD_ID_SIZE],
			   struct error *err) must_check;

/* --- journal: a row each time a stage runs --- */

bool store_stage_began(struct store *store, const char *build, const char *stage, int64_t at_ms,
		       struct error *err) must_check;
bool store_stage_done(struct store *store, const char *build, const char *stage, const char *state_json, int64_t at_ms,
		      struct error *err) must_check;
bool store_stage_failed(struct store *store, const char *build, const char *stage, const struct error *why,
			int64_t at_ms, struct error *err) must_check;
/* The stages whose newest run is done: an array of names in tree. */
bool store_stages_done(struct store *store, const char *build, struct tree **out, struct error *err) must_check;
/* The newest run of the stage ended in failure (one that was cut off did not), and was not forgotten. */
bool store_stage_is_failed(struct store *store, const char *build, const char *stage, bool *failed,
			   struct error *err) must_check;
/* Falling back: what `stage` and the stages after it (names, NULL-terminated) did no longer counts. */
bool store_stages_forget(struct store *store, const char *build, const char *const *stages,
			 struct error *err) must_check;

/* --- ledger: AWS resources a build holds --- */

struct hold {
	int64_t row;
	const char *kind; /* key_pair, security_group, instance, image, snapshot ... */
	const char *region;
	const char *token;   /* client token or unique name */
	const char *id;	     /* NULL: intent only */
	const char *purpose; /* distinguishes two of a kind: "build", "test", "copy" */
	int64_t since_ms;    /* when it was asked for, or made; given back only */
};
/* Commits the intent; gives the existing row back when (build, kind, region, purpose) is held already. */
bool store_hold_intend(struct store *store, const char *build, const struct hold *wish, struct arena *arena,
		       struct hold *out, struct error *err) must_check;
bool store_hold_made(struct store *store, int64_t row, const char *id, struct error *err) must_check;
bool store_hold_dropped(struct store *store, int64_t row, struct error *err) must_check;
/* Given away: the resource is part of the result and no longer the ledger's (the published image). */
bool store_hold_kept(struct store *store, int64_t row, struct error *err) must_check;
/* Held ones, newest first. */
bool store_hold_list(struct store *store, const char *build, struct arena *arena, struct hold **out, size_t *count,
		     struct error *err) must_check;

/* What builds hold that no living process works on: an array of {build, recipe, status, kind, region, id, purpose,
 * since}; oldest build first. */
bool store_held(struct store *store, struct tree **out, struct error *err) must_check;

/* --- instances that were asked for --- */

struct launch_row {
	const char *build, *purpose; /* "build", "test" */
	const char *market;	     /* "spot", "on-demand" */
	const char *instance_type, *zone, *subnet;
	const char *instance; /* NULL: there was no room */
	const char *code;     /* AWS's word for why not */
};
bool store_launch_add(struct store *store, const struct launch_row *launch, struct error *err) must_check;
/* The instance ended before its time; code: AWS's word for why. */
bool store_launch_ended(struct store *store, const char *build, const char *instance, const char *code,
			struct error *err) must_check;
/* In order: an array of {purpose, market, instance_type, zone, subnet, instance, code, at}. */
bool store_launch_list(struct store *store, const char *build, struct tree **out, struct error *err) must_check;

/* --- what the record holds --- */

struct step_row {
	const char *build, *phase; /* "provision", "seal", "verify" */
	const char *playbook, *playbook_sha256, *step, *name, *result, *why, *file;
	int line, status, attempts;
	int64_t started_ms, ended_ms;
	const char *output; /* stored compressed when long; redacted already */
};
bool store_step_add(struct store *store, const struct step_row *step, struct error *err) must_check;
/* In the order they came, without the first `skip`: an array of {phase, playbook, playbook_sha256, step, result}. */
bool store_step_list(struct store *store, const char *build, int64_t skip, struct tree **out,
		     struct error *err) must_check;
struct evidence_row {
	const char *build, *phase, *control, *step, *answer /* pass | fail | skipped | waived */, *evidence, *instance;
	int64_t at_ms;
};
bool store_evidence_add(struct store *store, const struct evidence_row *evidence, struct error *err) must_check;
/* Newest answer of each (step, control) of a phase, in the order they came: an array of {control, step, answer,
 * evidence, instance, at}. */
bool store_evidence_list(struct store *store, const char *build, const char *phase, struct tree **out,
			 struct error *err) must_check;
/* state: pending | available | shared | published ...; the same (build, region) again replaces the row (NULL snapshots:
 * those of the same image stay). */
bool store_image_put(struct store *store, const char *build, const char *region, const char *ami, const char *name,
		     const char *snapshots_json, const char *state, struct error *err) must_check;
/* Changes the state alone; ERROR_ABSENT when there is no image in that region. */
bool store_image_state(struct store *store, const char *build, const char *region, const char *state,
		       struct error *err) must_check;
/* Marks it as quarantined until then; 0: no longer. ERROR_ABSENT when there is no image in that region. */
bool store_image_quarantine(struct store *store, const char *build, const char *region, int64_t retire_ms,
			    struct error *err) must_check;
struct parameter_row {
	const char *build, *region, *name, *value, *previous;
	int64_t version, at_ms;
};
bool store_parameter_add(struct store *store, const struct parameter_row *parameter, struct error *err) must_check;
/* What a recipe's builds wrote into a parameter last; value NULL: nothing is known. Texts live in arena. */
bool store_parameter_last(struct store *store, const char *recipe, const char *region, const char *name,
			  struct arena *arena, struct parameter_row *out, struct error *err) must_check;
/* Documents of a build, by kind and name: ("sbom", "cyclonedx"), ("files", "etc"), ("scan", "lynis"). store_show lists
 * them without their data. */
struct document_row {
	const char *build, *kind, *name, *media_type;
	const void *data;
	size_t size;
};
/* The same (build, kind, name) again replaces it. */
bool store_document_put(struct store *store, const struct document_row *document, struct error *err) must_check;
/* ERROR_ABSENT when the build has none. */
bool store_document_get(struct store *store, const char *build, const char *kind, const char *name, struct str *out,
			struct error *err) must_check;
/* A log line of the build: stream is "out", "err" or "note". Buffered; on disk after at most a second, at each stage's
 * end and at close. */
bool store_log_add(struct store *store, const char *build, const char *stage, const char *step, const char *stream,
		   int64_t at_ms, const char *data, size_t length, struct error *err) must_check;
/* Brings the hash chain up to date with a build that has ended, after something was added to it (store_build_end does
 * so by itself). A running one gets its record when it ends: nothing is done. */
bool store_record_append(struct store *store, const char *build, struct error *err) must_check;
/* false and ERROR_FAILED naming the first record that was changed, and what it said before; also checks every page of
 * the file. */
bool store_record_verify(struct store *store, struct error *err) must_check;

/* --- what the cloud takes --- */

/* Remembers how long something took in a region ("launch", "image"); the last few are kept. */
bool store_wait_add(struct store *store, const char *region, const char *name, int64_t took_ms,
		    struct error *err) must_check;
/* The shortest of the last few; 0 when nothing is known. */
bool store_wait_expected(struct store *store, const char *region, const char *name, int64_t *took_ms,
			 struct error *err) must_check;

/* --- queries --- */

struct history_filter {
	const char *recipe, *status, *channel; /* NULL: any */
	int64_t since_ms;		       /* 0: all */
	int64_t limit;			       /* 0: 50 */
};
/* An array of {build, recipe, status, started, ended, duration_s, channel, images: [{region, ami}], user, ...}; newest
 * first. */
bool store_history(struct store *store, const struct history_filter *filter, struct tree **out,
		   struct error *err) must_check;
/* What was not built since nothing had changed. */
struct skip_row {
	const char *recipe, *build; /* build: the good one that is still current */
	const char *reason;
	struct build_origin origin;
	int64_t at_ms; /* 0: now */
};
bool store_skip_add(struct store *store, const struct skip_row *skip, struct error *err) must_check;
/* An array of {recipe, at, build, reason, user, host, ci_job}; newest first. The filter's status does not count. */
bool store_skip_list(struct store *store, const struct history_filter *filter, struct tree **out,
		     struct error *err) must_check;
/* One build whole, found by its id, a unique prefix of it, or an AMI id; ERROR_ABSENT, or ERROR_USAGE when a prefix is
 * ambiguous (naming the candidates). */
bool store_find(struct store *store, const char *build_or_ami, char build[BUILD_ID_SIZE], struct error *err) must_check;
bool store_show(struct store *store, const char *build, struct tree **out, struct error *err) must_check;
/* The log, streamed in order; print returns false to stop. */
struct log_line {
	int64_t at_ms;
	const char *stage, *step, *stream, *data;
	size_t length;
};
bool store_log_read(struct store *store, const char *build, bool (*print)(void *cookie, const struct log_line *line),
		    void *cookie, struct error *err) must_check;

#endif
