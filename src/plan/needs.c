/* SPDX-License-Identifier: Apache-2.0
 *
 * What a recipe's builds may ask of AWS: a table of operations and when they are needed, so that leaving a feature out
 * of the recipe leaves its permission out of the policy. */
#include "bakery/needs.h"

#include <string.h>

#include "bakery/partition.h"
#include "bakery/str.h"

struct needing {
	const struct settings *settings;
	const struct recipe *recipe;
	const struct needs_scope *scope;
	const char *partition, *account, *region;
	struct permission_needs *out;
};

/* --- when an operation is needed --- */

static bool always(const struct needing *needing)
{
	return true;
}

static bool with_temporary_group(const struct needing *needing)
{
	return !needing->recipe->launch.security_groups.count;
}

static bool with_bastion_in_vpc(const struct needing *needing)
{
	const struct bastion *bastion = needing->recipe->connect.bastion;

	return bastion && !bastion->admit && with_temporary_group(needing);
}

static bool with_temporary_profile(const struct needing *needing)
{
	return needing->recipe->launch.temporary_profile;
}

static bool with_profile_policy(const struct needing *needing)
{
	return with_temporary_profile(needing) && needing->recipe->launch.temporary_profile->policy;
}

static bool with_managed_policies(const struct needing *needing)
{
	return with_temporary_profile(needing) && needing->recipe->launch.temporary_profile->managed_policies.count;
}

static bool with_copies(const struct needing *needing)
{
	const struct struct_map *regions = &needing->recipe->distribute.regions;

	for (size_t i = 0; i < regions->count; i++) {
		if (!str_eq(regions->keys[i], needing->region))
			return true;
	}
	return false;
}

static bool with_organization(const struct needing *needing)
{
	return needing->recipe->distribute.share.organization;
}

static bool with_sharing(const struct needing *needing)
{
	const struct share *share = &needing->recipe->distribute.share;

	return share->organization || share->organizations.count || share->organizational_units.count ||
	       share->accounts.count;
}

static bool with_image_attributes(const struct needing *needing)
{
	return with_sharing(needing) || needing->recipe->image.imds;
}

static bool with_snapshots_shared(const struct needing *needing)
{
	return needing->recipe->distribute.share.snapshots;
}

static bool with_consumer_role(const struct needing *needing)
{
	return needing->recipe->distribute.share.consumer_role;
}

static bool with_protection(const struct needing *needing)
{
	return needing->recipe->image.deregistration_protection.enabled;
}

static bool with_deprecation(const struct needing *needing)
{
	return needing->recipe->image.deprecate_after_s > 0;
}

static bool from_parameter(const struct needing *needing)
{
	return needing->recipe->source.ssm || needing->recipe->source.recipe;
}

static bool with_channel(const struct needing *needing)
{
	return needing->recipe->publish.channel;
}

static bool with_parameters(const struct needing *needing)
{
	return from_parameter(needing) || with_channel(needing);
}

static bool for_doctor(const struct needing *needing)
{
	return needing->scope->with_doctor;
}

/* To find its own again; doctor counts them. */
static bool with_groups_to_see(const struct needing *needing)
{
	return with_temporary_group(needing) || for_doctor(needing);
}

