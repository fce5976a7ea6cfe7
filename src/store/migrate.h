/* SPDX-License-Identifier: Apache-2.0
 *
 * Making a database and bringing an older one forward. */
#ifndef BAKERY_STORE_MIGRATE_H
#define BAKERY_STORE_MIGRATE_H

#include "db.h"

/* Makes the file whole beside its place and moves it there. When another process was faster, its file stays and this is
 * true as well. */
bool migrate_make_new(const char *path, const struct migrations *migrations, struct error *err) must_check;

/* Keeps a copy ("bakery.db.v1") and runs the missing steps in one transaction; several processes may try at once. A
 * failure leaves the database as it was and no copy. */
bool migrate(struct store *store, const struct migrations *migrations, struct error *err) must_check;

#endif
