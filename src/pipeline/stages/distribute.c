/* SPDX-License-Identifier: Apache-2.0
 *
 * distribute: copies in the other regions, side by side; then what every image of the result gets: IMDSv2, a date of
 * deprecation, protection from deregistration, each read back. A region that fails is tried again by itself and holds
 * no other one up; what the others made is kept, so that a resumed build does only what is missing. */
#include <stdio.h>

#include "../pipeline.h"
#include "bakery/parallel.h"
#include "bakery/str.h"

enum { COPY_TIMEOUT_S = 6 * 3600, COPY_TRIES = 4, AGAIN_MS = 2000, ROOM_MS = 20000 };

struct region_work {
	struct build *build;
	const char *region, *kms_key;
	bool is_copy;
	char ami[ID_SIZE];
	struct tree *image; /* its newest description */
};

/* --- copies --- */

static bool copy_try(struct region_work *work, struct error *err)
{
	struct build *build = work->build;
	const struct plan_region wish = {work->region, work->kms_key};

	if (!build_hold(build, &held_copy, work->region, work->region, &wish, work->ami, err) ||
	    !store_image_put(build->store, build->id, work->region, work->ami, build->state.image_name, NULL, "pending",
			     err))
		return error_context(err, "copy");
	return build_wait_learning(build, AWS_WAIT_image_available, "copy", work->region, work->ami, COPY_TIMEOUT_S,
				   &work->image, err) ||
	       error_context(err, "copy %s", work->ami);
}

/* What another try would meet again. */
static bool is_hopeless(const struct error *why)
{
	static const enum error_kind kinds[] = {ERROR_STOPPED, ERROR_DENIED,   ERROR_EXPIRED,
						ERROR_CLOCK,   ERROR_INTERNAL, ERROR_INVALID};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (error_is(why, kinds[i]))
			return true;
	}
	return str_eq(why->code, "WaitTimeout");
}

/* A failed image holds the name that the next one needs. */
static bool copy_drop(struct region_work *work, struct error *err)
{
	bool there = work->ami[0];

	work->ami[0] = '\0';
	return !there || build_drop(work->build, &held_copy, work->region, err) ||
	       error_context(err, "removing the failed copy");
}

/* EC2 makes some 20 copies at once in a region (quota "Concurrent snapshot copies per destination Region"); the others
 * wait for room. */
static bool copy_again_later(struct region_work *work, int *tries, struct error *err)
{
	struct build *build = work->build;
	bool full = error_is(err, ERROR_QUOTA);

	if (is_hopeless(err) || (!full && ++*tries >= COPY_TRIES))
		return false;
	build_note(build, "%s: %s; it is tried again%s", work->region, err->text, full ? " when there is room" : "");
	if (!stop_sleep_ms(build_stop(build), full ? ROOM_MS : AGAIN_MS * *tries))
		return error_set(err, ERROR_STOPPED, "stopped");
	error_clear(err);
	return copy_drop(work, err);
}

/* A failed image is no part of a result. What cannot be removed stays in the ledger. */
static void copy_give_up(struct region_work *work, const struct error *why)
{
	struct error undone = {0};

	if (!work->ami[0] || is_hopeless(why))
		return;
	if (!copy_drop(work, &undone) ||
	    !store_image_state(work->build->store, work->build->id, work->region, "failed", &undone))
		build_note(work->build, "%s: %s", work->region, undone.text);
}

static bool copy_make(struct region_work *work, struct error *err)
{
	int tries = 0;

	while (!copy_try(work, err)) {
		if (copy_again_later(work, &tries, err))
			continue;
		copy_give_up(work, err);
		return false;
	}
	build_note(work->build, "%s in %s is available", work->ami, work->region);
	return image_check(work->build, work->image, err) && image_record(work->build, work->region, work->image, err);
}

/* --- what every image gets --- */

static bool deprecation_set(const struct region_work *work, bool *changed, struct error *err)
{
	const struct build *build = work->build;
	struct aws_call call;
	char at[CLOCK_TEXT_SIZE];

	if (!build->plan->image.deprecate_after_s)
		return true;
	clock_rfc3339(build->started_ms + build->plan->image.deprecate_after_s * 1000, at);
	call = aws_call(AWS_ec2_EnableImageDeprecation, work->region);
	call.not_yet_s = build_settle_s(build);
	aws_arg(&call, "ImageId", work->ami);
	aws_arg(&call, "DeprecateAt", at);
	*changed = true;
	return build_send(work->build, &call, NULL, err);
}

/* The last thing that is done, since a protected image cannot be dropped in one go. */
static bool protection_set(const struct region_work *work, bool *changed, struct error *err)
{
	const struct plan_image *wish = &work->build->plan->image;
	struct aws_call call;

	if (!wish->protect)
		return true;
	call = aws_call(AWS_ec2_EnableImageDeregistrationProtection, work->region);
	call.not_yet_s = build_settle_s(work->build);
	aws_arg(&call, "ImageId", work->ami);
	aws_arg_bool(&call, "WithCooldown", wish->protect_cooldown);
	*changed = true;
	return build_send(work->build, &call, NULL, err);
}

