/* SPDX-License-Identifier: Apache-2.0
 *
 * What every region has from the start: a default VPC with a subnet per zone and a default group, the public images and
 * their public parameters. */
#ifndef BAKERY_SANDBOX_REGION_FILL_H
#define BAKERY_SANDBOX_REGION_FILL_H

#include "../cloud.h"

/* Makes what is missing in the account's region. Under the lock, inside a transaction. Done before each operation for
 * who asks and the request's region; one that looks elsewhere does it itself. */
void region_fill(struct cloud *cloud, const char *account, const char *region);

#endif
