/* SPDX-License-Identifier: Apache-2.0
 *
 * The build's walk through its stages: the only writer of the journal. A failure before there is an image removes
 * everything; a later one keeps the image (quarantine), so that the stage alone can be tried again. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "bakery/log.h"
#include "bakery/str.h"
#include "pipeline.h"

const struct stage stages[] = {
	{"prepare", "checking names and regions", NULL, NULL, stage_prepare},
	{"launch", "starting an instance", NULL, NULL, stage_launch},
	{"connect", "connecting", "launch", "launch", stage_connect},
	{"provision", "running playbooks", "launch", "launch", stage_provision},
	{"seal", "sealing", "launch", "launch", stage_seal},
	{"image", "making the image", NULL, "launch", stage_image},
	{"test", "testing a fresh instance", NULL, "test", stage_test},
	{"gate", "judging", NULL, NULL, stage_gate},
	{"distribute", "copying to regions", NULL, NULL, stage_distribute},
	{"share", "sharing", NULL, NULL, stage_share},
	{"publish", "publishing", NULL, NULL, stage_publish},
	{"tidy", "cleaning up", NULL, NULL, stage_tidy},
	{0},
};
enum { STAGE_COUNT = ARRAY_SIZE(stages) - 1 };

const char *const *build_stage_names(void)
{
	static const char *const names[] = {"prepare", "launch",     "connect", "provision", "seal", "image", "test",
					    "gate",    "distribute", "share",	"publish",   "tidy", NULL};

	_Static_assert(ARRAY_SIZE(names) == ARRAY_SIZE(stages), "a name for each stage");
	return names;
}

static size_t stage_index(const char *name)
{
	size_t i = 0;

	while (stages[i].name && !str_eq(stages[i].name, name))
		i++;
	return i;
}

void build_init(struct build *build, const struct build_context *context, const struct plan *plan, struct arena *arena)
{
	*build = (struct build){
		.context = context,
		.plan = plan,
		.store = context->store,
		.aws = context->aws,
		.arena = arena,
		.box = {.purpose = "build"},
		.test = {.purpose = "test"},
	};
	stop_init(&build->stop);
	stop_init(&build->work);
}

void build_clear(struct build *build)
{
	box_close(&build->box);
	box_close(&build->test);
	stop_close(&build->stop);
	stop_close(&build->work);
}

static bool image_exists(const struct build *build)
{
	return build->state.images.count > 0;
}

/* --- running --- */

static bool stage_journal_failed(struct build *build, const struct error *why, int64_t duration_ms)
{
	struct error unwritten = {0};

	build_emit(build,
		   (struct build_event){.kind = EVENT_STAGE_FAILED, .text = why->text, .duration_ms = duration_ms});
	if (build->claim_lost) /* the journal is another process's */
		return false;
	if (!store_stage_failed(build->store, build->id, build->stage->name, why, build_now_ms(build), &unwritten))
		log_warn(build->context->log, "%s: %s", build->id, unwritten.text);
	return false;
}

static bool stage_run(struct build *build, const struct stage *stage, struct error *err)
{
	int64_t began_mono_ms = clock_mono_ms();
	_cleanup_(freep) char *state = NULL;

	build->stage = stage;
	if (stop_requested(&build->stop))
		return error_set(err, ERROR_STOPPED, "stopped");
	if (!store_stage_began(build->store, build->id, stage->name, build_now_ms(build), err))
		return error_context(err, "journal");
	build_emit(build, (struct build_event){.kind = EVENT_STAGE_BEGAN});
	if (!stage->run(build, err)) {
		loss_judge(build, err);
		rejoin_judge(build, err);
		error_context(err, "stage %s", stage->name);
		return stage_journal_failed(build, err, clock_mono_ms() - began_mono_ms);
	}
	state = build_state_json(build);
	if (!store_stage_done(build->store, build->id, stage->name, state, build_now_ms(build), err))
		return error_context(err, "journal");
	build_emit(build,
		   (struct build_event){.kind = EVENT_STAGE_DONE, .duration_ms = clock_mono_ms() - began_mono_ms});
	return true;
}

/* What the stages from `first` on did no longer counts. */
static bool stages_forget(struct build *build, size_t first, struct error *err)
{
	const char *names[STAGE_COUNT + 1] = {0};
	size_t used = 0;

	for (size_t i = first; stages[i].name; i++)
		names[used++] = stages[i].name;
	return store_stages_forget(build->store, build->id, names, err) || error_context(err, "journal");
}

