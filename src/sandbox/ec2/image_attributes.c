/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be changed about an image: its description, who may launch it, when it is deprecated. */
#include <ctype.h>
#include <string.h>

#include "../kms/kms.h"
#include "../organization.h"
#include "../quotas.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"

/* --- launch permissions --- */

/* The four things that a permission can name: member in the request's Add/Remove, list parameter of the older form,
 * member in the document. */
static const struct principal {
	const char *member, *list, *wire;
} principals[] = {
	{"UserId", "UserId", "userId"},
	{"Group", "UserGroup", "group"},
	{"OrganizationArn", "OrganizationArn", "organizationArn"},
	{"OrganizationalUnitArn", "OrganizationalUnitArn", "organizationalUnitArn"},
};

static bool principal_good(const struct principal *principal, const char *value)
{
	if (principal == &principals[0])
		return strlen(value) == 12 && strspn(value, "0123456789") == 12;
	if (principal == &principals[1])
		return str_eq(value, "all");
	return organization_arn_good(value, principal == &principals[3]);
}

static void permission_change(struct tree *image, const struct principal *principal, const char *value, bool add)
{
	struct tree *left = tree_new_array();
	for (struct tree_iter i = tree_iter(tree_key(image, "_launchPermission")); tree_next(&i);)
		if (!str_eq(tree_text(i.value, principal->wire), value))
			tree_add(left, tree_share(i.value));
	if (add)
		tree_set_text(tree_add_object(left), principal->wire, value);
	tree_set(image, "_launchPermission", left);
}

static bool change_checked(struct request *rq, struct tree *image, const struct principal *principal, const char *value,
			   bool add)
{
	if (!principal_good(principal, value))
		return refuse(rq,
			      principal == &principals[0] ? "InvalidAMIAttributeItemValue" : "InvalidParameterValue",
			      "Invalid attribute item value \"%s\" for %s item type.", value, principal->wire);
	permission_change(image, principal, value, add);
	return true;
}

static bool change_list(struct request *rq, struct tree *image, const char *path, bool add)
{
	for (struct tree_iter i = tree_iter(arg_tree(rq, path)); tree_next(&i);)
		for (size_t p = 0; p < ARRAY_SIZE(principals); p++) {
			const char *value = tree_text(i.value, principals[p].member);
			if (value != NULL && !change_checked(rq, image, &principals[p], value, add))
				return false;
		}
	return true;
}

/* OperationType=add&UserId.1=... */
static bool change_older_form(struct request *rq, struct tree *image)
{
	const char *type = arg(rq, "OperationType");
	for (size_t p = 0; p < ARRAY_SIZE(principals); p++)
		for (struct tree_iter i = tree_iter(arg_tree(rq, principals[p].list)); tree_next(&i);) {
			if (!str_eq(type, "add") && !str_eq(type, "remove"))
				return refuse(rq, "InvalidParameterValue", "OperationType has to be add or remove");
			if (!change_checked(rq, image, &principals[p], tree_text_or(i.value, NULL, ""),
					    str_eq(type, "add")))
				return false;
		}
	return true;
}

/* https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html: an image whose snapshot has the
 * service's own key cannot be shared, and an encrypted one never with everybody. */
static bool check_shareable(struct request *rq, const struct tree *image)
{
	for (struct tree_iter i = tree_iter(tree_key(image, "blockDeviceMapping")); tree_next(&i);) {
		_cleanup_(tree_freep) struct tree *snapshot =
			find_object(rq, "snapshot", tree_text_or(i.value, "ebs.snapshotId", ""));
		if (!tree_bool(snapshot, "encrypted", false))
			continue;
		if (kms_arn_is_default(rq, tree_text(snapshot, "kmsKeyId")))
			return refuse(rq, "InvalidParameter",
				      "Snapshots encrypted with the AWS Managed CMK can't be shared. Specify another "
				      "snapshot.");
		if (tree_bool(image, "isPublic", false))
			return refuse(rq, "InvalidParameter",
				      "Images with encrypted snapshots can't be shared publicly");
	}
	return true;
}

static bool check_quotas(struct request *rq, const struct tree *image, bool public)
{
	int64_t most = quota_of(rq, QUOTA_PUBLIC_IMAGES), count = 0;
	if ((int64_t)tree_count(tree_key(image, "_launchPermission")) > quota_of(rq, QUOTA_IMAGE_SHARING))
		return refuse(rq, "ResourceLimitExceeded",
			      "The number of entities that the image %s is shared with exceeds your AMI sharing quota.",
			      tree_text(image, "imageId"));
	if (!public)
		return true;
	_cleanup_(tree_freep) struct tree *images =
		state_list(rq->cloud->state, rq->caller.account, rq->region, "image");
	for (struct tree_iter i = tree_iter(images); tree_next(&i);)
		count += tree_bool(i.value, "isPublic", false) &&
			 !str_eq(tree_text(i.value, "imageId"), tree_text(image, "imageId"));
	return count < most || refuse(rq, "ResourceLimitExceeded",
				      "You have reached your quota of %d for the number of public images allowed in "
				      "this Region. Deregister unused public images or request an increase in your "
				      "public AMIs quota.",
				      (int)most);
}

