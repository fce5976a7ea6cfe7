/* SPDX-License-Identifier: Apache-2.0
 *
 * The sandbox's folder: who serves it, at which address, with which secrets.
 *
 *   lock              held by the serving process as long as it lives
 *   address.json      {endpoint, pid}, there while it answers
 *   credentials.json  the access key that it gives out; token: what its control endpoint asks for
 *   state.db, layers/, machines/, sandbox.log */
#ifndef BAKERY_SANDBOX_FOLDER_H
#define BAKERY_SANDBOX_FOLDER_H

#include <stdbool.h>

#include "bakery/sandbox.h"

char *folder_path(const struct sandbox_options *options); /* absolute or as given; free it */
/* *fd: keeps the lock until closed. ERROR_CONFLICT when another process has it. */
bool folder_lock(const char *folder, int *fd, struct error *err) must_check;
bool folder_is_served(const char *folder);
bool folder_write_address(const char *folder, const char *endpoint, struct error *err) must_check;
void folder_drop_address(const char *folder);
/* The address of the one that serves the folder, once it answers; ERROR_ABSENT when none does. */
bool folder_find(const char *folder, const struct stop *stop, struct sandbox_address *out,
		 struct error *err) must_check;
bool folder_token(const char *folder, char token[65], struct error *err) must_check; /* made when there is none */

#endif
