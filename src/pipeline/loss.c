/* SPDX-License-Identifier: Apache-2.0
 *
 * Instances that end before their time, and what EC2's reasons mean for a build (EC2 user guide, "Instance state change
 * reasons"; its states have "Server." for EC2's own doing and "Client." for the account's). */
#include <stdio.h>
#include <string.h>

#include "bakery/str.h"
#include "pipeline.h"

enum { MOST_LOSSES = 2 };

/* The first row that fits counts. */
static const struct end_reason {
	const char *pattern; /* of the code */
	enum error_kind kind;
	const char *hint;
} reasons[] = {
	{"Server.Insufficient*", ERROR_CAPACITY, NULL},
	{"Server.SpotInstance*", ERROR_CAPACITY, NULL},
	{"Server.InternalError", ERROR_CAPACITY, NULL}, /* "try again" is all that AWS has to say of it */
	{"Client.VolumeLimitExceeded", ERROR_QUOTA,
	 "the account may have no more EBS volumes: remove some, or raise the quota (Service Quotas, EBS)"},
	{"Client.InvalidSnapshot*", ERROR_FAILED, "a snapshot of the image is gone or not shared with this account"},
	{"Client.InstanceInitiatedShutdown", ERROR_FAILED,
	 "it shut itself down: a step did, or something that the source image starts by itself"},
	{"Client.UserInitiatedShutdown", ERROR_FAILED, "somebody ended it; CloudTrail says who (TerminateInstances)"},
};

static bool is_about_keys(const struct build *build, const char *code)
{
	return str_glob("Client.InvalidKMSKey*", code) ||
	       (str_eq(code, "Client.InternalError") && build->plan->launch.root_volume.encrypted);
}

/* EBS uses the key on behalf of who launches, and tells a lack of permission only as "Client error on launch" (EBS user
 * guide, "Troubleshoot encryption"). */
static void hint_at_key(const struct build *build, struct error *err)
{
	const char *key = build->plan->launch.root_volume.kms_key;

	err->kind = ERROR_FAILED;
	error_hint(
		err,
		"EC2 could not use the key of the root volume: check that %s%s exists in %s and is enabled, that its "
		"policy lets these credentials use it (kms:CreateGrant, kms:Decrypt, kms:DescribeKey, "
		"kms:GenerateDataKeyWithoutPlaintext, kms:ReEncrypt*), and the same of the source image's own key, "
		"if it is encrypted",
		key ? "" : "the default key for EBS", key ? key : "", build->plan->region);
}

static const struct end_reason *reason_find(const char *code)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (str_glob(reasons[i].pattern, code))
			return &reasons[i];
	}
	return NULL;
}

void loss_explain_launch(const struct build *build, struct error *err)
{
	const struct end_reason *reason = reason_find(err->code);

	if (is_about_keys(build, err->code)) {
		hint_at_key(build, err);
	} else if (reason) {
		err->kind = reason->kind;
		if (reason->hint)
			error_hint(err, "%s", reason->hint);
	}
}

void loss_record(struct build *build, const struct box *box, const struct error *why)
{
	struct error unwritten = {0};

	if ((str_starts(why->code, "Client.") || str_starts(why->code, "Server.") || str_eq(why->code, "Gone")) &&
	    !store_launch_ended(build->store, build->id, box->instance, why->code, &unwritten))
		build_note(build, "record: %s", unwritten.text);
}

/* --- in the midst of the work --- */

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
	const struct end_reason *reason = reason_find(code);
	_cleanup_(str_free) struct str at = STR_INIT;
	bool by_ec2 = str_starts(code, "Server.");

	when(build, gone, &at);
	error_coded(why, by_ec2 ? ERROR_CAPACITY : ERROR_FAILED, code, "%s%s %s at %s (%.300s)",
		    box->spot ? "spot instance " : "instance ", box->instance,
		    by_ec2 ? "was taken back by EC2" : "ended before its time", at.data, said);
	if (reason && reason->hint)
		error_hint(why, "%s", reason->hint);
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
	loss_record(build, box, why);
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
