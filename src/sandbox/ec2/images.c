/* SPDX-License-Identifier: Apache-2.0
 *
 * Images: who sees which, describing and deregistering them. How they are made is in ec2_image_make.c. */
#include <ctype.h>
#include <string.h>

#include "../organization.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"

struct tree *image_new(const char *account, const char *id, const char *name, const char *created)
{
	struct tree *image = tree_new_object();
	tree_set_text(image, "imageId", id);
	tree_setf(image, "imageLocation", "%s/%s", account, name);
	tree_set_text(image, "imageState", "pending");
	tree_set_text(image, "imageOwnerId", account);
	tree_set_text(image, "creationDate", created);
	tree_set_bool(image, "isPublic", false);
	tree_set_text(image, "architecture", cloud_architecture());
	tree_set_text(image, "imageType", "machine");
	tree_set_text(image, "platformDetails", "Linux/UNIX");
	tree_set_text(image, "usageOperation", "RunInstances");
	tree_set_text(image, "name", name);
	tree_set_text(image, "rootDeviceType", "ebs");
	tree_set_text(image, "rootDeviceName", "/dev/xvda");
	tree_set_array(image, "blockDeviceMapping");
	tree_set_text(image, "virtualizationType", "hvm");
	tree_set_text(image, "hypervisor", "xen");
	tree_set_bool(image, "enaSupport", true);
	tree_set_text(image, "sriovNetSupport", "simple");
	tree_set_text(image, "deregistrationProtection", "disabled");
	return image;
}

void image_add_root(struct tree *image, const char *snapshot_id, int64_t size_gib, const char *type, bool encrypted,
		    const char *kms_key)
{
	struct tree *mapping = tree_add_object(tree_key(image, "blockDeviceMapping"));
	tree_set_text(mapping, "deviceName", tree_text(image, "rootDeviceName"));
	struct tree *ebs = tree_set_object(mapping, "ebs");
	tree_set_text(ebs, "snapshotId", snapshot_id);
	tree_set_int(ebs, "volumeSize", size_gib);
	tree_set_bool(ebs, "deleteOnTermination", true);
	tree_set_text(ebs, "volumeType", type);
	tree_set_bool(ebs, "encrypted", encrypted);
	if (kms_key != NULL)
		tree_set_text(ebs, "kmsKeyId", kms_key);
	if (str_eq(type, "gp3")) {
		tree_set_int(ebs, "iops", 3000);
		tree_set_int(ebs, "throughput", 125);
	}
}

void image_put(struct request *rq, struct tree *image)
{
	state_put(rq->cloud->state, tree_text(image, "imageOwnerId"), rq->region, "image", tree_text(image, "imageId"),
		  image);
}

/* --- who sees what --- */

static bool permitted(const struct request *rq, const struct tree *image, bool explicitly)
{
	for (struct tree_iter i = tree_iter(tree_key(image, "_launchPermission")); tree_next(&i);) {
		if (!explicitly && str_eq(tree_text(i.value, "group"), "all"))
			return true;
		if (str_eq(tree_text(i.value, "userId"), rq->caller.account))
			return true;
		if (!explicitly && organization_has(tree_text(i.value, "organizationArn"),
						    tree_text(i.value, "organizationalUnitArn"), rq->caller.account))
			return true;
	}
	return false;
}

static bool owned(const struct request *rq, const struct tree *image)
{
	return str_eq(tree_text(image, "imageOwnerId"), rq->caller.account);
}

static bool seen_by_caller(const struct request *rq, const struct tree *image)
{
	return object_visible(rq, image) && (owned(rq, image) || permitted(rq, image, false));
}

