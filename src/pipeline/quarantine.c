/* SPDX-License-Identifier: Apache-2.0
 *
 * A build that failed late keeps its images for a while: tagged with the stage and the date, for whoever looks in the
 * console and for `bakery gc`, and told in the record. Going on ends it; so does the date. */
#include "bakery/str.h"
#include "pipeline.h"

static int64_t retire_ms(const struct build *build)
{
	return build_now_ms(build) +
	       (build->context->quarantine_s ? build->context->quarantine_s : QUARANTINE_DEFAULT_S) * 1000;
}

static bool is_result(const struct hold *hold)
{
	return str_eq(hold->kind, held_image.name) || str_eq(hold->kind, held_copy.name);
}

/* How many results the ledger holds; the one called `gone` no longer. */
static size_t results_count(struct build *build, const char *gone, struct error *err)
{
	struct hold *holds;
	size_t count, held = 0;

	if (!store_hold_list(build->store, build->id, build->arena, &holds, &count, err))
		return 1;
	for (size_t i = 0; i < count; i++) {
		if (gone && is_result(&holds[i]) && str_eq(holds[i].id, gone) &&
		    store_hold_dropped(build->store, holds[i].row, err))
			continue;
		held += is_result(&holds[i]);
	}
	return held;
}

/* Somebody removed it while it waited: it is not kept, and the record says so. */
static bool is_gone(struct build *build, const struct build_image *image, const struct error *why)
{
	struct error unwritten = {0};

	if (!error_is(why, ERROR_ABSENT))
		return false;
	build_note(build, "%s in %s is gone: somebody removed it", image->ami, image->region);
	results_count(build, image->ami, &unwritten);
	if (unwritten.kind != ERROR_NONE ||
	    !store_image_state(build->store, build->id, image->region, "retired", &unwritten))
		build_note(build, "the record does not say that %s is gone: %s", image->ami, unwritten.text);
	return true;
}

static bool image_quarantine(struct build *build, const struct build_image *image, const char *stage, int64_t until_ms)
{
	struct aws_call call = aws_call(AWS_ec2_CreateTags, image->region);
	struct error err = {0};
	char until[CLOCK_TEXT_SIZE];

	clock_rfc3339(until_ms, until);
	call.not_yet_s = build_settle_s(build);
	aws_arg(&call, "ResourceId.1", image->ami);
	aws_arg(&call, "Tag.1.Key", "bakery:quarantined");
	aws_argf(&call, "Tag.1.Value", "%.200s", stage);
	aws_arg(&call, "Tag.2.Key", "bakery:retire-after");
	aws_arg(&call, "Tag.2.Value", until);
	if (!build_send(build, &call, NULL, &err)) {
		if (is_gone(build, image, &err))
			return false;
		build_note(build, "could not tag %s: %s", image->ami, err.text);
	}
	if (!store_image_quarantine(build->store, build->id, image->region, until_ms, &err))
		build_note(build, "the record does not say until when %s is kept: %s", image->ami, err.text);
	return true;
}

bool quarantine_begin(struct build *build, const char *stage, const char *why)
{
	const struct build_image *images = build->state.images.items;
	int64_t until_ms = retire_ms(build);
	char until[CLOCK_TEXT_SIZE];
	struct error unread = {0};
	size_t kept = 0;

	clock_rfc3339(until_ms, until);
	until[10] = '\0';
	for (size_t i = 0; i < build->state.images.count; i++)
		kept += image_quarantine(build, &images[i], stage, until_ms);
	if (!kept && !results_count(build, NULL, &unread)) {
		build_note(build, "there is no image left to keep");
		build->state.images.count = 0;
		return false;
	}
	if (why)
		build_note(build,
			   "the image is kept in quarantine until %s (%s); `bakery resume %s` tries again from stage "
			   "%s, and "
			   "`bakery gc` removes it after that date",
			   until, why, build->id, stage);
	else
		build_note(build,
			   "the image is kept until %s, published nowhere; `bakery gc` removes it after that date",
			   until);
	return true;
}

/* The tags are for people and for gc; the build is done without this, too. */
void quarantine_end(struct build *build)
{
	const struct build_image *images = build->state.images.items;

	for (size_t i = 0; build->was_quarantined && i < build->state.images.count; i++) {
		struct aws_call call = aws_call(AWS_ec2_DeleteTags, images[i].region);
		struct error err = {0};

		aws_arg(&call, "ResourceId.1", images[i].ami);
		aws_arg(&call, "Tag.1.Key", "bakery:quarantined");
		aws_arg(&call, "Tag.2.Key", "bakery:retire-after");
		if (!build_send(build, &call, NULL, &err))
			build_note(build, "%s is still tagged bakery:quarantined: %s", images[i].ami, err.text);
		else if (!store_image_quarantine(build->store, build->id, images[i].region, 0, &err))
			build_note(build, "the record still calls %s quarantined: %s", images[i].ami, err.text);
	}
}
