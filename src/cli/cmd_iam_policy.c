/* SPDX-License-Identifier: Apache-2.0
 *
 * `bakery iam-policy`: the least that IAM must allow for a recipe's builds, or for those of all of the project's
 * recipes. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "bakery/cli.h"
#include "bakery/needs.h"
#include "bakery/str.h"
#include "faults_tell.h"
#include "recipe_args.h"

struct policy_args {
	struct text_list recipes;
	struct variable_args variables;
	const char *channel, *account;
	bool doctor, gc;
};

static bool account_check(const char *account, struct error *err)
{
	return strspn(account, "0123456789") == 12
		       ? !account[12] || error_set(err, ERROR_USAGE, "--account wants 12 digits")
		       : error_set(err, ERROR_USAGE, "--account wants 12 digits");
}

/* The credentials' account, when there are any; the policy can be written without. */
static const char *account_find(struct app *app, const char *region)
{
	struct aws_identity identity;
	struct error err = {0};

	if (!app_open(app, NEEDS_AWS, &err) ||
	    !aws_identity(app->aws, region ? region : "us-east-1", &identity, &err)) {
		log_debug(app->log, "no account: %s", err.text);
		log_info(app->log, "no credentials to tell the account; the policy says * (--account ID)");
		return NULL;
	}
	return arena_strdup(app->arena, identity.account);
}

static bool needs_collect(struct app *app, const struct policy_args *args, struct permission_needs *needs,
			  struct error *err)
{
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;
	struct recipe_options options = {.region = app->region, .channel = args->channel};
	struct needs_scope scope = {.account = args->account, .with_doctor = args->doctor};
	struct text_list names = args->recipes;

	if (!variables_read(&args->variables, app->arena, &options, err) ||
	    (!args->gc && !names.count && !own_recipes(app, &names, err)))
		return false;
	if (!scope.account)
		scope.account = account_find(app, app->region);
	scope.region = app->aws ? aws_region(app->aws) : app->region;
	if (args->gc) {
		needs_of_gc(&app->settings, &scope, app->arena, needs);
		return true;
	}
	for (size_t i = 0; i < names.count; i++) {
		struct recipe *recipe;

		if (!recipe_read(&app->settings, names.items[i], &options, app->arena, &recipe, &faults, err))
			return false;
		if (recipe)
			needs_of_recipe(&app->settings, recipe, &scope, needs);
	}
	return faults_tell(&faults, err);
}

static size_t size_of(const char *json)
{
	size_t size = 0;

	for (; *json; json++)
		size += !isspace((unsigned char)*json);
	return size;
}

static bool policy_print(struct app *app, const struct tree *policy, struct error *err)
{
	_cleanup_(str_free) struct str json = STR_INIT;
	size_t size;

	tree_to_json_pretty(policy, &json);
	size = size_of(json.data);
	str_add_char(&json, '\n');
	if (!output_text(stdout, &json, err))
		return false;
	if (size > PERMISSIONS_MOST_SIZE)
		log_warn(
			app->log,
			"the policy has %zu characters, and IAM takes %d in a managed policy: ask for fewer recipes at "
			"once, or spread its statements over several policies",
			size, PERMISSIONS_MOST_SIZE);
	return true;
}

static bool policy_run(struct app *app, void *arguments, struct error *err)
{
	const struct policy_args *args = arguments;
	_cleanup_(permission_needs_free) struct permission_needs needs;
	_cleanup_(tree_freep) struct tree *policy = NULL;

	permission_needs_init(&needs);
	if (args->account && !account_check(args->account, err))
		return false;
	if (!needs_collect(app, args, &needs, err))
		return false;
	policy = permissions_policy(&needs);
	return policy_print(app, policy, err);
}

#define AT(member) offsetof(struct policy_args, member)

static const struct option policy_options[] = {
	VARIABLE_OPTIONS(AT(variables), "recipe"),
	{"--account", 0, OPTION_TEXT, AT(account), "ID", "for this account (default: the credentials', else any)"},
	{"--channel", 0, OPTION_TEXT, AT(channel), "NAME", "publish to this channel instead of the recipe's"},
	{"--doctor", 0, OPTION_FLAG, AT(doctor), NULL,
	 "also what `bakery doctor` looks at beyond what the build needs: quotas, permissions, other accounts"},
	{"--gc", 0, OPTION_FLAG, AT(gc), NULL, "instead: what `bakery gc` needs, in all regions, for a job of its own"},
	{0},
};

const struct command command_iam_policy = {
	.name = "iam-policy",
	.synopsis = "[RECIPE...]",
	.summary = "print the least IAM policy that a recipe's builds need",
	.description =
		"Without a recipe: what any of the project's recipes needs. What a recipe leaves out is not in its "
		"policy. What bakery makes must\n"
		"carry the project's tag from the first moment, and only what carries it may be touched.",
	.needs = NEEDS_SETTINGS,
	.options = policy_options,
	.args_size = sizeof(struct policy_args),
	.operands_offset = AT(recipes),
	.most_operands = -1,
	.run = policy_run,
};
