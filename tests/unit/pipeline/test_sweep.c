/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether what carries a build's tags may go: what is ours, old and of nobody goes; all else stays, and says why. */
#include "../../lib/check.h"
#include "bakery/macros.h"
#include "bakery/str.h"
#include "src/pipeline/sweep/sweep.h"

enum { HOUR_MS = 3600000 };
#define NOW_MS 1767323045000 /* 2026-01-02 03:04 */
#define DAY_MS (24LL * HOUR_MS)

static const struct sweep_rules rules = {.project = "shop", .now_ms = NOW_MS, .quarantine_s = 30 * 86400};
static const struct sweep_build unknown = {0};

#define OURS .project = "shop", .build = "b1"
#define EXPIRED .has_expires = true, .expires_ms = NOW_MS - HOUR_MS
#define YOUNG .has_expires = true, .expires_ms = NOW_MS + HOUR_MS

struct row {
	const char *name;
	struct sweep_found found;
	struct sweep_build build;
	bool with_images, removable, is_plain;
	const char *says;
};

static const struct row rows[] = {
	{"expired",
	 {.kind = SWEEP_INSTANCE, OURS, EXPIRED},
	 {0},
	 false,
	 true,
	 false,
	 "its time ended 2026-01-02 02:04"},
	{"ends this very moment",
	 {.kind = SWEEP_VOLUME, OURS, .has_expires = true, .expires_ms = NOW_MS},
	 {0},
	 false,
	 true,
	 false,
	 "not known here"},
	{"young",
	 {.kind = SWEEP_INSTANCE, OURS, YOUNG},
	 {0},
	 false,
	 false,
	 false,
	 "young: stays until 2026-01-02 04:04"},
	{"another project's",
	 {.kind = SWEEP_INSTANCE, .project = "bank", .build = "b1", EXPIRED},
	 {0},
	 true,
	 false,
	 true,
	 "not of project shop"},
	{"of no project", {.kind = SWEEP_INSTANCE, .build = "b1", EXPIRED}, {0}, true, false, true, "not of project"},
	{"of no build", {.kind = SWEEP_INSTANCE, .project = "shop", EXPIRED}, {0}, true, false, true, "not of project"},
	{"of a living build",
	 {.kind = SWEEP_INSTANCE, OURS, EXPIRED},
	 {.known = true, .live = true},
	 false,
	 false,
	 false,
	 "build b1 is running"},
	{"of a build that failed",
	 {.kind = SWEEP_SECURITY_GROUP, OURS, EXPIRED},
	 {.known = true, .status = BUILD_FAILED},
	 false,
	 true,
	 false,
	 "its build ended"},
	{"of no age", {.kind = SWEEP_SECURITY_GROUP, OURS}, {0}, true, false, false, "nothing tells its age"},
	{"made 23 h ago",
	 {.kind = SWEEP_SNAPSHOT, OURS, .made_ms = NOW_MS - 23 * HOUR_MS},
	 {0},
	 false,
	 false,
	 false,
	 "young"},
	{"made 25 h ago",
	 {.kind = SWEEP_SNAPSHOT, OURS, .made_ms = NOW_MS - 25 * HOUR_MS},
	 {0},
	 false,
	 true,
	 false,
	 "of no image"},
	{"a role", {.kind = SWEEP_ROLE, OURS, EXPIRED}, {0}, false, true, false, "its time ended"},
	{"unknown image",
	 {.kind = SWEEP_IMAGE, OURS, .made_ms = NOW_MS - 9 * DAY_MS},
	 {0},
	 false,
	 false,
	 false,
	 "unknown image: neither"},
	{"unknown image, with --images",
	 {.kind = SWEEP_IMAGE, OURS, .made_ms = NOW_MS - 9 * DAY_MS},
	 {0},
	 true,
	 true,
	 false,
	 "unknown image; its time ended"},
	{"young unknown image, with --images",
	 {.kind = SWEEP_IMAGE, OURS, .made_ms = NOW_MS - HOUR_MS},
	 {0},
	 true,
	 false,
	 false,
	 "young"},
	{"published unknown image, with --images",
	 {.kind = SWEEP_IMAGE, OURS, .made_ms = NOW_MS - 9 * DAY_MS, .parameter = "/bakery/web/prod"},
	 {0},
	 true,
	 false,
	 true,
	 "published as /bakery/web/prod"},
	{"result",
	 {.kind = SWEEP_IMAGE, OURS, .made_ms = NOW_MS - 999 * DAY_MS},
	 {.known = true, .status = BUILD_DONE},
	 true,
	 false,
	 true,
	 "the result of a build"},
	{"result with a forgotten tag",
	 {.kind = SWEEP_IMAGE, OURS, .made_ms = 1, .quarantined = true, .has_retire_after = true, .retire_after_ms = 2},
	 {.known = true, .status = BUILD_DONE},
	 true,
	 false,
	 true,
	 "the result of a build"},
	{"image of a failed build",
	 {.kind = SWEEP_IMAGE, OURS, .made_ms = NOW_MS - 2 * DAY_MS},
	 {.known = true, .status = BUILD_FAILED},
	 false,
	 true,
	 false,
	 "a build that failed"},
	{"image that passed its gates",
	 {.kind = SWEEP_IMAGE, OURS, .made_ms = NOW_MS - 99 * DAY_MS},
	 {.known = true, .passed = true, .status = BUILD_INTERRUPTED},
	 true,
	 false,
	 false,
	 "bakery resume b1"},
	{"quarantine, by the tag",
	 {.kind = SWEEP_IMAGE,
	  OURS,
	  .made_ms = 1,
	  .quarantined = true,
	  .has_retire_after = true,
	  .retire_after_ms = NOW_MS + DAY_MS},
	 {.known = true, .status = BUILD_QUARANTINED},
	 true,
	 false,
	 false,
	 "in quarantine until 2026-01-03 03:04; `bakery resume b1` tries again"},
	{"quarantine of an unknown build",
	 {.kind = SWEEP_IMAGE,
	  OURS,
	  .made_ms = 1,
	  .quarantined = true,
	  .has_retire_after = true,
	  .retire_after_ms = NOW_MS + DAY_MS},
	 {0},
	 true,
	 false,
	 false,
	 "in quarantine until 2026-01-03 03:04"},
	{"quarantine that ended",
	 {.kind = SWEEP_IMAGE,
	  OURS,
	  .made_ms = NOW_MS - HOUR_MS,
	  .quarantined = true,
	  .has_retire_after = true,
	  .retire_after_ms = NOW_MS - 1},
	 {.known = true, .passed = true, .status = BUILD_QUARANTINED},
	 false,
	 true,
	 false,
	 "its quarantine ended"},
	{"published out of a quarantine that ended",
	 {.kind = SWEEP_IMAGE,
	  OURS,
	  .made_ms = 1,
	  .quarantined = true,
	  .has_retire_after = true,
	  .retire_after_ms = 2,
	  .parameter = "/bakery/web/prod"},
	 {.known = true, .status = BUILD_QUARANTINED},
	 true,
	 false,
	 true,
	 "published"},
	{"quarantine without a date, 29 days",
	 {.kind = SWEEP_IMAGE, OURS, .made_ms = NOW_MS - 29 * DAY_MS},
	 {.known = true, .status = BUILD_QUARANTINED},
	 true,
	 false,
	 false,
	 "in quarantine until"},
	{"quarantine without a date, 31 days",
	 {.kind = SWEEP_IMAGE, OURS, .made_ms = NOW_MS - 31 * DAY_MS},
	 {.known = true, .status = BUILD_QUARANTINED},
	 false,
	 true,
	 false,
	 "its quarantine ended"},
	{"a date that somebody wrote as no date",
	 {.kind = SWEEP_IMAGE, OURS, .made_ms = 1, .quarantined = true, .unreadable = "bakery:retire-after"},
	 {.known = true, .status = BUILD_QUARANTINED},
	 true,
	 false,
	 false,
	 "what its tag bakery:retire-after says is no date"},
	{"an instance that somebody wants to keep",
	 {.kind = SWEEP_INSTANCE, OURS, .made_ms = 1, .unreadable = "bakery:expires"},
	 {0},
	 true,
	 false,
	 false,
	 "what its tag bakery:expires says is no date"},
	{"quarantine of no age",
	 {.kind = SWEEP_IMAGE, OURS, .quarantined = true},
	 {0},
	 true,
	 false,
	 false,
	 "nothing tells its age"},
};

