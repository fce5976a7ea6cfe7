/* SPDX-License-Identifier: Apache-2.0
 *
 * One small check a kind of value; what the shapes are is in shapes.c. */
#include "checks.h"

#include <inttypes.h>
#include <string.h>

#include "bakery/str.h"
#include "shapes.h"

#define SHAPE_CHECK(name, shape, wanted)                                                                               \
	void must_be_##name(const struct fields_context *context, const struct tree *node, const void *value)          \
	{                                                                                                              \
		shape_check(context, node, shape, wanted);                                                             \
	}

SHAPE_CHECK(name, shape_name, "a name of lower-case letters, digits, . _ and -")
SHAPE_CHECK(step_id, shape_step_id, "an id of lower-case letters, digits, . _ and -")
SHAPE_CHECK(controls, shape_control, "a control's name such as CIS-5.1.20")
SHAPE_CHECK(region, shape_region, "a region such as eu-west-1")
SHAPE_CHECK(accounts, shape_account, "an account id (12 digits)")
SHAPE_CHECK(owners, shape_owner, "an account id (12 digits), amazon, self or aws-marketplace")
SHAPE_CHECK(ami, shape_ami, "an image id such as ami-0123456789abcdef0")
SHAPE_CHECK(subnets, shape_subnet, "a subnet id such as subnet-0123456789abcdef0")
SHAPE_CHECK(security_groups, shape_security_group, "a security group id such as sg-0123456789abcdef0")
SHAPE_CHECK(instance_types, shape_instance_type, "an instance type such as m7i.large")
SHAPE_CHECK(kms_key, shape_kms_key, "a KMS key: its id, alias/NAME or an ARN")
SHAPE_CHECK(organizations, shape_organization_arn,
	    "an organization's ARN (arn:aws:organizations::123456789012:organization/o-...)")
SHAPE_CHECK(units, shape_unit_arn, "an organizational unit's ARN (arn:aws:organizations::123456789012:ou/o-.../ou-...)")
SHAPE_CHECK(parameter, shape_parameter, "a parameter's name such as /aws/service/debian/release/12/latest/amd64")
SHAPE_CHECK(profile, shape_profile, "the name or ARN of an instance profile")
SHAPE_CHECK(policies, shape_policy_arn,
	    "a managed policy's ARN such as arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
SHAPE_CHECK(role, shape_role, "a role's name")
SHAPE_CHECK(admitted, shape_admitted, "a security group (sg-...) or a CIDR such as 10.0.0.0/8")
SHAPE_CHECK(user, shape_user, "a login name")
SHAPE_CHECK(secrets, shape_variable, "the name of an environment variable")
SHAPE_CHECK(groups, shape_variable, "a name of letters, digits and _")
SHAPE_CHECK(mode, shape_mode, "an octal mode such as \"0644\"")
SHAPE_CHECK(owner_group, shape_owner_group, "user or user:group")
SHAPE_CHECK(absolute, shape_absolute, "an absolute path")
SHAPE_CHECK(words, shape_arch_word, "a word of /etc/os-release such as debian")

void must_be_format(const struct fields_context *context, const struct tree *node, const void *value)
{
	int64_t format = *(const int64_t *)value;

	if (format != 1)
		faults_add_at(context->faults, context->file, node,
			      "%s: format %" PRId64 " is not known to this version (it reads 1)", context->key, format);
}

/* A fault at each key of a map that has not the shape. */
static void check_keys(const struct fields_context *context, const struct tree *node, bool (*shape)(const char *text),
		       const char *wanted)
{
	for (struct tree_iter i = tree_iter(node); tree_next(&i);)
		if (i.key && !shape(i.key))
			faults_add_at_key(context->faults, context->file, i.value, "%s: must be %s, not \"%.60s\"",
					  context->key, wanted, i.key);
}

/* Accounts by id, or all of the organization, in one word. */
void must_be_fleet_accounts(const struct fields_context *context, const struct tree *node, const void *value)
{
	if (!str_eq(tree_text(node, NULL), "organization"))
		shape_check(context, node, shape_account, "an account id (12 digits), or organization alone");
}

void must_be_regions(const struct fields_context *context, const struct tree *node, const void *value)
{
	check_keys(context, node, shape_region, "a region such as eu-west-1");
	if (tree_kind(node) == TREE_ARRAY)
		must_be_region(context, node, value);
}

void must_be_env(const struct fields_context *context, const struct tree *node, const void *value)
{
	check_keys(context, node, shape_variable, "the name of an environment variable");
}

/* Its own rules, and Parameter Store's: /aws and /ssm belong to AWS. */
void must_be_prefix(const struct fields_context *context, const struct tree *node, const void *value)
{
	const char *prefix = *(const char *const *)value;

	must_be_parameter(context, node, value);
	if (str_ends(prefix, "/"))
		faults_add_at(context->faults, context->file, node, "%s: must not end with /", context->key);
	if (str_starts(prefix, "/aws") || str_starts(prefix, "/ssm"))
		faults_add_at(context->faults, context->file, node, "%s: /aws and /ssm belong to AWS", context->key);
}

static const char *tag_fault(const char *key, const char *value)
{
	if (!*key || strlen(key) > 128)
		return "a tag's key has 1 to 128 characters";
	if (strncmp(key, "aws:", 4) == 0)
		return "tags that begin with aws: belong to AWS";
	if (strncmp(key, "bakery:", 7) == 0)
		return "tags that begin with bakery: are bakery's own";
	return value && strlen(value) > 256 ? "a tag's value has at most 256 characters" : NULL;
}

/* AWS allows 50 on a resource; bakery adds its own. */
void must_be_tags(const struct fields_context *context, const struct tree *node, const void *value)
{
	enum { MOST_TAGS = 40 };

	for (struct tree_iter i = tree_iter(node); tree_next(&i);) {
		const char *wrong = tag_fault(i.key, tree_text(i.value, NULL));
		if (wrong)
			faults_add_at_key(context->faults, context->file, i.value, "%s.%s: %s", context->key, i.key,
					  wrong);
	}
	if (tree_count(node) > MOST_TAGS)
		faults_add_at(context->faults, context->file, node, "%s: at most %d tags", context->key, MOST_TAGS);
}
