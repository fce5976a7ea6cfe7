/* SPDX-License-Identifier: Apache-2.0
 *
 * What resume and gc work with. */
#include "context.h"

struct build_context context_make(struct app *app, struct build_events events)
{
	return (struct build_context){
		.store = app->store,
		.aws = app->aws,
		.log = app->log,
		.stop = app->stop,
		.leave = app->leave,
		.events = events,
		.origin = build_origin_find(app->settings.folder, app->arena),
		.settle_s = app->settings.settle_s,
		.quarantine_s = app->settings.quarantine_s,
	};
}