static const struct {
	enum aws_operation operation;
	bool (*when)(const struct needing *needing);
} rows[] = {
	{AWS_sts_GetCallerIdentity, always},
	{AWS_organizations_DescribeOrganization, with_organization},
	{AWS_ec2_DescribeRegions, for_doctor},
	{AWS_ec2_DescribeVpcs, with_bastion_in_vpc},
	{AWS_iam_CreateRole, with_temporary_profile},
	{AWS_iam_PutRolePolicy, with_profile_policy},
	{AWS_iam_AttachRolePolicy, with_managed_policies},
	{AWS_iam_CreateInstanceProfile, with_temporary_profile},
	{AWS_iam_AddRoleToInstanceProfile, with_temporary_profile},
	{AWS_iam_GetInstanceProfile, with_temporary_profile}, /* to find what a killed build made */
	{AWS_iam_GetRole, with_temporary_profile},
	{AWS_iam_RemoveRoleFromInstanceProfile, with_temporary_profile},
	{AWS_iam_DeleteInstanceProfile, with_temporary_profile},
	{AWS_iam_DetachRolePolicy, with_managed_policies},
	{AWS_iam_DeleteRolePolicy, with_profile_policy},
	{AWS_iam_DeleteRole, with_temporary_profile},
	{AWS_ec2_DescribeSubnets, always},
	{AWS_ec2_DescribeInstanceTypeOfferings, for_doctor},
	{AWS_ec2_DescribeInstanceTypes, for_doctor},
	{AWS_iam_SimulatePrincipalPolicy, for_doctor},
	{AWS_servicequotas_GetServiceQuota, for_doctor},
	{AWS_servicequotas_GetAWSDefaultServiceQuota, for_doctor},
	{AWS_organizations_DescribeAccount, for_doctor},
	{AWS_organizations_DescribeOrganizationalUnit, for_doctor},
	{AWS_ec2_DescribeImages, always},
	{AWS_ec2_DescribeSnapshots, always}, /* how far they are; what they are encrypted with */
	{AWS_ec2_DescribeImageAttribute, with_sharing},
	{AWS_ec2_DescribeSecurityGroups, with_groups_to_see},
	{AWS_ec2_CreateSecurityGroup, with_temporary_group},
	{AWS_ec2_AuthorizeSecurityGroupIngress, with_temporary_group},
	{AWS_ec2_DeleteSecurityGroup, with_temporary_group},
	{AWS_ec2_RunInstances, always},
	{AWS_ec2_DescribeInstances, always},
	{AWS_ec2_StopInstances, always},
	{AWS_ec2_TerminateInstances, always},
	{AWS_ec2_CreateTags,
	 always}, /* of an image in quarantine, and of an instance that a killed build goes on with */
	{AWS_ec2_CreateImage, always},
	{AWS_ec2_CopyImage, with_copies},
	{AWS_ec2_ModifyImageAttribute, with_image_attributes},
	{AWS_ec2_EnableImageDeprecation, with_deprecation},
	{AWS_ec2_DeleteTags, always},
	{AWS_ec2_EnableImageDeregistrationProtection, with_protection},
	{AWS_ec2_DisableImageDeregistrationProtection, with_protection},
	{AWS_ec2_ModifySnapshotAttribute, with_snapshots_shared},
	{AWS_ec2_DescribeSnapshotAttribute, with_snapshots_shared},
	{AWS_ec2_DeregisterImage, always}, /* of a build that is given up */
	{AWS_ec2_DeleteSnapshot, always},
	{AWS_kms_DescribeKey, always},
	{AWS_kms_GetKeyPolicy, with_sharing}, /* the plan reads whether it admits them */
	{AWS_sts_AssumeRole, with_consumer_role},
	{AWS_sts_DecodeAuthorizationMessage, for_doctor},
	{AWS_ssm_GetParameter, with_parameters},
	{AWS_ssm_PutParameter, with_channel},
};

/* --- the values that the policy speaks of --- */

static void add(struct needing *needing, const char *name, const char *value)
{
	permission_needs_add(needing->out, name, value);
}

static void add_list(struct needing *needing, const char *name, const struct text_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		add(needing, name, list->items[i]);
}

static void printf_like(3, 4) addf(struct needing *needing, const char *name, const char *fmt, ...)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	va_list args;

	va_start(args, fmt);
	str_vaddf(&text, fmt, args);
	va_end(args);
	add(needing, name, text.data);
}

