/* SPDX-License-Identifier: Apache-2.0
 *
 * Service quotas: how much of a thing an account may have in a region. Each can be set (quota.CODE). */
#ifndef BAKERY_SANDBOX_QUOTAS_H
#define BAKERY_SANDBOX_QUOTAS_H

#include "request.h"

extern const struct operation quota_operations[];

#define QUOTA_ON_DEMAND_VCPUS "L-1216C47A"
#define QUOTA_SPOT_VCPUS "L-34B43A08"
#define QUOTA_IMAGES "L-B665C33B"
#define QUOTA_PUBLIC_IMAGES "L-0E3CBAB9"
#define QUOTA_IMAGE_SHARING "L-70015FFA"
#define QUOTA_GROUPS "L-E79EC296"
#define QUOTA_GROUPS_PER_INTERFACE "L-2AFB9258"
#define QUOTA_RULES_PER_GROUP "L-0EA8095F"
#define QUOTA_PARAMETERS "L-C3B871CB"

int64_t quota_of(const struct request *rq, const char *code);

#endif
