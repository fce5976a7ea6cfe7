/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of the sandbox's regions: data that knows nobody. */
#ifndef BAKERY_SANDBOX_REGIONS_H
#define BAKERY_SANDBOX_REGIONS_H

#include <stdbool.h>

struct region {
	const char *name;
	const char *zone_id; /* "use1": zones are use1-az1, ... */
	const char *zones;   /* "abc": the letters of its zones */
	bool opted_in;	     /* regions that an account has without asking */
};
extern const struct region regions[]; /* ends with a NULL name */
const struct region *region_find(const char *name);

#endif
