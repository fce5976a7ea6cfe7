/* SPDX-License-Identifier: Apache-2.0
 *
 * prepare: what can be known of the build's fate is looked at (preflight); the image's name is made and must be free in
 * every region before anything is started. A name that holds the build's id ({{ build }}: the second it began, and
 * chance) is nobody else's, so nobody is asked about it. */
#include <string.h>

#include "../pipeline.h"
#include "bakery/parallel.h"
#include "bakery/preflight.h"
#include "bakery/str.h"

struct region_check {
	struct build *build;
	const char *region;
};

static bool name_is_free(void *item, struct error *err)
{
	const struct region_check *check = item;
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, check->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const char *taken;

	aws_arg(&call, "Owner.1", "self");
	aws_arg(&call, "Filter.1.Name", "name");
	aws_arg(&call, "Filter.1.Value.1", check->build->state.image_name);
	aws_arg_bool(&call, "IncludeDeprecated", true);
	aws_arg_bool(&call, "IncludeDisabled", true);
	if (!build_send(check->build, &call, &reply, err))
		return error_context(err, "%s", check->region);
	taken = tree_text(reply, "imagesSet.1.imageId");
	if (!taken)
		return true;
	return error_set(err, ERROR_CONFLICT, "%s has an image named %s already (%s); put {{ build }} into image.name",
			 check->region, check->build->state.image_name, taken);
}

static bool names_are_free(struct build *build, struct error *err)
{
	const struct plan_region *copies = build->plan->copies.items;
	size_t count = build->plan->copies.count + 1;
	_cleanup_(freep) struct region_check *checks = mem_array(count, sizeof(*checks));
	_cleanup_(freep) struct error *errors = mem_array(count, sizeof(*errors));
	struct error first = {0};

	if (strstr(build->state.image_name, build->id))
		return true;
	checks[0] = (struct region_check){build, build->plan->region};
	for (size_t i = 1; i < count; i++)
		checks[i] = (struct region_check){build, copies[i - 1].region};
	return parallel_each(checks, count, sizeof(*checks), 0, name_is_free, errors, &first) ||
	       build_errors_join(errors, count, err);
}

static const char *with_build(struct build *build, const char *text)
{
	_cleanup_(freep) char *replaced = text ? recipe_with_build(text, build->id) : NULL;

	return arena_strdup(build->arena, replaced);
}

/* Before anything is made, all that would make the build fail is told at once. */
static bool preflight(struct build *build, struct error *err)
{
	struct struct_list findings;
	const struct finding *items;
	enum preflight_extent extent;

	if (build->context->no_preflight)
		return true;
	if (!preflight_extent_of_build(build->context, build->plan, &extent, err) ||
	    !preflight_run(build->context, build->plan, extent, build->arena, &findings, err))
		return false;
	items = findings.items;
	for (size_t i = 0; i < findings.count; i++) {
		if (items[i].result == FINDING_WARNING)
			build_note(build, "%s: %s", items[i].check, items[i].detail);
	}
	return preflight_verdict(&findings, err);
}

bool stage_prepare(struct build *build, struct error *err)
{
	if (!build_account_check(build, err) || !preflight(build, err))
		return false;
	build->state.image_name = with_build(build, build->plan->image.name);
	build->state.image_description = with_build(build, build->plan->image.description);
	if (!names_are_free(build, err))
		return false;
	for (size_t i = 0; i < build->plan->notes.count; i++)
		build_note(build, "note: %s", build->plan->notes.items[i]);
	build_note(build, "image %s from %s (%s)", build->state.image_name, build->plan->source.ami,
		   build->plan->source.name);
	return true;
}