static bool modify_launch_permission(struct request *rq, struct tree *image)
{
	if (!change_list(rq, image, "LaunchPermission.Add", true) ||
	    !change_list(rq, image, "LaunchPermission.Remove", false) || !change_older_form(rq, image))
		return false;
	bool public = false, any = false;
	for (struct tree_iter i = tree_iter(tree_key(image, "_launchPermission")); tree_next(&i);) {
		public = public || str_eq(tree_text(i.value, "group"), "all");
		any = true;
	}
	tree_set_bool(image, "isPublic", public);
	if (!check_quotas(rq, image, public))
		return false;
	if (public && tree_count(tree_key(image, "productCodes")) > 0)
		return refuse(rq, "InvalidParameterCombination", "Images with product codes can't be shared publicly");
	return !any || check_shareable(rq, image);
}

/* --- ModifyImageAttribute --- */

static bool permission_asked(const struct request *rq)
{
	bool asked = arg_tree(rq, "LaunchPermission") != NULL || str_eq(arg(rq, "Attribute"), "launchPermission");
	for (size_t p = 0; p < ARRAY_SIZE(principals); p++)
		asked = asked || arg_tree(rq, principals[p].list) != NULL;
	return asked;
}

static bool modify_imds(struct request *rq, struct tree *image, const char *value)
{
	if (!str_eq(value, "v2.0"))
		return refuse(rq, "InvalidParameterValue", "Value (%s) for parameter imdsSupport is invalid", value);
	tree_set_text(image, "imdsSupport", value);
	return true;
}

static bool modify_image_attribute(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *image = image_owned(rq, arg(rq, "ImageId"));
	if (image == NULL)
		return false;
	bool description = arg(rq, "Description.Value") != NULL || str_eq(arg(rq, "Attribute"), "description");
	bool imds = arg(rq, "ImdsSupport.Value") != NULL || str_eq(arg(rq, "Attribute"), "imdsSupport");
	bool permission = permission_asked(rq);
	if (description + imds + permission != 1)
		return refuse(rq, "InvalidParameterCombination", "Exactly one attribute is changed by a request");
	if (description)
		tree_set_text(image, "description", arg_or(rq, "Description.Value", arg_or(rq, "Value", "")));
	if (imds && !modify_imds(rq, image, arg_or(rq, "ImdsSupport.Value", arg_or(rq, "Value", ""))))
		return false;
	if (permission && !modify_launch_permission(rq, image))
		return false;
	image_put(rq, image);
	reply_return(rq);
	return true;
}

/* --- DescribeImageAttribute --- */

static bool reply_value(struct request *rq, const char *attribute, const char *value)
{
	struct tree *holder = tree_set_object(rq->reply, attribute);
	if (value != NULL)
		tree_set_text(holder, "value", value);
	return true;
}

