/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether something that carries a build's tags may go, and why. Pure: from what was found, what the database knows and
 * the time. When in doubt it stays. */
#include <stdio.h>

#include "bakery/str.h"
#include "bakery/sweep.h"

/* Of what carries no date, as results do: no build takes longer by default. */
enum { YOUNG_S = 24 * 3600 };

const char *sweep_kind_name(enum sweep_kind kind)
{
	static const char *const names[SWEEP_KIND_COUNT] = {
		[SWEEP_INSTANCE] = "instance",
		[SWEEP_VOLUME] = "volume",
		[SWEEP_INSTANCE_PROFILE] = "instance_profile",
		[SWEEP_ROLE] = "role",
		[SWEEP_SECURITY_GROUP] = "security_group",
		[SWEEP_IMAGE] = "image",
		[SWEEP_SNAPSHOT] = "snapshot",
	};

	return names[kind];
}

static struct sweep_verdict printf_like(3, 4) verdict(bool removable, bool is_plain, const char *fmt, ...)
{
	struct sweep_verdict verdict = {.removable = removable, .is_plain = is_plain};
	va_list args;

	va_start(args, fmt);
	vsnprintf(verdict.reason, sizeof(verdict.reason), fmt, args);
	va_end(args);
	return verdict;
}

/* "2026-01-02 03:04" */
struct day {
	char text[CLOCK_TEXT_SIZE];
};
static struct day day(int64_t ms)
{
	struct day day;

	clock_rfc3339(ms, day.text);
	day.text[10] = ' ';
	day.text[16] = '\0';
	return day;
}

static struct sweep_verdict by_age(const struct sweep_found *found, const struct sweep_rules *rules, const char *what)
{
	int64_t until_ms = found->expires_ms;

	if (!found->has_expires) {
		if (!found->made_ms)
			return verdict(false, false, "nothing tells its age");
		until_ms = found->made_ms + YOUNG_S * 1000LL;
	}
	if (rules->now_ms < until_ms)
		return verdict(false, false, "young: stays until %s", day(until_ms).text);
	return verdict(true, false, "%s; its time ended %s", what, day(until_ms).text);
}

static struct sweep_verdict in_quarantine(const struct sweep_found *found, const struct sweep_build *build,
					  const struct sweep_rules *rules)
{
	int64_t until_ms =
		found->has_retire_after ? found->retire_after_ms : found->made_ms + rules->quarantine_s * 1000;

	if (!found->has_retire_after && !found->made_ms)
		return verdict(false, false, "in quarantine, and nothing tells its age");
	if (rules->now_ms >= until_ms)
		return verdict(true, false, "its quarantine ended %s", day(until_ms).text);
	if (!build->known)
		return verdict(false, false, "in quarantine until %s", day(until_ms).text);
	return verdict(false, false, "in quarantine until %s; `bakery resume %s` tries again", day(until_ms).text,
		       found->build);
}

static struct sweep_verdict of_image(const struct sweep_found *found, const struct sweep_build *build,
				     const struct sweep_rules *rules)
{
	struct sweep_verdict age =
		by_age(found, rules, build->known ? "image of a build that failed" : "unknown image");

	if (build->known && build->status == BUILD_DONE)
		return verdict(false, true, "the result of a build");
	if (found->quarantined || (build->known && build->status == BUILD_QUARANTINED))
		return in_quarantine(found, build, rules);
	if (build->known && build->passed)
		return verdict(false, false, "passed its gates; `bakery resume %s` goes on", found->build);
	if (!age.removable || build->known || rules->with_images)
		return age;
	return verdict(false, false,
		       "unknown image: neither this database nor a parameter names it; --images removes it");
}

struct sweep_verdict sweep_judge(const struct sweep_found *found, const struct sweep_build *build,
				 const struct sweep_rules *rules)
{
	if (!found->project || !str_eq(found->project, rules->project) || !found->build)
		return verdict(false, true, "not of project %s", rules->project);
	if (found->parameter)
		return verdict(false, true, "published as %s", found->parameter);
	if (build->live)
		return verdict(false, false, "build %s is running", found->build);
	if (found->unreadable)
		return verdict(false, false, "what its tag %s says is no date (as 2026-01-31 or 2026-01-31T12:00:00Z)",
			       found->unreadable);
	if (found->kind == SWEEP_IMAGE)
		return of_image(found, build, rules);
	if (found->kind == SWEEP_SNAPSHOT)
		return by_age(found, rules, "of no image");
	return by_age(found, rules, build->known ? "its build ended" : "its build is not known here");
}

static bool serves(const struct sweep_found *found, const struct sweep_found *instance)
{
	return found->kind != SWEEP_INSTANCE && found->kind != SWEEP_IMAGE && found->kind != SWEEP_SNAPSHOT &&
	       found->build && instance->build && str_eq(found->build, instance->build);
}

void sweep_serve_on(struct sweep_found *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (items[i].kind != SWEEP_INSTANCE || !items[i].has_expires)
			continue;
		for (size_t j = 0; j < count; j++) {
			if (serves(&items[j], &items[i]) && items[j].has_expires &&
			    items[j].expires_ms < items[i].expires_ms)
				items[j].expires_ms = items[i].expires_ms;
		}
	}
}
