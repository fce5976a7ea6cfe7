/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether there is anything to bake: the last good build of the recipe and channel is current while a bake would make
 * the same, its images are still there, and its pointers still point to them. Only reads. */
#include <stdio.h>

#include "bakery/parallel.h"
#include "bakery/str.h"
#include "pipeline.h"

struct region_look {
	const struct build_context *context;
	const char *region, *ami, *parameter; /* parameter: NULL when nothing is published */
	char why[256];			      /* "" when all is as it was */
};

static bool image_look(struct region_look *look, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, look->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const struct tree *image;
	const char *wrong = NULL;

	aws_arg(&call, "Owner.1", "self");
	aws_arg(&call, "Filter.1.Name", "image-id");
	aws_arg(&call, "Filter.1.Value.1", look->ami);
	aws_arg_bool(&call, "IncludeDeprecated", true);
	aws_arg_bool(&call, "IncludeDisabled", true);
	if (!aws_send(look->context->aws, &call, &reply, err))
		return false;
	image = tree_get(reply, "imagesSet.1");
	if (!image)
		wrong = "gone";
	else if (image_tag(image, "bakery:revoked"))
		wrong = "revoked";
	else if (image_tag(image, "bakery:quarantined"))
		wrong = "in quarantine";
	else if (!str_eq(tree_text(image, "imageState"), "available"))
		wrong = tree_text_or(image, "imageState", "not available");
	else if (image_is_deprecated(image))
		wrong = "deprecated";
	if (wrong)
		snprintf(look->why, sizeof(look->why), "image %s in %s is %s", look->ami, look->region, wrong);
	return true;
}

static bool pointer_look(struct region_look *look, struct error *err)
{
	struct aws_call call = aws_call(AWS_ssm_GetParameter, look->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const char *value;

	aws_arg(&call, "Name", look->parameter);
	if (!aws_send(look->context->aws, &call, &reply, err) && !error_is(err, ERROR_ABSENT))
		return false;
	value = tree_text(reply, "Parameter.Value");
	if (!value)
		snprintf(look->why, sizeof(look->why), "parameter %s in %s is gone", look->parameter, look->region);
	else if (!str_eq(value, look->ami))
		snprintf(look->why, sizeof(look->why), "parameter %s in %s points to %.40s, not to %s", look->parameter,
			 look->region, value, look->ami);
	error_clear(err);
	return true;
}

static bool region_look(void *item, struct error *err)
{
	struct region_look *look = item;

	return (image_look(look, err) && (look->why[0] || !look->parameter || pointer_look(look, err))) ||
	       error_context(err, "%s", look->region);
}

/* *why: NULL when every region is as the build left it. */
static bool regions_look(const struct build_context *context, const struct plan *plan, const struct tree *images,
			 struct arena *arena, const char **why, struct error *err)
{
	size_t count = tree_count(images), used = 0;
	_cleanup_(freep) struct region_look *looks = mem_array(count + 1, sizeof(*looks));

	*why = count == plan->copies.count + 1 ? NULL : "there is not an image in every region";
	for (struct tree_iter i = tree_iter(images); tree_next(&i);)
		looks[used++] = (struct region_look){.context = context,
						     .region = tree_text_or(i.value, "region", ""),
						     .ami = tree_text_or(i.value, "ami", ""),
						     .parameter = plan->publish.parameter};
	if (!parallel_each(looks, count, sizeof(*looks), 0, region_look, NULL, err))
		return false;
	for (size_t i = 0; i < count && !*why; i++)
		*why = looks[i].why[0] ? arena_strdup(arena, looks[i].why) : NULL;
	return true;
}

/* The newest good build for the same channel in the same account; NULL when there is none among the last ones. */
static bool last_good(struct store *store, const struct plan *plan, struct tree **row, struct error *err)
{
	struct history_filter filter = {
		.recipe = plan->recipe, .status = "done", .channel = plan->publish.channel, .limit = 100};
	_cleanup_(tree_freep) struct tree *rows = NULL;

	*row = NULL;
	if (!store_history(store, &filter, &rows, err))
		return false;
	for (struct tree_iter i = tree_iter(rows); tree_next(&i) && !*row;) {
		if (str_eq(tree_text(i.value, "channel"), plan->publish.channel) &&
		    str_eq(tree_text(i.value, "account"), plan->account))
			*row = tree_copy(i.value);
	}
	return true;
}

/* *why: NULL when a bake would make the same. */
static bool plans_compare(const struct build_context *context, const struct plan *plan, const char *build,
			  struct arena *arena, const char **why, struct error *err)
{
	struct error unreadable = {0};
	struct plan *before = NULL;
	struct build_row row;

	if (!store_build_get(context->store, build, arena, &row, err))
		return false;
	*why = plan_load(row.plan, arena, &before, &unreadable)
		       ? plan_difference(before, plan, arena)
		       : "its plan is of another version of bakery and cannot be compared";
	return true;
}

/* "31 days": in the greatest unit of which there are two. */
static const char *age_text(int64_t age_s, struct arena *arena)
{
	static const struct {
		const char *name;
		int64_t length_s;
	} units[] = {{"days", 86400}, {"hours", 3600}, {"minutes", 60}, {"seconds", 1}};
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && age_s < 2 * units[i].length_s)
		i++;
	return arena_printf(arena, "%lld %s", (long long)(age_s / units[i].length_s), units[i].name);
}

static const char *age_check(const struct tree *good, int64_t now_ms, int64_t max_age_s, struct arena *arena)
{
	const char *ended = tree_text(good, "ended");
	int64_t ended_ms = 0, age_s;

	if (!max_age_s || !ended || !clock_parse_rfc3339(ended, &ended_ms))
		return NULL;
	age_s = (now_ms - ended_ms) / 1000;
	return age_s > max_age_s ? arena_printf(arena, "it is %s old", age_text(age_s, arena)) : NULL;
}

bool build_compare(const struct build_context *context, const struct plan *plan, int64_t max_age_s, struct arena *arena,
		   struct build_verdict *out, struct error *err)
{
	_cleanup_(tree_freep) struct tree *good = NULL;
	const char *build, *why = NULL;

	*out = (struct build_verdict){0};
	if (!last_good(context->store, plan, &good, err))
		return false;
	if (!good) {
		out->why = arena_printf(arena, "there is no good build of %s%s%s yet", plan->recipe,
					plan->publish.channel ? " for channel " : "",
					plan->publish.channel ? plan->publish.channel : "");
		return true;
	}
	build = tree_text_or(good, "build", "");
	snprintf(out->build, sizeof(out->build), "%s", build);
	if (!plans_compare(context, plan, build, arena, &why, err))
		return error_context(err, "build %s", build);
	if (!why)
		why = age_check(good, aws_now_ms(context->aws), max_age_s, arena);
	if (!why && !regions_look(context, plan, tree_get(good, "images"), arena, &why, err))
		return error_context(err, "looking whether build %s is still there", build);
	out->is_current = !why;
	out->why = why ? arena_printf(arena, "%s (the last good build is %s)", why, build)
		       : arena_printf(arena, "recipe, playbooks and source image %s are those of build %s",
				      plan->source.ami, build);
	return true;
}
