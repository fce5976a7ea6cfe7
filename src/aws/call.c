/* SPDX-License-Identifier: Apache-2.0
 *
 * Putting a call together. */
#include <stdarg.h>

#include "bakery/aws.h"
#include "bakery/mem.h"
#include "bakery/str.h"

struct aws_call aws_call(enum aws_operation operation, const char *region)
{
	return (struct aws_call){.operation = operation, .region = region, .args = tree_new_object()};
}

void aws_arg(struct aws_call *call, const char *path, const char *value)
{
	if (value)
		tree_set_text(call->args, path, value);
}

void aws_argf(struct aws_call *call, const char *path, const char *fmt, ...)
{
	_cleanup_(str_wipe_free) struct str value = STR_INIT;
	va_list args;
	va_start(args, fmt);
	str_vaddf(&value, fmt, args);
	va_end(args);
	tree_set_text(call->args, path, value.data);
}

void aws_arg_int(struct aws_call *call, const char *path, int64_t value)
{
	tree_set_int(call->args, path, value);
}

void aws_arg_bool(struct aws_call *call, const char *path, bool value)
{
	tree_set_bool(call->args, path, value);
}

void aws_call_clear(struct aws_call *call)
{
	tree_wipe_free(call->args); /* user data, SecureStrings and web identities pass through here */
	call->args = NULL;
}
