/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS accepts signatures for five minutes (EC2 for fifteen) around its own time. EC2 does not say that it was the time:
 * it "was not able to validate the provided access credentials". */
#include "clock_skew.h"

#include <stdlib.h>

#define MOST_SKEW_MS (4 * 60 * 1000) /* that AWS puts up with, and some leeway */
#define LEAST_SKEW_MS 2000	     /* worth correcting when AWS says that it is the clock; a Date has whole seconds */

/* Against the time that was signed: other threads may have corrected the clock meanwhile. */
static int64_t skew_ms(const struct attempt *attempt)
{
	return attempt->date_ms ? attempt->date_ms - attempt->signed_ms : 0;
}

void clock_told(struct aws *aws, int64_t date_ms, int64_t took_ms)
{
	int64_t host_ms = host_time_ms(aws), now_ms = host_ms + aws->told_ahead_ms;
	int64_t soonest_ms = date_ms - LEAST_SKEW_MS, latest_ms = date_ms + took_ms + 1000 + LEAST_SKEW_MS;
	if (!date_ms)
		return;
	if (now_ms < soonest_ms || now_ms > latest_ms)
		aws->told_ahead_ms = date_ms - host_ms;
	aws->is_told = true;
}

void clock_skew_classify(const char *code, struct attempt *attempt)
{
	if (str_eq(code, "RequestExpired") && attempt->date_ms && llabs(skew_ms(attempt)) < LEAST_SKEW_MS)
		attempt->class.kind = ERROR_EXPIRED;
}

bool clock_skew_correct(struct aws *aws, const struct attempt *attempt, const struct error *err)
{
	int64_t skew = skew_ms(attempt), least = err->kind == ERROR_CLOCK ? LEAST_SKEW_MS : MOST_SKEW_MS;
	char text[CLOCK_TEXT_SIZE];
	if (attempt->outcome != HTTP_ANSWERED || llabs(skew) < least ||
	    (err->kind != ERROR_CLOCK && err->kind != ERROR_DENIED))
		return false;
	aws->clock_offset_ms = attempt->date_ms - host_time_ms(aws);
	clock_duration(llabs(aws->clock_offset_ms), text);
	if (!atomic_exchange(&aws->clock_warned, true))
		log_warn(aws->log, "this host's clock is %s %s AWS's; requests are signed with AWS's time", text,
			 aws->clock_offset_ms > 0 ? "behind" : "ahead of");
	return true;
}

bool clock_skew_explain(const struct aws *aws, const struct attempt *attempt, struct error *err)
{
	char text[CLOCK_TEXT_SIZE];
	int64_t offset = attempt->date_ms - host_time_ms(aws);
	if (err->kind != ERROR_CLOCK || attempt->class.kind != ERROR_CLOCK) /* another call's has its words already */
		return false;
	clock_duration(llabs(offset), text);
	if (!attempt->date_ms)
		return error_hint(err, "set this host's clock right");
	if (llabs(offset) >= LEAST_SKEW_MS)
		return error_hint(err, "this host's clock is %s %s AWS's: set it right", text,
				  offset > 0 ? "behind" : "ahead of");
	return error_hint(err, "this host's clock agrees with AWS's; does a proxy hold requests back?");
}
