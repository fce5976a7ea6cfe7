/* SPDX-License-Identifier: Apache-2.0
 *
 * Watching a spot instance while it is worked on: a thread beside the build that waits for its end, in one call for all
 * builds of the process. A step that hangs on a machine that is gone would else hold on until the connection is given
 * up. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "bakery/log.h"
#include "pipeline.h"

enum { LOOK_EVERY_MS = 10000 };

struct lookout {
	struct build *build;
	char instance[ID_SIZE];
	struct stop end;
	pthread_t thread;
	struct tree *gone;
};

static void *watch(void *argument)
{
	struct lookout *lookout = argument;
	struct build *build = lookout->build;
	const struct aws_wait_options options = {
		.region = build->plan->region,
		.timeout_s = build_seconds_left(build),
		.stop = &lookout->end,
		.every_ms = LOOK_EVERY_MS,
	};
	struct error err = {0};

	if (!aws_wait(build->aws, AWS_WAIT_instance_gone, lookout->instance, &options, &lookout->gone, &err)) {
		if (!error_is(&err, ERROR_STOPPED))
			log_debug(build->context->log, "%s: %s", build->id, err.text);
		return NULL;
	}
	if (!lookout->gone)
		lookout->gone = tree_new_object();
	stop_request(&build->work, 0);
	return NULL;
}

struct lookout *lookout_start(struct build *build, const char *instance)
{
	struct lookout *lookout = mem_alloc(sizeof(*lookout));

	lookout->build = build;
	snprintf(lookout->instance, sizeof(lookout->instance), "%s", instance);
	stop_init(&lookout->end);
	if (pthread_create(&lookout->thread, NULL, watch, lookout) != 0)
		abort();
	return lookout;
}

struct tree *lookout_end(struct lookout *lookout)
{
	struct tree *gone;

	if (!lookout)
		return NULL;
	stop_request(&lookout->end, 0);
	pthread_join(lookout->thread, NULL);
	stop_close(&lookout->end);
	gone = lookout->gone;
	free(lookout);
	return gone;
}
