/* SPDX-License-Identifier: Apache-2.0
 *
 * launch: what the instance needs (a temporary security group that admits only this host, or the bastion; a temporary
 * instance profile), and the instance. connect: SSH to it. */
#include <stdio.h>
#include <string.h>

#include "../pipeline.h"
#include "bakery/str.h"

/* One whom the group lets in, in the place that its kind has in a permission. */
static void source_add(struct aws_call *call, size_t number, const char *source)
{
	bool is_group = str_starts(source, "sg-"), is_ipv6 = strchr(source, ':') != NULL;
	char path[64];

	if (is_group)
		snprintf(path, sizeof(path), "IpPermissions.1.Groups.%zu.GroupId", number);
	else if (is_ipv6)
		snprintf(path, sizeof(path), "IpPermissions.1.Ipv6Ranges.%zu.CidrIpv6", number);
	else
		snprintf(path, sizeof(path), "IpPermissions.1.IpRanges.%zu.CidrIp", number);
	aws_arg(call, path, source);
}

/* EC2 numbers each kind of source by itself. */
static void sources_add(struct aws_call *call, const struct text_list *sources, struct str *said)
{
	size_t ipv4 = 0, ipv6 = 0, groups = 0;

	for (size_t i = 0; i < sources->count; i++) {
		const char *source = sources->items[i];
		size_t *count = str_starts(source, "sg-") ? &groups : strchr(source, ':') ? &ipv6 : &ipv4;

		source_add(call, ++*count, source);
		str_addf(said, "%s%s", said->len ? ", " : "", source);
	}
}

static bool own_address(struct build *build, struct text_list *out, struct error *err)
{
	const char **one = arena_alloc(build->arena, sizeof(*one));
	char address[64];

	if (!aws_own_address(build->aws, build->plan->region, build->plan->launch.address == ADDRESS_PUBLIC, address,
			     err))
		return error_context(err, "this host's address, which the security group is to admit");
	one[0] = arena_printf(build->arena, "%s/%d", address, strchr(address, ':') ? 128 : 32);
	*out = (struct text_list){one, 1};
	return true;
}

static bool group_open(struct build *build, const char *group, struct error *err)
{
	_cleanup_(str_free) struct str said = STR_INIT;
	struct text_list sources = build->plan->launch.admit;
	struct aws_call call;

	if (!sources.count && !own_address(build, &sources, err))
		return false;
	call = aws_call(AWS_ec2_AuthorizeSecurityGroupIngress, build->plan->region);
	call.not_yet_s = build_settle_s(build);
	aws_arg(&call, "GroupId", group);
	aws_arg(&call, "IpPermissions.1.IpProtocol", "tcp");
	aws_arg_int(&call, "IpPermissions.1.FromPort", build->plan->connect.port);
	aws_arg_int(&call, "IpPermissions.1.ToPort", build->plan->connect.port);
	sources_add(&call, &sources, &said);
	if (!build_send(build, &call, NULL, err)) {
		if (!str_eq(err->code, "InvalidPermission.Duplicate"))
			return false;
		error_clear(err);
	}
	build_note(build, "security group %s admits %s to port %lld", group, said.data,
		   (long long)build->plan->connect.port);
	return true;
}

static bool group_make(struct build *build, struct error *err)
{
	char group[ID_SIZE];

	if (build->plan->launch.security_groups.count)
		return true;
	if (!build_hold(build, &held_security_group, build->plan->region, "build", NULL, group, err) ||
	    !group_open(build, group, err))
		return error_context(err, "security group");
	build->state.security_group = arena_strdup(build->arena, group);
	return true;
}

static bool profile_make(struct build *build, struct error *err)
{
	const struct plan_launch *launch = &build->plan->launch;
	char profile[ID_SIZE];

	if (!launch->profile_policy && !launch->managed_policies.count)
		return true;
	if (!build_hold(build, &held_instance_profile, build->plan->region, "build", NULL, profile, err))
		return false;
	build->state.instance_profile = arena_strdup(build->arena, profile);
	build_note(build, "instance profile %s", profile);
	return true;
}

bool launch_surroundings(struct build *build, struct error *err)
{
	if (!build->surrounded && (!profile_make(build, err) || !group_make(build, err)))
		return false;
	build->surrounded = true;
	return true;
}

bool stage_launch(struct build *build, struct error *err)
{
	if (!bastion_check(build, err) || !launch_surroundings(build, err) ||
	    !box_launch(build, &build->box, build->plan->source.ami, err) || !rejoin_mark(build, err))
		return false;
	build->state.instance = arena_strdup(build->arena, build->box.instance);
	build_note(build, "%s runs at %s", build->box.instance, build->box.address);
	return true;
}

bool stage_connect(struct build *build, struct error *err)
{
	return box_connect(build, &build->box, err);
}
