/* SPDX-License-Identifier: Apache-2.0
 *
 * `bakery plan`: what build will do, without doing it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bakery/cli.h"
#include "bakery/file.h"
#include "bakery/log.h"
#include "bakery/plan.h"
#include "bakery/str.h"
#include "faults_tell.h"
#include "recipe_args.h"

struct plan_args {
	struct text_list recipes;
	struct variable_args variables;
	const char *channel, *out;
};

static void list_add(struct tree *object, const char *key, const struct text_list *list)
{
	struct tree *array;

	if (!list->count)
		return;
	array = tree_set_array(object, key);
	for (size_t i = 0; i < list->count; i++)
		tree_add_text(array, list->items[i]);
}

static void source_add(struct tree *summary, const struct plan *plan)
{
	struct tree *source = tree_set_object(summary, "source");

	tree_set_text(source, "image", plan->source.ami);
	tree_set_text(source, "name", plan->source.name);
	tree_set_text(source, "owner", plan->source.owner);
	tree_set_text(source, "created", plan->source.created);
	tree_set_text(source, "architecture", plan->source.architecture);
	tree_set_text(source, "found_by", plan->source.found_by);
	if (plan->source.deprecated)
		tree_set_text(source, "deprecated_since", plan->source.deprecated);
	if (plan->source.build)
		tree_setf(source, "of", "build %s of recipe %s", plan->source.build,
			  plan->source.recipe ? plan->source.recipe : "?");
	list_add(source, "ancestors", &plan->source.ancestors);
	list_add(source, "product_codes", &plan->source.product_codes);
	if (plan->source.product_codes.count)
		tree_set_text(source, "marketplace",
			      "this account and each that launches the image must be subscribed to the product; the "
			      "image cannot be made public, nor copied by other accounts");
}

static void group_add(struct tree *launch, const struct plan_launch *plan)
{
	_cleanup_(str_free) struct str admitted = STR_INIT;

	if (plan->security_groups.count) {
		list_add(launch, "security_groups", &plan->security_groups);
		return;
	}
	str_add_joined(&admitted, ", ", plan->admit.items, plan->admit.count);
	tree_setf(launch, "security_group", "temporary, admits only %s", admitted.len ? admitted.data : "this host");
}

static void launch_add(struct tree *summary, const struct plan *plan)
{
	const struct plan_subnet *subnets = plan->launch.subnets.items;
	struct tree *launch = tree_set_object(summary, "launch"), *array;

	tree_set_text(launch, "region", plan->region);
	list_add(launch, "instance_types", &plan->launch.instance_types);
	array = tree_set_array(launch, "subnets");
	for (size_t i = 0; i < plan->launch.subnets.count; i++) {
		_cleanup_(freep) char *text = mem_printf("%s (%s)", subnets[i].id, subnets[i].zone);
		tree_add_text(array, text);
	}
	group_add(launch, &plan->launch);
	if (plan->launch.iam_instance_profile)
		tree_set_text(launch, "profile", plan->launch.iam_instance_profile);
	else if (plan->launch.profile_policy || plan->launch.managed_policies.count)
		tree_set_text(launch, "profile", "temporary");
	tree_setf(launch, "root_volume", "%lld GiB %s%s", (long long)plan->launch.root_volume.size_gib,
		  plan->launch.root_volume.type ? plan->launch.root_volume.type : "",
		  plan->launch.root_volume.encrypted ? ", encrypted" : "");
	tree_setf(launch, "login", "%s on port %lld", plan->connect.user, (long long)plan->connect.port);
}

/* "at most 0 high", of the limits that there are. */
static void gate_add(struct tree *scan, const struct plan_scan *wish)
{
	const struct {
		int64_t limit;
		const char *form;
	} limits[] = {{wish->gate_score, "score at least %" PRId64},
		      {wish->gate_pass, "at least %" PRId64 " %% pass"},
		      {wish->gate_high, "at most %" PRId64 " high"},
		      {wish->gate_critical, "at most %" PRId64 " critical"}};
	_cleanup_(str_free) struct str text = STR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		if (limits[i].limit < 0)
			continue;
		str_add(&text, text.len ? ", " : "");
		str_addf(&text, limits[i].form, limits[i].limit);
	}
	tree_set_text(scan, "gate", text.len ? text.data : "none");
}

static void scan_add(struct tree *summary, const struct plan_scan *wish)
{
	const struct plan_scanner *scanners = wish ? wish->scanners.items : NULL;
	struct tree *scan, *names;

	if (!wish)
		return;
	scan = tree_set_object(summary, "scan");
	names = tree_set_array(scan, "scanners");
	for (size_t i = 0; i < wish->scanners.count; i++)
		tree_add_text(names, scanners[i].name);
	gate_add(scan, wish);
}

static void playbooks_add(struct tree *summary, const char *key, const struct struct_list *list)
{
	const struct playbook *playbooks = list->items;
	struct tree *array;

	if (!list->count)
		return;
	array = tree_set_array(summary, key);
	for (size_t i = 0; i < list->count; i++) {
		const struct step *steps = playbooks[i].steps.items;
		struct tree *row = tree_add_object(array);
		int64_t controls = 0;

		for (size_t j = 0; j < playbooks[i].steps.count; j++)
			controls += (int64_t)steps[j].controls.count;
		tree_set_text(row, "playbook", playbooks[i].name);
		tree_set_int(row, "steps", (int64_t)playbooks[i].steps.count);
		tree_set_int(row, "controls", controls);
		tree_setf(row, "sha256", "%.12s", playbooks[i].sha256);
	}
}

