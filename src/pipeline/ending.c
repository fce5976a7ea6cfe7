/* SPDX-License-Identifier: Apache-2.0
 *
 * Why an instance ended, and what EC2's reasons mean for a build (EC2 user guide, "Instance state change reasons"; its
 * states have "Server." for EC2's own doing and "Client." for the account's). */
#include <string.h>

#include "bakery/str.h"
#include "pipeline.h"

/* The first row that fits counts. */
static const struct ending endings[] = {
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

const struct ending *ending_find(const char *code)
{
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		if (str_glob(endings[i].pattern, code))
			return &endings[i];
	}
	return NULL;
}

void ending_explain_launch(const struct build *build, struct error *err)
{
	const struct ending *ending = ending_find(err->code);

	if (is_about_keys(build, err->code)) {
		hint_at_key(build, err);
	} else if (ending) {
		err->kind = ending->kind;
		if (ending->hint)
			error_hint(err, "%s", ending->hint);
	}
}

void ending_record(struct build *build, const struct box *box, const struct error *why)
{
	struct error unwritten = {0};

	if ((str_starts(why->code, "Client.") || str_starts(why->code, "Server.") || str_eq(why->code, "Gone")) &&
	    !store_launch_ended(build->store, build->id, box->instance, why->code, &unwritten))
		build_note(build, "record: %s", unwritten.text);
}
