/* SPDX-License-Identifier: Apache-2.0
 *
 * The numbered steps that make the database what this program expects: step N brings version N - 1 to N. A step that
 * was released is never changed; what is new is a new step. */
#ifndef BAKERY_STORE_SCHEMA_H
#define BAKERY_STORE_SCHEMA_H

#include <stddef.h>

#define STORE_APPLICATION_ID 0x62616b65 /* "bake", in SQLite's header: file(1) and we know whose file it is */

struct migrations {
	const char *const *steps; /* SQL */
	int count;		  /* also the version */
};
extern const struct migrations store_migrations;

#endif
