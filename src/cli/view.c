/* SPDX-License-Identifier: Apache-2.0
 *
 * The view's front: takes events from several threads, keeps one row a build, hands both to what shows them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bakery/file.h"
#include "view.h"
#include "view_private.h"

static struct view_row *row_of(struct view *view, const struct build_event *event)
{
	size_t i = 0;

	while (i < view->row_count && !str_eq(view->rows[i].build, event->build))
		i++;
	if (i == view->row_count) {
		view->rows = mem_grow(view->rows, view->row_count + 1, sizeof(*view->rows));
		view->rows[i] = (struct view_row){.began_ms = clock_mono_ms()};
		snprintf(view->rows[i].build, sizeof(view->rows[i].build), "%s", event->build);
		snprintf(view->rows[i].recipe, sizeof(view->rows[i].recipe), "%s", event->recipe);
		view->row_count++;
	}
	return &view->rows[i];
}

static void row_update(struct view_row *row, const struct build_event *event)
{
	switch (event->kind) {
	case EVENT_STAGE_BEGAN:
		snprintf(row->stage, sizeof(row->stage), "%s", event->stage);
		snprintf(row->doing, sizeof(row->doing), "%s", event->doing);
		row->stage_began_ms = clock_mono_ms();
		row->total = 0;
		memset(row->results, 0, sizeof(row->results));
		break;
	case EVENT_STEP_BEGAN:
		snprintf(row->doing, sizeof(row->doing), "%s", event->text);
		row->index = event->index;
		row->total = event->total;
		break;
	case EVENT_STEP_ENDED:
		row->results[event->step->result]++;
		break;
	case EVENT_PROGRESS:
		snprintf(row->doing, sizeof(row->doing), "%s %s", event->doing, event->text);
		break;
	case EVENT_BUILD_ENDED:
		row->ended = true;
		break;
	default:
		break;
	}
}

static void emit(void *cookie, const struct build_event *event)
{
	struct view *view = cookie;
	struct view_row *row;

	pthread_mutex_lock(&view->lock);
	row = row_of(view, event);
	row_update(row, event);
	if (view->events_fd >= 0)
		view_json(view, event);
	if (view->app->live)
		live_event(view, row, event);
	else
		plain_event(view, row, event);
	pthread_mutex_unlock(&view->lock);
}

bool view_open(struct app *app, size_t build_count, struct view **out, struct error *err)
{
	struct view *view = mem_alloc(sizeof(*view));

	view->app = app;
	view->build_count = build_count;
	view->events_fd = -1;
	pthread_mutex_init(&view->lock, NULL);
	if (app->events) {
		view->events_fd = open(app->events, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (view->events_fd < 0) {
			error_errno(err, "--events %s", app->events);
			view_close(view);
			return false;
		}
	}
	if (app->live)
		live_start(view);
	*out = view;
	return true;
}

void view_close(struct view *view)
{
	if (!view)
		return;
	live_stop(view);
	closep(&view->events_fd);
	pthread_mutex_destroy(&view->lock);
	free(view->rows);
	free(view);
}

struct build_events view_events(struct view *view)
{
	return (struct build_events){view, emit};
}
