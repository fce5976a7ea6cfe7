/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting, stopping, rebooting and terminating instances: the state changes at once to the one in between, the
 * transition does the rest. */
#include <stdio.h>
#include <string.h>

#include "../kms/kms.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"
#include "spot.h"

/* What an operation does to an instance in a state. */
struct change {
	const char *latency; /* of the state in between */
	enum instance_state between, wanted;
	unsigned from; /* bits of instance_bit */
	const char *code, *verb;
};

static unsigned instance_bit(enum instance_state state)
{
	return 1u << ((unsigned)state / 16);
}
#define BIT(state) (1u << ((state) / 16))

static const struct change starting = {"latency.launch",      INSTANCE_PENDING,		INSTANCE_RUNNING,
				       BIT(INSTANCE_STOPPED), "IncorrectInstanceState", "started"};
static const struct change stopping = {"latency.stop",	      INSTANCE_STOPPING,	INSTANCE_STOPPED,
				       BIT(INSTANCE_RUNNING), "IncorrectInstanceState", "stopped"};
static const struct change terminating = {"latency.terminate",
					  INSTANCE_SHUTTING_DOWN,
					  INSTANCE_TERMINATED,
					  BIT(INSTANCE_PENDING) | BIT(INSTANCE_RUNNING) | BIT(INSTANCE_STOPPING) |
						  BIT(INSTANCE_STOPPED),
					  "IncorrectInstanceState",
					  "terminated"};

static void give_reason(struct request *rq, struct tree *instance, const struct change *change)
{
	char at[CLOCK_TEXT_SIZE];
	clock_rfc3339(rq->now_ms, at);
	if (change == &starting) {
		tree_set_text(instance, "reason", "");
		tree_remove(instance, "stateReason");
		return;
	}
	tree_setf(instance, "reason", "User initiated (%.10s %.8s GMT)", at, at + 11);
	struct tree *reason = tree_set_object(instance, "stateReason");
	tree_set_text(reason, "code", "Client.UserInitiatedShutdown");
	tree_set_text(reason, "message", "Client.UserInitiatedShutdown: User initiated shutdown");
}

/* A stopped instance whose volume's key cannot be used comes to pending and goes back to stopped. */
static void judge_keys(struct request *rq, struct tree *instance)
{
	struct kms_verdict verdict = {0};
	for (struct tree_iter i = tree_iter(tree_key(instance, "blockDeviceMapping")); tree_next(&i);) {
		_cleanup_(tree_freep) struct tree *volume =
			find_object(rq, "volume", tree_text(i.value, "ebs.volumeId"));
		if (*verdict.code == '\0' && tree_text(volume, "kmsKeyId") != NULL)
			kms_judge(rq, tree_text(volume, "kmsKeyId"), KMS_READ_SNAPSHOT, &verdict);
	}
	if (*verdict.code == '\0')
		return;
	struct tree *fate = tree_set_object(instance, "_fate");
	tree_set_text(fate, "code", verdict.code);
	tree_set_text(fate, "message", verdict.message);
	tree_set_bool(fate, "stop", true);
}

static void begin(struct request *rq, struct tree *instance, const struct change *change)
{
	instance_set_state(instance, change->between);
	give_reason(rq, instance, change);
	if (change == &starting)
		judge_keys(rq, instance);
	tree_set_int(instance, "_due", rq->now_ms + settings_ms(rq->cloud->settings, change->latency));
	put_object(rq, "instance", tree_text(instance, "instanceId"), instance);
	want_job(rq, "instance", tree_text(instance, "instanceId"));
}

static bool change_one(struct request *rq, struct tree *instance, const struct change *change, struct tree *reply)
{
	const char *id = tree_text(instance, "instanceId");
	enum instance_state before = instance_state(instance);
	struct tree *line = tree_add_object(reply);
	tree_set_text(line, "instanceId", id);
	tree_set(line, "previousState", tree_copy(tree_key(instance, "instanceState")));
	if (instance_bit(before) & change->from)
		begin(rq, instance, change);
	else if (before != change->wanted && before != change->between)
		return refuse(rq, change->code, "The instance '%s' is not in a state from which it can be %s: it is %s",
			      id, change->verb, instance_state_name(before));
	tree_set(line, "currentState", tree_copy(tree_key(instance, "instanceState")));
	return true;
}

static bool change_all(struct request *rq, const struct change *change, const char *protection,
		       const char *protected_by)
{
	_cleanup_(tree_freep) struct tree *instances = instances_by_id(rq);
	struct tree *reply = tree_set_array(rq->reply, "instancesSet");
	for (struct tree_iter i = tree_iter(instances); tree_next(&i);)
		if (protection != NULL && tree_bool(i.value, protection, false))
			return refuse(
				rq, "OperationNotPermitted",
				"The instance '%s' may not be %s. Modify its '%s' instance attribute and try again.",
				tree_text(i.value, "instanceId"), change->verb, protected_by);
	for (struct tree_iter i = tree_iter(instances); tree_next(&i);)
		if (!change_one(rq, i.value, change, reply))
			return false;
	return instances != NULL;
}

static bool start_instances(struct request *rq)
{
	return change_all(rq, &starting, NULL, NULL);
}

/* https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-interruptions.html */
static bool check_stoppable(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *instances = instances_by_id(rq);
	for (struct tree_iter i = tree_iter(instances); tree_next(&i);)
		if (spot_is_once(i.value))
			return refuse(
				rq, "UnsupportedOperation",
				"You can't stop the Spot Instance '%s' because it is associated with a one-time "
				"Spot Instance request. You can only stop Spot Instances associated with persistent "
				"Spot Instance requests.",
				tree_text(i.value, "instanceId"));
	return instances != NULL;
}

static bool stop_instances(struct request *rq)
{
	if (!check_stoppable(rq))
		return false;
	return change_all(rq, &stopping, "_stopProtected", "disableApiStop");
}

static bool terminate_instances(struct request *rq)
{
	return change_all(rq, &terminating, "_protected", "disableApiTermination");
}

static bool reboot_instances(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *instances = instances_by_id(rq);
	for (struct tree_iter i = tree_iter(instances); tree_next(&i);) {
		if (instance_state(i.value) != INSTANCE_RUNNING)
			return refuse(rq, "IncorrectInstanceState", "The instance '%s' is not in the 'running' state.",
				      tree_text(i.value, "instanceId"));
		want_job(rq, "reboot", tree_text(i.value, "instanceId"));
	}
	reply_return(rq);
	return instances != NULL;
}

const struct operation ec2_instance_state_operations[] = {
	{"StartInstances", start_instances, OPERATION_DRY_RUN, "InstanceId.N! AdditionalInfo"},
	{"StopInstances", stop_instances, OPERATION_DRY_RUN,
	 "InstanceId.N! Force:bool Hibernate:bool SkipOsShutdown:bool"},
	{"RebootInstances", reboot_instances, OPERATION_DRY_RUN, "InstanceId.N!"},
	{"TerminateInstances", terminate_instances, OPERATION_DRY_RUN, "InstanceId.N! Force:bool SkipOsShutdown:bool"},
	{NULL},
};
