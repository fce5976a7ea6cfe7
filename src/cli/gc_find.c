/* SPDX-License-Identifier: Apache-2.0
 *
 * What gc shows: what the database's ledgers hold, and what is found by tags in all regions and accounts. A thing that
 * both know is the ledger's. */
#include <string.h>

#include "bakery/partition.h"
#include "bakery/str.h"
#include "gc.h"

/* --- rows --- */

static void row_finish(struct gc *gc, struct tree *row, double cost_usd, bool removable, const char *reason)
{
	struct error ignored;
	_cleanup_(freep) char *cents = mem_printf("%.2f", cost_usd);

	if (cost_usd >= 0)
		tree_set(row, "cost_month_usd", tree_from_json(cents, strlen(cents), &ignored));
	else
		tree_set(row, "cost_month_usd", tree_new_null());
	tree_set_bool(row, "removable", removable);
	tree_set_text(row, "action", removable ? "remove" : "keep");
	tree_set_text(row, "reason", reason);
	if (removable && cost_usd > 0)
		gc->saves_usd += cost_usd;
}

static void set_time(struct tree *row, const char *key, bool told, int64_t ms)
{
	char text[CLOCK_TEXT_SIZE];

	clock_rfc3339(ms, text);
	tree_set_text(row, key, told ? text : NULL);
}

static void found_row(struct gc *gc, const struct sweep_found *found, const struct sweep_build *build,
		      const struct sweep_verdict *verdict)
{
	struct tree *row = tree_add_object(gc->rows);

	tree_set_text(row, "from", "tags");
	tree_set_text(row, "build", found->build);
	tree_set_text(row, "recipe", found->recipe);
	tree_set_text(row, "status", build->known ? build_status_name(build->status) : NULL);
	tree_set_text(row, "kind", sweep_kind_name(found->kind));
	tree_set_text(row, "account", found->in->account);
	tree_set_text(row, "region", found->region);
	tree_set_text(row, "id", found->id);
	tree_set_text(row, "name", found->name);
	set_time(row, "since", found->made_ms, found->made_ms);
	set_time(row, "expires", found->has_expires, found->expires_ms);
	set_time(row, "retire_after", found->has_retire_after, found->retire_after_ms);
	row_finish(gc, row, found->cost_month_usd, verdict->removable, verdict->reason);
}

/* --- the ledgers --- */

static bool is_result(const struct tree *row)
{
	return str_eq(tree_text(row, "kind"), "image") || str_eq(tree_text(row, "kind"), "copy");
}

static void ledger_row(struct gc *gc, const struct tree *held, bool removable, const char *reason)
{
	static const char *const keys[] = {"build",  "recipe", "status",  "kind",  "account",
					   "region", "id",     "purpose", "token", "since"};
	const char *build = tree_text(held, "build");
	struct tree *row = tree_add_object(gc->rows);

	tree_set_text(row, "from", "ledger");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		tree_set_text(row, keys[i], tree_text(held, keys[i]));
	row_finish(gc, row, -1, removable, reason);
	if (!text_list_has(&gc->ledger, build))
		gc->ledger.items[gc->ledger.count++] = arena_strdup(gc->app->arena, build);
}

/* Images in quarantine have a date and are judged by it. Those that passed their gates get one: cleaning their build
 * puts them there. */
static bool ledger_judge(struct gc *gc, const struct tree *held, struct error *err)
{
	struct sweep_build build;

	if (!sweep_build_find(gc->app->store, tree_text(held, "build"), &build, err))
		return false;
	if (!is_result(held) || (!build.passed && build.status != BUILD_QUARANTINED))
		ledger_row(gc, held, true, "its build ended, and nobody works on it");
	else if (build.status != BUILD_QUARANTINED)
		ledger_row(gc, held, false,
			   arena_printf(gc->app->arena,
					"passed its gates: goes into quarantine; `bakery resume %s` goes on",
					tree_text_or(held, "build", "")));
	return true;
}

static bool ledgers_read(struct gc *gc, struct error *err)
{
	_cleanup_(tree_freep) struct tree *held = NULL;

	if (!store_held(gc->app->store, &held, err))
		return false;
	gc->ledger.items = arena_alloc(gc->app->arena, (tree_count(held) + 1) * sizeof(const char *));
	for (struct tree_iter i = tree_iter(held); tree_next(&i);) {
		if ((!gc->builds.count || text_list_has(&gc->builds, tree_text(i.value, "build"))) &&
		    !ledger_judge(gc, i.value, err))
			return false;
	}
	return true;
}

/* --- the tags --- */

static bool is_same(const struct tree *row, const struct sweep_found *found)
{
	const char *id = tree_text(row, "id"), *token = tree_text(row, "token");

	return str_eq(tree_text(row, "from"), "ledger") && str_eq(tree_text(row, "build"), found->build) &&
	       ((id && str_eq(id, found->id)) || (token && str_eq(token, found->token)));
}

/* The ledger is older than that; whoever removes what it holds looks once more. */
static void row_is_published(struct gc *gc, struct tree *row, const struct sweep_found *found)
{
	row_finish(gc, row, found->cost_month_usd, false,
		   arena_printf(gc->app->arena, "published as %s; `bakery resume %s` finishes its build",
				found->parameter, found->build));
}

/* Whether a ledger has it; then its row gets to know the price. */
static bool ledger_has(struct gc *gc, const struct sweep_found *found)
{
	for (struct tree_iter i = tree_iter(gc->rows); tree_next(&i);) {
		if (!is_same(i.value, found))
			continue;
		if (found->parameter)
			row_is_published(gc, i.value, found);
		else if (found->kind != SWEEP_ROLE && tree_kind(tree_key(i.value, "cost_month_usd")) == TREE_NULL)
			row_finish(gc, i.value, found->cost_month_usd, tree_bool(i.value, "removable", false),
				   tree_text(i.value, "reason"));
		return true;
	}
	return false;
}

