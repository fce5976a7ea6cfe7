/* SPDX-License-Identifier: Apache-2.0
 *
 * The public images in one region, and the public parameters that name them. */
#ifndef BAKERY_SANDBOX_REGION_IMAGES_H
#define BAKERY_SANDBOX_REGION_IMAGES_H

#include "../cloud.h"

void region_add_images(struct cloud *cloud, const char *region); /* in a transaction */

#endif
