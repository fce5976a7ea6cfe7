/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of checks, run side by side, one thread for each check and region. */
#include "bakery/preflight.h"

#include <stdio.h>
#include <string.h>

#include "bakery/needs.h"
#include "bakery/parallel.h"
#include "bakery/str.h"
#include "probe.h"

static bool always(const struct plan *plan)
{
	return true;
}

static bool has_source(const struct plan *plan)
{
	return plan->source.ami && plan->launch.subnets.count;
}

static bool has_subnets(const struct plan *plan)
{
	return plan->launch.subnets.count;
}

static bool makes_group(const struct plan *plan)
{
	return !plan->launch.security_groups.count;
}

static bool has_plain_name(const struct plan *plan)
{
	_cleanup_(freep) char *with = plan->image.name ? recipe_with_build(plan->image.name, "x") : NULL;

	return with && str_eq(with, plan->image.name);
}

static bool shares_with_accounts(const struct plan *plan)
{
	return plan->share.accounts.count;
}

static bool shares_with_organizations(const struct plan *plan)
{
	return plan->share.organizations.count;
}

static bool shares_with_units(const struct plan *plan)
{
	return plan->share.organizational_units.count;
}

static bool has_copies(const struct plan *plan)
{
	return plan->copies.count;
}

const struct check preflight_checks[] = {
	{"credentials' end", PREFLIGHT_QUICK, false, always, check_lifetime},
	{"clock", PREFLIGHT_QUICK, false, always, check_clock},
	{"Ansible", PREFLIGHT_QUICK, false, plan_uses_ansible, check_ansible},
	{"endpoints", PREFLIGHT_BUILD, true, always, check_endpoints},
	{"regions", PREFLIGHT_BUILD, false, always, check_regions},
	{"image name", PREFLIGHT_BUILD, true, has_plain_name, check_names},
	{"permissions", PREFLIGHT_BUILD, false, has_subnets, check_policies},
	{"dry runs", PREFLIGHT_BUILD, false, has_source, check_dry_runs},
	{"dry run of a copy", PREFLIGHT_BUILD, true, has_copies, check_copy},
	{"instance types", PREFLIGHT_BUILD, false, has_subnets, check_instance_types},
	{"subnets", PREFLIGHT_BUILD, false, has_subnets, check_subnets},
	{"vCPU quota", PREFLIGHT_BUILD, false, always, check_vcpus},
	{"image quota", PREFLIGHT_BUILD, true, always, check_image_quota},
	{"security group quota", PREFLIGHT_BUILD, false, makes_group, check_group_quota},
	{"accounts", PREFLIGHT_BUILD, false, shares_with_accounts, check_accounts},
	{"organization", PREFLIGHT_BUILD, false, shares_with_organizations, check_organization},
	{"organizational units", PREFLIGHT_BUILD, false, shares_with_units, check_units},
	{0},
};

const char *finding_result_name(enum finding_result result)
{
	static const char *const names[] = {"ok", "warning", "failed", "unknown"};

	return names[result];
}

/* --- running --- */

static bool probe_run(void *item, struct error *err)
{
	struct probe *probe = item;

	probe->check->run(probe);
	return !stop_requested(build_stop(probe->build)) || error_set(err, ERROR_STOPPED, "stopped");
}

static void probe_add(struct probe *probes, size_t *count, struct build *build, const struct check *check,
		      const char *region)
{
	probes[(*count)++] = (struct probe){
		.check = check, .region = region, .build = build, .plan = build->plan, .arena = arena_new()};
}

static size_t probes_list(struct probe *probes, struct build *build, enum preflight_extent extent)
{
	const struct plan_region *copies = build->plan->copies.items;
	size_t count = 0;

	for (const struct check *check = preflight_checks; check->name; check++) {
		if (check->least > extent || !check->wanted(build->plan))
			continue;
		probe_add(probes, &count, build, check, build->plan->region);
		for (size_t i = 0; check->everywhere && i < build->plan->copies.count; i++)
			probe_add(probes, &count, build, check, copies[i].region);
	}
	return count;
}

static void findings_take(const struct probe *probes, size_t count, struct arena *arena, struct struct_list *out)
{
	struct finding *all;
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += probes[i].count;
	all = arena_alloc(arena, (total + 1) * sizeof(*all));
	total = 0;
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < probes[i].count; k++) {
			all[total] = probes[i].found[k];
			all[total].region = arena_strdup(arena, all[total].region);
			all[total].detail = arena_strdup(arena, all[total].detail);
			total++;
		}
	}
	*out = (struct struct_list){all, total};
}

