/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes down the volumes of an instance that is launched. */
#ifndef BAKERY_SANDBOX_LAUNCH_VOLUMES_H
#define BAKERY_SANDBOX_LAUNCH_VOLUMES_H

#include "launch.h"

/* Refuses what cannot be; a key that cannot be used ends the instance later: its _fate. */
bool launch_make_volumes(struct request *rq, const struct launch *launch, struct tree *instance, const char *at);

#endif
