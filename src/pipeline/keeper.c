/* SPDX-License-Identifier: Apache-2.0
 *
 * The keeper: a thread beside each build that renews its claim, and turns the process's wish to stop, or the deadline,
 * into the build's own. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "bakery/log.h"
#include "bakery/str.h"
#include "pipeline.h"

enum { HEARTBEAT_MS = 10000 };

struct keeper {
	struct build *build;
	pthread_t thread;
	struct stop end;
};

/* build->stop first: who makes build->work new looks at it afterwards (loss.c). */
static void wish_stop(struct build *build, int signal)
{
	stop_request(&build->stop, signal);
	stop_request(&build->work, signal);
}

/* A claim is lost when this process was not heard of for long, and another one took the build over: from then on it is
 * that one's. */
static void heartbeat(struct build *build)
{
	struct error unwritten = {0};

	if (build->claim_lost || store_build_heartbeat(build->store, build->id, &unwritten))
		return;
	log_warn(build->context->log, "%s: heartbeat: %s", build->id, unwritten.text);
	if (!str_eq(unwritten.code, STORE_CLAIM_LOST))
		return;
	build->claim_lost = true;
	wish_stop(build, 0);
}

static int64_t until_due(const struct build *build, int64_t heartbeat_at)
{
	int64_t due = heartbeat_at;

	if (!build->deadline_passed && build->deadline_mono_ms < due)
		due = build->deadline_mono_ms;
	due -= clock_mono_ms();
	return due < 0 ? 0 : due;
}

static void *keep(void *argument)
{
	struct keeper *keeper = argument;
	struct build *build = keeper->build;
	const struct stop *outer = build->context->stop;
	int64_t heartbeat_at = clock_mono_ms() + HEARTBEAT_MS;

	while (!stop_requested(&keeper->end)) {
		bool relayed = stop_requested(&build->stop);
		struct pollfd fds[] = {
			{.fd = keeper->end.event_fd, .events = POLLIN},
			{.fd = outer && !relayed ? outer->event_fd : -1, .events = POLLIN},
		};
		poll(fds, ARRAY_SIZE(fds), (int)until_due(build, heartbeat_at));
		if (!relayed && stop_requested(outer))
			wish_stop(build, outer->signal);
		if (!build->deadline_passed && clock_mono_ms() >= build->deadline_mono_ms) {
			build->deadline_passed = true;
			wish_stop(build, 0);
		}
		if (clock_mono_ms() >= heartbeat_at) {
			heartbeat(build);
			heartbeat_at = clock_mono_ms() + HEARTBEAT_MS;
		}
	}
	return NULL;
}

struct keeper *keeper_start(struct build *build)
{
	struct keeper *keeper = mem_alloc(sizeof(*keeper));

	keeper->build = build;
	stop_init(&keeper->end);
	if (pthread_create(&keeper->thread, NULL, keep, keeper) != 0)
		abort();
	return keeper;
}

void keeper_end(struct keeper *keeper)
{
	if (!keeper)
		return;
	stop_request(&keeper->end, 0);
	pthread_join(keeper->thread, NULL);
	stop_close(&keeper->end);
	free(keeper);
}
