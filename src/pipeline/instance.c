/* SPDX-License-Identifier: Apache-2.0
 *
 * Instances as the ledger holds them: the market, type and subnet that have room are tried in order; found again by the
 * token in their tags. */
#include <stdio.h>
#include <string.h>

#include "bakery/str.h"
#include "candidates.h"

struct launching {
	struct build *build;
	const struct hold *hold;
	const struct instance_wish *wish;
	const char *user_data; /* base64 */
	/* The client token's end: what is asked for again is the same request when its answer was lost, and another one
	 * when it was refused. */
	size_t number;
	int refused;
};

static void network_args(const struct launching *launching, struct aws_call *call, const struct plan_subnet *subnet)
{
	const struct plan_launch *launch = &launching->build->plan->launch;
	char path[64];

	aws_arg_int(call, "NetworkInterface.1.DeviceIndex", 0);
	aws_arg(call, "NetworkInterface.1.SubnetId", subnet->id);
	aws_arg_bool(call, "NetworkInterface.1.AssociatePublicIpAddress", launch->address == ADDRESS_PUBLIC);
	aws_arg_bool(call, "NetworkInterface.1.DeleteOnTermination", true);
	if (launching->wish->security_group)
		aws_arg(call, "NetworkInterface.1.SecurityGroupId.1", launching->wish->security_group);
	for (size_t i = 0; i < launch->security_groups.count; i++) {
		snprintf(path, sizeof(path), "NetworkInterface.1.SecurityGroupId.%zu", i + 1);
		aws_arg(call, path, launch->security_groups.items[i]);
	}
}

/* The test instance takes its volume as the image has it. */
static void volume_args(const struct launching *launching, struct aws_call *call)
{
	const struct plan *plan = launching->build->plan;
	const struct root_volume *volume = &plan->launch.root_volume;

	if (launching->wish->is_test)
		return;
	aws_arg(call, "BlockDeviceMapping.1.DeviceName", plan->source.root_device);
	aws_arg_bool(call, "BlockDeviceMapping.1.Ebs.DeleteOnTermination", true);
	if (volume->size_gib)
		aws_arg_int(call, "BlockDeviceMapping.1.Ebs.VolumeSize", volume->size_gib);
	aws_arg(call, "BlockDeviceMapping.1.Ebs.VolumeType", volume->type);
	if (volume->throughput)
		aws_arg_int(call, "BlockDeviceMapping.1.Ebs.Throughput", volume->throughput);
	if (volume->iops)
		aws_arg_int(call, "BlockDeviceMapping.1.Ebs.Iops", volume->iops);
	if (!volume->encrypted)
		return;
	aws_arg_bool(call, "BlockDeviceMapping.1.Ebs.Encrypted", true);
	aws_arg(call, "BlockDeviceMapping.1.Ebs.KmsKeyId", volume->kms_key);
}

static void profile_args(const struct launching *launching, struct aws_call *call)
{
	const char *own = launching->build->state.instance_profile;
	const char *profile = own ? own : launching->build->plan->launch.iam_instance_profile;

	if (profile)
		aws_arg(call, str_starts(profile, "arn:") ? "IamInstanceProfile.Arn" : "IamInstanceProfile.Name",
			profile);
}

/* Shutting down from inside ends the instance: with the timer in its user data that is the switch for when nobody ever
 * comes back. */
static void safety_args(struct aws_call *call, bool spot)
{
	aws_arg(call, "InstanceInitiatedShutdownBehavior", "terminate");
	aws_arg(call, "MetadataOptions.HttpTokens", "required");
	aws_arg(call, "MetadataOptions.HttpEndpoint", "enabled");
	aws_arg_int(call, "MetadataOptions.HttpPutResponseHopLimit", 1);
	if (!spot)
		return;
	aws_arg(call, "InstanceMarketOptions.MarketType", "spot");
	aws_arg(call, "InstanceMarketOptions.SpotOptions.SpotInstanceType", "one-time");
	aws_arg(call, "InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior", "terminate");
}

static void tag_args(const struct launching *launching, struct aws_call *call)
{
	static const char *const types[] = {"instance", "volume", "network-interface"};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		build_tag(launching->build, call, (int)i + 1, types[i], launching->hold->purpose,
			  launching->hold->token);
}

static struct aws_call call_make(const struct launching *launching, const struct candidate *candidate)
{
	struct aws_call call = aws_call(AWS_ec2_RunInstances, launching->hold->region);

	aws_arg(&call, "ImageId", launching->wish->ami);
	aws_arg(&call, "InstanceType", candidate->type);
	aws_arg_int(&call, "MinCount", 1);
	aws_arg_int(&call, "MaxCount", 1);
	aws_argf(&call, "ClientToken", "%s-%zu-%d", launching->hold->token, launching->number, launching->refused);
	aws_arg(&call, "UserData", launching->user_data);
	network_args(launching, &call, candidate->subnet);
	volume_args(launching, &call);
	profile_args(launching, &call);
	safety_args(&call, candidate->spot);
	tag_args(launching, &call);
	return call;
}

bool instance_dry_run(struct build *build, const char *type, const struct plan_subnet *subnet, struct error *err)
{
	const struct hold hold = {.region = build->plan->region, .token = "bakery-preflight", .purpose = "build"};
	const struct instance_wish wish = {.ami = build->plan->source.ami};
	const struct launching launching = {.build = build, .hold = &hold, .wish = &wish};
	const struct candidate candidate = {build->plan->launch.market == MARKET_SPOT, type, subnet};
	struct aws_call call = call_make(&launching, &candidate);

	call.dry_run = true;
	return build_send(build, &call, NULL, err) || marketplace_hint(build->plan, err);
}

