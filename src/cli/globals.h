/* SPDX-License-Identifier: Apache-2.0
 *
 * The options that every command understands. */
#ifndef BAKERY_CLI_GLOBALS_H
#define BAKERY_CLI_GLOBALS_H

#include "bakery/command.h"

struct globals {
	const char *format, *region, *profile, *config, *store, *events;
	bool sandbox, verbose, trace, quiet, no_color, yes, help;
};
extern const struct option global_options[];

#endif
