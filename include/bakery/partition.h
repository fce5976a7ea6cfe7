/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS's partitions: clouds that know nothing of each other. Which one a region belongs to follows from its name. */
#ifndef BAKERY_PARTITION_H
#define BAKERY_PARTITION_H

#include <stddef.h>

struct partition {
	const char *name;	       /* "aws", as in ARNs */
	const char *prefix;	       /* of its regions' names; "" for aws, which has those that fit nowhere else */
	const char *dns_suffix;	       /* of its services' host names */
	const char *dual_stack_suffix; /* of those that answer over IPv6, too */
	const char *global_region;     /* where services live that have one endpoint for the whole partition */
};

const struct partition *partition_of(const char *region);  /* never NULL: a region nobody knows belongs to aws */
const struct partition *partition_of_arn(const char *arn); /* "arn:aws-cn:...", or aws */
const struct partition *partition_at(size_t index);	   /* from 0; NULL behind the last */

#endif