static void source_values(struct needing *needing)
{
	const struct recipe *recipe = needing->recipe;
	const struct source *source = &recipe->source;

	add(needing, "images", source->id ? source->id : "*");
	if (source->id && !recipe->verify.off)
		add(needing, "own_images", "*");
	/* AWS's public parameters belong to no account. */
	if (source->ssm)
		addf(needing, "source_parameters", "arn:%s:ssm:%s:%s:parameter%s%s", needing->partition,
		     needing->region, str_starts(source->ssm, "/aws/service/") ? "" : needing->account,
		     source->ssm[0] == '/' ? "" : "/", source->ssm);
	if (source->recipe)
		addf(needing, "source_parameters", "arn:%s:ssm:%s:%s:parameter%s/%s/%s", needing->partition,
		     needing->region, needing->account, needing->settings->parameter_prefix, source->recipe->name,
		     source->recipe->channel);
}

/* The role of a profile has most often its name, but need not: what is passed cannot be told without asking. */
static void launch_values(struct needing *needing)
{
	/* "bakery-", the build's id, "-build-" and four more: no role that a person would name so is within reach. */
	static const char made[] = "bakery-20*-build-????";
	const struct launch *launch = &needing->recipe->launch;

	if (launch->subnets && launch->subnets->ids.count)
		add_list(needing, "subnets", &launch->subnets->ids);
	else
		add(needing, "subnets", "*");
	/* A dry run before there is the temporary group goes into the VPC's default one. */
	if (launch->security_groups.count)
		add_list(needing, "groups", &launch->security_groups);
	else
		add(needing, "groups", "*");
	if (launch->iam_instance_profile)
		add(needing, "passed_roles", "*");
	if (launch->temporary_profile) {
		add(needing, "passed_roles", made);
		add(needing, "made_profiles", made);
	}
	if (launch->market != MARKET_ON_DEMAND) {
		add(needing, "spot_role", "AWSServiceRoleForEC2Spot");
		add(needing, "spot_requests", "*");
	}
}

/* The account of a key that is told by an ARN: arn:aws:kms:region:account:... */
static char *account_of_arn(const char *arn)
{
	const char *at = arn;

	for (int colons = 0; *at && colons < 4; at++)
		colons += *at == ':';
	return mem_strndup(at, strcspn(at, ":"));
}

/* IAM knows keys by their ids only: an alias is a condition on all of the region's keys. */
static void key_value(struct needing *needing, const char *region, const char *key)
{
	_cleanup_(freep) char *account = NULL;

	if (!key)
		return;
	account = str_starts(key, "arn:") ? account_of_arn(key) : mem_strdup(needing->account);
	if (strstr(key, "alias/")) {
		addf(needing, "alias_keys", "arn:%s:kms:%s:%s:key/*", needing->partition, region, account);
		add(needing, "aliases", strstr(key, "alias/"));
	} else if (str_starts(key, "arn:")) {
		add(needing, "keys", key);
	} else {
		addf(needing, "keys", "arn:%s:kms:%s:%s:key/%s", needing->partition, region, account, key);
	}
}

static void region_values(struct needing *needing)
{
	const struct recipe *recipe = needing->recipe;
	const struct region_wish *wishes = recipe->distribute.regions.items;

	add(needing, "region", needing->region);
	add(needing, "regions", needing->region);
	if (recipe->launch.root_volume.encrypted)
		key_value(needing, needing->region, recipe->launch.root_volume.kms_key);
	for (size_t i = 0; i < recipe->distribute.regions.count; i++) {
		add(needing, "regions", recipe->distribute.regions.keys[i]);
		key_value(needing, recipe->distribute.regions.keys[i], wishes[i].kms_key);
	}
}

static const char *last_part(const char *arn)
{
	const char *slash = strrchr(arn, '/');

	return slash ? slash + 1 : arn;
}

static void share_values(struct needing *needing)
{
	const struct share *share = &needing->recipe->distribute.share;

	add_list(needing, "shared_accounts", &share->accounts);
	for (size_t i = 0; share->consumer_role && i < share->accounts.count; i++)
		addf(needing, "roles", "arn:%s:iam::%s:role/%s", needing->partition, share->accounts.items[i],
		     share->consumer_role);
	for (size_t i = 0; i < share->organizational_units.count; i++)
		add(needing, "shared_units", last_part(share->organizational_units.items[i]));
}

