/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking before something is destroyed. */
#ifndef BAKERY_CLI_ASK_H
#define BAKERY_CLI_ASK_H

#include "bakery/command.h"

/* True when the person agrees, or said --yes; ERROR_REFUSED otherwise, and always without a terminal. */
bool ask(struct app *app, const char *question, struct error *err) must_check;

#endif
