/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of services and their operations. */
#ifndef BAKERY_SANDBOX_SERVICES_H
#define BAKERY_SANDBOX_SERVICES_H

#include "protocol.h"
#include "request.h"

extern const struct service services[];			     /* ends with a NULL name */
const struct service *service_named(const char *name);	     /* of the credential scope; NULL: none */
const struct service *service_of_target(const char *target); /* "AmazonSSM.PutParameter" */
const struct operation *operation_named(const struct service *service, const char *name);

/* Carries it out in one transaction and begins the transitions it wants; false: rq->refusal says why, and nothing was
 * kept. */
bool operation_carry_out(struct request *rq);

#endif