/* A stage failed for want of its instance, and another one may do: back to where it can be launched. */
static bool fall_back(struct build *build, size_t *at, struct error *err)
{
	struct error why = *err;

	if (!build->fall_back)
		return false;
	error_clear(err);
	build_note(build, "%s", why.text);
	*at = stage_index(build->fall_back);
	build->goes_on_at = 0;
	return loss_recover(build, err) && stages_forget(build, *at, err);
}

/* A build that goes on on the instance it had connects to it first, whatever it has done there. */
static size_t stage_after(const struct build *build, size_t at)
{
	return at < build->goes_on_at && str_eq(stages[at].name, "connect") ? build->goes_on_at : at + 1;
}

static bool stages_run(struct build *build, size_t first, struct error *err)
{
	for (size_t i = first; i < STAGE_COUNT; i = stage_after(build, i)) {
		while (!stage_run(build, &stages[i], err)) {
			if (!fall_back(build, &i, err))
				return false;
		}
		if (str_eq(stages[i].name, build->context->until)) {
			build_note(build, "stopped after stage %s, as asked; `bakery resume %s` goes on",
				   stages[i].name, build->id);
			return error_coded(err, ERROR_STOPPED, "Until", "stopped after stage %s, as asked",
					   stages[i].name);
		}
	}
	return true;
}

/* --- ending --- */

static void keep_boxes(struct build *build)
{
	const struct box *boxes[] = {&build->box, &build->test};

	for (size_t i = 0; i < ARRAY_SIZE(boxes); i++) {
		_cleanup_(freep) char *command = NULL;
		struct error err = {0};

		if (!boxes[i]->instance[0] || !boxes[i]->login.private_key || !boxes[i]->address[0])
			continue;
		if (!box_keep(build, boxes[i], &command, &err))
			build_note(build, "%s is kept, but there is no way in: %s", boxes[i]->instance, err.text);
		else
			build_note(build, "%s is kept: %s", boxes[i]->instance, command);
		box_keys_forget(build, boxes[i]->purpose);
	}
	build_note(build, "`bakery gc %s` removes what is kept; its own timer does at the deadline", build->id);
}

static bool was_until(const struct error *why)
{
	return str_eq(why->code, "Until");
}

static bool clean_up(struct build *build, struct error *err)
{
	enum drop_extent extent = image_exists(build) ? DROP_ALL_BUT_RESULTS : DROP_ALL;
	size_t dropped = 0;

	build->cleaning = true;
	build->stage = &stages[STAGE_COUNT - 1];
	box_close(&build->box);
	box_close(&build->test);
	if (!build_drop_held(build, extent, &dropped, err))
		return false;
	if (dropped)
		build_note(build, "removed what the build held (%zu)", dropped);
	return true;
}

/* Its images are results, whatever becomes of the rest: they go into no quarantine. */
static bool is_published(const struct build *build)
{
	return build->stage == &stages[STAGE_COUNT - 1];
}

static enum build_status status_of(const struct build *build, const struct error *why)
{
	if (why->kind == ERROR_NONE)
		return BUILD_DONE;
	if (build->claim_lost || is_published(build) || (error_is(why, ERROR_STOPPED) && !build->deadline_passed))
		return BUILD_INTERRUPTED;
	return image_exists(build) ? BUILD_QUARANTINED : BUILD_FAILED;
}

static void explain_stop(struct build *build, struct error *why)
{
	struct error lost = {0};

	if (why->kind != ERROR_NONE && !store_build_is_claimed(build->store, build->id, &lost))
		build->claim_lost |= str_eq(lost.code, STORE_CLAIM_LOST);
	if (build->claim_lost)
		error_set(why, ERROR_CONFLICT,
			  "another process has taken the build over, since this one was not heard of for long; nothing "
			  "of it was touched here any more");
	if (!error_is(why, ERROR_STOPPED) || was_until(why) || build->claim_lost)
		return;
	if (build->deadline_passed)
		error_set(why, ERROR_FAILED, "%s: the deadline of %lld s has passed", why->text,
			  (long long)build->plan->deadline_s);
	else
		error_set(why, ERROR_STOPPED, "interrupted in stage %s; `bakery resume %s` goes on",
			  build->stage ? build->stage->name : "?", build->id);
}

