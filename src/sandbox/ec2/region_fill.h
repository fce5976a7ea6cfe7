/* SPDX-License-Identifier: Apache-2.0
 *
 * What every region has from the start: a default VPC with a subnet per zone and a default group, the public images and
 * their public parameters. */
#ifndef BAKERY_SANDBOX_REGION_FILL_H
#define BAKERY_SANDBOX_REGION_FILL_H

#include "../cloud.h"
#include "../request.h"

/* Makes what is missing in the account's region. Under the lock, inside a transaction. */
void region_fill(struct cloud *cloud, const char *account, const char *region);
/* The same for the asking account in the request's region: before it is looked at. */
void region_prepare(struct request *rq);

#endif
