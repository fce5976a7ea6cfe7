/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose turn it is to publish. Of the builds that one database knows, one at a time writes a channel's parameters; the
 * others wait until it has ended or its process has died. */
#include <string.h>

#include "../pipeline.h"
#include "bakery/str.h"
#include "turn.h"

/* Accounts may share a database, and a parameter's name. */
static char *lease_name(const struct build *build)
{
	return mem_printf("publish %s %s", build->plan->account, build->plan->publish.parameter);
}

bool turn_wait(struct build *build, struct error *err)
{
	enum { PAUSE_MS = 300 };
	_cleanup_(freep) char *name = lease_name(build);
	char holder[BUILD_ID_SIZE], told[BUILD_ID_SIZE] = "";

	while (store_lease_take(build->store, name, build->id, holder, err)) {
		if (!holder[0])
			return true;
		if (!str_eq(holder, told))
			build_note(build, "build %s is publishing to %s; waiting until it is done", holder,
				   build->plan->publish.parameter);
		memcpy(told, holder, sizeof(told));
		if (!stop_sleep_ms(build_stop(build), PAUSE_MS))
			return error_set(err, ERROR_STOPPED, "stopped");
	}
	return error_context(err, "lease");
}

bool turn_keep(struct build *build, struct error *err)
{
	_cleanup_(freep) char *name = lease_name(build);
	char holder[BUILD_ID_SIZE];

	if (!store_lease_take(build->store, name, build->id, holder, err))
		return error_context(err, "lease");
	return !holder[0] ||
	       error_set(err, ERROR_CONFLICT,
			 "build %s has taken over publishing, since this process was not heard of for long", holder);
}

void turn_end(struct build *build)
{
	_cleanup_(freep) char *name = lease_name(build);
	struct error kept = {0};

	if (!store_lease_give(build->store, name, build->id, &kept))
		build_note(build, "other builds can publish when this one has ended: %s", kept.text);
}
