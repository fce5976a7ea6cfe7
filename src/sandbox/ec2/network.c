/* SPDX-License-Identifier: Apache-2.0
 *
 * Regions, zones, the default VPC and its subnets, network interfaces: to be looked at, not to be changed. */
#include "../regions.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"

/* --- regions and zones --- */

static const struct filter region_filters[] = {
	{"endpoint", "regionEndpoint"}, {"opt-in-status", "optInStatus"}, {"region-name", "regionName"}, {NULL, NULL}};

static bool describe_regions(struct request *rq)
{
	const struct tree *names = arg_tree(rq, "RegionName");
	for (struct tree_iter i = tree_iter(names); tree_next(&i);)
		if (region_find(tree_text(i.value, NULL)) == NULL)
			return refuse(rq, "InvalidParameterValue", "Invalid region names: [%s]",
				      tree_text_or(i.value, NULL, ""));
	struct tree *found = tree_new_array();
	for (const struct region *region = regions; region->name != NULL; region++) {
		bool opted_in = region_opted_in(region, rq->cloud->settings);
		if (names != NULL ? !list_has(names, region->name) : !opted_in && !arg_bool(rq, "AllRegions", false))
			continue;
		struct tree *one = tree_add_object(found);
		tree_set_text(one, "regionName", region->name);
		tree_setf(one, "regionEndpoint", "ec2.%s.amazonaws.com", region->name);
		tree_set_text(one, "optInStatus",
			      region->opted_in ? "opt-in-not-required"
			      : opted_in       ? "opted-in"
					       : "not-opted-in");
	}
	return apply_filters(rq, region_filters, &found) && reply_page(rq, "regionInfo", found);
}

static const struct filter zone_filters[] = {
	{"group-name", "groupName"},   {"opt-in-status", "optInStatus"},
	{"region-name", "regionName"}, {"state", "zoneState"},
	{"zone-id", "zoneId"},	       {"zone-name", "zoneName"},
	{"zone-type", "zoneType"},     {NULL, NULL},
};

static bool describe_availability_zones(struct request *rq)
{
	const struct region *region = region_find(rq->region);
	const struct tree *names = arg_tree(rq, "ZoneName"), *ids = arg_tree(rq, "ZoneId");
	struct tree *zones = tree_new_array();
	for (size_t i = 0; region->zones[i] != '\0'; i++) {
		struct tree *zone = tree_new_object();
		tree_setf(zone, "zoneName", "%s%c", region->name, region->zones[i]);
		tree_setf(zone, "zoneId", "%s-az%zu", region->zone_id, i + 1);
		tree_set_text(zone, "zoneState", "available");
		tree_set_text(zone, "regionName", region->name);
		tree_set_text(zone, "groupName", region->name);
		tree_set_text(zone, "networkBorderGroup", region->name);
		tree_set_text(zone, "optInStatus", "opt-in-not-required");
		tree_set_text(zone, "zoneType", "availability-zone");
		tree_set_array(zone, "messageSet");
		if ((names == NULL || list_has(names, tree_text(zone, "zoneName"))) &&
		    (ids == NULL || list_has(ids, tree_text(zone, "zoneId"))))
			tree_add(zones, zone);
		else
			tree_free(zone);
	}
	return apply_filters(rq, zone_filters, &zones) && reply_page(rq, "availabilityZoneInfo", zones);
}

/* --- the default network --- */

static const struct filter vpc_filters[] = {
	{"cidr", "cidrBlock"},
	{"cidr-block-association.cidr-block", "cidrBlockAssociationSet.*.cidrBlock"},
	{"dhcp-options-id", "dhcpOptionsId"},
	{"is-default", "isDefault"},
	{"isDefault", "isDefault"},
	{"owner-id", "ownerId"},
	{"state", "state"},
	{"vpc-id", "vpcId"},
	{NULL, NULL},
};

static bool describe_vpcs(struct request *rq)
{
	struct tree *vpcs = arg_tree(rq, "VpcId") == NULL
				    ? list_objects(rq, "vpc")
				    : need_objects(rq, "vpc", "VpcId", "InvalidVpcID.NotFound", "vpc ID");
	return vpcs != NULL && apply_filters(rq, vpc_filters, &vpcs) && reply_page(rq, "vpcSet", vpcs);
}

static const struct filter subnet_filters[] = {
	{"availability-zone", "availabilityZone"},
	{"availabilityZone", "availabilityZone"},
	{"availability-zone-id", "availabilityZoneId"},
	{"available-ip-address-count", "availableIpAddressCount"},
	{"cidr-block", "cidrBlock"},
	{"default-for-az", "defaultForAz"},
	{"defaultForAz", "defaultForAz"},
	{"map-public-ip-on-launch", "mapPublicIpOnLaunch"},
	{"owner-id", "ownerId"},
	{"state", "state"},
	{"subnet-arn", "subnetArn"},
	{"subnet-id", "subnetId"},
	{"vpc-id", "vpcId"},
	{NULL, NULL},
};

