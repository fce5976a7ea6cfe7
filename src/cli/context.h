/* SPDX-License-Identifier: Apache-2.0
 *
 * What resume and gc work with. */
#ifndef BAKERY_CLI_CONTEXT_H
#define BAKERY_CLI_CONTEXT_H

#include "bakery/build.h"
#include "bakery/command.h"

struct build_context context_make(struct app *app, struct build_events events);

#endif
