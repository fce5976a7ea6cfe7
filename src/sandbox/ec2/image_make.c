/* SPDX-License-Identifier: Apache-2.0
 *
 * CreateImage and CopyImage: both answer at once with a pending image, and a transition (transitions.c) does the work.
 */
#include <string.h>

#include "../kms/kms.h"
#include "../quotas.h"
#include "../regions.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"
#include "region_fill.h"

static const char *const image_tag_types[] = {"image", "snapshot", NULL};

static const struct tree *root_mapping(const struct tree *image)
{
	for (struct tree_iter i = tree_iter(tree_key(image, "blockDeviceMapping")); tree_next(&i);)
		if (str_eq(tree_text(i.value, "deviceName"), tree_text(image, "rootDeviceName")))
			return i.value;
	return NULL;
}

static bool check_image_quota(struct request *rq)
{
	int64_t count = 0, most = quota_of(rq, QUOTA_IMAGES);
	_cleanup_(tree_freep) struct tree *images =
		state_list(rq->cloud->state, rq->caller.account, rq->region, "image");
	for (struct tree_iter i = tree_iter(images); tree_next(&i);)
		count += !str_eq(tree_text(i.value, "imageState"), "failed");
	return count < most ||
	       refuse(rq, "ResourceLimitExceeded",
		      "You have reached your quota of %d for the number of images allowed in this Region. Deregister "
		      "unused images or request an increase in your AMIs quota.",
		      (int)most);
}

static bool check_new_image(struct request *rq)
{
	if (!check_image_quota(rq))
		return false;
	if (!check_image_name(rq, arg_or(rq, "Name", "")) || !image_name_free(rq, arg_or(rq, "Name", "")))
		return false;
	if (strlen(arg_or(rq, "Description", "")) > 255 * 4)
		return refuse(rq, "InvalidParameterValue", "The description has more than 255 characters");
	return tag_specifications_check(rq, image_tag_types);
}

static bool set_tags(struct request *rq, struct tree *document, const char *type)
{
	struct tree *tags = NULL;
	if (!tags_for(rq, type, &tags))
		return false;
	tree_set(document, "tagSet", tags);
	return true;
}

static struct tree *new_image(struct request *rq, const char *id, const struct tree *like)
{
	static const char *const inherited[] = {"architecture",	  "bootMode",	 "platformDetails", "usageOperation",
						"rootDeviceName", "imdsSupport", "tpmSupport",	    "_login"};
	char created[EC2_TIME_SIZE];
	struct tree *image = image_new(rq->caller.account, id, arg(rq, "Name"), ec2_time(rq->now_ms, created));
	for (size_t i = 0; i < ARRAY_SIZE(inherited); i++)
		if (tree_text(like, inherited[i]) != NULL)
			tree_set_text(image, inherited[i], tree_text(like, inherited[i]));
	if (tree_count(tree_key(like, "productCodes")) > 0)
		tree_set(image, "productCodes", tree_copy(tree_key(like, "productCodes")));
	if (arg(rq, "Description") != NULL)
		tree_set_text(image, "description", arg(rq, "Description"));
	return image;
}

static struct tree *new_snapshot(struct request *rq, const char *id, const char *volume, int64_t size_gib,
				 bool encrypted, const char *kms_key)
{
	char started[EC2_TIME_SIZE];
	struct tree *snapshot = snapshot_new(rq->caller.account, id, volume, size_gib, ec2_time(rq->now_ms, started));
	tree_set_bool(snapshot, "encrypted", encrypted);
	if (encrypted)
		tree_set_text(snapshot, "kmsKeyId", kms_key);
	tree_set_int(snapshot, "_started", rq->now_ms);
	return snapshot;
}

static void keep_both(struct request *rq, struct tree *image, struct tree *snapshot, int64_t due_ms)
{
	tree_set_int(image, "_due", due_ms);
	tree_set_int(snapshot, "_due", due_ms);
	tree_set(snapshot, "_layers", tree_share(tree_key(image, "_layers")));
	put_new_object(rq, "snapshot", tree_text(snapshot, "snapshotId"), snapshot);
	put_new_object(rq, "image", tree_text(image, "imageId"), image);
	want_job_in_turn(rq, "image", tree_text(image, "imageId"),
			 tree_text_or(image, "sourceInstanceId", tree_text(image, "imageId")));
	tree_set_text(rq->reply, "imageId", tree_text(image, "imageId"));
}

