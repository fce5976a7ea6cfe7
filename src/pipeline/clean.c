/* SPDX-License-Identifier: Apache-2.0
 *
 * Cleaning up after a build that nobody works on: what its ledger holds goes, but for images that passed their gates;
 * and an image whose quarantine has ended. The build is claimed meanwhile, so that nobody goes on with it. */
#include <stdio.h>

#include "bakery/log.h"
#include "bakery/str.h"
#include "pipeline.h"
#include "remove.h"

static bool list_has(const struct tree *list, const char *text)
{
	for (struct tree_iter i = tree_iter(list); tree_next(&i);) {
		if (str_eq(tree_text(i.value, NULL), text))
			return true;
	}
	return false;
}

static enum drop_extent extent_of(enum build_status status)
{
	return status == BUILD_QUARANTINED || status == BUILD_DONE ? DROP_ALL_BUT_RESULTS : DROP_ALL;
}

/* An image that nobody judged goes with the rest; one that passed its gates, or is in quarantine, stays for resume. A
 * build that came so far as to publish lacked nothing but this. */
static bool held_sweep(struct build *build, enum build_status status, size_t *dropped, struct error *err)
{
	_cleanup_(tree_freep) struct tree *done = NULL;
	struct error unwritten = {0};
	bool swept = store_stages_done(build->store, build->id, &done, err);

	bool published = swept && list_has(done, "publish");

	if (swept && !published && status != BUILD_DONE && status != BUILD_QUARANTINED && list_has(done, "gate")) {
		quarantine_begin(build, stages[stage_first_undone(done)].name, "interrupted");
		status = BUILD_QUARANTINED;
	}
	swept = swept && build_drop_held(build, published ? DROP_ALL_BUT_RESULTS : extent_of(status), dropped, err);
	if (published && swept)
		status = BUILD_DONE;
	if (store_build_end(build->store, build->id, status, &(struct error){0}, &unwritten))
		return swept;
	return swept ? error_coded(err, unwritten.kind, LEDGER_UNTOLD, "%s", unwritten.text) : false;
}

/* Somebody may have gone on with it, and finished it, before it was claimed here. */
static bool claimed_clean_load(struct build *build, enum build_status *status, struct error *err)
{
	struct build_row row;

	if (!store_build_get(build->store, build->id, build->arena, &row, err))
		return false;
	if (row.status == BUILD_DONE)
		*status = BUILD_DONE;
	else if (row.quarantined && *status == BUILD_INTERRUPTED)
		*status = BUILD_QUARANTINED;
	return build_state_read(build, row.state, err);
}

static void claim_give_back(struct build *build, enum build_status status)
{
	struct error unwritten = {0};

	if (!store_build_end(build->store, build->id, status, &(struct error){0}, &unwritten))
		log_warn(build->context->log, "%s: %s", build->id, unwritten.text);
}

/* A build to clean up after: nothing of it runs again. */
static bool clean_load(struct build *build, const struct build_context *context, const char *id, struct arena *arena,
		       enum build_status *status, struct error *err)
{
	struct build_row row;
	struct plan *plan = NULL;

	if (!store_build_get(context->store, id, arena, &row, err) || !plan_load(row.plan, arena, &plan, err))
		return error_context(err, "build %s", id);
	build_init(build, context, plan, arena);
	snprintf(build->id, sizeof(build->id), "%s", id);
	build->started_ms = row.started_ms;
	build->cleaning = true;
	*status = row.status == BUILD_RUNNING ? BUILD_INTERRUPTED : row.status;
	if (build_account_check(build, err) && store_build_claim(context->store, id, err)) {
		if (claimed_clean_load(build, status, err))
			return true;
		claim_give_back(build, *status);
	}
	build_clear(build);
	return error_context(err, "build %s", id);
}

bool build_clean(const struct build_context *context, const char *id, size_t *dropped, struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	enum build_status status;
	struct build build;
	bool done;

	*dropped = 0;
	if (!clean_load(&build, context, id, arena, &status, err))
		return false;
	done = held_sweep(&build, status, dropped, err);
	build_clear(&build);
	return done || error_context(err, "build %s", id);
}

/* --- retiring --- */

/* Before the image goes, so that nothing but its tags, by which it is found again, may be left of a retirement that was
 * cut off. *left: images that are still held. */
static bool result_unhold(struct build *build, const char *ami, size_t *left, struct error *err)
{
	struct hold *holds;
	size_t count;

	*left = 0;
	if (!store_hold_list(build->store, build->id, build->arena, &holds, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!str_eq(holds[i].kind, held_image.name) && !str_eq(holds[i].kind, held_copy.name))
			continue;
		if (!str_eq(holds[i].id, ami))
			++*left;
		else if (!store_hold_dropped(build->store, holds[i].row, err))
			return false;
	}
	return true;
}

/* A copy that was never finished has no row. */
static bool image_is_retired(struct build *build, const char *region, const char *ami, struct error *err)
{
	build_note(build, "%s in %s is retired: its quarantine ended", ami, region);
	if (store_image_state(build->store, build->id, region, "retired", err))
		return true;
	if (!error_is(err, ERROR_ABSENT))
		return false;
	error_clear(err);
	return true;
}

/* What was found in quarantine may have been gone on with while somebody thought about it. */
static bool retirable(enum build_status status, struct error *err)
{
	return status != BUILD_DONE ||
	       error_set(err, ERROR_CONFLICT, "its build was finished meanwhile: the image is a result, and stays");
}

bool build_retire(const struct build_context *context, const char *id, const char *region, const char *ami,
		  bool (*remove)(void *cookie, struct error *err), void *cookie, struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct error unwritten = {0};
	enum build_status status;
	struct build build;
	size_t left = 0;
	bool done, gone;

	if (!clean_load(&build, context, id, arena, &status, err))
		return false;
	done = retirable(status, err) && result_unhold(&build, ami, &left, err) && remove(cookie, err);
	gone = done || str_eq(err->code, IMAGE_GONE);
	if (gone && !image_is_retired(&build, region, ami, done ? err : &unwritten))
		gone = done = false;
	if (gone)
		status = left ? BUILD_QUARANTINED : BUILD_FAILED;
	if (!store_build_end(build.store, id, status, &(struct error){0}, done ? err : &unwritten))
		done = false;
	build_clear(&build);
	return done || error_context(err, "build %s", id);
}
