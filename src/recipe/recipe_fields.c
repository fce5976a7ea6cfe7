/* SPDX-License-Identifier: Apache-2.0
 *
 * The recipe's keys: type, default, meaning, and what a value must look like. Rules between keys are in rules.c. */
#include "bakery/recipe.h"
#include "checks.h"

#define AT(type, member) offsetof(struct type, member)
#define YEAR_S (366 * 86400LL)

static const char *const architectures[] = {"x86_64", "arm64", NULL};
static const char *const markets[] = {"on-demand", "spot", "spot-then-on-demand", NULL};
static const char *const addresses[] = {"public", "private", NULL};
static const char *const volume_types[] = {"gp3", "gp2", "io1", "io2", "standard", NULL};
static const char *const scanner_kinds[] = {"inspector", "openscap", "lynis", "command", NULL};
static const char *const imds_versions[] = {"v2.0", NULL};
static const char *const boot_modes[] = {"legacy-bios", "uefi", "uefi-preferred", NULL};

static const struct field source_ami_fields[] = {
	{"owners", AT(source_ami, owners), FIELD_TEXT_LIST, FIELD_REQUIRED | FIELD_NOT_EMPTY, .check = must_be_owners,
	 .doc = "Who published it: account ids, `amazon`, `self`, `aws-marketplace`. Required, so that nobody can slip "
		"an image of the same name in."},
	{"name", AT(source_ami, name), FIELD_TEXT, FIELD_REQUIRED | FIELD_NOT_EMPTY,
	 .doc = "Image name, with `*` and `?`; the newest match is taken."},
	{"architecture", AT(source_ami, architecture), FIELD_TEXT, .choices = architectures,
	 .doc = "Only images for this processor."},
	{"filters", AT(source_ami, filters), FIELD_TEXT_MAP,
	 .doc = "Further filters of EC2's DescribeImages, such as `virtualization-type: hvm` or `product-code: ...` of "
		"the "
		"Marketplace."},
	{"include_deprecated", AT(source_ami, include_deprecated), FIELD_BOOL,
	 .doc = "Take an image that its publisher has deprecated, too."},
	{0},
};

static const struct field source_recipe_fields[] = {
	{"name", AT(source_recipe, name), FIELD_TEXT, FIELD_REQUIRED, .check = must_be_name,
	 .doc = "The recipe whose image this one is built on."},
	{"channel", AT(source_recipe, channel), FIELD_TEXT, .otherwise = "approved", .check = must_be_name,
	 .doc = "The channel its image is taken from."},
	{0},
};

static const struct field source_fields[] = {
	{"ami", AT(source, ami), FIELD_STRUCT, .fields = source_ami_fields, .size = sizeof(struct source_ami),
	 .doc = "The newest available image that matches."},
	{"ssm", AT(source, ssm), FIELD_TEXT, .check = must_be_parameter,
	 .doc = "A parameter of Parameter Store that holds the image's id."},
	{"id", AT(source, id), FIELD_TEXT, .check = must_be_ami, .doc = "One image, by its id."},
	{"recipe", AT(source, recipe), FIELD_STRUCT, .fields = source_recipe_fields,
	 .size = sizeof(struct source_recipe), .shorthand = "name",
	 .doc = "An image of another recipe; a bare name takes its approved one."},
	{0},
};

static const struct field subnets_fields[] = {
	{"ids", AT(subnets, ids), FIELD_TEXT_LIST, FIELD_NOT_EMPTY, .check = must_be_subnets,
	 .doc = "Subnets by id, tried in order."},
	{"tags", AT(subnets, tags), FIELD_TEXT_MAP, FIELD_NOT_EMPTY, .doc = "Subnets that have all of these tags."},
	{0},
};

static const struct field root_volume_fields[] = {
	{"size_gib", AT(root_volume, size_gib), FIELD_INT, .least = 1, .most = 65536,
	 .doc = "Size; default: as in the source image."},
	{"type", AT(root_volume, type), FIELD_TEXT, .otherwise = "gp3", .choices = volume_types,
	 .doc = "EBS volume type."},
	{"throughput", AT(root_volume, throughput), FIELD_INT, .least = 125, .most = 2000,
	 .doc = "MiB/s; gp3 only. Default: 125."},
	{"iops", AT(root_volume, iops), FIELD_INT, .least = 100, .most = 256000,
	 .doc = "Operations a second; gp3, io1 and io2. Default for gp3: 3000."},
	{"encrypted", AT(root_volume, encrypted), FIELD_BOOL, .otherwise = "true",
	 .doc = "Encrypt the volume and the image's snapshots."},
	{"kms_key", AT(root_volume, kms_key), FIELD_TEXT, .check = must_be_kms_key,
	 .doc = "Key for it: id, alias/... or ARN. Default: the account's default key for EBS. An image that is shared "
		"needs a key of your own."},
	{0},
};

