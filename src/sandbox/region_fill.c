/* SPDX-License-Identifier: Apache-2.0
 *
 * The default network of each region; its public images come from region_images.c. */
#include "region_fill.h"

#include <stdio.h>

#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"
#include "kms.h"
#include "region_images.h"
#include "regions.h"

static void stable(const char *prefix, const char *account, const char *region, const char *what, char id[ID_SIZE])
{
	_cleanup_(freep) char *seed = mem_printf("%s %s %s", account, region, what);
	make_stable_id(prefix, seed, id);
}

#define REGION_FORM 2 /* a region filled by an older version gets what has come since; what it has is left alone */

static void put(struct cloud *cloud, const char *account, const char *region, const char *kind, const char *id,
		struct tree *document)
{
	_cleanup_(tree_freep) struct tree *known = state_get(cloud->state, account, region, kind, id);
	if (known == NULL)
		state_put(cloud->state, account, region, kind, id, document);
	tree_free(document);
}

static void make_vpc(struct cloud *cloud, const char *account, const char *region, const char *vpc_id)
{
	char options[ID_SIZE], association[ID_SIZE];
	stable("dopt-", account, region, "options", options);
	stable("vpc-cidr-assoc-", account, region, "cidr", association);
	struct tree *vpc = tree_new_object();
	tree_set_text(vpc, "vpcId", vpc_id);
	tree_set_text(vpc, "ownerId", account);
	tree_set_text(vpc, "state", "available");
	tree_set_text(vpc, "cidrBlock", "172.31.0.0/16");
	struct tree *cidr = tree_add_object(tree_set_array(vpc, "cidrBlockAssociationSet"));
	tree_set_text(cidr, "cidrBlock", "172.31.0.0/16");
	tree_set_text(cidr, "associationId", association);
	tree_set_text(tree_set_object(cidr, "cidrBlockState"), "state", "associated");
	tree_set_text(vpc, "dhcpOptionsId", options);
	tree_set_text(vpc, "instanceTenancy", "default");
	tree_set_bool(vpc, "isDefault", true);
	put(cloud, account, region, "vpc", vpc_id, vpc);
}

static void make_subnet(struct cloud *cloud, const char *account, const struct region *region, const char *vpc_id,
			size_t number)
{
	char id[ID_SIZE], what[16];
	snprintf(what, sizeof what, "subnet %zu", number);
	stable("subnet-", account, region->name, what, id);
	struct tree *subnet = tree_new_object();
	tree_set_text(subnet, "subnetId", id);
	tree_setf(subnet, "subnetArn", "arn:aws:ec2:%s:%s:subnet/%s", region->name, account, id);
	tree_set_text(subnet, "state", "available");
	tree_set_text(subnet, "ownerId", account);
	tree_set_text(subnet, "vpcId", vpc_id);
	tree_setf(subnet, "cidrBlock", "172.31.%zu.0/20", number * 16);
	tree_set_int(subnet, "availableIpAddressCount", 4091);
	tree_setf(subnet, "availabilityZone", "%s%c", region->name, region->zones[number]);
	tree_setf(subnet, "availabilityZoneId", "%s-az%zu", region->zone_id, number + 1);
	tree_set_bool(subnet, "defaultForAz", true);
	tree_set_bool(subnet, "mapPublicIpOnLaunch", true);
	tree_set_bool(subnet, "assignIpv6AddressOnCreation", false);
	tree_set_bool(subnet, "mapCustomerOwnedIpOnLaunch", false);
	put(cloud, account, region->name, "subnet", id, subnet);
}

/* The default group admits its own members. */
static void make_default_group(struct cloud *cloud, const char *account, const char *region, const char *vpc_id)
{
	char id[ID_SIZE];
	stable("sg-", account, region, "default", id);
	struct tree *group = security_group_new(account, vpc_id, id, "default", "default VPC security group");
	struct tree *rule = tree_add_object(tree_key(group, "ipPermissions"));
	tree_set_text(rule, "ipProtocol", "-1");
	struct tree *pair = tree_add_object(tree_set_array(rule, "groups"));
	tree_set_text(pair, "userId", account);
	tree_set_text(pair, "groupId", id);
	tree_set_array(rule, "ipRanges");
	tree_set_array(rule, "ipv6Ranges");
	tree_set_array(rule, "prefixListIds");
	put(cloud, account, region, "security-group", id, group);
}

static void make_network(struct cloud *cloud, const char *account, const struct region *region, const char *vpc_id)
{
	make_vpc(cloud, account, region->name, vpc_id);
	for (size_t i = 0; region->zones[i] != '\0'; i++)
		make_subnet(cloud, account, region, vpc_id, i);
	make_default_group(cloud, account, region->name, vpc_id);
}

void region_fill(struct cloud *cloud, const char *account, const char *region)
{
	char vpc_id[ID_SIZE];
	stable("vpc-", account, region, "default", vpc_id);
	_cleanup_(tree_freep) struct tree *known = state_get(cloud->state, account, region, "region", region);
	if (tree_int(known, "form", 0) == REGION_FORM)
		return;
	_cleanup_(tree_freep) struct tree *mark = tree_new_object();
	tree_set_int(mark, "form", REGION_FORM);
	make_network(cloud, account, region_find(region), vpc_id);
	region_add_images(cloud, region);
	kms_fill(cloud, account, region);
	state_put(cloud->state, account, region, "region", region, mark);
}

void region_prepare(struct request *rq)
{
	region_fill(rq->cloud, rq->caller.account, rq->region);
}
