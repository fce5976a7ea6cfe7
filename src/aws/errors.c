/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of errors.def, searched. */
#include "errors.h"

#include "bakery/str.h"

static const struct row {
	const char *pattern;
	struct aws_error_class class;
} rows[] = {
#define AWS_ERROR(code, kind, retry) {code, {ERROR_##kind, RETRY_##retry}},
#include "errors.def"
#undef AWS_ERROR
};

static struct aws_error_class by_status(long status)
{
	if (status == 429)
		return (struct aws_error_class){ERROR_TRANSIENT, RETRY_THROTTLED};
	if (status >= 500)
		return (struct aws_error_class){ERROR_TRANSIENT, RETRY_AGAIN};
	if (status == 401 || status == 403)
		return (struct aws_error_class){ERROR_DENIED, RETRY_NEVER};
	return (struct aws_error_class){ERROR_REMOTE, RETRY_NEVER};
}

struct aws_error_class aws_error_classify(const char *code, long status)
{
	/* The last row fits everything, and says less than the status does. */
	for (size_t i = 0; i + 1 < ARRAY_SIZE(rows); i++)
		if (str_glob(rows[i].pattern, code))
			return rows[i].class;
	return by_status(status);
}
