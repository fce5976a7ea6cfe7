/* SPDX-License-Identifier: Apache-2.0
 *
 * Security groups. Their rules are kept and shown; the machines' network does not enforce them. How rules are read and
 * shown is in group_rules.c. */
#include <string.h>

#include "../quotas.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"
#include "group_rules.h"

static void add_everything_out(struct tree *group)
{
	struct tree *rule = tree_add_object(tree_set_array(group, "ipPermissionsEgress"));
	tree_set_text(rule, "ipProtocol", "-1");
	tree_set_array(rule, "groups");
	tree_set_text(tree_add_object(tree_set_array(rule, "ipRanges")), "cidrIp", "0.0.0.0/0");
	tree_set_array(rule, "ipv6Ranges");
	tree_set_array(rule, "prefixListIds");
}

struct tree *security_group_new(const char *account, const char *vpc_id, const char *id, const char *name,
				const char *description)
{
	struct tree *group = tree_new_object();
	tree_set_text(group, "ownerId", account);
	tree_set_text(group, "groupId", id);
	tree_set_text(group, "groupName", name);
	tree_set_text(group, "groupDescription", description);
	tree_set_text(group, "vpcId", vpc_id);
	tree_set_array(group, "ipPermissions");
	add_everything_out(group);
	return group;
}

struct tree *default_vpc(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *vpcs = list_objects(rq, "vpc");
	for (struct tree_iter i = tree_iter(vpcs); tree_next(&i);)
		if (tree_bool(i.value, "isDefault", false))
			return tree_share(i.value);
	return NULL;
}

static struct tree *find_by_name(struct request *rq, const char *name, const char *vpc_id, bool unseen_too)
{
	_cleanup_(tree_freep) struct tree *groups =
		unseen_too ? state_list(rq->cloud->state, rq->caller.account, rq->region, "security-group")
			   : list_objects(rq, "security-group");
	for (struct tree_iter i = tree_iter(groups); tree_next(&i);)
		if (str_eq(tree_text(i.value, "groupName"), name) && str_eq(tree_text(i.value, "vpcId"), vpc_id))
			return tree_share(i.value);
	return NULL;
}

static struct tree *group_named(struct request *rq)
{
	const char *id = arg(rq, "GroupId"), *name = arg(rq, "GroupName");
	if (id == NULL && name == NULL) {
		refuse(rq, "MissingParameter", "The request must contain the parameter groupName or groupId");
		return NULL;
	}
	if (id != NULL && !check_id(rq, id, "sg-", "InvalidGroupId.Malformed"))
		return NULL;
	_cleanup_(tree_freep) struct tree *vpc = default_vpc(rq);
	struct tree *group = id != NULL ? find_object(rq, "security-group", id)
					: find_by_name(rq, name, tree_text(vpc, "vpcId"), false);
	if (group == NULL)
		refuse(rq, "InvalidGroup.NotFound", "The security group '%s' does not exist", id != NULL ? id : name);
	return group;
}

/* --- CreateSecurityGroup --- */

static bool check_group_name(struct request *rq, const char *name)
{
	if (strlen(name) > 255 || *name == '\0')
		return refuse(rq, "InvalidParameterValue",
			      "Value (%s) for parameter GroupName is invalid. 1 to 255 characters", name);
	if (str_starts(name, "sg-"))
		return refuse(
			rq, "InvalidParameterValue",
			"Value (%s) for parameter GroupName is invalid. Group names may not be in the format sg-*",
			name);
	if (strcasecmp(name, "default") == 0)
		return refuse(rq, "InvalidGroup.Reserved", "The security group 'default' is reserved");
	return true;
}

static struct tree *vpc_asked(struct request *rq)
{
	if (arg(rq, "VpcId") != NULL) {
		return need_object(rq, "vpc", arg(rq, "VpcId"), "InvalidVpcID.NotFound", "vpc ID");
	}
	struct tree *vpc = default_vpc(rq);
	if (vpc == NULL)
		refuse(rq, "VPCIdNotSpecified", "No default VPC for this user");
	return vpc;
}

static bool check_group_quota(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *groups =
		state_list(rq->cloud->state, rq->caller.account, rq->region, "security-group");
	return (int64_t)tree_count(groups) < quota_of(rq, QUOTA_GROUPS) ||
	       refuse(rq, "SecurityGroupLimitExceeded", "The maximum number of security groups has been reached.");
}

