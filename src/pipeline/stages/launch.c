/* SPDX-License-Identifier: Apache-2.0
 *
 * launch: a temporary security group that admits only this host, and the instance. connect: SSH to it. */
#include <stdio.h>
#include <string.h>

#include "../pipeline.h"
#include "bakery/str.h"

static bool group_open(struct build *build, const char *group, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_AuthorizeSecurityGroupIngress, build->plan->region);
	bool is_ipv6;
	char address[64];

	if (!aws_own_address(build->aws, build->plan->region, build->plan->launch.address == ADDRESS_PUBLIC, address,
			     err)) {
		aws_call_clear(&call);
		return error_context(err, "this host's address, which the security group is to admit");
	}
	is_ipv6 = strchr(address, ':') != NULL;
	call.not_yet_s = SETTLE_S;
	aws_arg(&call, "GroupId", group);
	aws_arg(&call, "IpPermissions.1.IpProtocol", "tcp");
	aws_arg_int(&call, "IpPermissions.1.FromPort", build->plan->connect.port);
	aws_arg_int(&call, "IpPermissions.1.ToPort", build->plan->connect.port);
	aws_argf(&call, is_ipv6 ? "IpPermissions.1.Ipv6Ranges.1.CidrIpv6" : "IpPermissions.1.IpRanges.1.CidrIp",
		 "%s/%d", address, is_ipv6 ? 128 : 32);
	if (!build_send(build, &call, NULL, err)) {
		if (!str_eq(err->code, "InvalidPermission.Duplicate"))
			return false;
		error_clear(err);
	}
	build_note(build, "security group %s admits %s to port %lld", group, address,
		   (long long)build->plan->connect.port);
	return true;
}

bool stage_launch(struct build *build, struct error *err)
{
	char group[ID_SIZE];

	if (!build->plan->launch.security_groups.count) {
		if (!build_hold(build, &held_security_group, build->plan->region, "build", NULL, group, err) ||
		    !group_open(build, group, err))
			return error_context(err, "security group");
		build->state.security_group = arena_strdup(build->arena, group);
	}
	if (!box_launch(build, &build->box, build->plan->source.ami, err))
		return false;
	build->state.instance = arena_strdup(build->arena, build->box.instance);
	build_note(build, "%s runs at %s", build->box.instance, build->box.address);
	return true;
}

bool stage_connect(struct build *build, struct error *err)
{
	return box_connect(build, &build->box, err);
}