static bool found_judge(struct gc *gc, const struct sweep_rules *rules, const struct sweep_found *found,
			struct error *err)
{
	struct sweep_build build;
	struct sweep_verdict verdict;

	if ((gc->builds.count && !text_list_has(&gc->builds, found->build)) || ledger_has(gc, found))
		return true;
	if (!sweep_build_find(gc->app->store, found->build, &build, err))
		return false;
	verdict = sweep_judge(found, &build, rules);
	if (verdict.removable)
		gc->found.items[gc->found.count++] = *found;
	if (verdict.removable || !verdict.is_plain || gc->args->all)
		found_row(gc, found, &build, &verdict);
	return true;
}

/* Without AWS's word on the time everything is young. */
struct sweep_rules gc_rules(const struct gc *gc, const struct aws *aws)
{
	return (struct sweep_rules){.project = gc->options.project,
				    .now_ms = aws_now_is_told(aws) ? aws_now_ms(aws) : 0,
				    .quarantine_s = gc->app->settings.quarantine_s,
				    .with_images = gc->args->with_images};
}

static bool account_judge(struct gc *gc, struct aws *aws, const struct sweep_list *list, struct error *err)
{
	const struct sweep_rules rules = gc_rules(gc, aws);
	struct sweep_found *items = arena_alloc(gc->app->arena, (gc->found.count + list->count + 1) * sizeof(*items));

	if (gc->found.count)
		memcpy(items, gc->found.items, gc->found.count * sizeof(*items));
	gc->found.items = items;
	for (size_t i = 0; i < list->count; i++) {
		if (!found_judge(gc, &rules, &list->items[i], err))
			return false;
	}
	return true;
}

static void unseen(struct gc *gc, const struct error *why)
{
	log_warn(gc->app->log, "%s", why->text);
	if (gc->unseen.kind == ERROR_NONE)
		gc->unseen = *why;
}

static bool account_read(struct gc *gc, const char *id, struct aws *aws, struct error *err)
{
	struct sweep_account *account = arena_alloc(gc->app->arena, sizeof(*account));
	struct sweep_list list;
	struct error why = {0};

	*account = (struct sweep_account){arena_strdup(gc->app->arena, id), aws};
	if (!sweep_look(account, &gc->options, gc->app->arena, &list, &why)) {
		unseen(gc, &why);
		return true;
	}
	return account_judge(gc, aws, &list, err);
}

/* The members of the organization that are there to be looked at. AWS tells State; Status is what older answers have
 * instead: https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html */
static bool members_list(struct gc *gc, const char *region, struct text_list *out, struct error *err)
{
	struct aws_call call = aws_call(AWS_organizations_ListAccounts, region);
	_cleanup_(tree_freep) struct tree *reply = NULL;

	call.stop = gc->options.stop;
	if (!aws_send(gc->app->aws, &call, &reply, err))
		return error_context(err, "fleet.accounts: organization");
	for (struct tree_iter i = tree_iter(tree_get(reply, "Accounts")); tree_next(&i);) {
		const char *status = tree_text_or(i.value, "Status", "");
		if (str_eq(tree_text_or(i.value, "State", status), "ACTIVE"))
			text_list_append(out, arena_strdup(gc->app->arena, tree_text_or(i.value, "Id", "")),
					 gc->app->arena);
	}
	return true;
}

static bool accounts_list(struct gc *gc, struct text_list *out, struct error *err)
{
	const struct text_list *accounts = &gc->app->settings.fleet.accounts;

	if (text_list_has(accounts, "organization"))
		return members_list(gc, gc->options.regions.count ? gc->options.regions.items[0] : NULL, out, err);
	*out = *accounts;
	return true;
}

/* An account whose role may not be taken is told with what could not be looked at. */
static bool other_read(struct gc *gc, const struct aws_identity *own, const char *id, const char *role,
		       struct error *err)
{
	struct aws_role as = {.session_name = "bakery-gc"};
	struct aws *aws;

	as.arn = arena_printf(gc->app->arena, "arn:%s:iam::%s:role/%s", partition_of_arn(own->arn)->name, id, role);
	if (!aws_open_as(gc->app->aws, &as, &aws, err))
		return error_context(err, "account %s", id);
	gc->others[gc->other_count++] = aws;
	return account_read(gc, id, aws, err);
}

static bool others_read(struct gc *gc, const struct aws_identity *own, struct error *err)
{
	const char *role = gc->app->settings.fleet.role;
	struct text_list accounts = {0};
	struct error why = {0};

	if (!accounts_list(gc, &accounts, &why)) {
		unseen(gc, &why);
		return true;
	}
	if (accounts.count > GC_MOST_ACCOUNTS)
		return error_set(err, ERROR_INVALID, "fleet.accounts: gc takes %d at most", GC_MOST_ACCOUNTS);
	for (size_t i = 0; i < accounts.count; i++) {
		if (!str_eq(accounts.items[i], own->account) && !other_read(gc, own, accounts.items[i], role, err))
			return false;
	}
	return true;
}

static bool tags_read(struct gc *gc, struct error *err)
{
	struct aws_identity own;
	struct error why = {0};

	if (!aws_identity(gc->app->aws, gc->options.regions.count ? gc->options.regions.items[0] : NULL, &own, &why)) {
		unseen(gc, &why);
		return true;
	}
	return account_read(gc, own.account, gc->app->aws, err) && others_read(gc, &own, err);
}

bool gc_find(struct gc *gc, struct error *err)
{
	return ledgers_read(gc, err) && (gc->args->ledger_only || tags_read(gc, err));
}