static const struct field temporary_profile_fields[] = {
	{"policy", AT(temporary_profile, policy), FIELD_TEXT, FIELD_NOT_EMPTY,
	 .doc = "A policy document (JSON) of what the instance may do while it is built on, relative to the file that "
		"names "
		"it."},
	{"managed_policies", AT(temporary_profile, managed_policies), FIELD_TEXT_LIST, FIELD_NOT_EMPTY,
	 .check = must_be_policies, .doc = "ARNs of managed policies it has besides."},
	{0},
};

const struct field launch_fields[] = {
	{"region", AT(launch, region), FIELD_TEXT, .check = must_be_region,
	 .doc = "Where the image is made, unless `--region` says otherwise. Default: AWS_REGION, the profile's."},
	{"instance_types", AT(launch, instance_types), FIELD_TEXT_LIST, FIELD_NOT_EMPTY,
	 .check = must_be_instance_types,
	 .doc = "Tried in order, in every subnet, when capacity is short. Needed here or in the settings."},
	{"market", AT(launch, market), FIELD_CHOICE, .otherwise = "on-demand", .choices = markets,
	 .doc = "How the instance is bought."},
	{"subnets", AT(launch, subnets), FIELD_STRUCT, .fields = subnets_fields, .size = sizeof(struct subnets),
	 .shorthand = "ids",
	 .doc = "Where the instance stands; a bare list means ids. Default: the default VPC's subnets."},
	{"security_groups", AT(launch, security_groups), FIELD_TEXT_LIST, .check = must_be_security_groups,
	 .doc = "Default: a temporary group that admits only this host's address."},
	{"address", AT(launch, address), FIELD_CHOICE, .otherwise = "public", .choices = addresses,
	 .doc = "The address that bakery connects to."},
	{"root_volume", AT(launch, root_volume), FIELD_INLINE, .fields = root_volume_fields,
	 .doc = "The root volume of the instance and the image."},
	{"iam_instance_profile", AT(launch, iam_instance_profile), FIELD_TEXT, .check = must_be_profile,
	 .doc = "Name or ARN of the instance's profile."},
	{"temporary_profile", AT(launch, temporary_profile), FIELD_STRUCT, .fields = temporary_profile_fields,
	 .size = sizeof(struct temporary_profile), .shorthand = "policy",
	 .doc = "Instead: a role and instance profile made for this build and removed with it."},
	{"user_data", AT(launch, user_data), FIELD_TEXT, FIELD_NOT_EMPTY,
	 .doc = "A #cloud-config file, relative to the file that names it."},
	{0},
};

static const struct field bastion_fields[] = {
	{"host", AT(bastion, host), FIELD_TEXT, FIELD_REQUIRED | FIELD_NOT_EMPTY, .doc = "Name or address."},
	{"user", AT(bastion, user), FIELD_TEXT, FIELD_REQUIRED, .check = must_be_user, .doc = "Login name there."},
	{"port", AT(bastion, port), FIELD_INT, .otherwise = "22", .least = 1, .most = 65535, .doc = "SSH port there."},
	{"key", AT(bastion, key), FIELD_TEXT, FIELD_NOT_EMPTY,
	 .doc = "Private key file (ed25519 or ECDSA), `~/...`, absolute, or relative to the file that names it; "
		"default: "
		"the SSH agent's keys."},
	{"known_hosts", AT(bastion, known_hosts), FIELD_TEXT, FIELD_NOT_EMPTY,
	 .doc = "File with its host keys, as OpenSSH writes it. Default: `~/.ssh/known_hosts`."},
	{"admit", AT(bastion, admit), FIELD_TEXT, .check = must_be_admitted,
	 .doc = "Where it comes from, as the instance sees it: a security group (`sg-...`) or a CIDR. "
		"Default: the VPC's own addresses."},
	{0},
};