int64_t subnet_addresses_free(const struct tree *subnet, const struct tree *instances)
{
	int64_t free_count = tree_int(subnet, "availableIpAddressCount", 0);
	for (struct tree_iter i = tree_iter(instances); tree_next(&i);)
		free_count -= instance_state(i.value) != INSTANCE_TERMINATED &&
			      str_eq(tree_text(i.value, "subnetId"), tree_text(subnet, "subnetId"));
	return free_count < 0 ? 0 : free_count;
}

static void count_addresses(struct request *rq, struct tree **subnets)
{
	_cleanup_(tree_freep) struct tree *instances =
		state_list(rq->cloud->state, rq->caller.account, rq->region, "instance");
	struct tree *counted = tree_new_array();
	for (struct tree_iter i = tree_iter(*subnets); tree_next(&i);) {
		struct tree *one = tree_copy(i.value);
		tree_set_int(one, "availableIpAddressCount", subnet_addresses_free(i.value, instances));
		tree_add(counted, one);
	}
	tree_free(*subnets);
	*subnets = counted;
}

static bool describe_subnets(struct request *rq)
{
	struct tree *subnets = arg_tree(rq, "SubnetId") == NULL ? list_objects(rq, "subnet")
								: need_objects(rq, "subnet", "SubnetId",
									       "InvalidSubnetID.NotFound", "subnet ID");
	if (subnets != NULL)
		count_addresses(rq, &subnets);
	return subnets != NULL && apply_filters(rq, subnet_filters, &subnets) && reply_page(rq, "subnetSet", subnets);
}

/* --- network interfaces: parts of the instances --- */

static const struct filter interface_filters[] = {
	{"attachment.instance-id", "attachment.instanceId"},
	{"availability-zone", "availabilityZone"},
	{"group-id", "groupSet.*.groupId"},
	{"network-interface-id", "networkInterfaceId"},
	{"private-ip-address", "privateIpAddress"},
	{"status", "status"},
	{"subnet-id", "subnetId"},
	{"vpc-id", "vpcId"},
	{NULL, NULL},
};

static bool describe_network_interfaces(struct request *rq)
{
	const struct tree *ids = arg_tree(rq, "NetworkInterfaceId");
	_cleanup_(tree_freep) struct tree *instances = list_objects(rq, "instance");
	struct tree *found = tree_new_array();
	for (struct tree_iter i = tree_iter(instances); tree_next(&i);)
		for (struct tree_iter j = tree_iter(tree_key(i.value, "networkInterfaceSet")); tree_next(&j);) {
			if (instance_state(i.value) == INSTANCE_TERMINATED ||
			    (ids != NULL && !list_has(ids, tree_text(j.value, "networkInterfaceId"))))
				continue;
			struct tree *one = tree_copy(j.value);
			tree_set_text(one, "availabilityZone", tree_text(i.value, "placement.availabilityZone"));
			tree_set_text(tree_key(one, "attachment"), "instanceId", tree_text(i.value, "instanceId"));
			tree_add(found, one);
		}
	if (ids != NULL && tree_count(found) < tree_count(ids)) {
		tree_free(found);
		return refuse(rq, "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID does not exist");
	}
	return apply_filters(rq, interface_filters, &found) && reply_page(rq, "networkInterfaceSet", found);
}

/* --- DescribeAccountAttributes --- */

static void add_account_attribute(struct request *rq, struct tree *set, const char *name, const char *value)
{
	const struct tree *names = arg_tree(rq, "AttributeName");
	if (names != NULL && !list_has(names, name))
		return;
	struct tree *attribute = tree_add_object(set);
	tree_set_text(attribute, "attributeName", name);
	tree_set_text(tree_add_object(tree_set_array(attribute, "attributeValueSet")), "attributeValue", value);
}

static bool describe_account_attributes(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *vpc = default_vpc(rq);
	struct tree *set = tree_set_array(rq->reply, "accountAttributeSet");
	add_account_attribute(rq, set, "supported-platforms", "VPC");
	add_account_attribute(rq, set, "default-vpc", tree_text_or(vpc, "vpcId", "none"));
	add_account_attribute(rq, set, "max-instances", "20");
	return true;
}

const struct operation ec2_network_operations[] = {
	{"DescribeRegions", describe_regions, OPERATION_DRY_RUN,
	 "RegionName.N AllRegions:bool Filter.N.Name Filter.N.Value.N"},
	{"DescribeAvailabilityZones", describe_availability_zones, OPERATION_DRY_RUN,
	 "ZoneName.N ZoneId.N AllAvailabilityZones:bool Filter.N.Name Filter.N.Value.N"},
	{"DescribeVpcs", describe_vpcs, OPERATION_DRY_RUN, "VpcId.N " ARGS_FILTERS},
	{"DescribeSubnets", describe_subnets, OPERATION_DRY_RUN, "SubnetId.N " ARGS_FILTERS},
	{"DescribeNetworkInterfaces", describe_network_interfaces, OPERATION_DRY_RUN,
	 "NetworkInterfaceId.N " ARGS_FILTERS},
	{"DescribeAccountAttributes", describe_account_attributes, OPERATION_DRY_RUN, "AttributeName.N"},
	{NULL},
};