static bool describe_image_attribute(struct request *rq)
{
	static const char *const plain[] = {"description",
					    "bootMode",
					    "tpmSupport",
					    "imdsSupport",
					    "sriovNetSupport",
					    "lastLaunchedTime",
					    "deregistrationProtection"};
	const char *attribute = arg_or(rq, "Attribute", "");
	_cleanup_(tree_freep) struct tree *image = image_owned(rq, arg(rq, "ImageId"));
	if (image == NULL)
		return false;
	tree_set_text(rq->reply, "imageId", tree_text(image, "imageId"));
	if (str_eq(attribute, "launchPermission")) {
		struct tree *permissions = tree_key(image, "_launchPermission");
		tree_set(rq->reply, attribute, permissions == NULL ? tree_new_array() : tree_share(permissions));
		return true;
	}
	if (str_eq(attribute, "blockDeviceMapping")) {
		tree_set(rq->reply, attribute, tree_share(tree_key(image, attribute)));
		return true;
	}
	if (str_eq(attribute, "productCodes")) {
		struct tree *codes = tree_key(image, attribute);
		tree_set(rq->reply, attribute, codes == NULL ? tree_new_array() : tree_share(codes));
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (str_eq(attribute, plain[i]))
			return reply_value(rq, attribute, tree_text(image, attribute));
	return refuse(rq, "InvalidParameterValue", "Value (%s) for parameter attribute is invalid", attribute);
}

static bool reset_image_attribute(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *image = image_owned(rq, arg(rq, "ImageId"));
	if (image == NULL)
		return false;
	if (!str_eq(arg(rq, "Attribute"), "launchPermission"))
		return refuse(rq, "InvalidParameterValue", "Value (%s) for parameter attribute is invalid",
			      arg_or(rq, "Attribute", ""));
	tree_set_array(image, "_launchPermission");
	tree_set_bool(image, "isPublic", false);
	image_put(rq, image);
	reply_return(rq);
	return true;
}

/* --- deregistration protection --- */

/* https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deregistration-protection.html */
static bool enable_protection(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *image = image_owned(rq, arg(rq, "ImageId"));
	if (image == NULL)
		return false;
	const char *kind = arg_bool(rq, "WithCooldown", false) ? "enabled-with-cooldown" : "enabled-without-cooldown";
	tree_set_text(image, "deregistrationProtection", kind);
	tree_remove(image, "_protectedUntil");
	image_put(rq, image);
	tree_set_text(rq->reply, "return", kind);
	return true;
}

static bool disable_protection(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *image = image_owned(rq, arg(rq, "ImageId"));
	if (image == NULL)
		return false;
	if (str_eq(tree_text(image, "deregistrationProtection"), "enabled-with-cooldown"))
		tree_set_int(image, "_protectedUntil",
			     rq->now_ms + settings_ms(rq->cloud->settings, "latency.cooldown"));
	tree_set_text(image, "deregistrationProtection", "disabled");
	image_put(rq, image);
	tree_set_text(rq->reply, "return", "disabled");
	return true;
}

/* --- deprecation --- */

static bool enable_image_deprecation(struct request *rq)
{
	char text[EC2_TIME_SIZE];
	int64_t at_ms = 0;
	_cleanup_(tree_freep) struct tree *image = image_owned(rq, arg(rq, "ImageId"));
	if (image == NULL)
		return false;
	if (!clock_parse_rfc3339(arg_or(rq, "DeprecateAt", ""), &at_ms) || at_ms < rq->now_ms - 60 * 1000)
		return refuse(rq, "InvalidParameterValue",
			      "Value (%s) for parameter DeprecateAt is invalid: it is in the past",
			      arg_or(rq, "DeprecateAt", ""));
	/* EC2 keeps whole minutes. */
	tree_set_text(image, "deprecationTime", ec2_time(at_ms / 60000 * 60000, text));
	image_put(rq, image);
	reply_return(rq);
	return true;
}

static bool disable_image_deprecation(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *image = image_owned(rq, arg(rq, "ImageId"));
	if (image == NULL)
		return false;
	tree_remove(image, "deprecationTime");
	image_put(rq, image);
	reply_return(rq);
	return true;
}

static bool set_disabled(struct request *rq, const char *from, const char *to)
{
	_cleanup_(tree_freep) struct tree *image = image_owned(rq, arg(rq, "ImageId"));
	if (image == NULL)
		return false;
	if (!str_eq(tree_text(image, "imageState"), from) && !str_eq(tree_text(image, "imageState"), to))
		return refuse(rq, "IncorrectState", "The image %s is %s", arg(rq, "ImageId"),
			      tree_text(image, "imageState"));
	tree_set_text(image, "imageState", to);
	if (str_eq(to, "disabled"))
		tree_set_array(image, "_launchPermission");
	image_put(rq, image);
	reply_return(rq);
	return true;
}

static bool disable_image(struct request *rq)
{
	return set_disabled(rq, "available", "disabled");
}

static bool enable_image(struct request *rq)
{
	return set_disabled(rq, "disabled", "available");
}

#define ARGS_PERMISSION(change)                                                                                        \
	"LaunchPermission." change ".N.UserId LaunchPermission." change ".N.Group LaunchPermission." change            \
	".N.OrganizationArn LaunchPermission." change ".N.OrganizationalUnitArn "

const struct operation ec2_image_attribute_operations[] = {
	{"ModifyImageAttribute", modify_image_attribute, OPERATION_DRY_RUN,
	 "ImageId! Attribute Value Description.Value ImdsSupport.Value OperationType UserId.N UserGroup.N "
	 "OrganizationArn.N "
	 "OrganizationalUnitArn.N " ARGS_PERMISSION("Add") ARGS_PERMISSION("Remove")},
	{"DescribeImageAttribute", describe_image_attribute, OPERATION_DRY_RUN, "ImageId! Attribute!"},
	{"ResetImageAttribute", reset_image_attribute, OPERATION_DRY_RUN, "ImageId! Attribute!"},
	{"EnableImageDeregistrationProtection", enable_protection, OPERATION_DRY_RUN, "ImageId! WithCooldown:bool"},
	{"DisableImageDeregistrationProtection", disable_protection, OPERATION_DRY_RUN, "ImageId!"},
	{"EnableImageDeprecation", enable_image_deprecation, OPERATION_DRY_RUN, "ImageId! DeprecateAt!:time"},
	{"DisableImageDeprecation", disable_image_deprecation, OPERATION_DRY_RUN, "ImageId!"},
	{"DisableImage", disable_image, OPERATION_DRY_RUN, "ImageId!"},
	{"EnableImage", enable_image, OPERATION_DRY_RUN, "ImageId!"},
	{NULL},
};
