/* SPDX-License-Identifier: Apache-2.0
 *
 * What a build says: to the events' sink and into its own log. */
#include <string.h>

#include "bakery/log.h"
#include "pipeline.h"

void build_emit(struct build *build, struct build_event event)
{
	const struct build_events *events = &build->context->events;

	event.at_ms = build_now_ms(build);
	event.build = build->id;
	event.recipe = build->plan->recipe;
	if (build->stage) {
		event.stage = build->stage->name;
		event.doing = build->stage->doing;
	}
	if (events->emit)
		events->emit(events->cookie, &event);
}

void build_note(struct build *build, const char *fmt, ...)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	struct error unwritten = {0};
	va_list args;

	va_start(args, fmt);
	str_vaddf(&text, fmt, args);
	va_end(args);
	build_emit(build, (struct build_event){.kind = EVENT_NOTE, .text = text.data, .length = text.len});
	str_add_char(&text, '\n');
	if (!store_log_add(build->store, build->id, build->stage ? build->stage->name : "", "", "note",
			   build_now_ms(build), text.data, text.len, &unwritten))
		log_warn(build->context->log, "%s: %s", build->id, unwritten.text);
}

void build_progress(struct build *build, const char *fmt, ...)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	va_list args;

	va_start(args, fmt);
	str_vaddf(&text, fmt, args);
	va_end(args);
	build_emit(build, (struct build_event){.kind = EVENT_PROGRESS, .text = text.data, .length = text.len});
}
