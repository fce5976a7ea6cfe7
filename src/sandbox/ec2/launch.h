/* SPDX-License-Identifier: Apache-2.0
 *
 * What a RunInstances request amounts to once everything in it has been looked up and checked. */
#ifndef BAKERY_SANDBOX_LAUNCH_H
#define BAKERY_SANDBOX_LAUNCH_H

#include "ec2.h"

struct launch {
	struct tree *image, *subnet;
	struct tree *groups;  /* [{groupId, groupName}] */
	struct tree *key;     /* key pair, or NULL */
	struct tree *profile; /* instance profile, or NULL */
	struct tree *instance_tags, *volume_tags, *request_tags;
	const struct instance_type *type;
	char zone[40];
	bool public_address;
	int64_t count;
	const char *user_data; /* base64, or NULL */
	char reservation[ID_SIZE];
};
void launch_clear(struct launch *launch);
bool launch_resolve(struct request *rq, struct launch *launch); /* refuses what cannot be launched */

#endif