struct tree *image_seen(struct request *rq, const char *id)
{
	if (!check_id(rq, id, "ami-", "InvalidAMIID.Malformed"))
		return NULL;
	_cleanup_(tree_freep) struct tree *image = state_get(rq->cloud->state, NULL, rq->region, "image", id);
	if (image != NULL && seen_by_caller(rq, image))
		return take(&image);
	refuse(rq, "InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id);
	return NULL;
}

struct tree *image_owned(struct request *rq, const char *id)
{
	_cleanup_(tree_freep) struct tree *image = image_seen(rq, id);
	if (image == NULL || owned(rq, image))
		return take(&image);
	refuse(rq, "AuthFailure", "Not authorized for image:%s", id);
	return NULL;
}

bool image_name_free(struct request *rq, const char *name)
{
	_cleanup_(tree_freep) struct tree *images =
		state_list(rq->cloud->state, rq->caller.account, rq->region, "image");
	for (struct tree_iter i = tree_iter(images); tree_next(&i);)
		if (str_eq(tree_text(i.value, "name"), name) && !str_eq(tree_text(i.value, "imageState"), "failed"))
			return refuse(rq, "InvalidAMIName.Duplicate", "AMI name %s is already in use by AMI %s", name,
				      tree_text(i.value, "imageId"));
	return true;
}

bool check_image_name(struct request *rq, const char *name)
{
	size_t length = strlen(name);
	bool good = length >= 3 && length <= 128;
	for (const char *c = name; *c != '\0'; c++)
		good = good && (isalnum((unsigned char)*c) || strchr("()[] ./-'@_", *c) != NULL);
	return good || refuse(rq, "InvalidAMIName.Malformed",
			      "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, "
			      "'(', ')', "
			      "'[', ']', ' ', '.', '/', '-', ''', '@' and '_'");
}

/* --- DescribeImages --- */

static const struct filter image_filters[] = {
	{"architecture", "architecture"},
	{"block-device-mapping.delete-on-termination", "blockDeviceMapping.*.ebs.deleteOnTermination"},
	{"block-device-mapping.device-name", "blockDeviceMapping.*.deviceName"},
	{"block-device-mapping.encrypted", "blockDeviceMapping.*.ebs.encrypted"},
	{"block-device-mapping.snapshot-id", "blockDeviceMapping.*.ebs.snapshotId"},
	{"block-device-mapping.volume-size", "blockDeviceMapping.*.ebs.volumeSize"},
	{"block-device-mapping.volume-type", "blockDeviceMapping.*.ebs.volumeType"},
	{"boot-mode", "bootMode"},
	{"creation-date", "creationDate"},
	{"description", "description"},
	{"ena-support", "enaSupport"},
	{"hypervisor", "hypervisor"},
	{"image-id", "imageId"},
	{"image-type", "imageType"},
	{"is-public", "isPublic"},
	{"manifest-location", "imageLocation"},
	{"name", "name"},
	{"owner-alias", "imageOwnerAlias"},
	{"owner-id", "imageOwnerId"},
	{"platform-details", "platformDetails"},
	{"product-code", "productCodes.*.productCode"},
	{"product-code.type", "productCodes.*.type"},
	{"root-device-name", "rootDeviceName"},
	{"root-device-type", "rootDeviceType"},
	{"source-image-id", "sourceImageId"},
	{"source-image-region", "sourceImageRegion"},
	{"source-instance-id", "sourceInstanceId"},
	{"state", "imageState"},
	{"state-reason-code", "stateReason.code"},
	{"state-reason-message", "stateReason.message"},
	{"sriov-net-support", "sriovNetSupport"},
	{"tpm-support", "tpmSupport"},
	{"virtualization-type", "virtualizationType"},
	{NULL, NULL},
};

static bool owner_wanted(const struct request *rq, const struct tree *image)
{
	const struct tree *owners = arg_tree(rq, "Owner");
	const char *owner = tree_text_or(image, "imageOwnerId", ""), *alias = tree_text(image, "imageOwnerAlias");
	if (owners == NULL || list_has(owners, owner) || (alias != NULL && list_has(owners, alias)))
		return true;
	return list_has(owners, "self") && owned(rq, image);
}

static bool executable_wanted(const struct request *rq, const struct tree *image)
{
	const struct tree *users = arg_tree(rq, "ExecutableBy");
	if (users == NULL)
		return true;
	if (list_has(users, "all") && tree_bool(image, "isPublic", false))
		return true;
	return (list_has(users, "self") || list_has(users, rq->caller.account)) && permitted(rq, image, true);
}

/* The owner sees a deprecated image anyway; others only when they ask, or ask for its id.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deprecate.html */
static bool lifetime_wanted(const struct request *rq, const struct tree *image)
{
	int64_t deprecated_ms = 0;
	const char *deprecation = tree_text(image, "deprecationTime");
	if (str_eq(tree_text(image, "imageState"), "disabled") && !arg_bool(rq, "IncludeDisabled", false))
		return arg_tree(rq, "ImageId") != NULL;
	if (deprecation == NULL || !clock_parse_rfc3339(deprecation, &deprecated_ms) || deprecated_ms > rq->now_ms)
		return true;
	return owned(rq, image) || arg_bool(rq, "IncludeDeprecated", false) || arg_tree(rq, "ImageId") != NULL;
}

static struct tree *images_by_id(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *images = tree_new_array();
	for (struct tree_iter i = tree_iter(arg_tree(rq, "ImageId")); tree_next(&i);) {
		struct tree *image = image_seen(rq, tree_text(i.value, NULL));
		if (image == NULL)
			return NULL;
		tree_add(images, image);
	}
	return take(&images);
}

static struct tree *images_seen(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *all = state_list(rq->cloud->state, NULL, rq->region, "image");
	struct tree *images = tree_new_array();
	for (struct tree_iter i = tree_iter(all); tree_next(&i);)
		if (seen_by_caller(rq, i.value))
			tree_add(images, tree_share(i.value));
	return images;
}

static bool describe_images(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *images =
		arg_tree(rq, "ImageId") != NULL ? images_by_id(rq) : images_seen(rq);
	if (images == NULL)
		return false;
	struct tree *wanted = tree_new_array();
	for (struct tree_iter i = tree_iter(images); tree_next(&i);)
		if (owner_wanted(rq, i.value) && executable_wanted(rq, i.value) && lifetime_wanted(rq, i.value))
			tree_add(wanted, tree_share(i.value));
	return apply_filters(rq, image_filters, &wanted) && reply_page(rq, "imagesSet", wanted);
}

/* --- DeregisterImage --- */

static void delete_snapshot_of(struct request *rq, const char *snapshot_id, struct tree *results)
{
	struct tree *result = tree_add_object(results);
	remove_object(rq, "snapshot", snapshot_id);
	tree_set_text(result, "snapshotId", snapshot_id);
	tree_set_text(result, "returnCode", "success");
}

static bool check_protection(struct request *rq, const struct tree *image)
{
	bool enabled = !str_eq(tree_text(image, "deregistrationProtection"), "disabled");
	if (!enabled && tree_int(image, "_protectedUntil", 0) <= rq->now_ms)
		return true;
	return refuse(rq, "OperationNotPermitted",
		      enabled ? "The AMI %s is protected from deregistration. Disable deregistration protection first."
			      : "The AMI %s cannot be deregistered before the cooldown of its deregistration "
				"protection is over.",
		      tree_text(image, "imageId"));
}

static bool deregister_image(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *image = image_owned(rq, arg(rq, "ImageId"));
	if (image == NULL || !check_protection(rq, image))
		return false;
	remove_object(rq, "image", tree_text(image, "imageId"));
	reply_return(rq);
	if (arg_bool(rq, "DeleteAssociatedSnapshots", false)) {
		struct tree *results = tree_set_array(rq->reply, "deleteSnapshotResultSet");
		for (struct tree_iter i = tree_iter(tree_key(image, "blockDeviceMapping")); tree_next(&i);)
			delete_snapshot_of(rq, tree_text_or(i.value, "ebs.snapshotId", ""), results);
	}
	want_job(rq, "layers", "");
	return true;
}

const struct operation ec2_image_operations[] = {
	{"DescribeImages", describe_images, OPERATION_DRY_RUN,
	 "ImageId.N Owner.N ExecutableBy.N IncludeDeprecated:bool IncludeDisabled:bool " ARGS_FILTERS},
	{"DeregisterImage", deregister_image, OPERATION_DRY_RUN, "ImageId! DeleteAssociatedSnapshots:bool"},
	{NULL},
};