static bool create_security_group(struct request *rq)
{
	static const char *const types[] = {"security-group", NULL};
	const char *name = arg_or(rq, "GroupName", "");
	struct tree *tags = NULL;
	char id[ID_SIZE];
	_cleanup_(tree_freep) struct tree *vpc = vpc_asked(rq);
	if (vpc == NULL || !check_group_name(rq, name) || !tag_specifications_check(rq, types))
		return false;
	_cleanup_(tree_freep) struct tree *known = find_by_name(rq, name, tree_text(vpc, "vpcId"), true);
	if (known != NULL)
		return refuse(rq, "InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", name,
			      tree_text(vpc, "vpcId"));
	if (!check_group_quota(rq) || !tags_for(rq, "security-group", &tags))
		return false;
	make_id("sg-", id);
	_cleanup_(tree_freep) struct tree *group = security_group_new(rq->caller.account, tree_text(vpc, "vpcId"), id,
								      name, arg_or(rq, "GroupDescription", ""));
	tree_set(group, "tagSet", tags);
	put_new_object(rq, "security-group", id, group);
	reply_return(rq);
	tree_set_text(rq->reply, "groupId", id);
	tree_setf(rq->reply, "securityGroupArn", "arn:aws:ec2:%s:%s:security-group/%s", rq->region, rq->caller.account,
		  id);
	tree_set(rq->reply, "tagSet", tree_copy(tags));
	return true;
}

/* --- DeleteSecurityGroup --- */

static bool held_by_instance(struct request *rq, const char *group_id)
{
	_cleanup_(tree_freep) struct tree *instances =
		state_list(rq->cloud->state, rq->caller.account, rq->region, "instance");
	for (struct tree_iter i = tree_iter(instances); tree_next(&i);) {
		if (instance_state(i.value) == INSTANCE_TERMINATED)
			continue;
		for (struct tree_iter j = tree_iter(tree_key(i.value, "groupSet")); tree_next(&j);)
			if (str_eq(tree_text(j.value, "groupId"), group_id))
				return true;
	}
	return false;
}

static bool named_by_rule(struct request *rq, const char *group_id)
{
	_cleanup_(tree_freep) struct tree *groups = list_objects(rq, "security-group");
	for (struct tree_iter i = tree_iter(groups); tree_next(&i);)
		for (struct tree_iter j = tree_iter(tree_key(i.value, "_rules")); tree_next(&j);)
			if (str_eq(tree_text(j.value, "group"), group_id) &&
			    !str_eq(tree_text(i.value, "groupId"), group_id))
				return true;
	return false;
}

bool group_in_use(struct request *rq, const char *group_id)
{
	return held_by_instance(rq, group_id) || named_by_rule(rq, group_id);
}

static bool delete_security_group(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *group = group_named(rq);
	if (group == NULL)
		return false;
	const char *id = tree_text(group, "groupId");
	if (str_eq(tree_text(group, "groupName"), "default"))
		return refuse(rq, "CannotDelete",
			      "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", id);
	if (group_in_use(rq, id))
		return refuse(rq, "DependencyViolation", "resource %s has a dependent object", id);
	remove_object(rq, "security-group", id);
	reply_return(rq);
	tree_set_text(rq->reply, "groupId", id);
	return true;
}

/* --- rules --- */

static bool authorize(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *group = group_named(rq);
	_cleanup_(tree_freep) struct tree *asked = group == NULL ? NULL : rules_asked(rq);
	if (asked == NULL)
		return false;
	if (tree_count(asked) == 0)
		return refuse(rq, "MissingParameter",
			      "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.");
	for (struct tree_iter i = tree_iter(asked); tree_next(&i);)
		if (!rule_add(rq, group, i.value))
			return false;
	if ((int64_t)tree_count(tree_key(group, "_rules")) > quota_of(rq, QUOTA_RULES_PER_GROUP))
		return refuse(rq, "RulesPerSecurityGroupLimitExceeded",
			      "The maximum number of rules per security group has been reached.");
	put_object(rq, "security-group", tree_text(group, "groupId"), group);
	reply_return(rq);
	tree_set(rq->reply, "securityGroupRuleSet", rules_reply(group, asked));
	return true;
}

static bool revoke_by_id(struct request *rq, struct tree *group)
{
	for (struct tree_iter i = tree_iter(arg_tree(rq, "SecurityGroupRuleId")); tree_next(&i);)
		if (!rule_remove_id(group, tree_text_or(i.value, NULL, "")))
			return refuse(rq, "InvalidSecurityGroupRuleId.NotFound",
				      "The security group rule ID '%s' does not exist",
				      tree_text_or(i.value, NULL, ""));
	return true;
}

