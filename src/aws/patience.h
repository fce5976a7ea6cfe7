/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a call puts up with a wish to stop. What is under way when somebody asks to stop is given up; what is begun
 * afterwards is clean-up, and is given up only when somebody asks again. */
#ifndef AWS_PATIENCE_H
#define AWS_PATIENCE_H

#include "bakery/clock.h"

struct patience {
	const struct stop *stop; /* or NULL */
	int requests;		 /* those made before the call began */
};
struct patience patience_start(const struct stop *stop);
bool patience_over(const struct patience *patience);
/* What poll() may watch to hear at once of a wish to stop, or -1 when it would always be readable. */
int patience_fd(const struct patience *patience);
bool patience_sleep_ms(const struct patience *patience, int64_t ms); /* false: it is over */

#endif