/* --- keys --- */

/* EC2 asks KMS after it has answered: such an image fails in time, and only its snapshot says why.
 * https://github.com/hashicorp/packer/issues/6599 */
static void condemn(struct tree *image, const struct kms_verdict *verdict, const char *message)
{
	if (*verdict->code == '\0' || tree_key(image, "_fate") != NULL)
		return;
	struct tree *fate = tree_set_object(image, "_fate");
	tree_set_text(fate, "code", "Server.InternalError");
	tree_set_text(fate, "message", message);
	tree_set_text(fate, "detail", "Given key ID is not accessible");
}

static void judge_volume(struct request *rq, const struct tree *volume, struct tree *image)
{
	struct kms_verdict verdict;
	if (tree_text(volume, "kmsKeyId") == NULL)
		return;
	kms_judge(rq, tree_text(volume, "kmsKeyId"), KMS_READ_SNAPSHOT, &verdict);
	condemn(image, &verdict, "Snapshot creation failed");
}

/* --- CreateImage --- */

static struct tree *layers_with(const struct tree *layers, const char *more)
{
	struct tree *all = tree_new_array();
	for (struct tree_iter i = tree_iter(layers); tree_next(&i);)
		tree_add_text(all, tree_text(i.value, NULL));
	tree_add_text(all, more);
	return all;
}

static struct tree *instance_to_freeze(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *instance = instance_find(rq, arg(rq, "InstanceId"));
	if (instance == NULL)
		return NULL;
	enum instance_state state = instance_state(instance);
	if (state == INSTANCE_RUNNING || state == INSTANCE_STOPPED)
		return take(&instance);
	refuse(rq, "IncorrectState", "Instance is not in state 'running' or 'stopped': %s is %s", arg(rq, "InstanceId"),
	       instance_state_name(state));
	return NULL;
}

/* What the request's BlockDeviceMapping says of the root volume, else what the instance's volume is. */
static void add_root_of(struct request *rq, struct tree *image, const char *snapshot_id, const struct tree *volume)
{
	int64_t size_gib = tree_int(volume, "size", 8);
	const char *type = tree_text_or(volume, "volumeType", "gp3");
	bool keep = false;
	for (struct tree_iter i = tree_iter(arg_tree(rq, "BlockDeviceMapping")); tree_next(&i);) {
		if (!str_eq(tree_text(i.value, "DeviceName"), tree_text(image, "rootDeviceName")))
			continue;
		size_gib = tree_int(i.value, "Ebs.VolumeSize", size_gib);
		type = tree_text_or(i.value, "Ebs.VolumeType", type);
		keep = !tree_bool(i.value, "Ebs.DeleteOnTermination", true);
	}
	image_add_root(image, snapshot_id, size_gib, type, tree_bool(volume, "encrypted", false), NULL);
	if (keep)
		tree_set_bool(tree_get(image, "blockDeviceMapping.1.ebs"), "deleteOnTermination", false);
}