/* What the description does not show yet, or NULL. */
static const char *lacking(const struct plan_image *wish, const struct tree *image)
{
	if (wish->imds && !str_eq(tree_text(image, "imdsSupport"), wish->imds))
		return "imdsSupport v2.0";
	if (wish->deprecate_after_s && !tree_text(image, "deprecationTime"))
		return "date of deprecation";
	if (wish->protect && !str_starts(tree_text_or(image, "deregistrationProtection", ""), "enabled"))
		return "deregistration protection";
	return NULL;
}

static bool settings_verify(const struct region_work *work, struct error *err)
{
	enum { LOOKS = 20, PAUSE_MS = 500, LOOK_TIMEOUT_S = 60 };
	struct build *build = work->build;
	const char *missing = NULL;

	for (int look = 0; look < LOOKS; look++) {
		_cleanup_(tree_freep) struct tree *image = NULL;

		if (!build_wait(build, AWS_WAIT_image_available, work->region, work->ami, LOOK_TIMEOUT_S, &image, err))
			return false;
		missing = lacking(&build->plan->image, image);
		if (!missing)
			return true;
		if (!stop_sleep_ms(build_stop(build), PAUSE_MS))
			return error_set(err, ERROR_STOPPED, "stopped");
	}
	return error_set(err, ERROR_FAILED, "EC2 took the %s but does not show it", missing);
}

static bool image_finish(const struct region_work *work, struct error *err)
{
	struct build *build = work->build;
	bool changed = !work->is_copy && build->plan->image.imds; /* set when the image was made */

	if (work->is_copy && !image_require_imds(build, work->region, work->ami, work->image, &changed, err))
		return false;
	return deprecation_set(work, &changed, err) && protection_set(work, &changed, err) &&
	       (!changed || settings_verify(work, err));
}

/* --- all regions --- */

static bool region_work(void *item, struct error *err)
{
	struct region_work *work = item;

	if (work->is_copy && !copy_make(work, err))
		return error_context(err, "%s", work->region);
	return image_finish(work, err) || error_context(err, "%s: %s", work->region, work->ami);
}

static size_t works_prepare(struct build *build, struct region_work *works)
{
	const struct build_image *made = build->state.images.items;
	const struct plan_region *copies = build->plan->copies.items;
	size_t count = 0;

	works[count] = (struct region_work){.build = build, .region = made->region};
	snprintf(works[count++].ami, ID_SIZE, "%s", made->ami);
	for (size_t i = 0; i < build->plan->copies.count; i++)
		works[count++] = (struct region_work){
			.build = build, .region = copies[i].region, .kms_key = copies[i].kms_key, .is_copy = true};
	return count;
}

/* The images that there are, also when a region failed: they are what is in quarantine then. */
static void images_take(struct build *build, const struct region_work *works, size_t count)
{
	struct build_image *images = arena_alloc(build->arena, count * sizeof(*images));
	size_t used = 1;

	images[0] = *(struct build_image *)build->state.images.items;
	for (size_t i = 1; i < count; i++) {
		if (works[i].image)
			images[used++] = (struct build_image){works[i].region, arena_strdup(build->arena, works[i].ami),
							      image_snapshots(works[i].image, build->arena)};
	}
	build->state.images = (struct struct_list){images, used};
}

static bool outcome_tell(const struct region_work *works, const struct error *errors, size_t count, struct error *err)
{
	_cleanup_(str_free) struct str done = STR_INIT;
	size_t failed = 0;

	for (size_t i = 0; i < count; i++) {
		if (errors[i].kind == ERROR_NONE)
			str_addf(&done, "%s%s (%s)", done.len ? ", " : "", works[i].region, works[i].ami);
		else
			failed++;
	}
	if (build_errors_join(errors, count, err))
		return true;
	if (count > 1 && done.len)
		error_hint(err, "done: %s", done.data);
	return error_context(err, "%zu of %zu regions failed", failed, count);
}

bool stage_distribute(struct build *build, struct error *err)
{
	size_t most = build->plan->copies.count + 1, count;
	_cleanup_(freep) struct region_work *works = mem_array(most, sizeof(*works));
	_cleanup_(freep) struct error *errors = mem_array(most, sizeof(*errors));
	struct error first = {0};

	count = works_prepare(build, works);
	build->images_seen = parallel_each(works, count, sizeof(*works), 0, region_work, errors, &first);
	images_take(build, works, count);
	for (size_t i = 0; i < count; i++)
		tree_free(works[i].image);
	return outcome_tell(works, errors, count, err);
}