/* A build that is in no record, for what the pipeline only does for builds. */
static void build_pretend(struct build *build, const struct build_context *context, const struct plan *plan,
			  struct arena *arena)
{
	_cleanup_(freep) char *name = NULL;

	*build = (struct build){
		.context = context,
		.plan = plan,
		.store = context->store,
		.aws = context->aws,
		.arena = arena,
		.id = "preflight",
		.box = {.purpose = "build"},
		.test = {.purpose = "test"},
		.cleaning = true, /* no keeper watches over it */
	};
	build->started_ms = build_now_ms(build);
	name = plan->image.name ? recipe_with_build(plan->image.name, build->id) : mem_strdup("preflight");
	build->state.image_name = arena_strdup(arena, name);
}

bool preflight_run(const struct build_context *context, const struct plan *plan, enum preflight_extent extent,
		   struct arena *arena, struct struct_list *findings, struct error *err)
{
	size_t most = ARRAY_SIZE(preflight_checks) * (plan->copies.count + 1), count;
	_cleanup_(freep) struct probe *probes = mem_array(most, sizeof(*probes));
	struct build_context own = *context;
	struct build build;
	bool done;

	own.leave = context->stop;
	build_pretend(&build, &own, plan, arena);
	count = probes_list(probes, &build, extent);
	done = !count || parallel_each(probes, count, sizeof(*probes), 0, probe_run, NULL, err);
	findings_take(probes, count, arena, findings);
	for (size_t i = 0; i < count; i++)
		arena_free(probes[i].arena);
	return done;
}

/* --- whether the whole look is worth it --- */

static char *policy_text(const struct plan *plan, struct arena *arena)
{
	_cleanup_(permission_needs_free) struct permission_needs needs;
	_cleanup_(tree_freep) struct tree *policy = NULL;
	struct str json = STR_INIT;

	permission_needs_init(&needs);
	needs_of_plan(plan, arena, &needs);
	policy = permissions_policy(&needs);
	tree_to_json(policy, &json);
	return str_take(&json);
}

static bool plan_of_build(const struct build_context *context, const char *id, struct arena *arena, struct plan **plan)
{
	struct error unread = {0};
	struct build_row row;

	/* One of an older format teaches nothing. */
	return store_build_get(context->store, id, arena, &row, &unread) && plan_load(row.plan, arena, plan, &unread);
}

bool preflight_extent_of_build(const struct build_context *context, const struct plan *plan,
			       enum preflight_extent *extent, struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct history_filter filter = {.recipe = plan->recipe, .status = "done", .limit = 1};
	_cleanup_(tree_freep) struct tree *history = NULL;
	_cleanup_(freep) char *now = NULL, *then = NULL;
	struct plan *last = NULL;

	*extent = PREFLIGHT_BUILD;
	if (!store_history(context->store, &filter, &history, err))
		return false;
	if (!tree_count(history) || !str_eq(tree_text(history, "1.user"), context->origin.user) ||
	    !plan_of_build(context, tree_text_or(history, "1.build", ""), arena, &last))
		return true;
	now = policy_text(plan, arena);
	then = policy_text(last, arena);
	if (str_eq(now, then))
		*extent = PREFLIGHT_QUICK;
	return true;
}

/* --- the verdict --- */

static bool is_refusal(enum error_kind kind)
{
	return error_exit_status(kind) == error_exit_status(ERROR_DENIED);
}

bool preflight_verdict(const struct struct_list *findings, struct error *err)
{
	const struct finding *items = findings->items;
	_cleanup_(str_free) struct str text = STR_INIT;
	enum error_kind kind = ERROR_NONE;
	size_t failed = 0;

	for (size_t i = 0; i < findings->count; i++) {
		if (items[i].result != FINDING_FAILED)
			continue;
		if (kind == ERROR_NONE || (is_refusal(items[i].kind) && !is_refusal(kind)))
			kind = items[i].kind;
		str_addf(&text, "%s%s: %s", failed++ ? "\n  " : "", items[i].check, items[i].detail);
	}
	if (!failed)
		return true;
	if (failed == 1)
		return error_set(err, kind, "%s", text.data);
	return error_set(err, kind, "%zu findings would make it fail:\n  %s", failed, text.data);
}
