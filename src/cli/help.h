/* SPDX-License-Identifier: Apache-2.0
 *
 * Help, made from the command and option tables. */
#ifndef BAKERY_CLI_HELP_H
#define BAKERY_CLI_HELP_H

#include <stdio.h>

#include "bakery/command.h"

void help_overview(FILE *out);
void help_command(FILE *out, const struct command *command);
void help_group(FILE *out, const char *group); /* "sandbox": its commands */
bool help_has_group(const char *group);

#endif
