/* SPDX-License-Identifier: Apache-2.0
 *
 * What every command may use: opened when the command needs it, released at the end. */
#ifndef BAKERY_CLI_APP_H
#define BAKERY_CLI_APP_H

#include "bakery/command.h"
#include "globals.h"

/* formats: what --format takes besides the usual, or NULL. */
bool app_fill(struct app *app, const struct globals *globals, const char *const *formats, struct error *err) must_check;
/* needs: of enum command_needs. */
bool app_open(struct app *app, unsigned needs, struct error *err) must_check;
void app_release(struct app *app);

#endif
