/* SPDX-License-Identifier: Apache-2.0
 *
 * The live view: sentences scroll by above, one line a running build stays at the bottom with its stages, its time and
 * what it is doing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bakery/mem.h"
#include "bakery/utf8.h"
#include "view_private.h"

enum { REDRAW_MS = 100, DEFAULT_WIDTH = 80, STAGE_MARKS = 12 };

struct live {
	struct view *view;
	pthread_t thread;
	struct stop end;
	size_t drawn; /* lines at the bottom that are ours */
	int frame;
};

static int terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
		return size.ws_col;
	return DEFAULT_WIDTH;
}

static void put(const struct str *text)
{
	ssize_t written = write(STDERR_FILENO, text->data, text->len);

	(void)written; /* nowhere left to say it */
}

static void erase(struct live *live, struct str *out)
{
	for (size_t i = 0; i < live->drawn; i++)
		str_add(out, "\033[1A\033[2K");
	live->drawn = 0;
}

/* Done stages, the running one, those to come: "●●●◐○○○". */
static void stages_draw(const struct live *live, const struct view_row *row, struct str *out)
{
	static const char *const spinner[] = {"◐", "◓", "◑", "◒"};
	bool reached = false;

	for (const char *const *name = build_stage_names(); *name; name++) {
		bool running = str_eq(*name, row->stage);
		reached |= running;
		str_add(out, running ? spinner[live->frame / 2 % 4] : reached ? "○" : "●");
	}
}

static void row_draw(const struct live *live, const struct view_row *row, int width, struct str *out)
{
	_cleanup_(str_free) struct str text = STR_INIT, shown = STR_INIT;
	char took[CLOCK_TEXT_SIZE];
	int used = 0;

	clock_duration(clock_mono_ms() - row->began_ms, took);
	str_addf(&text, " %s  %7s  %s", row->recipe, took, row->stage);
	if (row->total)
		str_addf(&text, " %zu/%zu", row->index + 1, row->total);
	str_addf(&text, "  %s", row->doing);
	stages_draw(live, row, out);
	used = STAGE_MARKS;
	utf8_add_visible(&shown, text.data, text.len);
	for (const char *c = shown.data; *c && used < width; c++) {
		used += ((unsigned char)*c & 0xc0) != 0x80;
		str_add_char(out, *c);
	}
	str_add_char(out, '\n');
}

static void draw(struct live *live, struct str *out)
{
	int width = terminal_width();

	for (size_t i = 0; i < live->view->row_count; i++) {
		const struct view_row *row = &live->view->rows[i];
		if (row->ended || !row->stage[0])
			continue;
		row_draw(live, row, width, out);
		live->drawn++;
	}
}

static void redraw(struct live *live, const char *line)
{
	_cleanup_(str_free) struct str out = STR_INIT;

	erase(live, &out);
	if (line)
		str_add(&out, line);
	draw(live, &out);
	put(&out);
}

static void *animate(void *argument)
{
	struct live *live = argument;

	while (stop_sleep_ms(&live->end, REDRAW_MS)) {
		pthread_mutex_lock(&live->view->lock);
		live->frame++;
		if (live->drawn)
			redraw(live, NULL);
		pthread_mutex_unlock(&live->view->lock);
	}
	return NULL;
}

void live_start(struct view *view)
{
	struct live *live = mem_alloc(sizeof(*live));

	live->view = view;
	stop_init(&live->end);
	view->live = live;
	if (pthread_create(&live->thread, NULL, animate, live) != 0)
		abort();
}

void live_stop(struct view *view)
{
	struct live *live = view->live;
	_cleanup_(str_free) struct str out = STR_INIT;

	if (!live)
		return;
	stop_request(&live->end, 0);
	pthread_join(live->thread, NULL);
	erase(live, &out);
	put(&out);
	stop_close(&live->end);
	free(live);
	view->live = NULL;
}

/* On a terminal the bottom line says what runs; only what stays of interest scrolls by. */
static bool stays(const struct build_event *event)
{
	switch (event->kind) {
	case EVENT_STAGE_BEGAN:
	case EVENT_STEP_BEGAN:
	case EVENT_OUTPUT:
	case EVENT_PROGRESS:
		return false;
	case EVENT_STEP_ENDED:
		return view_step_matters(event);
	default:
		return true;
	}
}

void live_event(struct view *view, const struct view_row *row, const struct build_event *event)
{
	_cleanup_(str_free) struct str line = STR_INIT, sentence = STR_INIT;
	int64_t elapsed_s = (clock_mono_ms() - row->began_ms) / 1000;

	if (stays(event))
		view_sentence(view, row, event, &sentence);
	if (sentence.len) {
		str_addf(&line, "\033[2m%02lld:%02lld\033[0m ", (long long)(elapsed_s / 60),
			 (long long)(elapsed_s % 60));
		if (view->build_count > 1)
			str_addf(&line, "\033[36m%s\033[0m ", row->recipe);
		str_addf(&line, "%s\n", sentence.data);
	}
	if (sentence.len || event->kind == EVENT_STAGE_BEGAN || event->kind == EVENT_BUILD_ENDED)
		redraw(view->live, sentence.len ? line.data : NULL);
}
