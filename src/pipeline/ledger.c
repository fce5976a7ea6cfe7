/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger: intent committed before AWS is asked, id committed after it answered. Cleaning up is dropping rows,
 * newest first. */
#include <stdio.h>

#include "bakery/parallel.h"
#include "bakery/str.h"
#include "pipeline.h"

static const struct held_kind *const kinds[] = {&held_security_group, &held_instance_profile, &held_instance,
						&held_image, &held_copy};

static const struct held_kind *kind_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (str_eq(kinds[i]->name, name))
			return kinds[i];
	}
	return NULL;
}

static char *token_make(const struct build *build, const char *purpose)
{
	char suffix[5];

	crypto_random_hex(suffix, 4);
	return mem_printf("bakery-%s-%s-%s", build->id, purpose, suffix);
}

/* An earlier try may have been cut off before the answer. AWS may lag in showing what it made, so it is looked for more
 * than once. */
static bool find_for(struct build *build, const struct held_kind *kind, const struct hold *hold, int64_t patience_ms,
		     char id[ID_SIZE], struct error *err)
{
	enum { PAUSE_MS = 700 };
	int64_t until_ms = clock_mono_ms() + patience_ms;

	for (;;) {
		id[0] = '\0';
		if (!kind->find(build, hold, id, err))
			return false;
		if (id[0] || clock_mono_ms() >= until_ms)
			return true;
		if (!stop_sleep_ms(build_stop(build), PAUSE_MS))
			return error_set(err, ERROR_STOPPED, "stopped");
	}
}

/* Before it is asked for again. That what AWS does not show yet is made twice is held off by the token: it is the same.
 */
static bool find_settled(struct build *build, const struct held_kind *kind, const struct hold *hold, char id[ID_SIZE],
			 struct error *err)
{
	enum { PATIENCE_MS = 1400 };

	return find_for(build, kind, hold, PATIENCE_MS, id, err);
}

bool build_find_shown(struct build *build, const struct held_kind *kind, const struct hold *hold, char id[ID_SIZE],
		      struct error *err)
{
	return find_for(build, kind, hold, build_settle_s(build) * 1000, id, err);
}

/* ERROR_TRANSIENT does not say whether AWS acted: the answer may be what was lost. So it is looked for before it is
 * asked for again. */
static bool make_surely(struct build *build, const struct held_kind *kind, const struct hold *hold, const void *wish,
			char id[ID_SIZE], struct error *err)
{
	enum { TRIES = 3 };

	for (int number = 1; !kind->make(build, hold, wish, id, err); number++) {
		struct error lookup = {0};

		err->no_effect = err->no_effect && number == 1;
		if (!error_is(err, ERROR_TRANSIENT) || number == TRIES)
			return false;
		if (kind->completes)
			continue;
		build_note(build, "%s; looking whether the %s was made all the same", err->text, kind->name);
		if (!find_settled(build, kind, hold, id, &lookup)) {
			*err = lookup;
			return error_context(err, "looking for a %s whose making was not answered", kind->name);
		}
		if (id[0]) {
			build_note(build, "%s %s was made", kind->name, id);
			return true;
		}
	}
	return true;
}

/* What AWS refused outright need not be looked for when the build is cleaned up. A kind of several parts may have some
 * of them; an earlier try may have been answered into the void. */
static void intent_withdraw(struct build *build, const struct held_kind *kind, const struct hold *hold, bool is_new,
			    const struct error *why)
{
	struct error err = {0};

	if (is_new && why->no_effect && !kind->completes && !store_hold_dropped(build->store, hold->row, &err))
		build_note(build, "the ledger still names the %s that was refused: %s", kind->name, err.text);
}

bool build_hold(struct build *build, const struct held_kind *kind, const char *region, const char *purpose,
		const void *wish, char id[ID_SIZE], struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new(); /* copies are held from several threads */
	_cleanup_(freep) char *token = token_make(build, purpose);
	struct hold intent = {.kind = kind->name, .region = region, .token = token, .purpose = purpose};
	struct hold hold;
	bool is_new;

	if (!store_hold_intend(build->store, build->id, &intent, arena, &hold, err))
		return error_context(err, "ledger");
	if (hold.id) {
		snprintf(id, ID_SIZE, "%s", hold.id);
		return true;
	}
	is_new = str_eq(hold.token, token);
	id[0] = '\0';
	if (!is_new && !kind->completes && !find_settled(build, kind, &hold, id, err))
		return error_context(err, "looking for the %s of an earlier try", kind->name);
	if (id[0])
		build_note(build, "%s %s of an earlier try is taken over", kind->name, id);
	else if (!make_surely(build, kind, &hold, wish, id, err)) {
		intent_withdraw(build, kind, &hold, is_new, err);
		return false;
	}
	return store_hold_made(build->store, hold.row, id, err) || error_context(err, "ledger: %s %s", kind->name, id);
}

