/* SPDX-License-Identifier: Apache-2.0
 *
 * How builds are shown while they run: a live view of the stages on a terminal, plain lines elsewhere, and JSON lines
 * in a file for programs. */
#ifndef BAKERY_CLI_VIEW_H
#define BAKERY_CLI_VIEW_H

#include "bakery/build.h"
#include "bakery/command.h"

struct view;
/* build_count: how many builds will be shown side by side. */
bool view_open(struct app *app, size_t build_count, struct view **out, struct error *err) must_check;
void view_close(struct view *view);
struct build_events view_events(struct view *view);

#endif