/* EC2 may not know yet of an instance profile that IAM has just made ("Invalid IAM Instance Profile name"). */
static bool profile_is_too_new(const struct launching *launching, const struct error *err)
{
	return launching->build->state.instance_profile && str_eq(err->code, "InvalidParameterValue") &&
	       strstr(err->text, "IAM Instance Profile");
}

static bool run(struct launching *launching, const struct candidate *candidate, struct tree **reply, struct error *err)
{
	enum { PROFILE_SETTLE_MS = 60000, PAUSE_MS = 1500 };
	int64_t until_ms = clock_mono_ms() + PROFILE_SETTLE_MS;

	for (;;) {
		struct aws_call call = call_make(launching, candidate);

		call.not_yet_s = build_settle_s(launching->build);
		if (build_send(launching->build, &call, reply, err))
			return true;
		if (!profile_is_too_new(launching, err) || clock_mono_ms() >= until_ms)
			return false;
		if (!stop_sleep_ms(build_stop(launching->build), PAUSE_MS))
			return error_set(err, ERROR_STOPPED, "stopped");
		launching->refused++;
	}
}

static bool try_one(struct launching *launching, const struct candidate *candidate, char id[ID_SIZE], struct error *err)
{
	_cleanup_(tree_freep) struct tree *reply = NULL;

	if (!run(launching, candidate, &reply, err))
		return marketplace_hint(launching->build->plan, err);
	snprintf(id, ID_SIZE, "%s", tree_text_or(reply, "instancesSet.1.instanceId", ""));
	return id[0] || error_set(err, ERROR_REMOTE, "RunInstances answered without an instance id");
}

/* Only a shortage moves on to the next; any other refusal would meet the next one, too. */
static bool instance_make(struct build *build, const struct hold *hold, const void *wish, char id[ID_SIZE],
			  struct error *err)
{
	struct launching launching = {.build = build, .hold = hold, .wish = wish};
	_cleanup_(str_wipe_free) struct str user_data = STR_INIT;
	struct candidates *candidates = launching.wish->candidates;
	struct candidate *candidate = launching.wish->candidate;
	bool no_effect = true;

	user_data_make(build, launching.wish->box, &user_data);
	launching.user_data = user_data.data;
	while (candidates_next(candidates, candidate)) {
		struct error why = {0};

		launching.number = candidates->next;
		launching.refused = 0;
		if (try_one(&launching, candidate, id, &why))
			return true;
		no_effect = no_effect && why.no_effect;
		if (!candidates_moves_on(&why)) {
			candidates_again(candidates);
			*err = why;
			err->no_effect = no_effect;
			return false;
		}
		if (!candidates_refused(build, candidates, candidate, hold->purpose, NULL, &why, err))
			return false;
	}
	candidates_exhausted(candidates, err);
	err->no_effect = no_effect;
	return false;
}

/* Somebody may have launched another one like it, with its tags. */
static const char *launched_with(const struct tree *reply, const char *token)
{
	for (struct tree_iter i = tree_iter(tree_get(reply, "reservationSet")); tree_next(&i);) {
		for (struct tree_iter k = tree_iter(tree_get(i.value, "instancesSet")); tree_next(&k);) {
			if (str_starts(tree_text_or(k.value, "clientToken", ""), token))
				return tree_text(k.value, "instanceId");
		}
	}
	return NULL;
}

static bool instance_find(struct build *build, const struct hold *hold, char id[ID_SIZE], struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeInstances, hold->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const char *found;

	aws_arg(&call, "Filter.1.Name", "tag:bakery:token");
	aws_arg(&call, "Filter.1.Value.1", hold->token);
	aws_arg(&call, "Filter.2.Name", "instance-state-name");
	aws_arg(&call, "Filter.2.Value.1", "pending");
	aws_arg(&call, "Filter.2.Value.2", "running");
	aws_arg(&call, "Filter.2.Value.3", "stopping");
	aws_arg(&call, "Filter.2.Value.4", "stopped");
	if (!build_send(build, &call, &reply, err))
		return false;
	found = launched_with(reply, hold->token);
	snprintf(id, ID_SIZE, "%s", found ? found : "");
	return true;
}

/* When this process had its termination taken; 0: it had not. */
static int64_t ended_at(const struct build *build, const char *id)
{
	const struct box *boxes[] = {&build->box, &build->test};

	for (size_t i = 0; i < ARRAY_SIZE(boxes); i++) {
		if (str_eq(boxes[i]->instance, id))
			return boxes[i]->ended_ms;
	}
	return 0;
}

/* Gone for good only when terminated: until then it holds its security group. */
static bool instance_drop(struct build *build, const struct hold *hold, struct error *err)
{
	enum { TERMINATE_TIMEOUT_S = 600 };
	int64_t began_ms = ended_at(build, hold->id);

	box_keys_forget(build, hold->purpose);
	if (!began_ms) {
		struct aws_call call = aws_call(AWS_ec2_TerminateInstances, hold->region);

		began_ms = clock_mono_ms();
		aws_arg(&call, "InstanceId.1", hold->id);
		call.not_yet_s = build_unsettled_s(build, hold);
		if (!build_send(build, &call, NULL, err)) {
			if (!error_is(err, ERROR_ABSENT))
				return held_is_denied_since_gone(build, hold, AWS_ec2_DescribeInstances, "InstanceId.1",
								 err);
			error_clear(err);
			return true;
		}
	}
	return build_wait_since(build, AWS_WAIT_instance_terminated, "terminate", hold->region, hold->id, began_ms,
				TERMINATE_TIMEOUT_S, err);
}

const struct held_kind held_instance = {
	.name = "instance",
	.make = instance_make,
	.find = instance_find,
	.drop = instance_drop,
};
