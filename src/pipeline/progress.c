/* SPDX-License-Identifier: Apache-2.0
 *
 * What is shown while an image or a copy is on its way: how far its snapshots are, and how long it may still take, from
 * their progress and from how long it took before. One question serves all builds of the process that wait in a region.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bakery/str.h"
#include "pipeline.h"

enum { FIRST_MS = 15000, PAUSE_MS = 12000, LEAST_PERCENT = 5 };

int64_t snapshot_left_ms(int64_t elapsed_ms, int percent, int64_t expected_ms)
{
	int64_t known = expected_ms > elapsed_ms ? expected_ms - elapsed_ms : -1;

	if (percent < LEAST_PERCENT || percent > 100)
		return known;
	int64_t by_rate = elapsed_ms * (100 - percent) / percent;
	return known < 0 ? by_rate : (by_rate * percent + known * (100 - percent)) / 100;
}

void snapshot_left_text(int64_t left_ms, char text[LEFT_TEXT_SIZE])
{
	int64_t left_s = (left_ms + 500) / 1000;

	text[0] = '\0';
	if (left_ms < 0)
		return;
	if (left_s < 90)
		snprintf(text, LEFT_TEXT_SIZE, ", about %lld s left", (long long)(left_s < 1 ? 1 : left_s));
	else if (left_s < 90 * 60)
		snprintf(text, LEFT_TEXT_SIZE, ", about %lld min left", (long long)((left_s + 30) / 60));
	else
		snprintf(text, LEFT_TEXT_SIZE, ", about %lld h left", (long long)((left_s + 1800) / 3600));
}

static bool is_of_build(const struct tree *snapshot, const char *build)
{
	for (struct tree_iter i = tree_iter(tree_get(snapshot, "tagSet")); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "key"), "bakery:build"))
			return str_eq(tree_text(i.value, "value"), build);
	}
	return false;
}

/* The least advanced of the build's snapshots; -1 when none is under way. */
static int percent_of(const struct tree *snapshots, const char *build)
{
	int least = -1;

	for (struct tree_iter i = tree_iter(snapshots); tree_next(&i);) {
		int percent = atoi(tree_text_or(i.value, "progress", "0"));
		if (is_of_build(i.value, build) && (least < 0 || percent < least))
			least = percent;
	}
	return least;
}

/* The same question for every build, so that its answer can be shared. */
static bool snapshots_ask(const struct watching *watching, struct tree **reply, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeSnapshots, watching->region);

	call.share_ms = PAUSE_MS;
	aws_arg(&call, "Owner.1", "self");
	aws_arg(&call, "Filter.1.Name", "tag-key");
	aws_arg(&call, "Filter.1.Value.1", "bakery:build");
	aws_arg(&call, "Filter.2.Name", "status");
	aws_arg(&call, "Filter.2.Value.1", "pending");
	return build_send(watching->build, &call, reply, err);
}

/* Only a courtesy: an answer that does not come spoils nothing. */
void progress_show(void *cookie, const struct tree *item)
{
	struct watching *watching = cookie;
	int64_t now_ms = clock_mono_ms(), elapsed_ms = now_ms - watching->began_ms;
	_cleanup_(tree_freep) struct tree *reply = NULL;
	struct error unasked = {0};
	char left[LEFT_TEXT_SIZE];
	int percent;

	if (elapsed_ms < FIRST_MS || now_ms < watching->next_ms || !str_eq(tree_text(item, "imageState"), "pending"))
		return;
	watching->next_ms = now_ms + PAUSE_MS;
	if (!snapshots_ask(watching, &reply, &unasked))
		return;
	percent = percent_of(tree_get(reply, "snapshotSet"), watching->build->id);
	snapshot_left_text(snapshot_left_ms(elapsed_ms, percent, watching->expected_ms), left);
	if (percent >= 0)
		build_progress(watching->build, "%s: snapshot %d %%%s", watching->region, percent, left);
	else if (left[0])
		build_progress(watching->build, "%s: image%s", watching->region, left);
}