static bool images_keep(struct build *build, const struct error *why)
{
	build->cleaning = true;
	return quarantine_begin(build, build->stage ? build->stage->name : "?",
				str_eq(why->code, BUILD_SUPERSEDED) ? NULL : error_kind_name(why->kind));
}

/* Removes or keeps what there is after a failure; *why becomes what the user is told. */
static void after_failure(struct build *build, enum build_status status, struct error *why)
{
	struct error leftover = {0};

	build->cleaning = true;
	if (was_until(why) || error_is(why, ERROR_LEFTOVER)) /* tidy has tried */
		return;
	if (build->context->keep_on_failure && status != BUILD_INTERRUPTED) {
		keep_boxes(build);
		return;
	}
	if (clean_up(build, &leftover))
		return;
	error_hint(why, "%s", leftover.text);
	if (!str_eq(leftover.code, LEDGER_UNTOLD))
		why->kind = ERROR_LEFTOVER;
}

static bool finish(struct build *build, struct error *why, struct build_result *out, struct error *err)
{
	enum build_status status;
	struct error unwritten = {0};

	explain_stop(build, why);
	status = status_of(build, why);
	if (status == BUILD_QUARANTINED && !build->claim_lost && !images_keep(build, why))
		status = BUILD_FAILED;
	out->status = status;
	if (status != BUILD_DONE && !build->claim_lost)
		after_failure(build, status, why);
	if (!build->claim_lost && !store_build_end(build->store, build->id, status, why, &unwritten)) {
		error_context(&unwritten, "record");
		if (why->kind == ERROR_NONE)
			*why = unwritten;
		else
			log_warn(build->context->log, "%s: %s", build->id, unwritten.text);
	}
	build_emit(build, (struct build_event){.kind = EVENT_BUILD_ENDED,
					       .status = status,
					       .text = why->text,
					       .duration_ms = build_now_ms(build) - build->started_ms});
	if (why->kind == ERROR_NONE)
		return true;
	*err = *why;
	return false;
}

static bool walk(struct build *build, size_t first, struct build_result *out, struct error *err)
{
	struct error why = {0};
	bool done;

	build->deadline_mono_ms = clock_mono_ms() + build->plan->deadline_s * 1000;
	build->keeper = keeper_start(build);
	done = stages_run(build, first, &why);
	assert(done || why.kind != ERROR_NONE);
	if (done)
		error_clear(&why);
	done = finish(build, &why, out, err);
	keeper_end(build->keeper);
	return done;
}

/* --- starting --- */

static void id_make(int64_t now_ms, char id[BUILD_ID_SIZE])
{
	char basic[CLOCK_TEXT_SIZE], suffix[5];

	clock_basic(now_ms, basic); /* 20261122T083012Z */
	crypto_random_hex(suffix, 4);
	snprintf(id, BUILD_ID_SIZE, "%.8s-%.6s-%s", basic, basic + 9, suffix);
}

static bool row_create(struct build *build, struct error *err)
{
	const struct plan *plan = build->plan;
	struct build_new row = {
		.build = build->id,
		.recipe = plan->recipe,
		.project = plan->project,
		.plan = plan->json,
		.plan_sha256 = plan->sha256,
		.recipe_sha256 = plan->recipe_sha256,
		.playbooks_sha256 = plan->playbooks_sha256,
		.source_ami = plan->source.ami,
		.source_name = plan->source.name,
		.channel = plan->publish.channel,
		.region = plan->region,
		.account = plan->account,
		.origin = build->context->origin,
		.started_ms = build->started_ms,
	};

	return store_build_create(build->store, &row, err);
}

bool build_run(const struct build_context *context, const struct plan *plan, struct build_result *out,
	       struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct build build;
	bool done;

	build_init(&build, context, plan, arena);
	build.started_ms = build_now_ms(&build);
	id_make(build.started_ms, build.id);
	*out = (struct build_result){.status = BUILD_FAILED};
	if (!row_create(&build, err)) {
		build_clear(&build);
		return error_context(err, "record");
	}
	memcpy(out->build, build.id, sizeof(out->build));
	build_emit(&build, (struct build_event){.kind = EVENT_BUILD_BEGAN});
	if (context->why)
		build_note(&build, "built because %s", context->why);
	if (context->plan_from)
		build_note(&build, "plan %.12s is read from %s", plan->sha256, context->plan_from);
	done = walk(&build, 0, out, err);
	build_clear(&build);
	return done;
}