static const struct field connect_fields[] = {
	{"user", AT(connect, user), FIELD_TEXT, .check = must_be_user,
	 .doc = "The source image's login name: `admin`, `ubuntu`, `ec2-user` ... Needed."},
	{"port", AT(connect, port), FIELD_INT, .otherwise = "22", .least = 1, .most = 65535,
	 .doc = "SSH port of the source image."},
	{"key_type", AT(connect, key_type), FIELD_CHOICE, .otherwise = "ed25519", .choices = ssh_key_types,
	 .doc = "Of the login key and the host key that are made for it. An instance in FIPS mode accepts `ecdsa` "
		"only."},
	{"timeout", AT(connect, timeout_s), FIELD_DURATION, .otherwise = "5m", .least = 10, .most = 3600,
	 .doc = "How long the instance may take to answer."},
	{"bastion", AT(connect, bastion), FIELD_STRUCT, .fields = bastion_fields, .size = sizeof(struct bastion),
	 .doc = "A host to go through."},
	{0},
};

static const struct field playbook_use_fields[] = {
	{"playbook", AT(playbook_use, name), FIELD_TEXT, FIELD_NOT_EMPTY,
	 .doc = "A playbook's name, or its file relative to this one."},
	{"vars", AT(playbook_use, vars), FIELD_TEXT_MAP, .doc = "Values for the playbook's variables."},
	{"ansible", AT(playbook_use, ansible_wish.playbook), FIELD_TEXT, FIELD_NOT_EMPTY,
	 .doc = "Instead of `playbook`: a playbook file for ansible-playbook on this host."},
	{"requirements", AT(playbook_use, ansible_wish.requirements), FIELD_TEXT, FIELD_NOT_EMPTY,
	 .doc = "With `ansible`: a requirements.yml for ansible-galaxy."},
	{"extra_vars", AT(playbook_use, ansible_wish.extra_vars), FIELD_TEXT_MAP,
	 .doc = "With `ansible`: its extra variables."},
	{"groups", AT(playbook_use, ansible_wish.groups), FIELD_TEXT_LIST, .check = must_be_groups,
	 .doc = "With `ansible`: the inventory's groups that the instance is in, besides `all`."},
	{"secrets", AT(playbook_use, ansible_wish.secrets), FIELD_TEXT_LIST, .check = must_be_secrets,
	 .doc = "With `ansible`: variables of this host's environment that must be there; what they hold is taken out "
		"of "
		"all output."},
	{0},
};

static const struct field verify_fields[] = {
	{"enabled", AT(verify, off), FIELD_BOOL, FIELD_INVERTED, .otherwise = "true",
	 .doc = "`verify: false` launches no fresh instance, and the record says so."},
	{"playbooks", AT(verify, playbooks), FIELD_STRUCT_LIST, FIELD_SINGLE, .fields = playbook_use_fields,
	 .size = sizeof(struct playbook_use), .shorthand = "playbook",
	 .doc = "What is run there besides the checks of all controls."},
	{0},
};

static const struct field scanner_fields[] = {
	{"kind", AT(scanner, kind), FIELD_TEXT, .choices = scanner_kinds, .doc = "Which scanner."},
	{"command", AT(scanner, command), FIELD_TEXT_LIST, FIELD_NOT_EMPTY,
	 .doc = "The scanner's own command line, on this host."},
	{"profile", AT(scanner, profile), FIELD_TEXT,
	 .doc = "OpenSCAP: the profile that the image is held to, such as `anssi_bp28_minimal`."},
	{"datastream", AT(scanner, datastream), FIELD_TEXT, FIELD_NOT_EMPTY,
	 .doc = "OpenSCAP: file with the SCAP content, sent to the instance; `machine:/path`: it is there. Default: "
		"what the distribution has for itself."},
	{0},
};

static const struct field gate_fields[] = {
	{"critical", AT(scan, gate_critical), FIELD_INT, .otherwise = "-1", .least = -1, .most = 1000000,
	 .doc = "Most critical findings; -1: no limit."},
	{"high", AT(scan, gate_high), FIELD_INT, .otherwise = "-1", .least = -1, .most = 1000000,
	 .doc = "Most findings of high severity, Lynis' warnings among them; -1: no limit."},
	{"score", AT(scan, gate_score), FIELD_INT, .otherwise = "-1", .least = -1, .most = 100,
	 .doc = "Least hardening index, for Lynis; -1: none."},
	{"pass", AT(scan, gate_pass), FIELD_INT, .otherwise = "-1", .least = -1, .most = 100,
	 .doc = "Least percentage of the rules that apply and are not waived which must pass, for OpenSCAP; -1: none."},
	{0},
};

