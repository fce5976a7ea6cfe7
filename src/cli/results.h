/* SPDX-License-Identifier: Apache-2.0
 *
 * What build and resume print when they are through: a row for each build. */
#ifndef BAKERY_CLI_RESULTS_H
#define BAKERY_CLI_RESULTS_H

#include "bakery/command.h"

struct shown_build {
	const char *build;
	bool unchanged; /* not built now, since it is still current */
};
bool results_show(struct app *app, const struct shown_build *builds, size_t count, struct error *err) must_check;

#endif
