/* SPDX-License-Identifier: Apache-2.0
 *
 * Shapes of names and ids, from the AWS pages that define them. */
#include "shapes.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "bakery/str.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define HEX "0123456789abcdef"

static bool made_of(const char *text, const char *letters, size_t least, size_t most)
{
	size_t length = strspn(text, letters);

	return !text[length] && length >= least && length <= most;
}

static bool begins_with(const char *text, const char *letters)
{
	return *text && strchr(letters, *text);
}

bool shape_name(const char *text)
{
	return begins_with(text, LOWER DIGITS) && made_of(text, LOWER DIGITS "._-", 1, 64);
}

bool shape_step_id(const char *text)
{
	return begins_with(text, LOWER DIGITS) && made_of(text, LOWER DIGITS "._-", 1, 80);
}

bool shape_control(const char *text)
{
	return begins_with(text, LOWER UPPER DIGITS) && made_of(text, LOWER UPPER DIGITS "._:/()-", 1, 80);
}

/* us-east-1, ap-southeast-4, us-gov-west-1, us-isob-east-1, eusc-de-east-1 */
bool shape_region(const char *text)
{
	size_t area = strspn(text, LOWER), words = 0;

	if (area < 2 || area > 4)
		return false;
	for (text += area; *text == '-' && begins_with(text + 1, LOWER); words++)
		text += 1 + strspn(text + 1, LOWER);
	return words >= 1 && words <= 2 && *text == '-' && made_of(text + 1, DIGITS, 1, 2);
}

bool shape_account(const char *text)
{
	return made_of(text, DIGITS, 12, 12);
}

bool shape_owner(const char *text)
{
	return shape_account(text) || str_eq(text, "self") || str_eq(text, "amazon") ||
	       str_eq(text, "aws-marketplace") || str_eq(text, "aws-backup-vault");
}

static bool resource_id(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	if (!str_starts(text, prefix))
		return false;
	return made_of(text + length, HEX, 8, 8) || made_of(text + length, HEX, 17, 17);
}

bool shape_ami(const char *text)
{
	return resource_id(text, "ami-");
}

bool shape_subnet(const char *text)
{
	return resource_id(text, "subnet-");
}

bool shape_security_group(const char *text)
{
	return resource_id(text, "sg-");
}

bool shape_instance_type(const char *text)
{
	const char *dot = strchr(text, '.');

	return dot && dot > text && begins_with(text, LOWER) &&
	       strspn(text, LOWER DIGITS "-") == (size_t)(dot - text) && made_of(dot + 1, LOWER DIGITS "-", 1, 32);
}

/* arn:aws...:SERVICE:region:account:RESOURCE... */
static bool arn(const char *text, const char *service, const char *resource)
{
	const char *parts[6];
	size_t count = 0;

	for (const char *at = text; at && count < ARRAY_SIZE(parts); count++) {
		parts[count] = at;
		at = strchr(at, ':');
		at = at ? at + 1 : NULL;
	}
	return count == ARRAY_SIZE(parts) && str_starts(text, "arn:aws") &&
	       strncmp(parts[2], service, strlen(service)) == 0 && parts[2][strlen(service)] == ':' &&
	       strspn(parts[4], DIGITS) == 12 && parts[4][12] == ':' && str_starts(parts[5], resource) &&
	       parts[5][strlen(resource)];
}

bool shape_kms_key(const char *text)
{
	if (str_starts(text, "arn:"))
		return arn(text, "kms", "key/") || arn(text, "kms", "alias/");
	if (str_starts(text, "alias/"))
		return made_of(text + 6, LOWER UPPER DIGITS "/_-", 1, 250);
	if (str_starts(text, "mrk-"))
		return made_of(text + 4, HEX, 32, 32);
	return made_of(text, HEX "-", 36, 36);
}

bool shape_organization_arn(const char *text)
{
	return arn(text, "organizations", "organization/o-");
}

