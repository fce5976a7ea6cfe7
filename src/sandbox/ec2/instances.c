/* SPDX-License-Identifier: Apache-2.0
 *
 * Instances as they are described: DescribeInstances, DescribeInstanceStatus, GetConsoleOutput. */
#include <string.h>

#include "../room.h"
#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"

#define FORGET_EVERY_MS 10000

static const struct {
	enum instance_state state;
	const char *name;
} states[] = {
	{INSTANCE_PENDING, "pending"},	     {INSTANCE_RUNNING, "running"},   {INSTANCE_SHUTTING_DOWN, "shutting-down"},
	{INSTANCE_TERMINATED, "terminated"}, {INSTANCE_STOPPING, "stopping"}, {INSTANCE_STOPPED, "stopped"},
};

const char *instance_state_name(enum instance_state state)
{
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (states[i].state == state)
			return states[i].name;
	return "";
}

enum instance_state instance_state(const struct tree *instance)
{
	return (enum instance_state)tree_int(instance, "instanceState.code", 0);
}

void instance_set_state(struct tree *instance, enum instance_state state)
{
	struct tree *holder = tree_set_object(instance, "instanceState");
	tree_set_int(holder, "code", (int64_t)state);
	tree_set_text(holder, "name", instance_state_name(state));
}

struct tree *instance_find(struct request *rq, const char *id)
{
	if (!check_id(rq, id, "i-", "InvalidInstanceID.Malformed"))
		return NULL;
	return need_object(rq, "instance", id, "InvalidInstanceID.NotFound", "instance ID");
}

/* Terminated instances are described for a while and then gone. */
void instance_forget_old(struct request *rq)
{
	int64_t keep_ms = settings_ms(rq->cloud->settings, "latency.forget");
	if (rq->now_ms < rq->cloud->forget_next_ms)
		return;
	rq->cloud->forget_next_ms = rq->now_ms + (keep_ms < FORGET_EVERY_MS ? keep_ms : FORGET_EVERY_MS);
	_cleanup_(tree_freep) struct tree *instances =
		state_list(rq->cloud->state, rq->caller.account, rq->region, "instance");
	for (struct tree_iter i = tree_iter(instances); tree_next(&i);)
		if (instance_state(i.value) == INSTANCE_TERMINATED &&
		    tree_int(i.value, "_ended", 0) + keep_ms < rq->now_ms)
			remove_object(rq, "instance", tree_text(i.value, "instanceId"));
}

struct tree *instance_reply(const struct tree *instance, int64_t now_ms)
{
	(void)now_ms;
	struct tree *copy = tree_copy(instance);
	if (instance_state(instance) != INSTANCE_STOPPED && instance_state(instance) != INSTANCE_TERMINATED)
		return copy;
	/* The public address goes back to the pool while the instance does not run. */
	tree_remove(copy, "ipAddress");
	tree_set_text(copy, "dnsName", "");
	for (struct tree_iter i = tree_iter(tree_key(copy, "networkInterfaceSet")); tree_next(&i);)
		tree_remove(i.value, "association");
	if (instance_state(instance) != INSTANCE_TERMINATED)
		return copy;
	static const char *const gone[] = {"privateIpAddress", "subnetId", "vpcId"};
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		tree_remove(copy, gone[i]);
	tree_set_text(copy, "privateDnsName", "");
	tree_set_array(copy, "networkInterfaceSet");
	tree_set_array(copy, "blockDeviceMapping");
	tree_set_array(copy, "groupSet");
	return copy;
}

struct tree *reservation_of(const struct tree *instance)
{
	struct tree *reservation = tree_new_object();
	tree_set_text(reservation, "reservationId", tree_text(instance, "_reservation"));
	tree_set_text(reservation, "ownerId", tree_text(instance, "_account"));
	tree_set_array(reservation, "groupSet");
	tree_set_array(reservation, "instancesSet");
	return reservation;
}

static const struct filter instance_filters[] = {
	{"architecture", "architecture"},
	{"availability-zone", "placement.availabilityZone"},
	{"block-device-mapping.delete-on-termination", "blockDeviceMapping.*.ebs.deleteOnTermination"},
	{"block-device-mapping.device-name", "blockDeviceMapping.*.deviceName"},
	{"block-device-mapping.status", "blockDeviceMapping.*.ebs.status"},
	{"block-device-mapping.volume-id", "blockDeviceMapping.*.ebs.volumeId"},
	{"client-token", "clientToken"},
	{"dns-name", "dnsName"},
	{"hypervisor", "hypervisor"},
	{"iam-instance-profile.arn", "iamInstanceProfile.arn"},
	{"image-id", "imageId"},
	{"instance-id", "instanceId"},
	{"instance-lifecycle", "instanceLifecycle"},
	{"instance-state-code", "instanceState.code"},
	{"instance-state-name", "instanceState.name"},
	{"instance-type", "instanceType"},
	{"instance.group-id", "groupSet.*.groupId"},
	{"instance.group-name", "groupSet.*.groupName"},
	{"ip-address", "ipAddress"},
	{"key-name", "keyName"},
	{"launch-time", "launchTime"},
	{"metadata-options.http-tokens", "metadataOptions.httpTokens"},
	{"network-interface.group-id", "networkInterfaceSet.*.groupSet.*.groupId"},
	{"network-interface.network-interface-id", "networkInterfaceSet.*.networkInterfaceId"},
	{"network-interface.subnet-id", "networkInterfaceSet.*.subnetId"},
	{"owner-id", "_account"},
	{"private-dns-name", "privateDnsName"},
	{"private-ip-address", "privateIpAddress"},
	{"reservation-id", "_reservation"},
	{"root-device-name", "rootDeviceName"},
	{"root-device-type", "rootDeviceType"},
	{"spot-instance-request-id", "spotInstanceRequestId"},
	{"state-reason-code", "stateReason.code"},
	{"subnet-id", "subnetId"},
	{"tenancy", "placement.tenancy"},
	{"virtualization-type", "virtualizationType"},
	{"vpc-id", "vpcId"},
	{NULL, NULL},
};

