/* SPDX-License-Identifier: Apache-2.0
 *
 * What build and resume print when they are through: a row for each build. */
#ifndef BAKERY_CLI_RESULTS_H
#define BAKERY_CLI_RESULTS_H

#include "bakery/command.h"

bool results_show(struct app *app, const struct text_list *builds, struct error *err) must_check;

#endif