static void distribution_add(struct tree *summary, const struct plan *plan)
{
	const struct plan_region *copies = plan->copies.items;
	struct tree *share = tree_set_object(summary, "share"), *array = tree_set_array(summary, "regions");

	tree_add_text(array, plan->region);
	for (size_t i = 0; i < plan->copies.count; i++)
		tree_add_text(array, copies[i].region);
	list_add(share, "organizations", &plan->share.organizations);
	list_add(share, "organizational_units", &plan->share.organizational_units);
	list_add(share, "accounts", &plan->share.accounts);
	if (!tree_count(share))
		tree_set_text(summary, "share", "nobody");
	tree_set_text(summary, "parameter", plan->publish.parameter ? plan->publish.parameter : "none");
}

static void waivers_add(struct tree *summary, const struct plan *plan)
{
	const struct waiver *waivers = plan->waivers.items;
	struct tree *array;

	if (!plan->waivers.count)
		return;
	array = tree_set_array(summary, "waived");
	for (size_t i = 0; i < plan->waivers.count; i++) {
		struct tree *row = tree_add_object(array);
		tree_set_text(row, "control", waivers[i].control);
		tree_set_text(row, "until", waivers[i].expires);
		tree_set_text(row, "reason", waivers[i].reason);
	}
}

/* The plan as people read it; --format json has it whole. */
static struct tree *summary_make(const struct plan *plan)
{
	struct tree *summary = tree_new_object();

	tree_set_text(summary, "recipe", plan->recipe);
	tree_set_text(summary, "plan", plan->sha256);
	tree_set_text(summary, "account", plan->account);
	source_add(summary, plan);
	launch_add(summary, plan);
	playbooks_add(summary, "playbooks", &plan->playbooks);
	playbooks_add(summary, "seal", &plan->seal);
	if (plan->verify_off)
		tree_set_text(summary, "verify", "off: no fresh instance is tested");
	else
		playbooks_add(summary, "verify", &plan->verify);
	scan_add(summary, plan->scan);
	waivers_add(summary, plan);
	tree_set_text(summary, "image", plan->image.name);
	distribution_add(summary, plan);
	tree_setf(summary, "deadline", "%lld minutes", (long long)(plan->deadline_s / 60));
	return summary;
}

static bool plan_show(struct app *app, const struct plan *plan, struct error *err)
{
	_cleanup_(tree_freep) struct tree *tree = NULL;

	for (size_t i = 0; i < plan->notes.count; i++)
		log_warn(app->log, "%s: %s", plan->recipe, plan->notes.items[i]);
	if (app->format == OUTPUT_TABLE) {
		tree = summary_make(plan);
	} else {
		tree = tree_from_json(plan->json, strlen(plan->json), err);
		if (!tree)
			return false;
		tree_set_text(tree, "plan_sha256", plan->sha256);
	}
	return output_object(stdout, app->format, tree, err);
}

static bool plan_write(struct app *app, const struct plan *plan, const char *file, struct error *err)
{
	_cleanup_(str_free) struct str json = STR_INIT;

	if (!file)
		return true;
	plan_wrap(plan, &json);
	if (!file_replace(file, json.data, json.len, 0644, err))
		return error_context(err, "--out");
	log_info(app->log, "the plan is in %s; `bakery build --plan %s` bakes it", file, file);
	return true;
}

static bool plan_run(struct app *app, void *arguments, struct error *err)
{
	const struct plan_args *args = arguments;
	struct recipe_options options = {.region = app->region, .channel = args->channel};
	struct recipe *recipe;
	struct facts facts;
	struct plan *plan;

	if (str_eq(args->out, "-"))
		return error_set(err, ERROR_USAGE,
				 "--out wants a file; --format json prints the same to standard output");
	return variables_read(&args->variables, app->arena, &options, err) &&
	       recipe_open(app, args->recipes.items[0], &options, &recipe, err) &&
	       facts_gather(app->aws, &app->settings, recipe, app->arena, &facts, err) &&
	       plan_make(&app->settings, recipe, &facts, app->arena, &plan, err) &&
	       plan_write(app, plan, args->out, err) && plan_show(app, plan, err);
}

static const struct option plan_options[] = {
	VARIABLE_OPTIONS(offsetof(struct plan_args, variables), "recipe"),
	{"--channel", 0, OPTION_TEXT, offsetof(struct plan_args, channel), "NAME",
	 "publish to this channel instead of the recipe's"},
	{"--out", 0, OPTION_TEXT, offsetof(struct plan_args, out), "FILE",
	 "write the whole plan there, for `bakery build --plan FILE`"},
	{0},
};

const struct command command_plan = {
	.name = "plan",
	.synopsis = "RECIPE",
	.summary = "show what build will do, and with what; only reads AWS",
	.needs = NEEDS_SETTINGS | NEEDS_AWS,
	.options = plan_options,
	.args_size = sizeof(struct plan_args),
	.operands_offset = offsetof(struct plan_args, recipes),
	.least_operands = 1,
	.most_operands = 1,
	.run = plan_run,
};
