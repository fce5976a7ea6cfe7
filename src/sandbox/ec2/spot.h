/* SPDX-License-Identifier: Apache-2.0
 *
 * Spot requests: documents of kind "spot-request", one for each spot instance, and what spot costs. */
#ifndef BAKERY_SANDBOX_SPOT_H
#define BAKERY_SANDBOX_SPOT_H

#include "../cloud.h"
#include "ec2.h"

bool spot_asked(const struct request *rq);				 /* does RunInstances ask for spot? */
bool spot_check(struct request *rq, const char *type, const char *zone); /* options and price; refuses */
/* Makes the instance a spot instance, with a request of its own. */
void spot_make(struct request *rq, struct tree *instance, const struct tree *tags);
bool spot_is(const struct tree *instance);
bool spot_is_once(const struct tree *instance); /* of a one-time request: cannot be stopped */
/* Writes down in its request what became of the instance. Under the cloud's lock. */
void spot_note_end(struct cloud *cloud, const char *account, const char *region, const struct tree *instance);
/* In dollars an hour. */
double spot_price(const struct instance_type *type, const char *zone);

#define SPOT_TERMINATION "Server.SpotInstanceTermination"

#endif
