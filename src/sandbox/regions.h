/* SPDX-License-Identifier: Apache-2.0
 *
 * The regions of the sandbox, and what every region has from the start: a default VPC with a subnet per zone and a
 * default group, the public images and their public parameters. */
#ifndef BAKERY_SANDBOX_REGIONS_H
#define BAKERY_SANDBOX_REGIONS_H

#include <stdbool.h>

#include "cloud.h"

struct region {
	const char *name;
	const char *zone_id; /* "use1": zones are use1-az1, ... */
	const char *zones;   /* "abc": the letters of its zones */
	bool opted_in;	     /* regions that an account has without asking */
};
extern const struct region regions[]; /* ends with a NULL name */
const struct region *region_find(const char *name);

/* Public images: each in every region and in every version, all versions with the same root file system. */
struct public_image {
	const char *base; /* struct base_image's name: "debian-12" */
	const char *suite, *login_user;
	const char *owner; /* the publisher's account */
	const char *name;  /* "debian-12-%s-%s": architecture (amd64, arm64), version */
	const char *description;
	const char *parameter;	     /* "/aws/service/debian/release/12/%s/%s": version or "latest", architecture */
	const char *const *versions; /* oldest first; NULL-terminated */
	const char *const *created;  /* when, parallel */
};
extern const struct public_image public_images[]; /* ends with a NULL base */

#define PUBLIC_PARAMETERS_ACCOUNT "aws" /* whom the documents of public parameters belong to */

/* Makes what is missing in the account's region. Under the lock, inside a transaction. */
void region_fill(struct cloud *cloud, const char *account, const char *region);

#endif
