/* SPDX-License-Identifier: Apache-2.0
 *
 * What `bakery gc` may ask of AWS, apart from builds: it looks in all regions, and removes what carries the project's
 * tags. */
#include "bakery/needs.h"
#include "bakery/partition.h"

static const enum aws_operation operations[] = {
	AWS_sts_GetCallerIdentity,
	AWS_ec2_DescribeRegions,
	AWS_ec2_DescribeInstances,
	AWS_ec2_DescribeVolumes,
	AWS_ec2_DescribeSecurityGroups,
	AWS_ec2_DescribeImages,
	AWS_ec2_DescribeSnapshots,
	AWS_ssm_GetParametersByPath,
	AWS_iam_ListRoles,
	AWS_iam_ListInstanceProfiles,
	AWS_ec2_TerminateInstances,
	AWS_ec2_DeleteVolume,
	AWS_ec2_DeleteSecurityGroup,
	AWS_ec2_DisableImageDeregistrationProtection,
	AWS_ec2_DeregisterImage,
	AWS_ec2_DeleteSnapshot,
	AWS_ec2_CreateTags, /* of an image that goes into quarantine */
	AWS_iam_GetRole,
	AWS_iam_ListAttachedRolePolicies,
	AWS_iam_ListRolePolicies,
	AWS_iam_DetachRolePolicy,
	AWS_iam_DeleteRolePolicy,
	AWS_iam_DeleteRole,
	AWS_iam_GetInstanceProfile,
	AWS_iam_RemoveRoleFromInstanceProfile,
	AWS_iam_DeleteInstanceProfile,
};

void needs_of_gc(const struct settings *settings, const struct needs_scope *scope, struct arena *arena,
		 struct permission_needs *out)
{
	const struct text_list *accounts = &settings->fleet.accounts;
	bool organization = text_list_has(accounts, "organization");

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		out->operations[operations[i]] = true;
	out->operations[AWS_sts_AssumeRole] |= accounts->count > 0;
	permission_needs_add(out, "partition", partition_of(scope->region ? scope->region : "")->name);
	permission_needs_add(out, "account", scope->account ? scope->account : "*");
	permission_needs_add(out, "project", settings->project);
	permission_needs_add(out, "swept", "*");
	permission_needs_add(out, "swept_profiles", "bakery-20*-????");
	permission_needs_add(out, "swept_parameters", settings->parameter_prefix);
	permission_needs_add(out, "swept_parameters", arena_printf(arena, "%s/*", settings->parameter_prefix));
	permission_needs_add(out, "swept_role", settings->fleet.role);
	out->operations[AWS_organizations_ListAccounts] |= organization;
	for (size_t i = 0; i < accounts->count; i++)
		permission_needs_add(out, "swept_accounts", organization ? "*" : accounts->items[i]);
}
