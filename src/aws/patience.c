/* SPDX-License-Identifier: Apache-2.0 */
#include "patience.h"

#include <stddef.h>

#define SLICE_MS 100
#define AT_ONCE 2 /* wishes to stop that mean: no clean-up either */

struct patience patience_start(const struct stop *stop)
{
	return (struct patience){stop, stop ? stop->requests : 0};
}

bool patience_over(const struct patience *patience)
{
	int requests = patience->stop ? patience->stop->requests : 0;
	return requests > patience->requests || requests >= AT_ONCE;
}

int patience_fd(const struct patience *patience)
{
	return patience->stop && patience->stop->requests == 0 ? patience->stop->event_fd : -1;
}

bool patience_sleep_ms(const struct patience *patience, int64_t ms)
{
	int64_t until_ms = clock_mono_ms() + ms;
	if (patience_fd(patience) >= 0)
		return stop_sleep_ms(patience->stop, ms);
	for (int64_t left_ms; !patience_over(patience) && (left_ms = until_ms - clock_mono_ms()) > 0;)
		stop_sleep_ms(NULL, left_ms < SLICE_MS ? left_ms : SLICE_MS);
	return !patience_over(patience);
}