bool shape_unit_arn(const char *text)
{
	return arn(text, "organizations", "ou/o-");
}

bool shape_parameter(const char *text)
{
	return *text == '/' && made_of(text, LOWER UPPER DIGITS "/._:-", 2, 1024);
}

bool shape_profile(const char *text)
{
	return arn(text, "iam", "instance-profile/") || made_of(text, LOWER UPPER DIGITS "+=,.@_-", 1, 128);
}

/* arn:aws:iam::aws:policy/NAME of AWS's own, or of an account. */
bool shape_policy_arn(const char *text)
{
	const char *policy = str_starts(text, "arn:aws") ? strstr(text, ":iam::") : NULL;
	const char *path = policy ? strstr(policy, ":policy/") : NULL;

	if (!path || !path[8])
		return false;
	policy += 6;
	return (path - policy == 3 && strncmp(policy, "aws", 3) == 0) ||
	       (path - policy == 12 && strspn(policy, DIGITS) == 12);
}

bool shape_role(const char *text)
{
	return made_of(text, LOWER UPPER DIGITS "+=,.@_/-", 1, 576) && *text != '/' && !str_ends(text, "/");
}

bool shape_admitted(const char *text)
{
	const char *slash = strchr(text, '/');
	unsigned char scratch[16];
	char address[64] = "";
	int64_t bits;

	if (shape_security_group(text))
		return true;
	if (!slash || (size_t)(slash - text) >= sizeof(address) || !str_to_int(slash + 1, &bits) || bits < 1)
		return false; /* /0 would admit everybody */
	memcpy(address, text, (size_t)(slash - text));
	return (inet_pton(AF_INET, address, scratch) == 1 && bits <= 32) ||
	       (inet_pton(AF_INET6, address, scratch) == 1 && bits <= 128);
}

bool shape_image_name(const char *text)
{
	return made_of(text, LOWER UPPER DIGITS "()[] ./-'@_", 3, 128);
}

bool shape_variable(const char *text)
{
	return begins_with(text, LOWER UPPER "_") && made_of(text, LOWER UPPER DIGITS "_", 1, 128);
}

bool shape_user(const char *text)
{
	return begins_with(text, LOWER UPPER "_") && made_of(text, LOWER UPPER DIGITS "._-", 1, 32);
}

bool shape_owner_group(const char *text)
{
	const char *colon = strchr(text, ':');
	char user[40] = "";

	if (!colon)
		return shape_user(text) || made_of(text, DIGITS, 1, 10);
	if ((size_t)(colon - text) >= sizeof(user))
		return false;
	memcpy(user, text, (size_t)(colon - text));
	return !strchr(colon + 1, ':') && shape_owner_group(user) && shape_owner_group(colon + 1);
}

bool shape_mode(const char *text)
{
	return made_of(text, "01234567", 3, 4);
}

bool shape_absolute(const char *text)
{
	return *text == '/' && text[1] && !strchr(text, '\n');
}

bool shape_arch_word(const char *text)
{
	return begins_with(text, LOWER DIGITS) && made_of(text, LOWER DIGITS "._-", 1, 32);
}

static void check_one(const struct fields_context *context, const struct tree *node, const char *part,
		      bool (*shape)(const char *text), const char *wanted)
{
	const char *text = tree_text(node, NULL);

	if (text && !shape(text))
		faults_add_at(context->faults, context->file, node, "%s%s%s: must be %s, not \"%.60s%s\"", context->key,
			      *part ? "." : "", part, wanted, text, strlen(text) > 60 ? "..." : "");
}

void shape_check(const struct fields_context *context, const struct tree *node, bool (*shape)(const char *text),
		 const char *wanted)
{
	char index[24];

	check_one(context, node, "", shape, wanted);
	for (struct tree_iter i = tree_iter(node); tree_next(&i);) {
		snprintf(index, sizeof(index), "%zu", i.index + 1);
		check_one(context, i.value, i.key ? i.key : index, shape, wanted);
	}
}