static bool make_image_of(struct request *rq, const struct tree *instance, const struct tree *volume)
{
	char id[ID_SIZE], snapshot_id[ID_SIZE], layer[ID_SIZE];
	make_id("ami-", id);
	make_id("snap-", snapshot_id);
	make_id("layer-", layer);
	_cleanup_(tree_freep) struct tree *source =
		state_get(rq->cloud->state, NULL, rq->region, "image", tree_text(instance, "imageId"));
	_cleanup_(tree_freep) struct tree *image = new_image(rq, id, source == NULL ? instance : source);
	tree_set_text(image, "_login", tree_text_or(instance, "_login", "admin"));
	tree_set_text(image, "sourceInstanceId", tree_text(instance, "instanceId"));
	tree_set_text(image, "sourceImageId", tree_text(instance, "imageId"));
	tree_set_text(image, "sourceImageRegion", rq->region);
	tree_set(image, "_layers", layers_with(tree_key(instance, "_layers"), layer));
	tree_set_text(image, "_layer", layer);
	tree_set_bool(image, "_noReboot", arg_bool(rq, "NoReboot", false));
	add_root_of(rq, image, snapshot_id, volume);
	judge_volume(rq, volume, image);

	_cleanup_(tree_freep) struct tree *snapshot =
		new_snapshot(rq, snapshot_id, tree_text_or(volume, "volumeId", ""), tree_int(volume, "size", 8),
			     tree_bool(volume, "encrypted", false), tree_text(volume, "kmsKeyId"));
	tree_setf(snapshot, "description", "Created by CreateImage(%s) for %s", tree_text(instance, "instanceId"), id);
	if (!set_tags(rq, image, "image") || !set_tags(rq, snapshot, "snapshot"))
		return false;
	keep_both(rq, image, snapshot, rq->now_ms + settings_ms(rq->cloud->settings, "latency.image"));
	return true;
}

static bool create_image(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *instance = instance_to_freeze(rq);
	if (instance == NULL || !check_new_image(rq))
		return false;
	_cleanup_(tree_freep) struct tree *volume =
		find_object(rq, "volume", tree_text_or(instance, "blockDeviceMapping.1.ebs.volumeId", ""));
	return make_image_of(rq, instance, volume);
}

/* --- CopyImage --- */

static struct tree *image_to_copy(struct request *rq)
{
	const char *region = arg_or(rq, "SourceRegion", "");
	if (region_find(region) == NULL) {
		refuse(rq, "InvalidRequest", "The source region '%s' is not a region", region);
		return NULL;
	}
	region_fill(rq->cloud, rq->caller.account, region);
	const char *here = rq->region;
	rq->region = region;
	_cleanup_(tree_freep) struct tree *image = image_seen(rq, arg(rq, "SourceImageId"));
	rq->region = here;
	if (image == NULL)
		return NULL;
	if (tree_count(tree_key(image, "productCodes")) > 0 &&
	    !str_eq(tree_text(image, "imageOwnerId"), rq->caller.account)) {
		refuse(rq, "InvalidRequest",
		       "The AMI %s cannot be copied: it has a product code and belongs to another account",
		       arg(rq, "SourceImageId"));
		return NULL;
	}
	if (str_eq(tree_text(image, "imageState"), "available"))
		return take(&image);
	refuse(rq, "InvalidAMIID.Unavailable", "The image id '[%s]' in %s is not available but %s",
	       arg(rq, "SourceImageId"), region, tree_text(image, "imageState"));
	return NULL;
}

static void copy_tags(const struct request *rq, const struct tree *source, struct tree *image)
{
	if (!arg_bool(rq, "CopyImageTags", false) || !str_eq(tree_text(source, "imageOwnerId"), rq->caller.account))
		return;
	_cleanup_(tree_freep) struct tree *given = tree_share(tree_key(image, "tagSet"));
	tree_set_array(image, "tagSet");
	for (struct tree_iter i = tree_iter(tree_key(source, "tagSet")); tree_next(&i);)
		tag_set_put(image, tree_text(i.value, "key"), tree_text_or(i.value, "value", ""));
	for (struct tree_iter i = tree_iter(given); tree_next(&i);)
		tag_set_put(image, tree_text(i.value, "key"), tree_text_or(i.value, "value", ""));
}

static bool copy_encryption(struct request *rq, const struct tree *root, bool *encrypted)
{
	bool source_encrypted = tree_bool(root, "ebs.encrypted", false);
	*encrypted = arg_bool(rq, "Encrypted", source_encrypted || arg(rq, "KmsKeyId") != NULL);
	if (!*encrypted && arg(rq, "KmsKeyId") != NULL)
		return refuse(rq, "InvalidParameterCombination", "KmsKeyId needs Encrypted");
	if (!*encrypted && source_encrypted)
		return refuse(
			rq, "InvalidRequest",
			"Snapshot %s is encrypted. Creating an unencrypted copy from an encrypted snapshot is not "
			"supported.",
			tree_text_or(root, "ebs.snapshotId", ""));
	return true;
}