static const struct field scan_fields[] = {
	{"scanner", AT(scan, scanners), FIELD_STRUCT_LIST, FIELD_REQUIRED | FIELD_NOT_EMPTY | FIELD_SINGLE,
	 .fields = scanner_fields, .size = sizeof(struct scanner), .shorthand = "kind",
	 .doc = "One scanner or several."},
	{"gate", 0, FIELD_INLINE, .fields = gate_fields, .doc = "What refuses the image."},
	{"exceptions", AT(scan, exceptions), FIELD_TEXT, FIELD_NOT_EMPTY,
	 .doc = "File of accepted findings: id, reason, owner, expires."},
	{0},
};

static const struct field protection_fields[] = {
	{"enabled", offsetof(struct deregistration_protection, enabled), FIELD_BOOL, .otherwise = "false",
	 .doc = "The image cannot be deregistered until the protection is switched off."},
	{"cooldown", offsetof(struct deregistration_protection, cooldown), FIELD_BOOL, .otherwise = "false",
	 .doc = "Nor for 24 hours after that."},
	{0},
};

static const struct field waiver_fields[] = {
	{"control", AT(waiver, control), FIELD_TEXT, FIELD_REQUIRED | FIELD_NOT_EMPTY,
	 .doc = "The control, as a playbook's steps name it, or a scanner's rule."},
	{"reason", AT(waiver, reason), FIELD_TEXT, FIELD_REQUIRED | FIELD_NOT_EMPTY, .doc = "Why, for the record."},
	{"expires", AT(waiver, expires), FIELD_TEXT, FIELD_REQUIRED | FIELD_NOT_EMPTY,
	 .doc = "The last day it counts, such as `2027-06-30`."},
	{0},
};

static const struct field image_fields[] = {
	{"name", AT(image_wish, name), FIELD_TEXT, .otherwise = "{{ recipe }}-{{ build }}",
	 .doc = "The image's name; 3 to 128 characters once `{{ build }}` is known."},
	{"description", AT(image_wish, description), FIELD_TEXT,
	 .doc = "The image's description; default: the recipe's."},
	{"tags", AT(image_wish, tags), FIELD_TEXT_MAP, .check = must_be_tags,
	 .doc = "Tags of image and snapshots, besides the settings' and bakery's own."},
	{"deprecate_after", AT(image_wish, deprecate_after_s), FIELD_DURATION, .least = 86400, .most = 10 * YEAR_S,
	 .doc = "When AWS shows the image as deprecated. Default: never."},
	{"imds", AT(image_wish, imds), FIELD_TEXT, .choices = imds_versions,
	 .doc = "`v2.0`: instances of the image answer only IMDSv2."},
	{"boot_mode", AT(image_wish, boot_mode), FIELD_TEXT, .choices = boot_modes,
	 .doc = "What the image must boot with: the source image's own, or the build is refused. Default: whatever "
		"that is."},
	{"tpm", AT(image_wish, tpm), FIELD_TEXT, .choices = imds_versions,
	 .doc = "`v2.0`: the image must have NitroTPM, as its source must."},
	{"deregistration_protection", AT(image_wish, deregistration_protection), FIELD_INLINE,
	 .fields = protection_fields, .shorthand = "enabled", .doc = "Whether EC2 refuses to deregister the image."},
	{0},
};

static const struct field region_fields[] = {
	{"kms_key", AT(region_wish, kms_key), FIELD_TEXT, .check = must_be_kms_key, .doc = "Key for the copy there."},
	{0},
};

static const struct field share_fields[] = {
	{"organization", AT(share, organization), FIELD_BOOL,
	 .doc = "With the whole organization this account belongs to."},
	{"organizations", AT(share, organizations), FIELD_TEXT_LIST, .check = must_be_organizations,
	 .doc = "With organizations, by ARN."},
	{"organizational_units", AT(share, organizational_units), FIELD_TEXT_LIST, .check = must_be_units,
	 .doc = "With organizational units, by ARN."},
	{"accounts", AT(share, accounts), FIELD_TEXT_LIST, .check = must_be_accounts, .doc = "With accounts, by id."},
	{"snapshots", AT(share, snapshots), FIELD_BOOL,
	 .doc = "The accounts may copy the image, too: they get permission on its snapshots. Launching needs none."},
	{"consumer_role", AT(share, consumer_role), FIELD_TEXT, .check = must_be_role,
	 .doc = "Name of a role in each of `accounts` that bakery may take: the image is then looked at from there."},
	{"auto_scaling_grant", AT(share, auto_scaling_grant), FIELD_BOOL,
	 .doc = "With `consumer_role`: grants each account's Auto Scaling the use of the image's key, without which it "
		"cannot "
		"launch an encrypted image of another account."},
	{0},
};

