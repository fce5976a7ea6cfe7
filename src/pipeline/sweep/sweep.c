/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking for what builds left: all regions of an account side by side, each with an arena of its own. */
#include "sweep.h"

#include <string.h>

#include "bakery/parallel.h"
#include "bakery/partition.h"
#include "bakery/str.h"

enum { REGIONS_AT_ONCE = 8 };

static bool published_mark(struct sweeping *sweeping, struct error *err)
{
	_cleanup_(tree_freep) struct tree *parameters = NULL;

	if (!sweep_parameters(sweeping->in, sweeping->options, sweeping->region, &parameters, err))
		return false;
	for (size_t i = 0; i < sweeping->list.count; i++) {
		struct sweep_found *found = &sweeping->list.items[i];
		if (found->kind == SWEEP_IMAGE)
			found->parameter =
				arena_strdup(sweeping->arena, tree_text(tree_key(parameters, found->id), ""));
	}
	return true;
}

/* The parameters are read after the images: what was published meanwhile is seen. */
static bool region_look(void *item, struct error *err)
{
	struct sweeping *sweeping = item;

	if (sweeping->is_global)
		return sweep_look_iam(sweeping, err) || error_context(err, "account %s", sweeping->in->account);
	return (sweep_look_ec2(sweeping, err) && sweep_look_images(sweeping, err) && published_mark(sweeping, err)) ||
	       error_context(err, "account %s", sweeping->in->account);
}

/* Any region of the partition will do to ask in. */
static const char *some_region(const struct sweep_account *account, const struct sweep_options *options)
{
	const char *own = aws_region(account->aws);

	if (options->regions.count)
		return options->regions.items[0];
	return own ? own : partition_at(0)->global_region;
}

static bool regions_list(const struct sweep_account *account, const struct sweep_options *options, struct arena *arena,
			 struct text_list *out, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeRegions, some_region(account, options));
	_cleanup_(tree_freep) struct tree *reply = NULL;

	*out = options->regions;
	if (out->count) {
		aws_call_clear(&call);
		return true;
	}
	call.stop = options->stop;
	if (!aws_send(account->aws, &call, &reply, err))
		return error_context(err, "account %s", account->account);
	out->items = arena_alloc(arena, (tree_count(tree_get(reply, "regionInfo")) + 1) * sizeof(const char *));
	for (struct tree_iter i = tree_iter(tree_get(reply, "regionInfo")); tree_next(&i);)
		out->items[out->count++] = arena_strdup(arena, tree_text_or(i.value, "regionName", ""));
	return true;
}

static void arena_release(void *arena)
{
	arena_free(arena);
}

/* A region that is closed to us (an organization's rule, most often) holds nothing that we could have made there. */
static bool failures_judge(const struct sweeping *items, size_t count, const struct error *errors,
			   const struct sweep_options *options, struct error *err)
{
	size_t denied = 0;

	for (size_t i = 0; i < count; i++) {
		if (errors[i].kind == ERROR_NONE)
			continue;
		*err = errors[i];
		if (!error_is(err, ERROR_DENIED) || items[i].is_global)
			return false;
		denied++;
	}
	if (denied + 1 == count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (errors[i].kind != ERROR_NONE)
			log_warn(options->log, "%s is not looked at: %s", items[i].region, errors[i].text);
	}
	error_clear(err);
	return true;
}

static void lists_join(const struct sweeping *items, size_t count, struct arena *arena, struct sweep_list *out)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += items[i].list.count;
	*out = (struct sweep_list){.items = arena_alloc(arena, (total + 1) * sizeof(*out->items))};
	for (size_t i = 0; i < count; i++) {
		if (items[i].list.count)
			memcpy(out->items + out->count, items[i].list.items, items[i].list.count * sizeof(*out->items));
		out->count += items[i].list.count;
	}
	sweep_serve_on(out->items, out->count);
}

bool sweep_look(const struct sweep_account *account, const struct sweep_options *options, struct arena *arena,
		struct sweep_list *out, struct error *err)
{
	_cleanup_(freep) struct sweeping *items = NULL;
	_cleanup_(freep) struct error *errors = NULL;
	struct text_list regions;
	struct error first = {0};
	size_t count;

	if (!regions_list(account, options, arena, &regions, err))
		return false;
	count = regions.count + 1;
	items = mem_array(count, sizeof(*items));
	errors = mem_array(count, sizeof(*errors));
	for (size_t i = 0; i < count; i++) {
		items[i] = (struct sweeping){.in = account, .options = options, .arena = arena_new()};
		items[i].is_global = i == regions.count;
		items[i].region = items[i].is_global ? some_region(account, options) : regions.items[i];
		arena_own(arena, items[i].arena, arena_release);
	}
	if (!parallel_each(items, count, sizeof(*items), REGIONS_AT_ONCE, region_look, errors, &first) &&
	    !failures_judge(items, count, errors, options, err))
		return false;
	lists_join(items, count, arena, out);
	return true;
}

/* --- what the database knows --- */

bool sweep_build_find(struct store *store, const char *build, struct sweep_build *out, struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(tree_freep) struct tree *stages = NULL;
	struct build_row row;

	*out = (struct sweep_build){0};
	if (!build || !store_build_get(store, build, arena, &row, err)) {
		if (build && !error_is(err, ERROR_ABSENT))
			return false;
		error_clear(err);
		return true;
	}
	if (!store_stages_done(store, build, &stages, err))
		return false;
	*out = (struct sweep_build){.known = true, .live = row.status == BUILD_RUNNING, .status = row.status};
	for (struct tree_iter i = tree_iter(stages); tree_next(&i);)
		out->passed |= str_eq(tree_text(i.value, NULL), "gate");
	return true;
}