static void judge_source(struct request *rq, const struct tree *root, struct tree *image)
{
	struct kms_verdict verdict;
	const char *here = rq->region;
	rq->region = arg(rq, "SourceRegion");
	_cleanup_(tree_freep) struct tree *snapshot =
		state_get(rq->cloud->state, NULL, rq->region, "snapshot", tree_text_or(root, "ebs.snapshotId", ""));
	if (tree_text(snapshot, "kmsKeyId") != NULL) {
		kms_judge(rq, tree_text(snapshot, "kmsKeyId"), KMS_READ_SNAPSHOT, &verdict);
		condemn(image, &verdict, "Copy image failed with an internal error");
	}
	rq->region = here;
}

/* A copy of an encrypted snapshot is encrypted: with this region's default key, unless a key is named. */
static void judge_copy(struct request *rq, const struct tree *root, struct tree *image, bool encrypted,
		       struct kms_verdict *key)
{
	*key = (struct kms_verdict){0};
	judge_source(rq, root, image);
	if (!encrypted)
		return;
	kms_judge(rq, arg(rq, "KmsKeyId"), KMS_NEW_VOLUME, key);
	condemn(image, key, "Copy image failed with an internal error");
}

static bool make_copy(struct request *rq, const struct tree *source)
{
	char id[ID_SIZE], snapshot_id[ID_SIZE];
	struct kms_verdict key;
	bool encrypted;
	const struct tree *root = root_mapping(source);
	if (!copy_encryption(rq, root, &encrypted))
		return false;
	make_id("ami-", id);
	make_id("snap-", snapshot_id);
	_cleanup_(tree_freep) struct tree *image = new_image(rq, id, source);
	tree_set_text(image, "sourceImageId", tree_text(source, "imageId"));
	tree_set_text(image, "sourceImageRegion", arg(rq, "SourceRegion"));
	tree_set(image, "_layers", tree_share(tree_key(source, "_layers")));
	int64_t size_gib = tree_int(root, "ebs.volumeSize", 8);
	image_add_root(image, snapshot_id, size_gib, tree_text_or(root, "ebs.volumeType", "gp3"), encrypted, NULL);
	judge_copy(rq, root, image, encrypted, &key);

	_cleanup_(tree_freep) struct tree *snapshot =
		new_snapshot(rq, snapshot_id, "vol-ffffffff", size_gib, encrypted, key.arn);
	tree_setf(snapshot, "description", "Copied for DestinationAmi %s from SourceAmi %s for SourceSnapshot %s.", id,
		  tree_text(source, "imageId"), tree_text_or(root, "ebs.snapshotId", ""));
	if (!set_tags(rq, image, "image") || !set_tags(rq, snapshot, "snapshot"))
		return false;
	copy_tags(rq, source, image);
	keep_both(rq, image, snapshot, rq->now_ms + settings_ms(rq->cloud->settings, "latency.copy"));
	client_token_keep(rq, id);
	return true;
}

static bool copy_image(struct request *rq)
{
	char earlier[ID_SIZE];
	if (!client_token_look(rq, earlier))
		return false;
	if (*earlier != '\0') {
		tree_set_text(rq->reply, "imageId", earlier);
		return true;
	}
	_cleanup_(tree_freep) struct tree *source = image_to_copy(rq);
	return source != NULL && check_new_image(rq) && make_copy(rq, source);
}

const struct operation ec2_image_make_operations[] = {
	{"CreateImage", create_image, OPERATION_DRY_RUN,
	 "InstanceId! Name! Description NoReboot:bool BlockDeviceMapping.N.DeviceName BlockDeviceMapping.N.VirtualName "
	 "BlockDeviceMapping.N.NoDevice BlockDeviceMapping.N.Ebs.* " ARGS_TAGS},
	{"CopyImage", copy_image, OPERATION_DRY_RUN,
	 "SourceImageId! SourceRegion! Name! Description ClientToken Encrypted:bool KmsKeyId CopyImageTags:bool "
	 "SnapshotCopyCompletionDurationMinutes:int " ARGS_TAGS},
	{NULL},
};
