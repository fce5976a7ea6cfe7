/* SPDX-License-Identifier: Apache-2.0
 *
 * From AWS's error codes to what may be done about them. */
#ifndef AWS_ERRORS_H
#define AWS_ERRORS_H

#include <stdbool.h>

#include "bakery/error.h"

enum retry_class { RETRY_NEVER, RETRY_AGAIN, RETRY_THROTTLED };

struct aws_error_class {
	enum error_kind kind;
	enum retry_class retry;
};
/* message: AWS's, or NULL. status decides where the code says nothing: 429 is throttled, 5xx transient, 401 and 403
 * denied. */
struct aws_error_class aws_error_classify(const char *code, const char *message, long status);

bool aws_error_is_known(const char *code); /* a row of errors.def before the last fits it */

#endif
