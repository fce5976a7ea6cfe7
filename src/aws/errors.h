/* SPDX-License-Identifier: Apache-2.0
 *
 * From AWS's error codes to what may be done about them. */
#ifndef AWS_ERRORS_H
#define AWS_ERRORS_H

#include "bakery/error.h"

enum retry_class { RETRY_NEVER, RETRY_AGAIN, RETRY_THROTTLED };

struct aws_error_class {
	enum error_kind kind;
	enum retry_class retry;
};
/* status decides where the code says nothing: 429 and 5xx are transient, 401 and 403 denied. */
struct aws_error_class aws_error_classify(const char *code, long status);

#endif
