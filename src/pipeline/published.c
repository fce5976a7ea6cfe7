/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether an image of the ledger may go at all: never while a parameter names it. A ledger can be older than the world
 * (a backup that was put back, a copy of the database), and then calls unfinished what was published since. */
#include "bakery/str.h"
#include "pipeline.h"
#include "sweep/sweep.h"

/* All under the settings' prefix, which gc may read. */
static bool by_prefix(struct build *build, const struct hold *hold, char **name, struct error *err)
{
	const struct sweep_account account = {.account = build->plan->account, .aws = build->aws};
	const struct sweep_options options = {.parameter_prefix = build->context->parameter_prefix,
					      .stop = build_stop(build)};
	_cleanup_(tree_freep) struct tree *parameters = NULL;

	if (!sweep_parameters(&account, &options, hold->region, &parameters, err))
		return false;
	if (tree_key(parameters, hold->id))
		*name = mem_strdup(tree_text_or(tree_key(parameters, hold->id), "", ""));
	return true;
}

/* The build's own, which it may read since it is to write it. */
static bool by_own(struct build *build, const struct hold *hold, char **name, struct error *err)
{
	struct aws_call call = aws_call(AWS_ssm_GetParameter, hold->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;

	aws_arg(&call, "Name", build->plan->publish.parameter);
	if (!build_send(build, &call, &reply, err)) {
		if (!error_is(err, ERROR_ABSENT))
			return false;
		error_clear(err);
	}
	if (str_eq(tree_text(reply, "Parameter.Value"), hold->id))
		*name = mem_strdup(build->plan->publish.parameter);
	return true;
}

static bool parameter_find(struct build *build, const struct hold *hold, char **name, struct error *err)
{
	bool has_own = build->plan->publish.parameter;

	if (build->context->parameter_prefix) {
		if (by_prefix(build, hold, name, err))
			return true;
		if (!error_is(err, ERROR_DENIED) || !has_own)
			return false;
		error_clear(err); /* gc with the rights of a build */
	}
	return !has_own || by_own(build, hold, name, err);
}

bool image_check_unpublished(struct build *build, const struct hold *hold, struct error *err)
{
	_cleanup_(freep) char *name = NULL;

	if (!parameter_find(build, hold, &name, err))
		return error_context(err, "whether it is published");
	return !name || error_set(err, ERROR_CONFLICT,
				  "%s names it, so it stays: what this database says of it is older than that; "
				  "`bakery resume %s` finishes the build",
				  name, build->id);
}
