/* SPDX-License-Identifier: Apache-2.0
 *
 * The images that publishers share with everybody, and the public parameters that name them. */
#ifndef BAKERY_SANDBOX_PUBLIC_IMAGES_H
#define BAKERY_SANDBOX_PUBLIC_IMAGES_H

#include "cloud.h"
#include "regions.h"

void public_images_make(struct cloud *cloud, const char *region); /* in a transaction */

#endif
