/* SPDX-License-Identifier: Apache-2.0
 *
 * The accounts that the image is shared with. */
#ifndef BAKERY_PIPELINE_CONSUMERS_H
#define BAKERY_PIPELINE_CONSUMERS_H

#include "../pipeline.h"

/* With the plan's consumer role: every image is available as seen from each account, whose Auto Scaling gets its grant
 * if the plan says so. All accounts that fail are named. */
bool consumers_check(struct build *build, struct error *err) must_check;

#endif
