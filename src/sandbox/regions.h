/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of the sandbox's regions: data that knows nobody. */
#ifndef BAKERY_SANDBOX_REGIONS_H
#define BAKERY_SANDBOX_REGIONS_H

#include <stdbool.h>

#include "settings.h"

struct region {
	const char *name;
	const char *zone_id; /* "use1": zones are use1-az1, ... */
	const char *zones;   /* "abc": the letters of its zones */
	bool opted_in;	     /* an account has it without asking */
};
extern const struct region regions[]; /* ends with a NULL name */
const struct region *region_find(const char *name);
bool region_opted_in(const struct region *region,
		     struct settings *settings); /* NULL: no region, nothing to opt in to */

#endif
