/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors: filling them, adding context, and the table from kind to exit status. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bakery/error.h"

static const struct {
	const char *name;
	int exit_status;
} kinds[] = {
	[ERROR_NONE] = {"none", 0},	    [ERROR_FAILED] = {"failed", 1},
	[ERROR_INTERNAL] = {"internal", 1}, [ERROR_ABSENT] = {"absent", 1},
	[ERROR_CONFLICT] = {"conflict", 1}, [ERROR_TRANSIENT] = {"transient", 1},
	[ERROR_CAPACITY] = {"capacity", 1}, [ERROR_REMOTE] = {"remote", 1},
	[ERROR_USAGE] = {"usage", 2},	    [ERROR_INVALID] = {"invalid", 3},
	[ERROR_REFUSED] = {"refused", 4},   [ERROR_NONCOMPLIANT] = {"noncompliant", 5},
	[ERROR_DENIED] = {"denied", 6},	    [ERROR_STOPPED] = {"stopped", 7},
	[ERROR_LEFTOVER] = {"leftover", 8}, [ERROR_THROTTLED] = {"throttled", 1},
	[ERROR_QUOTA] = {"quota", 1},	    [ERROR_EXPIRED] = {"expired", 6},
	[ERROR_CLOCK] = {"clock", 6},
};

static void fill(struct error *err, enum error_kind kind, const char *code, const char *fmt, va_list args)
{
	char text[sizeof(err->text)];

	vsnprintf(text, sizeof(text), fmt, args); /* by way of a copy: an argument may be err->text itself */
	err->kind = kind;
	err->no_effect = false;
	snprintf(err->code, sizeof(err->code), "%s", code);
	memcpy(err->text, text, sizeof(text));
}

bool error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fill(err, kind, "", fmt, args);
	va_end(args);
	return false;
}

bool error_coded(struct error *err, enum error_kind kind, const char *code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fill(err, kind, code, fmt, args);
	va_end(args);
	return false;
}

bool error_errno(struct error *err, const char *fmt, ...)
{
	int number = errno;
	va_list args;
	size_t used;

	va_start(args, fmt);
	fill(err, number == ENOENT ? ERROR_ABSENT : ERROR_INTERNAL, "", fmt, args);
	va_end(args);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(number));
	return false;
}

bool error_context(struct error *err, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list args;
	size_t used;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	used = strlen(text);
	if (used + 2 < sizeof(text)) {
		memcpy(text + used, ": ", 2);
		used += 2;
		memccpy(text + used, err->text, '\0', sizeof(text) - used);
		text[sizeof(text) - 1] = '\0';
	}
	memcpy(err->text, text, sizeof(text));
	return false;
}

bool error_hint(struct error *err, const char *fmt, ...)
{
	size_t used = strlen(err->text);
	va_list args;

	if (used + 3 >= sizeof(err->text))
		return false;
	memcpy(err->text + used, "; ", 3);
	used += 2;
	va_start(args, fmt);
	vsnprintf(err->text + used, sizeof(err->text) - used, fmt, args);
	va_end(args);
	return false;
}

void error_clear(struct error *err)
{
	err->kind = ERROR_NONE;
	err->no_effect = false;
	err->code[0] = err->text[0] = '\0';
}

bool error_is(const struct error *err, enum error_kind kind)
{
	return err->kind == kind;
}

const char *error_kind_name(enum error_kind kind)
{
	return kinds[kind].name;
}

int error_exit_status(enum error_kind kind)
{
	return kinds[kind].exit_status;
}
