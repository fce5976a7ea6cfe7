/* SPDX-License-Identifier: Apache-2.0
 *
 * A spot instance's request: made with the instance, fulfilled at once, closed when the instance ends. */
#include "spot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/str.h"

#define OPTIONS "InstanceMarketOptions.SpotOptions."

bool spot_asked(const struct request *rq)
{
	return str_eq(arg(rq, "InstanceMarketOptions.MarketType"), "spot");
}

bool spot_is(const struct tree *instance)
{
	return str_eq(tree_text(instance, "instanceLifecycle"), "spot");
}

bool spot_is_once(const struct tree *instance)
{
	return spot_is(instance) && !tree_bool(instance, "_persistent", false);
}

double spot_price(const struct instance_type *type, const char *zone)
{
	size_t length = strlen(zone);
	double by_zone = length == 0 ? 1 : 1 + 0.02 * (zone[length - 1] - 'a');
	return 0.0168 * type->vcpus * by_zone;
}

/* --- checking --- */

static bool one_of(struct request *rq, const char *path, const char *a, const char *b, const char *c)
{
	const char *value = arg(rq, path);
	return value == NULL || str_eq(value, a) || str_eq(value, b) || str_eq(value, c) ||
	       refuse(rq, "InvalidParameterValue", "Value (%s) for parameter %s is invalid.", value, path);
}

static bool persistent_asked(const struct request *rq)
{
	return str_eq(arg(rq, OPTIONS "SpotInstanceType"), "persistent");
}

static bool check_behaviour(struct request *rq)
{
	const char *behaviour = arg_or(rq, OPTIONS "InstanceInterruptionBehavior", "terminate");
	if (persistent_asked(rq) || str_eq(behaviour, "terminate"))
		return true;
	return refuse(rq, "InvalidParameterCombination",
		      "The instance interruption behavior '%s' is only supported for persistent Spot requests.",
		      behaviour);
}

static bool check_price(struct request *rq, const struct instance_type *type, const char *zone)
{
	const char *most = arg(rq, OPTIONS "MaxPrice");
	double price = spot_price(type, zone);
	if (most == NULL || strtod(most, NULL) >= price)
		return true;
	return refuse(rq, "SpotMaxPriceTooLow",
		      "Your Spot request price of %s is lower than the minimum required Spot request fulfillment price "
		      "of %.4f.",
		      most, price);
}

bool spot_check(struct request *rq, const char *type, const char *zone)
{
	return one_of(rq, OPTIONS "SpotInstanceType", "one-time", "persistent", "one-time") &&
	       one_of(rq, OPTIONS "InstanceInterruptionBehavior", "terminate", "stop", "hibernate") &&
	       check_behaviour(rq) && check_price(rq, instance_type_find(type), zone);
}

/* --- making --- */

static struct tree *specification_of(const struct tree *instance)
{
	static const char *const copied[] = {"imageId", "instanceType", "keyName", "subnetId"};
	struct tree *specification = tree_new_object();
	for (size_t i = 0; i < ARRAY_SIZE(copied); i++)
		if (tree_text(instance, copied[i]) != NULL)
			tree_set_text(specification, copied[i], tree_text(instance, copied[i]));
	tree_set(specification, "groupSet", tree_copy(tree_key(instance, "groupSet")));
	tree_set_text(tree_set_object(specification, "placement"), "availabilityZone",
		      tree_text(instance, "placement.availabilityZone"));
	tree_set_bool(tree_set_object(specification, "monitoring"), "enabled", false);
	return specification;
}

static void set_status(struct tree *request, const char *code, const char *message, int64_t now_ms)
{
	char at[EC2_TIME_SIZE];
	struct tree *status = tree_set_object(request, "status");
	tree_set_text(status, "code", code);
	tree_set_text(status, "message", message);
	tree_set_text(status, "updateTime", ec2_time(now_ms, at));
}

void spot_make(struct request *rq, struct tree *instance, const struct tree *tags)
{
	char digits[9], id[ID_SIZE], at[EC2_TIME_SIZE];
	const char *zone = tree_text_or(instance, "placement.availabilityZone", "");
	const struct instance_type *type = instance_type_find(tree_text(instance, "instanceType"));
	crypto_random_hex(digits, 8);
	snprintf(id, sizeof id, "sir-%s", digits);
	tree_set_text(instance, "instanceLifecycle", "spot");
	tree_set_text(instance, "spotInstanceRequestId", id);
	tree_set_bool(instance, "_persistent", persistent_asked(rq));
	_cleanup_(tree_freep) struct tree *request = tree_new_object();
	tree_set_text(request, "spotInstanceRequestId", id);
	if (arg(rq, OPTIONS "MaxPrice") != NULL)
		tree_set_text(request, "spotPrice", arg(rq, OPTIONS "MaxPrice"));
	else
		tree_setf(request, "spotPrice", "%.6f", spot_price(type, zone) * 3);
	tree_set_text(request, "type", persistent_asked(rq) ? "persistent" : "one-time");
	tree_set_text(request, "state", "active");
	set_status(request, "fulfilled", "Your spot request is fulfilled.", rq->now_ms);
	tree_set(request, "launchSpecification", specification_of(instance));
	tree_set_text(request, "instanceId", tree_text(instance, "instanceId"));
	tree_set_text(request, "createTime", ec2_time(rq->now_ms, at));
	tree_set_text(request, "productDescription", "Linux/UNIX");
	tree_set(request, "tagSet", tags == NULL ? tree_new_array() : tree_copy(tags));
	tree_set_text(request, "launchedAvailabilityZone", zone);
	tree_set_text(request, "instanceInterruptionBehavior",
		      arg_or(rq, OPTIONS "InstanceInterruptionBehavior", "terminate"));
	put_new_object(rq, "spot-request", id, request);
}

/* --- the end --- */

void spot_note_end(struct cloud *cloud, const char *account, const char *region, const struct tree *instance)
{
	const char *id = tree_text(instance, "spotInstanceRequestId");
	_cleanup_(tree_freep) struct tree *request =
		id == NULL ? NULL : state_get(cloud->state, account, region, "spot-request", id);
	if (request == NULL)
		return;
	bool taken = str_eq(tree_text(instance, "stateReason.code"), SPOT_TERMINATION);
	if (!str_eq(tree_text(request, "state"), "cancelled"))
		tree_set_text(request, "state", "closed");
	set_status(request, taken ? "instance-terminated-no-capacity" : "instance-terminated-by-user",
		   taken ? "Your Spot instance was terminated because there is no capacity available that matches your "
			   "request."
			 : "Spot Instance terminated due to user-initiated termination.",
		   clock_wall_ms());
	state_put(cloud->state, account, region, "spot-request", id, request);
}
