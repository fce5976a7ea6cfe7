/* SPDX-License-Identifier: Apache-2.0
 *
 * Signals: blocked everywhere and taken by one thread, so no handler ever runs in the middle of anything. */
#ifndef BAKERY_CLI_SIGNALS_H
#define BAKERY_CLI_SIGNALS_H

#include "bakery/clock.h"

/* SIGINT, SIGTERM or SIGHUP (unless it is ignored, as under nohup): the first asks to stop and clean up; a second
 * SIGINT or SIGTERM to leave at once; one more, a second after that, ends the process as if nobody had watched. */
struct signals;
struct signals *signals_watch(struct stop *stop, struct stop *leave);
void signals_end(struct signals *signals);

#endif
