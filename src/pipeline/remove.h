/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking an image away with its snapshots, for the ledger and for the sweep. */
#ifndef BAKERY_PIPELINE_REMOVE_H
#define BAKERY_PIPELINE_REMOVE_H

#include "bakery/aws.h"

struct image_removal {
	const char *region, *ami;
	int64_t not_yet_s; /* it may be so new that EC2 does not show it: for so long */
	const struct stop *stop;
};
/* Gone already counts as removed. IMAGE_GONE: the code of an error after which the image is gone all the same, but not
 * all of its snapshots. */
#define IMAGE_GONE "ImageGone"
bool image_remove(struct aws *aws, const struct image_removal *wish, struct error *err) must_check;

#endif