static void each_is_judged(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sweep_rules with = rules;
		struct sweep_verdict verdict;

		with.with_images = rows[i].with_images;
		verdict = sweep_judge(&rows[i].found, &rows[i].build, &with);
		if (verdict.removable != rows[i].removable || verdict.is_plain != rows[i].is_plain ||
		    !strstr(verdict.reason, rows[i].says))
			fail_msg("%s: %s%s, \"%s\"", rows[i].name, verdict.removable ? "removed" : "kept",
				 verdict.is_plain ? ", plain" : "", verdict.reason);
	}
}

/* Whatever else is so: these never go. */
static void nothing_makes_these_go(void **state)
{
	for (int kind = 0; kind < SWEEP_KIND_COUNT; kind++) {
		for (int bits = 0; bits < 16; bits++) {
			struct sweep_found found = {.kind = (enum sweep_kind)kind, OURS, EXPIRED, .made_ms = 1};
			struct sweep_build build = {.known = bits & 1, .passed = bits & 2, .status = BUILD_FAILED};
			struct sweep_rules with = rules;

			found.quarantined = found.has_retire_after = bits & 4;
			with.with_images = bits & 8;
			found.unreadable = "bakery:expires";
			assert_false(sweep_judge(&found, &build, &with).removable);
			found.unreadable = NULL;
			found.parameter = "/p";
			assert_false(sweep_judge(&found, &build, &with).removable);
			found.parameter = NULL;
			found.project = "bank";
			assert_false(sweep_judge(&found, &build, &with).removable);
			found.project = "shop";
			build.live = true;
			assert_false(sweep_judge(&found, &build, &with).removable);
			assert_true(sweep_judge(&found, &unknown, &with).removable || kind == SWEEP_IMAGE);
		}
	}
}

