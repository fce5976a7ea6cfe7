/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line: the only place that prints errors and gives exit statuses. */
#ifndef BAKERY_CLI_H
#define BAKERY_CLI_H

#include "bakery/command.h"

int cli_main(int argc, char **argv);

/* All commands, NULL-terminated, in the order help lists them. */
extern const struct command *const commands[];

#endif