static const struct field distribute_fields[] = {
	{"regions", AT(distribute, regions), FIELD_STRUCT_MAP, .fields = region_fields,
	 .size = sizeof(struct region_wish), .check = must_be_regions,
	 .doc = "Where the image is copied to, besides the region it is made in."},
	{"share", AT(distribute, share), FIELD_INLINE, .fields = share_fields,
	 .doc = "Who may launch it, in every region."},
	{0},
};

static const struct field publish_fields[] = {
	{"channel", AT(publish, channel), FIELD_TEXT, .check = must_be_name,
	 .doc = "The channel whose parameter is set to the new image. Default: nothing is published."},
	{0},
};

static const struct field retain_fields[] = {
	{"keep", AT(retain, keep), FIELD_INT, .least = 1, .most = 10000,
	 .doc = "The newest images that are never retired. Default: all."},
	{"deprecate_after", AT(retain, deprecate_after_s), FIELD_DURATION, .least = 86400, .most = 10 * YEAR_S,
	 .doc = "Age at which an older image is deprecated. Default: never."},
	{"disable_after", AT(retain, disable_after_s), FIELD_DURATION, .least = 86400, .most = 10 * YEAR_S,
	 .doc = "Age at which it can no longer be launched. Default: never."},
	{"deregister_after", AT(retain, deregister_after_s), FIELD_DURATION, .least = 86400, .most = 10 * YEAR_S,
	 .doc = "Age at which it and its snapshots are deleted. Default: never."},
	{0},
};

const struct field recipe_fields[] = {
	{"bakery", AT(recipe, format), FIELD_INT, FIELD_REQUIRED, .check = must_be_format,
	 .doc = "Format of this file: 1."},
	{"extends", AT(recipe, extends), FIELD_TEXT,
	 .doc = "A recipe this one lies on top of: maps merge, everything else replaces."},
	{"name", AT(recipe, name), FIELD_TEXT, .check = must_be_name,
	 .doc = "The recipe's name. Default: the file's, without `.yaml`."},
	{"description", AT(recipe, description), FIELD_TEXT, .doc = "One line for people."},
	{"owner", AT(recipe, owner), FIELD_TEXT, .doc = "Who answers for it."},
	{"variables", AT(recipe, variables), FIELD_TEXT_MAP, FIELD_NULL_VALUES,
	 .doc = "Name to value, used as `{{ name }}`; a null value must be given with `--var`."},
	{"source", AT(recipe, source), FIELD_INLINE, .fields = source_fields,
	 .doc = "The image to start from: exactly one of these."},
	{"launch", AT(recipe, launch), FIELD_INLINE, .fields = launch_fields, .doc = "The instance that is built on."},
	{"connect", AT(recipe, connect), FIELD_INLINE, .fields = connect_fields, .doc = "How to log in to it."},
	{"deadline", AT(recipe, deadline_s), FIELD_DURATION, .otherwise = "2h", .least = 300, .most = 86400,
	 .doc = "Most time for the whole build; the instances end themselves then, whoever is still there."},
	{"playbooks", AT(recipe, playbooks), FIELD_STRUCT_LIST, FIELD_SINGLE, .fields = playbook_use_fields,
	 .size = sizeof(struct playbook_use), .shorthand = "playbook",
	 .doc = "What is done on the instance, in order; a bare text is a playbook's name. Needed; an empty list for "
		"nothing."},
	{"verify", AT(recipe, verify), FIELD_INLINE, .fields = verify_fields, .shorthand = "enabled",
	 .doc = "The test on a fresh instance of the new image."},
	{"waive", AT(recipe, waivers), FIELD_STRUCT_LIST, FIELD_SINGLE, .fields = waiver_fields,
	 .size = sizeof(struct waiver),
	 .doc = "Controls that the image is not held to, each with a reason and an end."},
	{"scan", AT(recipe, scan), FIELD_STRUCT, .fields = scan_fields, .size = sizeof(struct scan),
	 .shorthand = "scanner", .doc = "What scanners say of a fresh instance of the image. Default: none."},
	{"image", AT(recipe, image), FIELD_INLINE, .fields = image_fields, .doc = "The image itself."},
	{"distribute", AT(recipe, distribute), FIELD_INLINE, .fields = distribute_fields,
	 .doc = "Where it goes and who may use it."},
	{"publish", AT(recipe, publish), FIELD_INLINE, .fields = publish_fields, .shorthand = "channel",
	 .doc = "The pointer in Parameter Store that moves to it."},
	{"retain", AT(recipe, retain), FIELD_INLINE, .fields = retain_fields,
	 .doc = "When older images are to go. Kept with the recipe: this version of bakery retires none."},
	{0},
};
