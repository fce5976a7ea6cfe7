/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of errors.def, searched. */
#include "errors.h"

#include <string.h>

#include "bakery/str.h"

static const struct row {
	const char *pattern;
	const char *words; /* in the message; NULL: whatever it says */
	struct aws_error_class class;
} rows[] = {
#define AWS_ERROR(code, kind, retry) {code, NULL, {ERROR_##kind, RETRY_##retry}},
#define AWS_ERROR_SAYS(code, words, kind, retry) {code, words, {ERROR_##kind, RETRY_##retry}},
#include "errors.def"
#undef AWS_ERROR
#undef AWS_ERROR_SAYS
};

static struct aws_error_class by_status(long status)
{
	if (status == 429)
		return (struct aws_error_class){ERROR_THROTTLED, RETRY_THROTTLED};
	if (status >= 500)
		return (struct aws_error_class){ERROR_TRANSIENT, RETRY_AGAIN};
	if (status == 401 || status == 403)
		return (struct aws_error_class){ERROR_DENIED, RETRY_NEVER};
	return (struct aws_error_class){ERROR_REMOTE, RETRY_NEVER};
}

/* The last row fits everything, and says less than the status does: NULL. */
static const struct row *find(const char *code, const char *message)
{
	for (size_t i = 0; i + 1 < ARRAY_SIZE(rows); i++)
		if (str_glob(rows[i].pattern, code) && (!rows[i].words || (message && strstr(message, rows[i].words))))
			return &rows[i];
	return NULL;
}

struct aws_error_class aws_error_classify(const char *code, const char *message, long status)
{
	const struct row *row = find(code, message);
	return row ? row->class : by_status(status);
}

bool aws_error_is_known(const char *code)
{
	return find(code, NULL);
}
