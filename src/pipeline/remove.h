/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking an image away with its snapshots, for the ledger and for the sweep. */
#ifndef BAKERY_PIPELINE_REMOVE_H
#define BAKERY_PIPELINE_REMOVE_H

#include "bakery/aws.h"

/* Gone already counts as removed. */
bool image_remove(struct aws *aws, const struct stop *stop, const char *region, const char *ami,
		  struct error *err) must_check;

#endif
