/* SPDX-License-Identifier: Apache-2.0
 *
 * All faults on stderr, however many: an error holds only the first. */
#ifndef BAKERY_CLI_FAULTS_TELL_H
#define BAKERY_CLI_FAULTS_TELL_H

#include "bakery/command.h"
#include "bakery/faults.h"

/* true when there are none; else prints them and leaves their number as ERROR_INVALID. */
bool faults_tell(struct faults *faults, struct error *err) must_check;
/* recipe_load for commands: tells every fault. */
bool recipe_open(struct app *app, const char *name_or_file, const struct recipe_options *options, struct recipe **out,
		 struct error *err) must_check;

#endif
