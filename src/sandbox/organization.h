/* SPDX-License-Identifier: Apache-2.0
 *
 * The organization that the sandbox's account belongs to. */
#ifndef BAKERY_SANDBOX_ORGANIZATION_H
#define BAKERY_SANDBOX_ORGANIZATION_H

#include <stdbool.h>

#include "request.h"

#define ORGANIZATION_ID "o-sandbox0001"
#define ORGANIZATION_ARN "arn:aws:organizations::" CLOUD_ACCOUNT ":organization/" ORGANIZATION_ID

extern const struct operation organizations_operations[];

const char *organization_account(size_t index); /* its members, the management account first; NULL: no more */

/* Whether an account is reached through the organization's or a unit's ARN (either may be NULL). */
bool organization_has(const char *organization_arn, const char *unit_arn, const char *account);
/* Whether the text has the form of such an ARN. */
bool organization_arn_good(const char *arn, bool unit);

#endif
