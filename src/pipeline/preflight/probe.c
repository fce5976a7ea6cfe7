/* SPDX-License-Identifier: Apache-2.0
 *
 * A probe's findings, and how it asks. */
#include "probe.h"

#include <stdarg.h>
#include <string.h>

#include "bakery/str.h"

static void find(struct probe *probe, enum finding_result result, enum error_kind kind, const char *fmt, va_list args)
{
	struct finding *grown = arena_alloc(probe->arena, (probe->count + 1) * sizeof(*grown));
	_cleanup_(str_free) struct str text = STR_INIT;

	str_vaddf(&text, fmt, args);
	if (probe->count)
		memcpy(grown, probe->found, probe->count * sizeof(*grown));
	grown[probe->count++] = (struct finding){
		.check = probe->check->name,
		.region = probe->check->everywhere ? probe->region : NULL,
		.result = result,
		.kind = kind,
		.detail = arena_strdup(probe->arena, text.data),
	};
	probe->found = grown;
}

#define FINDER(name, result)                                                                                           \
	void name(struct probe *probe, const char *fmt, ...)                                                           \
	{                                                                                                              \
		va_list args;                                                                                          \
                                                                                                                       \
		va_start(args, fmt);                                                                                   \
		find(probe, result, ERROR_NONE, fmt, args);                                                            \
		va_end(args);                                                                                          \
	}
FINDER(probe_ok, FINDING_OK)
FINDER(probe_warn, FINDING_WARNING)
FINDER(probe_unknown, FINDING_UNKNOWN)

void probe_fail(struct probe *probe, enum error_kind kind, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	find(probe, FINDING_FAILED, kind, fmt, args);
	va_end(args);
}

void probe_error(struct probe *probe, enum ask ask, const struct error *err)
{
	if (error_is(err, ERROR_STOPPED))
		return;
	if (ask == ASK_NEEDED || str_eq(err->code, "Unreached"))
		probe_fail(probe, err->kind, "%s", err->text);
	else
		probe_unknown(probe, "not looked at: %s", err->text);
}

bool probe_ask(struct probe *probe, enum ask ask, struct aws_call *call, struct tree **reply)
{
	struct error err = {0};

	if (build_send(probe->build, call, reply, &err))
		return true;
	probe_error(probe, ask, &err);
	return false;
}