static void publish_values(struct needing *needing)
{
	const struct recipe *recipe = needing->recipe;
	const char *prefix = needing->settings->parameter_prefix;

	if (!recipe->publish.channel)
		return;
	addf(needing, "parameters", "%s/%s/%s", prefix, recipe->name, recipe->publish.channel);
	addf(needing, "parameters", "%s/%s/%s/metadata", prefix, recipe->name, recipe->publish.channel);
}

void needs_of_recipe(const struct settings *settings, const struct recipe *recipe, const struct needs_scope *scope,
		     struct permission_needs *out)
{
	struct needing needing = {.settings = settings, .recipe = recipe, .scope = scope, .out = out};

	needing.account = scope->account ? scope->account : "*";
	needing.region = recipe->launch.region ? recipe->launch.region : scope->region ? scope->region : "*";
	needing.partition = partition_of(needing.region)->name;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		out->operations[rows[i].operation] |= rows[i].when(&needing);
	add(&needing, "partition", needing.partition);
	add(&needing, "dns", partition_of(needing.region)->dns_suffix);
	add(&needing, "account", needing.account);
	add(&needing, "project", settings->project);
	source_values(&needing);
	launch_values(&needing);
	region_values(&needing);
	share_values(&needing);
	publish_values(&needing);
}

/* What stands before "/RECIPE/CHANNEL" in the plan's parameter. */
static const char *prefix_of(const struct plan *plan, struct arena *arena)
{
	const char *parameter = plan->publish.parameter;
	size_t tail = parameter ? strlen(plan->recipe) + strlen(plan->publish.channel) + 2 : 0;

	return parameter ? arena_strndup(arena, parameter, strlen(parameter) - tail) : "";
}

static struct subnets *subnets_of(const struct plan *plan, struct arena *arena)
{
	const struct plan_subnet *planned = plan->launch.subnets.items;
	struct subnets *subnets = arena_alloc(arena, sizeof(*subnets));

	for (size_t i = 0; i < plan->launch.subnets.count; i++)
		text_list_append(&subnets->ids, planned[i].id, arena);
	return subnets;
}

static struct struct_map copies_of(const struct plan *plan, struct arena *arena)
{
	const struct plan_region *copies = plan->copies.items;
	struct region_wish *wishes = arena_alloc(arena, (plan->copies.count + 1) * sizeof(*wishes));
	const char **keys = arena_alloc(arena, (plan->copies.count + 1) * sizeof(*keys));

	for (size_t i = 0; i < plan->copies.count; i++) {
		keys[i] = copies[i].region;
		wishes[i].kms_key = copies[i].kms_key;
	}
	return (struct struct_map){keys, wishes, plan->copies.count};
}

void needs_of_plan(const struct plan *plan, struct arena *arena, struct permission_needs *out)
{
	const struct settings settings = {.project = plan->project, .parameter_prefix = prefix_of(plan, arena)};
	const struct recipe recipe = {
		.name = plan->recipe,
		.launch = {.region = plan->region,
			   .instance_types = plan->launch.instance_types,
			   .market = plan->launch.market,
			   .subnets = subnets_of(plan, arena),
			   .security_groups = plan->launch.security_groups,
			   .address = plan->launch.address,
			   .root_volume = plan->launch.root_volume,
			   .iam_instance_profile = plan->launch.iam_instance_profile},
		.connect = plan->connect,
		.verify = {.off = plan->verify_off},
		.image = {.imds = plan->image.imds,
			  .deprecate_after_s = plan->image.deprecate_after_s,
			  .deregistration_protection = {plan->image.protect, plan->image.protect_cooldown}},
		.distribute = {.regions = copies_of(plan, arena),
			       .share = {.organizations = plan->share.organizations,
					 .organizational_units = plan->share.organizational_units,
					 .accounts = plan->share.accounts,
					 .snapshots = plan->share.snapshots,
					 .consumer_role = plan->share.consumer_role}},
		.publish = {.channel = plan->publish.channel},
	};

	needs_of_recipe(&settings, &recipe, &(struct needs_scope){.account = plan->account}, out);
}
