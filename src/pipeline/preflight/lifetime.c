/* SPDX-License-Identifier: Apache-2.0
 *
 * Preflight: whether the credentials outlive the build, and this host's clock. */
#include "bakery/str.h"
#include "probe.h"

void check_lifetime(struct probe *probe)
{
	struct aws_lifetime lifetime;
	struct error err = {0};
	int64_t deadline_ms = build_now_ms(probe->build) + probe->plan->deadline_s * 1000;
	const char *source = aws_credentials_source(probe->build->aws);
	char ends[CLOCK_TEXT_SIZE], latest[CLOCK_TEXT_SIZE];

	if (!aws_lifetime(probe->build->aws, &lifetime, &err)) {
		probe_error(probe, ASK_NEEDED, &err);
		return;
	}
	clock_rfc3339(lifetime.expires_ms, ends);
	clock_rfc3339(deadline_ms, latest);
	if (lifetime.is_renewable)
		probe_ok(probe, "%s; bakery renews them by itself", source);
	else if (!lifetime.is_temporary)
		probe_ok(probe, "%s; they do not end", source);
	else if (!lifetime.expires_ms)
		probe_warn(probe, "%s: they are temporary, and nobody tells when they end; the build may take until %s",
			   source, latest);
	else if (lifetime.expires_ms < deadline_ms)
		probe_fail(probe, ERROR_EXPIRED,
			   "they end at %s, and the build may take until %s (deadline in the recipe); get "
			   "some that last longer (of a role: duration_seconds in a profile), shorten the deadline, or "
			   "let "
			   "bakery take a role with keys that do not end (role_arn in a profile), which it renews; %s",
			   ends, latest, source);
	else
		probe_ok(probe, "%s; they end at %s", source, ends);
}

void check_clock(struct probe *probe)
{
	enum { MUCH_MS = 60 * 1000 };
	int64_t offset_ms = aws_clock_ahead_ms(probe->build->aws);
	char text[CLOCK_TEXT_SIZE];

	clock_duration(offset_ms < 0 ? -offset_ms : offset_ms, text);
	if (offset_ms > MUCH_MS || offset_ms < -MUCH_MS)
		probe_warn(probe,
			   "this host's clock is %s %s AWS's; requests are signed, and times written down, by "
			   "AWS's; set it right",
			   text, offset_ms > 0 ? "behind" : "ahead of");
	else
		probe_ok(probe, "as AWS's, to the minute");
}
