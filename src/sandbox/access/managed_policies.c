/* SPDX-License-Identifier: Apache-2.0
 *
 * Managed policies of AWS's own, as far as they speak of what the sandbox offers. */
#include "iam.h"

#include "bakery/str.h"

#define MANAGED(name) "arn:aws:iam::aws:policy/" name
#define ALLOW(actions) "{\"Effect\":\"Allow\",\"Action\":" actions ",\"Resource\":\"*\"}"
#define DOCUMENT(statements) "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"

static const struct {
	const char *arn, *text;
} policies[] = {
	{MANAGED("AdministratorAccess"), DOCUMENT(ALLOW("\"*\""))},
	{MANAGED("PowerUserAccess"),
	 DOCUMENT("{\"Effect\":\"Allow\",\"NotAction\":[\"iam:*\",\"organizations:*\",\"account:*\"],"
		  "\"Resource\":\"*\"}," ALLOW("[\"iam:ListRoles\",\"organizations:DescribeOrganization\","
					       "\"iam:CreateServiceLinkedRole\",\"iam:DeleteServiceLinkedRole\"]"))},
	{MANAGED("ReadOnlyAccess"),
	 DOCUMENT(ALLOW(
		 "[\"ec2:Describe*\",\"ec2:Get*\",\"ec2:List*\",\"iam:Get*\",\"iam:List*\",\"iam:Simulate*\","
		 "\"kms:Describe*\",\"kms:Get*\",\"kms:List*\",\"organizations:Describe*\",\"organizations:List*\","
		 "\"servicequotas:Get*\",\"servicequotas:List*\",\"ssm:Describe*\",\"ssm:Get*\",\"ssm:List*\","
		 "\"sts:GetCallerIdentity\"]"))},
	{MANAGED("AmazonEC2ReadOnlyAccess"), DOCUMENT(ALLOW("[\"ec2:Describe*\",\"ec2:GetSecurityGroupsForVpc\"]"))},
	{MANAGED("AmazonEC2FullAccess"), DOCUMENT(ALLOW("\"ec2:*\""))},
	{MANAGED("AmazonSSMReadOnlyAccess"), DOCUMENT(ALLOW("[\"ssm:Describe*\",\"ssm:Get*\",\"ssm:List*\"]"))},
	{MANAGED("AmazonSSMFullAccess"), DOCUMENT(ALLOW("\"ssm:*\""))},
	{MANAGED("AmazonSSMManagedInstanceCore"),
	 DOCUMENT(ALLOW("[\"ssm:DescribeAssociation\",\"ssm:GetDocument\",\"ssm:GetParameter\",\"ssm:GetParameters\","
			"\"ssm:ListAssociations\",\"ssm:PutInventory\",\"ssm:UpdateInstanceInformation\","
			"\"ssmmessages:*\",\"ec2messages:*\"]"))},
	{MANAGED("SecurityAudit"),
	 DOCUMENT(ALLOW("[\"ec2:Describe*\",\"iam:Get*\",\"iam:List*\",\"kms:Describe*\",\"kms:List*\","
			"\"organizations:Describe*\",\"organizations:List*\",\"ssm:DescribeParameters\"]"))},
};

const char *managed_policy(const char *arn)
{
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
		if (str_eq(policies[i].arn, arn))
			return policies[i].text;
	return NULL;
}
