/* SPDX-License-Identifier: Apache-2.0
 *
 * What looking and removing share: the list of what is found, its tags, a call. */
#include <string.h>

#include "bakery/clock.h"
#include "bakery/str.h"
#include "sweep.h"

enum { MOST_ITEMS_STEP = 32 };

struct sweep_found *sweeping_add(struct sweeping *sweeping, enum sweep_kind kind, const char *id)
{
	struct sweep_list *list = &sweeping->list;
	struct sweep_found *items = list->items;

	if (list->count % MOST_ITEMS_STEP == 0) {
		items = arena_alloc(sweeping->arena, (list->count + MOST_ITEMS_STEP) * sizeof(*items));
		if (list->count)
			memcpy(items, list->items, list->count * sizeof(*items));
		list->items = items;
	}
	items[list->count] = (struct sweep_found){
		.kind = kind, .in = sweeping->in, .region = sweeping->region, .id = arena_strdup(sweeping->arena, id)};
	return &items[list->count++];
}

bool sweeping_send(const struct sweeping *sweeping, struct aws_call *call, struct tree **reply, struct error *err)
{
	call->stop = sweeping->options->stop;
	return aws_send(sweeping->in->aws, call, reply, err);
}

/* People move these dates, and write them as people do: a day ends with its last second. */
static bool date_read(struct sweep_found *found, const char *tag, const char *text, int64_t *ms)
{
	_cleanup_(freep) char *whole_day = mem_printf("%sT23:59:59Z", text);

	if (clock_parse_rfc3339(text, ms) || clock_parse_rfc3339(whole_day, ms))
		return true;
	found->unreadable = tag;
	return false;
}

void sweeping_tags(struct sweeping *sweeping, struct sweep_found *found, const struct tree *tags, const char *key,
		   const char *value)
{
	const struct {
		const char *tag;
		const char **into;
	} texts[] = {{"bakery:project", &found->project},
		     {"bakery:build", &found->build},
		     {"bakery:recipe", &found->recipe},
		     {"bakery:token", &found->token},
		     {"Name", &found->name}};

	for (struct tree_iter i = tree_iter(tags); tree_next(&i);) {
		const char *name = tree_text_or(i.value, key, ""), *text = tree_text_or(i.value, value, "");

		for (size_t t = 0; t < ARRAY_SIZE(texts); t++) {
			if (str_eq(texts[t].tag, name))
				*texts[t].into = arena_strdup(sweeping->arena, text);
		}
		if (str_eq(name, "bakery:quarantined"))
			found->quarantined = true;
		if (str_eq(name, "bakery:expires"))
			found->has_expires = date_read(found, "bakery:expires", text, &found->expires_ms);
		if (str_eq(name, "bakery:retire-after"))
			found->has_retire_after =
				date_read(found, "bakery:retire-after", text, &found->retire_after_ms);
	}
}

/* What still hangs on something may be an echo of what has just gone. */
static bool is_echo(const struct error *err)
{
	return str_eq(err->code, "DependencyViolation") || str_eq(err->code, "DeleteConflict") ||
	       str_eq(err->code, "VolumeInUse");
}

static struct aws_call call_again(const struct aws_call *call)
{
	struct aws_call again = *call;

	again.args = tree_copy(call->args);
	return again;
}

bool sweep_ask(const struct sweep_found *found, const struct sweep_options *options, struct aws_call *call,
	       struct error *err)
{
	enum { TRIES = 10, PAUSE_MS = 1000 };

	call->stop = options->stop;
	for (int left = TRIES;; left--) {
		struct aws_call once = call_again(call);
		bool done = aws_send(found->in->aws, &once, NULL, err);

		if (!done && error_is(err, ERROR_ABSENT)) {
			error_clear(err);
			done = true;
		}
		if (done || !is_echo(err) || left == 1 || !stop_sleep_ms(options->stop, PAUSE_MS)) {
			aws_call_clear(call);
			return done;
		}
	}
}
