/* SPDX-License-Identifier: Apache-2.0
 *
 * The networks of each region; its public images come from region_images.c. */
#include "region_fill.h"

#include <stdio.h>

#include "../kms/kms.h"
#include "../regions.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"
#include "region_images.h"

static void stable(const char *prefix, const char *account, const char *region, const char *what, char id[ID_SIZE])
{
	_cleanup_(freep) char *seed = mem_printf("%s %s %s", account, region, what);
	make_stable_id(prefix, seed, id);
}

#define REGION_FORM 3 /* a region filled by an older version gets what has come since; what it has is left alone */

static void put(struct cloud *cloud, const char *account, const char *region, const char *kind, const char *id,
		struct tree *document)
{
	_cleanup_(tree_freep) struct tree *known = state_get(cloud->state, account, region, kind, id);
	if (known == NULL)
		state_put(cloud->state, account, region, kind, id, document);
	tree_free(document);
}

/* A network: the default one, or the one for building, whose subnets are private and told apart by their tags. */
static const struct network {
	const char *name, *cidr, *subnet_cidr; /* subnet_cidr: with the subnet's number times its step */
	size_t step;
	int64_t addresses;
	bool is_default;
} networks[] = {
	{"default", "172.31.0.0/16", "172.31.%zu.0/20", 16, 4091, true},
	{"build", "10.20.0.0/16", "10.20.%zu.0/24", 1, 251, false},
};

static void add_tag(struct tree *document, const char *key, const char *value)
{
	struct tree *tags = tree_key(document, "tagSet");
	struct tree *tag = tree_add_object(tags != NULL ? tags : tree_set_array(document, "tagSet"));
	tree_set_text(tag, "key", key);
	tree_set_text(tag, "value", value);
}

static void make_vpc(struct cloud *cloud, const char *account, const char *region, const struct network *network,
		     const char *vpc_id)
{
	char options[ID_SIZE], association[ID_SIZE];
	stable("dopt-", account, region, "options", options);
	stable("vpc-cidr-assoc-", account, region, network->is_default ? "cidr" : network->cidr, association);
	struct tree *vpc = tree_new_object();
	tree_set_text(vpc, "vpcId", vpc_id);
	tree_set_text(vpc, "ownerId", account);
	tree_set_text(vpc, "state", "available");
	tree_set_text(vpc, "cidrBlock", network->cidr);
	struct tree *cidr = tree_add_object(tree_set_array(vpc, "cidrBlockAssociationSet"));
	tree_set_text(cidr, "cidrBlock", network->cidr);
	tree_set_text(cidr, "associationId", association);
	tree_set_text(tree_set_object(cidr, "cidrBlockState"), "state", "associated");
	tree_set_text(vpc, "dhcpOptionsId", options);
	tree_set_text(vpc, "instanceTenancy", "default");
	tree_set_bool(vpc, "isDefault", network->is_default);
	if (!network->is_default)
		add_tag(vpc, "Name", network->name);
	put(cloud, account, region, "vpc", vpc_id, vpc);
}

static struct tree *subnet_new(const char *account, const struct region *region, const char *vpc_id, const char *what,
			       size_t zone)
{
	char id[ID_SIZE];
	stable("subnet-", account, region->name, what, id);
	struct tree *subnet = tree_new_object();
	tree_set_text(subnet, "subnetId", id);
	tree_setf(subnet, "subnetArn", "arn:aws:ec2:%s:%s:subnet/%s", region->name, account, id);
	tree_set_text(subnet, "state", "available");
	tree_set_text(subnet, "ownerId", account);
	tree_set_text(subnet, "vpcId", vpc_id);
	tree_setf(subnet, "availabilityZone", "%s%c", region->name, region->zones[zone]);
	tree_setf(subnet, "availabilityZoneId", "%s-az%zu", region->zone_id, zone + 1);
	tree_set_bool(subnet, "defaultForAz", false);
	tree_set_bool(subnet, "mapPublicIpOnLaunch", false);
	tree_set_bool(subnet, "assignIpv6AddressOnCreation", false);
	tree_set_bool(subnet, "mapCustomerOwnedIpOnLaunch", false);
	return subnet;
}

static void make_subnet(struct cloud *cloud, const char *account, const struct region *region,
			const struct network *network, const char *vpc_id, size_t number)
{
	_cleanup_(freep) char *what = mem_printf("%ssubnet %zu", network->is_default ? "" : "build ", number);
	struct tree *subnet = subnet_new(account, region, vpc_id, what, number);
	_cleanup_(freep) char *cidr = mem_printf(network->subnet_cidr, number * network->step);
	tree_set_text(subnet, "cidrBlock", cidr);
	tree_set_int(subnet, "availableIpAddressCount", network->addresses);
	tree_set_bool(subnet, "defaultForAz", network->is_default);
	tree_set_bool(subnet, "mapPublicIpOnLaunch", network->is_default);
	if (!network->is_default) {
		_cleanup_(freep) char *name = mem_printf("build-%c", region->zones[number]);
		add_tag(subnet, "Name", name);
		add_tag(subnet, "tier", "build");
	}
	put(cloud, account, region->name, "subnet", tree_text(subnet, "subnetId"), subnet);
}

/* One in which nothing can be launched. */
static void make_full_subnet(struct cloud *cloud, const char *account, const struct region *region, const char *vpc_id)
{
	struct tree *subnet = subnet_new(account, region, vpc_id, "full subnet", 0);
	tree_set_text(subnet, "cidrBlock", "10.20.255.240/28");
	tree_set_int(subnet, "availableIpAddressCount", 0);
	add_tag(subnet, "Name", "full");
	add_tag(subnet, "tier", "full");
	put(cloud, account, region->name, "subnet", tree_text(subnet, "subnetId"), subnet);
}

/* The default group admits its own members. */
static void make_default_group(struct cloud *cloud, const char *account, const char *region,
			       const struct network *network, const char *vpc_id)
{
	char id[ID_SIZE];
	stable("sg-", account, region, network->name, id);
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

static void make_network(struct cloud *cloud, const char *account, const struct region *region,
			 const struct network *network)
{
	char vpc_id[ID_SIZE];
	stable("vpc-", account, region->name, network->name, vpc_id);
	make_vpc(cloud, account, region->name, network, vpc_id);
	for (size_t i = 0; region->zones[i] != '\0'; i++)
		make_subnet(cloud, account, region, network, vpc_id, i);
	if (!network->is_default)
		make_full_subnet(cloud, account, region, vpc_id);
	make_default_group(cloud, account, region->name, network, vpc_id);
}

void region_fill(struct cloud *cloud, const char *account, const char *region)
{
	_cleanup_(tree_freep) struct tree *known = state_get(cloud->state, account, region, "region", region);
	if (tree_int(known, "form", 0) == REGION_FORM)
		return;
	_cleanup_(tree_freep) struct tree *mark = tree_new_object();
	tree_set_int(mark, "form", REGION_FORM);
	for (size_t i = 0; i < ARRAY_SIZE(networks); i++)
		make_network(cloud, account, region_find(region), &networks[i]);
	region_add_images(cloud, region);
	kms_fill(cloud, account, region);
	state_put(cloud->state, account, region, "region", region, mark);
}
