/* SPDX-License-Identifier: Apache-2.0
 *
 * Transitions under way: each runs in a thread of its own, works in its turn, and sleeps until it is due. */
#ifndef BAKERY_SANDBOX_JOBS_H
#define BAKERY_SANDBOX_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "cloud.h"
#include "request.h"

struct job {
	struct cloud *cloud;
	struct wanted_job what;
	struct job *next;
	bool turn_over;
};
typedef void job_run(struct job *job);

struct jobs *jobs_new(struct cloud *cloud, job_run *run);
void jobs_start(struct jobs *jobs, const struct wanted_job *job);
void jobs_stop(struct jobs *jobs); /* wakes the sleeping ones, waits for all; what starts later is not begun */
void jobs_free(struct jobs *jobs);

/* For the run function, which is called when it is the job's turn. */
void job_turn_end(struct job *job);			/* lets the next one with the same turn begin */
bool job_sleep_until(struct job *job, int64_t wall_ms); /* false: the cloud is closing */

#endif
