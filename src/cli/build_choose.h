/* SPDX-License-Identifier: Apache-2.0
 *
 * The build that a command line means. */
#ifndef BAKERY_CLI_BUILD_CHOOSE_H
#define BAKERY_CLI_BUILD_CHOOSE_H

#include "bakery/command.h"

/* The named one (id, beginning of one, AMI), or the newest when none is named. */
bool build_choose(struct app *app, const struct text_list *operands, char build[BUILD_ID_SIZE],
		  struct error *err) must_check;

#endif
