/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the view share. All functions are called with the lock held, but live_start and live_stop. */
#ifndef BAKERY_CLI_VIEW_PRIVATE_H
#define BAKERY_CLI_VIEW_PRIVATE_H

#include <pthread.h>

#include "bakery/build.h"
#include "bakery/command.h"
#include "bakery/str.h"

struct view_row {
	char build[BUILD_ID_SIZE], recipe[64], stage[24], doing[160];
	int64_t began_ms, stage_began_ms;
	size_t index, total;		 /* of steps, while playbooks run */
	size_t results[STEP_FAILED + 1]; /* of the stage's steps so far */
	bool ended;
};

struct live;

struct view {
	struct app *app;
	pthread_mutex_t lock;
	size_t build_count;
	struct view_row *rows;
	size_t row_count;
	int events_fd; /* -1: none */
	struct live *live;
};

/* The sentence that an event is worth, "" when it is worth none, with what it is about in front ("launch    "). */
void view_sentence(const struct view *view, const struct view_row *row, const struct build_event *event,
		   struct str *out);
/* Whether a step is worth a line without -v: it changed something, or failed. */
bool view_step_matters(const struct build_event *event);
void view_json(struct view *view, const struct build_event *event);
void plain_event(struct view *view, const struct view_row *row, const struct build_event *event);

void live_start(struct view *view);
void live_stop(struct view *view);
void live_event(struct view *view, const struct view_row *row, const struct build_event *event);

#endif