struct tree *instances_by_id(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *found = tree_new_array();
	for (struct tree_iter i = tree_iter(arg_tree(rq, "InstanceId")); tree_next(&i);) {
		struct tree *instance = instance_find(rq, tree_text(i.value, NULL));
		if (instance == NULL)
			return NULL;
		tree_add(found, instance);
	}
	return take(&found);
}

static struct tree *instances_wanted(struct request *rq)
{
	instance_forget_old(rq);
	if (arg_tree(rq, "InstanceId") == NULL)
		return list_objects(rq, "instance");
	if (arg(rq, "MaxResults") == NULL)
		return instances_by_id(rq);
	refuse(rq, "InvalidParameterCombination",
	       "The parameter instancesSet cannot be used with the parameter maxResults");
	return NULL;
}

/* Instances that were launched together stand together. */
static struct tree *by_reservation(const struct request *rq, const struct tree *instances)
{
	struct tree *reservations = tree_new_array();
	struct tree *last = NULL;
	for (struct tree_iter i = tree_iter(instances); tree_next(&i);) {
		if (!str_eq(tree_text(last, "reservationId"), tree_text_or(i.value, "_reservation", ""))) {
			last = reservation_of(i.value);
			tree_add(reservations, last);
		}
		tree_add(tree_key(last, "instancesSet"), instance_reply(i.value, rq->now_ms));
	}
	return reservations;
}

static bool describe_instances(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *instances = instances_wanted(rq);
	if (instances == NULL || !apply_filters(rq, instance_filters, &instances))
		return false;
	return reply_page(rq, "reservationSet", by_reservation(rq, instances));
}

/* --- DescribeInstanceStatus --- */

static const struct filter status_filters[] = {
	{"availability-zone", "availabilityZone"},	 {"instance-state-code", "instanceState.code"},
	{"instance-state-name", "instanceState.name"},	 {"instance-status.status", "instanceStatus.status"},
	{"system-status.status", "systemStatus.status"}, {NULL, NULL},
};

static void add_check(struct tree *status, const char *key, bool running)
{
	struct tree *check = tree_set_object(status, key);
	tree_set_text(check, "status", running ? "ok" : "not-applicable");
	struct tree *details = tree_set_array(check, "details");
	if (!running)
		return;
	struct tree *detail = tree_add_object(details);
	tree_set_text(detail, "name", "reachability");
	tree_set_text(detail, "status", "passed");
}

static struct tree *status_of(const struct tree *instance)
{
	bool running = instance_state(instance) == INSTANCE_RUNNING;
	struct tree *status = tree_new_object();
	tree_set_text(status, "instanceId", tree_text(instance, "instanceId"));
	tree_set_text(status, "availabilityZone", tree_text(instance, "placement.availabilityZone"));
	tree_set(status, "instanceState", tree_copy(tree_key(instance, "instanceState")));
	add_check(status, "systemStatus", running);
	add_check(status, "instanceStatus", running);
	tree_set(status, "tagSet", tree_share(tree_key(instance, "tagSet")));
	return status;
}

static bool describe_instance_status(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *instances = instances_wanted(rq);
	if (instances == NULL)
		return false;
	bool all = arg_bool(rq, "IncludeAllInstances", false);
	struct tree *statuses = tree_new_array();
	for (struct tree_iter i = tree_iter(instances); tree_next(&i);)
		if (all || instance_state(i.value) == INSTANCE_RUNNING)
			tree_add(statuses, status_of(i.value));
	if (!apply_filters(rq, status_filters, &statuses))
		return false;
	for (struct tree_iter i = tree_iter(statuses); tree_next(&i);)
		tree_remove(i.value, "tagSet");
	return reply_page(rq, "instanceStatusSet", statuses);
}

/* --- GetConsoleOutput --- */

static bool get_console_output(struct request *rq)
{
	char at[EC2_TIME_SIZE];
	_cleanup_(tree_freep) struct tree *instance = instance_find(rq, arg(rq, "InstanceId"));
	if (instance == NULL)
		return false;
	_cleanup_(str_free) struct str text = STR_INIT, encoded = STR_INIT;
	room_console(rq->cloud, tree_text(instance, "instanceId"), &text);
	tree_set_text(rq->reply, "instanceId", tree_text(instance, "instanceId"));
	tree_set_text(rq->reply, "timestamp", ec2_time(rq->now_ms, at));
	crypto_base64(text.data, text.len, &encoded);
	if (text.len > 0)
		tree_set_text(rq->reply, "output", encoded.data);
	return true;
}

const struct operation ec2_instance_operations[] = {
	{"DescribeInstances", describe_instances, OPERATION_DRY_RUN, "InstanceId.N " ARGS_FILTERS},
	{"DescribeInstanceStatus", describe_instance_status, OPERATION_DRY_RUN,
	 "InstanceId.N IncludeAllInstances:bool " ARGS_FILTERS},
	{"GetConsoleOutput", get_console_output, OPERATION_DRY_RUN, "InstanceId! Latest:bool"},
	{NULL},
};
