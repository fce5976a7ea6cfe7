/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking at spot requests and prices, and giving requests up. */
#include <stdio.h>
#include <string.h>

#include "../regions.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "spot.h"

static const struct filter request_filters[] = {
	{"availability-zone-group", "availabilityZoneGroup"},
	{"create-time", "createTime"},
	{"instance-id", "instanceId"},
	{"launch.image-id", "launchSpecification.imageId"},
	{"launch.instance-type", "launchSpecification.instanceType"},
	{"launched-availability-zone", "launchedAvailabilityZone"},
	{"spot-instance-request-id", "spotInstanceRequestId"},
	{"spot-price", "spotPrice"},
	{"state", "state"},
	{"status-code", "status.code"},
	{"status-message", "status.message"},
	{"type", "type"},
	{NULL, NULL},
};

static struct tree *requests_asked(struct request *rq)
{
	return need_objects(rq, "spot-request", "SpotInstanceRequestId", "InvalidSpotInstanceRequestID.NotFound",
			    "spot instance request ID");
}

static bool describe_spot_requests(struct request *rq)
{
	struct tree *requests =
		arg_tree(rq, "SpotInstanceRequestId") != NULL ? requests_asked(rq) : list_objects(rq, "spot-request");
	return requests != NULL && apply_filters(rq, request_filters, &requests) &&
	       reply_page(rq, "spotInstanceRequestSet", requests);
}

/* The instance goes on. */
static bool cancel_spot_requests(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *requests = requests_asked(rq);
	struct tree *list = tree_set_array(rq->reply, "spotInstanceRequestSet");
	for (struct tree_iter i = tree_iter(requests); tree_next(&i);) {
		const char *id = tree_text(i.value, "spotInstanceRequestId");
		struct tree *one = tree_add_object(list);
		tree_set_text(one, "spotInstanceRequestId", id);
		if (str_eq(tree_text(i.value, "state"), "active")) {
			tree_set_text(i.value, "state", "cancelled");
			tree_set_text(tree_key(i.value, "status"), "code", "request-canceled-and-instance-running");
			put_object(rq, "spot-request", id, i.value);
		}
		tree_set_text(one, "state", tree_text(i.value, "state"));
	}
	return requests != NULL;
}

/* --- prices --- */

static const struct filter price_filters[] = {
	{"availability-zone", "availabilityZone"},
	{"instance-type", "instanceType"},
	{"product-description", "productDescription"},
	{"spot-price", "spotPrice"},
	{NULL, NULL},
};

static void add_price(struct request *rq, struct tree *prices, const struct instance_type *type, const char *zone)
{
	char at[EC2_TIME_SIZE];
	struct tree *price = tree_add_object(prices);
	tree_set_text(price, "availabilityZone", zone);
	tree_set_text(price, "instanceType", type->name);
	tree_set_text(price, "productDescription", "Linux/UNIX");
	tree_setf(price, "spotPrice", "%.6f", spot_price(type, zone));
	tree_set_text(price, "timestamp", ec2_time(rq->now_ms - rq->now_ms % 3600000, at));
}

static void add_prices(struct request *rq, struct tree *prices, const struct instance_type *type)
{
	const struct region *region = region_find(rq->region);
	const char *wanted = arg(rq, "AvailabilityZone");
	for (size_t i = 0; region->zones[i] != '\0'; i++) {
		char zone[40];
		snprintf(zone, sizeof zone, "%s%c", region->name, region->zones[i]);
		if (instance_type_offered(type, zone) && (wanted == NULL || str_eq(wanted, zone)))
			add_price(rq, prices, type, zone);
	}
}

static bool describe_spot_prices(struct request *rq)
{
	const struct tree *types = arg_tree(rq, "InstanceType"), *products = arg_tree(rq, "ProductDescription");
	struct tree *prices = tree_new_array();
	bool linux_wanted =
		products == NULL || list_has(products, "Linux/UNIX") || list_has(products, "Linux/UNIX (Amazon VPC)");
	for (size_t i = 0; linux_wanted && instance_type_at(i) != NULL; i++)
		if (types == NULL || list_has(types, instance_type_at(i)->name))
			add_prices(rq, prices, instance_type_at(i));
	return apply_filters(rq, price_filters, &prices) && reply_page(rq, "spotPriceHistorySet", prices);
}

const struct operation ec2_spot_operations[] = {
	{"DescribeSpotInstanceRequests", describe_spot_requests, OPERATION_DRY_RUN,
	 "SpotInstanceRequestId.N " ARGS_FILTERS},
	{"CancelSpotInstanceRequests", cancel_spot_requests, OPERATION_DRY_RUN, "SpotInstanceRequestId.N!"},
	{"DescribeSpotPriceHistory", describe_spot_prices, OPERATION_DRY_RUN,
	 "InstanceType.N ProductDescription.N AvailabilityZone StartTime:time EndTime:time " ARGS_FILTERS},
	{NULL},
};