/* Dates in tags are moved by hand, and written as people write them. */
static void dates_are_read(void **state)
{
	static const struct {
		const char *text;
		bool has;
		int64_t ms;
	} dates[] = {
		{"2026-01-02T03:04:05Z", true, NOW_MS},
		{"2026-01-02T05:04:05+02:00", true, NOW_MS},
		{"2026-01-01", true, 1767311999000}, /* the last second of it */
		{"never", false, 0},
		{"", false, 0},
		{"2026-13-01", false, 0},
		{"31.12.2026", false, 0},
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct sweeping sweeping = {.arena = arena};

	for (size_t i = 0; i < ARRAY_SIZE(dates); i++) {
		for (int is_expires = 0; is_expires < 2; is_expires++) {
			_cleanup_(tree_freep) struct tree *tags = tree_new_array();
			const char *name = is_expires ? "bakery:expires" : "bakery:retire-after";
			struct tree *tag = tree_add_object(tags);
			struct sweep_found found = {0};

			tree_set_text(tag, "key", name);
			tree_set_text(tag, "value", dates[i].text);
			sweeping_tags(&sweeping, &found, tags, "key", "value");
			assert_int_equal(is_expires ? found.has_expires : found.has_retire_after, dates[i].has);
			if (!dates[i].has)
				assert_string_equal(found.unreadable, name);
			else
				assert_int_equal(is_expires ? found.expires_ms : found.retire_after_ms, dates[i].ms);
			assert_true(dates[i].has == !found.unreadable);
		}
	}
}

static void what_serves_an_instance_stays_with_it(void **state)
{
	const int64_t late_ms = NOW_MS + HOUR_MS;
	struct sweep_found items[] = {
		{.kind = SWEEP_ROLE, OURS, EXPIRED},
		{.kind = SWEEP_INSTANCE, OURS, .has_expires = true, .expires_ms = late_ms},
		{.kind = SWEEP_SECURITY_GROUP, OURS, .has_expires = true, .expires_ms = late_ms + 1},
		{.kind = SWEEP_INSTANCE_PROFILE, OURS, EXPIRED},
		{.kind = SWEEP_IMAGE, OURS, EXPIRED},
		{.kind = SWEEP_INSTANCE, OURS, EXPIRED},
	};

	items[3].build = "another";
	sweep_serve_on(items, ARRAY_SIZE(items));
	assert_int_equal(items[0].expires_ms, late_ms);
	assert_int_equal(items[2].expires_ms, late_ms + 1);
	for (size_t i = 3; i < ARRAY_SIZE(items); i++)
		assert_int_equal(items[i].expires_ms, NOW_MS - HOUR_MS);
}

static void prices(void **state)
{
	assert_true(sweep_volume_month_usd("gp3", 100) > 7.99 && sweep_volume_month_usd("gp3", 100) < 8.01);
	assert_true(sweep_volume_month_usd("gp9", 100) < 0);
	assert_true(sweep_volume_month_usd(NULL, 100) < 0);
	assert_true(sweep_snapshot_month_usd(0) == 0);
	assert_true(sweep_instance_month_usd("m5.large") > 70 && sweep_instance_month_usd("m5.large") < 70.1);
	assert_true(sweep_instance_month_usd("m5.4xlarge") > 560 && sweep_instance_month_usd("m5.4xlarge") < 561);
	assert_true(sweep_instance_month_usd("t3.micro") > 7.5 && sweep_instance_month_usd("t3.micro") < 7.7);
	assert_true(sweep_instance_month_usd("m5.metal") < 0);
	assert_true(sweep_instance_month_usd("m5.0xlarge") < 0);
	assert_true(sweep_instance_month_usd("x9z.large") < 0);
	assert_true(sweep_instance_month_usd("m5") < 0);
	assert_true(sweep_instance_month_usd(NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_judged), cmocka_unit_test(nothing_makes_these_go),
		cmocka_unit_test(dates_are_read), cmocka_unit_test(what_serves_an_instance_stays_with_it),
		cmocka_unit_test(prices),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
