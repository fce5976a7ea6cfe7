/* SPDX-License-Identifier: Apache-2.0
 *
 * The Condition element of a policy's statement, and the variables in its texts. */
#ifndef BAKERY_SANDBOX_POLICY_CONDITION_H
#define BAKERY_SANDBOX_POLICY_CONDITION_H

#include <stdbool.h>

#include "bakery/str.h"
#include "bakery/tree.h"

/* Patterns. A "*" or "?" that came out of a variable is a plain character: it stands in an expanded pattern as one of
 * these two control characters, which no policy holds. */
#define PLAIN_STAR '\x01'
#define PLAIN_QUESTION '\x02'
bool policy_glob(const char *pattern, const char *text, bool fold); /* the whole text; fold: case does not count */

/* A condition key's value or values; NULL when the request has none. Case does not count in keys. */
const struct tree *policy_context_value(const struct tree *context, const char *key);

/* Puts what ${...} stands for in; false: there is no such value, and the text matches nothing. variables: whether the
 * policy's version knows them. */
bool policy_expand(const char *text, const struct tree *context, bool variables, struct str *out);

/* An ARN's five first parts match each for itself. */
bool policy_arn_matches(const char *pattern, const char *arn);

bool policy_conditions_hold(const struct tree *conditions, const struct tree *context, bool variables);

/* Whether "ForAnyValue:StringLikeIfExists" is an operator, and whether a value has the form that it wants. */
bool policy_operator_known(const char *name);
bool policy_operator_takes(const char *name, const char *value);

#endif
