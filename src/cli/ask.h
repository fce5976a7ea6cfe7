/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking the person on the terminal: before something is destroyed, and for what only a person knows. */
#ifndef BAKERY_CLI_ASK_H
#define BAKERY_CLI_ASK_H

#include "bakery/command.h"
#include "bakery/str.h"

/* True when the person agrees, or said --yes; ERROR_REFUSED otherwise, and always without a terminal. */
bool ask(struct app *app, const char *question, struct error *err) must_check;

/* For aws_options.ask; app is a struct app. What is typed is not shown. ERROR_REFUSED without a terminal. */
bool ask_secret(void *app, const char *question, struct str *answer, struct error *err) must_check;

#endif
