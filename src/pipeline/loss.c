/* SPDX-License-Identifier: Apache-2.0
 *
 * Instances that end in the midst of the work: noticed, told, and replaced where another one may do better. */
#include <stdio.h>
#include <string.h>

#include "bakery/str.h"
#include "pipeline.h"

enum { MOST_LOSSES = 2 };

static struct box *box_of(struct build *build)
{
	return str_eq(build->stage->after_loss, "test") ? &build->test : &build->box;
}

static bool is_gone(const struct tree *instance)
{
	const char *state = tree_text_or(instance, "instanceState.name", "terminated");

	return str_eq(state, "shutting-down") || str_eq(state, "terminated");
}

/* The instance's description if it is gone, from who watched it or asked now. NULL: it is there, or nobody knows. */
static struct tree *gone_find(struct build *build, struct box *box)
{
	struct tree *gone = lookout_end(take(&box->lookout));
	struct aws_call call = aws_call(AWS_ec2_DescribeInstances, build->plan->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	struct error err = {0};
	const struct tree *instance;

	if (gone) {
		aws_call_clear(&call);
		return gone;
	}
	aws_arg(&call, "InstanceId.1", box->instance);
	if (!build_send(build, &call, &reply, &err))
		return error_is(&err, ERROR_ABSENT) ? tree_new_object() : NULL;
	instance = tree_get(reply, "reservationSet.1.instancesSet.1");
	return instance && is_gone(instance) ? tree_copy(instance) : NULL;
}

/* "User initiated (2026-01-02 03:04:05 GMT)" has the time; for EC2's own doing it is when it was noticed. */
static void when(const struct build *build, const struct tree *instance, struct str *out)
{
	const char *reason = tree_text_or(instance, "reason", ""), *open = strchr(reason, '(');
	const char *close = open ? strchr(open, ')') : NULL;
	char now[CLOCK_TEXT_SIZE];

	if (close && close - open < 40) {
		str_add_n(out, open + 1, (size_t)(close - open - 1));
		return;
	}
	clock_rfc3339(build_now_ms(build), now);
	str_add(out, now);
}

static void tell(const struct build *build, const struct box *box, const struct tree *gone, struct error *why)
{
	const char *code = tree_text_or(gone, "stateReason.code", "Gone"),
		   *said = tree_text_or(gone, "stateReason.message", "it no longer exists");
	const struct ending *ending = ending_find(code);
	_cleanup_(str_free) struct str at = STR_INIT;
	bool by_ec2 = str_starts(code, "Server.");

	when(build, gone, &at);
	error_coded(why, by_ec2 ? ERROR_CAPACITY : ERROR_FAILED, code, "%s%s %s at %s (%.300s)",
		    box->spot ? "spot instance " : "instance ", box->instance,
		    by_ec2 ? "was taken back by EC2" : "ended before its time", at.data, said);
	if (ending && ending->hint)
		error_hint(why, "%s", ending->hint);
}

void loss_judge(struct build *build, struct error *why)
{
	_cleanup_(tree_freep) struct tree *gone = NULL;
	struct box *box;

	build->fall_back = NULL;
	if (!build->stage->after_loss || stop_requested(&build->stop))
		return;
	box = box_of(build);
	if (box == &build->box && build->state.instance) /* a resumed build has met it only in its state */
		snprintf(box->instance, sizeof(box->instance), "%s", build->state.instance);
	gone = box->instance[0] ? gone_find(build, box) : NULL;
	if (!gone)
		return;
	tell(build, box, gone, why);
	ending_record(build, box, why);
	if (!error_is(why, ERROR_CAPACITY))
		return;
	if (build->losses++ < MOST_LOSSES)
		build->fall_back = build->stage->after_loss;
	else
		error_hint(why, "it was instance number %d; try another time, or launch.market: on-demand",
			   build->losses);
}

bool loss_recover(struct build *build, struct error *err)
{
	struct box *box = box_of(build);

	box_close(box);
	/* An image that was begun of the lost instance has the name that the next one needs. */
	if (!str_eq(build->fall_back, "test") && !build->state.images.count &&
	    !build_drop(build, &held_image, "image", err))
		return error_context(err, "removing the image that was begun");
	stop_reset(&build->work);
	if (stop_requested(&build->stop))
		stop_request(&build->work, 0);
	build_note(build, "goes on from stage %s with another instance%s", build->fall_back,
		   box->spot && build->plan->launch.market == MARKET_SPOT_THEN_ON_DEMAND ? ", on demand" : "");
	return true;
}