/* What another process has taken over is not this one's to remove. */
static bool drop_ours(struct build *build, const struct held_kind *kind, const struct hold *hold, struct error *err)
{
	return (store_build_is_claimed(build->store, build->id, err) && kind->drop(build, hold, err)) ||
	       error_context(err, "%s %s in %s", hold->kind, hold->id, hold->region);
}

/* *gone: AWS has it no more, even when the ledger could not be told. */
static bool hold_drop(struct build *build, const struct hold *hold, bool *gone, struct error *err)
{
	const struct held_kind *kind = kind_find(hold->kind);
	struct hold found = *hold;
	char id[ID_SIZE] = "";

	*gone = false;
	if (!kind)
		return error_set(err, ERROR_INTERNAL, "the ledger holds a \"%s\", which this version does not know",
				 hold->kind);
	if (!hold->id) {
		if (!find_for(build, kind, hold, build_unsettled_s(build, hold) * 1000, id, err))
			return false;
		found.id = id;
	}
	if (found.id[0] && !drop_ours(build, kind, &found, err))
		return false;
	*gone = true;
	return store_hold_dropped(build->store, hold->row, err) ||
	       error_context(err, "%s %s is gone, but the ledger still names it", hold->kind,
			     found.id[0] ? found.id : hold->token);
}

bool build_drop(struct build *build, const struct held_kind *kind, const char *purpose, struct error *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct hold *holds;
	size_t count;
	bool gone;

	if (!store_hold_list(build->store, build->id, arena, &holds, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (str_eq(holds[i].kind, kind->name) && str_eq(holds[i].purpose, purpose) &&
		    !hold_drop(build, &holds[i], &gone, err))
			return false;
	}
	return true;
}

struct dropping {
	struct build *build;
	const struct hold *hold;
	bool gone;
};

static bool drop_one(void *item, struct error *err)
{
	struct dropping *dropping = item;

	return hold_drop(dropping->build, dropping->hold, &dropping->gone, err);
}

/* How many from `first` on are of one kind: they do not depend on each other, and their ends are waited for together.
 */
static size_t run_length(const struct dropping *items, size_t first, size_t count)
{
	size_t end = first + 1;

	while (end < count && str_eq(items[end].hold->kind, items[first].hold->kind))
		end++;
	return end - first;
}

/* *untold: why the ledger could not be told of something that is gone; *stays: why something is not. */
static size_t run_drop(struct build *build, struct dropping *items, size_t count, struct error *untold,
		       struct error *stays)
{
	_cleanup_(freep) struct error *errors = mem_array(count, sizeof(*errors));
	struct error first = {0};
	size_t gone = 0;

	if (parallel_each(items, count, sizeof(*items), 0, drop_one, errors, &first))
		return count;
	for (size_t i = 0; i < count; i++) {
		gone += items[i].gone;
		if (!items[i].gone) {
			build_note(build, "left behind: %s", errors[i].text);
			*stays = errors[i];
		} else if (errors[i].kind != ERROR_NONE) {
			*untold = errors[i];
		}
	}
	return gone;
}

bool build_drop_held(struct build *build, enum drop_extent extent, size_t *dropped, struct error *err)
{
	_cleanup_(freep) struct dropping *items = NULL;
	struct hold *holds;
	size_t count, wanted = 0, left;
	struct error untold = {0}, stays = {0};

	*dropped = 0;
	if (!store_hold_list(build->store, build->id, build->arena, &holds, &count, err))
		return error_context(err, "ledger");
	items = mem_array(count, sizeof(*items));
	for (size_t i = 0; i < count; i++) {
		const struct held_kind *kind = kind_find(holds[i].kind);
		if (extent == DROP_ALL || !kind || !kind->is_result)
			items[wanted++] = (struct dropping){build, &holds[i], false};
	}
	for (size_t i = 0; i < wanted; i += run_length(items, i, wanted))
		*dropped += run_drop(build, &items[i], run_length(items, i, wanted), &untold, &stays);
	left = wanted - *dropped;
	if (!left && untold.kind == ERROR_NONE)
		return true;
	if (!left)
		return error_coded(err, ERROR_INTERNAL, LEDGER_UNTOLD,
				   "all that build %s held was removed, but the ledger cannot be told (%s); `bakery gc "
				   "%s` finds it gone",
				   build->id, untold.text, build->id);
	return error_set(err, ERROR_LEFTOVER,
			 "%zu of what build %s holds could not be removed (%.600s); `bakery gc %s` tries again", left,
			 build->id, stays.text, build->id);
}

bool build_release_results(struct build *build, struct error *err)
{
	struct hold *holds;
	size_t count;

	if (!store_hold_list(build->store, build->id, build->arena, &holds, &count, err))
		return error_context(err, "ledger");
	for (size_t i = 0; i < count; i++) {
		const struct held_kind *kind = kind_find(holds[i].kind);
		if (kind && kind->is_result && !store_hold_kept(build->store, holds[i].row, err))
			return error_context(err, "ledger");
	}
	return true;
}