static bool revoke(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *group = group_named(rq);
	_cleanup_(tree_freep) struct tree *asked = group == NULL ? NULL : rules_asked(rq);
	if (asked == NULL || !revoke_by_id(rq, group))
		return false;
	for (struct tree_iter i = tree_iter(asked); tree_next(&i);)
		if (!rule_remove(group, i.value))
			return refuse(rq, "InvalidPermission.NotFound",
				      "The specified rule does not exist in this security group.");
	put_object(rq, "security-group", tree_text(group, "groupId"), group);
	reply_return(rq);
	return true;
}

/* --- DescribeSecurityGroups --- */

static const struct filter group_filters[] = {
	{"description", "groupDescription"},
	{"group-id", "groupId"},
	{"group-name", "groupName"},
	{"ip-permission.cidr", "ipPermissions.*.ipRanges.*.cidrIp"},
	{"ip-permission.from-port", "ipPermissions.*.fromPort"},
	{"ip-permission.group-id", "ipPermissions.*.groups.*.groupId"},
	{"ip-permission.protocol", "ipPermissions.*.ipProtocol"},
	{"ip-permission.to-port", "ipPermissions.*.toPort"},
	{"owner-id", "ownerId"},
	{"vpc-id", "vpcId"},
	{NULL, NULL},
};

static struct tree *groups_by_name(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *vpc = default_vpc(rq);
	_cleanup_(tree_freep) struct tree *groups = tree_new_array();
	for (struct tree_iter i = tree_iter(arg_tree(rq, "GroupName")); tree_next(&i);) {
		const char *name = tree_text_or(i.value, NULL, "");
		struct tree *group = find_by_name(rq, name, tree_text(vpc, "vpcId"), false);
		if (group == NULL) {
			refuse(rq, "InvalidGroup.NotFound",
			       "The security group '%s' does not exist in default VPC '%s'", name,
			       tree_text_or(vpc, "vpcId", ""));
			return NULL;
		}
		tree_add(groups, group);
	}
	return take(&groups);
}

static bool describe_security_groups(struct request *rq)
{
	struct tree *groups =
		arg_tree(rq, "GroupName") != NULL ? groups_by_name(rq)
		: arg_tree(rq, "GroupId") != NULL
			? need_objects(rq, "security-group", "GroupId", "InvalidGroup.NotFound", "security group")
			: list_objects(rq, "security-group");
	return groups != NULL && apply_filters(rq, group_filters, &groups) &&
	       reply_page(rq, "securityGroupInfo", groups);
}

#define ARGS_RULES                                                                                                     \
	"GroupId GroupName CidrIp IpProtocol FromPort:int ToPort:int IpPermissions.N.IpProtocol "                      \
	"IpPermissions.N.FromPort:int "                                                                                \
	"IpPermissions.N.ToPort:int IpPermissions.N.IpRanges.N.CidrIp IpPermissions.N.IpRanges.N.Description "         \
	"IpPermissions.N.Ipv6Ranges.N.CidrIpv6 IpPermissions.N.Ipv6Ranges.N.Description "                              \
	"IpPermissions.N.Groups.N.GroupId "                                                                            \
	"IpPermissions.N.Groups.N.UserId IpPermissions.N.Groups.N.Description IpPermissions.N.Groups.N.VpcId "         \
	"IpPermissions.N.PrefixListIds.N.PrefixListId IpPermissions.N.PrefixListIds.N.Description "

const struct operation ec2_group_operations[] = {
	{"CreateSecurityGroup", create_security_group, OPERATION_DRY_RUN,
	 "GroupName! GroupDescription! VpcId " ARGS_TAGS},
	{"DeleteSecurityGroup", delete_security_group, OPERATION_DRY_RUN, "GroupId GroupName"},
	{"AuthorizeSecurityGroupIngress", authorize, OPERATION_DRY_RUN, ARGS_RULES ARGS_TAGS},
	{"RevokeSecurityGroupIngress", revoke, OPERATION_DRY_RUN, ARGS_RULES "SecurityGroupRuleId.N"},
	{"DescribeSecurityGroups", describe_security_groups, OPERATION_DRY_RUN, "GroupId.N GroupName.N " ARGS_FILTERS},
	{NULL},
};
