/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of instances and images after a request has been answered. A transition is told by the state alone, so
 * one that a killed sandbox left undone is done when it starts again. */
#ifndef BAKERY_SANDBOX_TRANSITIONS_H
#define BAKERY_SANDBOX_TRANSITIONS_H

#include "../jobs.h"

void transition_run(struct job *job);	      /* kinds: instance, spot, reboot, image, layers */
void transitions_resume(struct cloud *cloud); /* at start: all that is under way; running instances boot again */
void transition_interrupt(struct cloud *cloud, const char *id); /* EC2 takes the spot instance back */
void transition_machine_ended(void *cookie, const char *id, enum machine_exit how); /* cookie: the cloud */

#endif