/* --- resuming --- */

static bool list_has(const struct tree *list, const char *text)
{
	for (struct tree_iter i = tree_iter(list); tree_next(&i);) {
		if (str_eq(tree_text(i.value, NULL), text))
			return true;
	}
	return false;
}

size_t stage_first_undone(const struct tree *done)
{
	size_t at = 0;

	while (stages[at].name && list_has(done, stages[at].name))
		at++;
	return at;
}

/* Whether the ledger still holds the instance that the image is to be made of: an interrupted build gave it up. */
static bool instance_is_held(struct build *build, bool *held, struct error *err)
{
	struct hold *holds;
	size_t count;

	*held = false;
	if (!store_hold_list(build->store, build->id, build->arena, &holds, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		*held |= str_eq(holds[i].kind, held_instance.name) && str_eq(holds[i].purpose, build->box.purpose) &&
			 holds[i].id;
	return true;
}

/* The first stage that is not done, then back to where that stage can begin again. */
static bool resume_point(struct build *build, size_t *first, struct error *err)
{
	const size_t launch = stage_index("launch");
	_cleanup_(tree_freep) struct tree *done = NULL;
	enum rejoin rejoin = REJOIN_NOT;
	size_t at;
	bool held;

	if (!store_stages_done(build->store, build->id, &done, err) || !instance_is_held(build, &held, err))
		return false;
	at = stage_first_undone(done);
	if (stages[at].name && stages[at].after_crash && held && !rejoin_check(build, stages[at].name, &rejoin, err))
		return false;
	if (rejoin == REJOIN_NOT && stages[at].name && stages[at].after_crash)
		at = stage_index(stages[at].after_crash);
	if (at > launch && !image_exists(build) && !held)
		at = launch;
	if (rejoin == REJOIN_CONNECT)
		build->goes_on_at = at;
	*first = rejoin == REJOIN_CONNECT ? stage_index("connect") : at;
	return stages_forget(build, at, err);
}

/* What another process may have done until it gave up the claim that this one has now. */
static bool claimed_load(struct build *build, struct error *err)
{
	struct build_row row;

	if (!store_build_get(build->store, build->id, build->arena, &row, err))
		return false;
	if (row.status != BUILD_DONE)
		return build_state_read(build, row.state, err);
	return store_build_end(build->store, build->id, BUILD_DONE, NULL, err) &&
	       error_set(err, ERROR_CONFLICT, "it is done already");
}

static bool resume_load(struct build *build, const struct build_context *context, const char *id, struct arena *arena,
			struct error *err)
{
	struct build_row row;
	struct plan *plan = NULL;

	if (!store_build_get(context->store, id, arena, &row, err) || !plan_load(row.plan, arena, &plan, err))
		return false;
	build_init(build, context, plan, arena);
	snprintf(build->id, sizeof(build->id), "%s", id);
	build->started_ms = row.started_ms;
	build->was_quarantined = row.quarantined;
	if (row.status == BUILD_DONE)
		error_set(err, ERROR_CONFLICT, "it is done already");
	else if (build_account_check(build, err) && store_build_claim(context->store, id, err) &&
		 claimed_load(build, err))
		return true;
	build_clear(build);
	return false;
}

bool build_resume(const struct build_context *context, const char *id, struct build_result *out, struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct build build;
	size_t first;
	bool done;

	*out = (struct build_result){.status = BUILD_FAILED};
	snprintf(out->build, sizeof(out->build), "%s", id);
	if (!resume_load(&build, context, id, arena, err))
		return error_context(err, "build %s cannot go on", id);
	if (!resume_point(&build, &first, err) ||
	    (first <= stage_index("provision") && !plan_files_check(build.plan, err))) {
		build_clear(&build);
		return error_context(err, "build %s", id);
	}
	build_emit(&build, (struct build_event){.kind = EVENT_BUILD_BEGAN});
	if (build.doubt)
		build_note(&build, "%s", build.doubt);
	if (build.goes_on_at)
		build_note(&build, "goes on at stage %s, on %s as it stands", stages[build.goes_on_at].name,
			   build.state.instance);
	else
		build_note(&build, "goes on at stage %s", stages[first].name ? stages[first].name : "none");
	done = walk(&build, first, out, err);
	build_clear(&build);
	return done;
}
