/* SPDX-License-Identifier: Apache-2.0
 *
 * The volumes of a launch: what the image says of them, what the request says besides, and their keys. */
#include "launch_volumes.h"

#include <string.h>

#include "../kms/kms.h"
#include "bakery/mem.h"
#include "bakery/str.h"

struct volume_wish {
	int64_t size_gib, iops, throughput;
	const char *type, *kms_key, *snapshot, *device;
	bool encrypted, keep;
};

static void read_wish(const struct tree *mapping, struct volume_wish *wish)
{
	wish->size_gib = tree_int(mapping, "Ebs.VolumeSize", wish->size_gib);
	wish->type = tree_text_or(mapping, "Ebs.VolumeType", wish->type);
	wish->iops = tree_int(mapping, "Ebs.Iops", wish->iops);
	wish->throughput = tree_int(mapping, "Ebs.Throughput", wish->throughput);
	wish->kms_key = tree_text_or(mapping, "Ebs.KmsKeyId", wish->kms_key);
	wish->encrypted = tree_bool(mapping, "Ebs.Encrypted", wish->encrypted);
	wish->keep = !tree_bool(mapping, "Ebs.DeleteOnTermination", !wish->keep);
	wish->snapshot = tree_text_or(mapping, "Ebs.SnapshotId", wish->snapshot);
}

static const struct tree *mapping_of(const struct tree *mappings, const char *device_key, const char *device)
{
	for (struct tree_iter i = tree_iter(mappings); tree_next(&i);)
		if (str_eq(tree_text(i.value, device_key), device))
			return i.value;
	return NULL;
}

static struct volume_wish root_wish(struct request *rq, const struct launch *launch)
{
	const char *device = tree_text_or(launch->image, "rootDeviceName", "/dev/xvda");
	const struct tree *given = mapping_of(tree_key(launch->image, "blockDeviceMapping"), "deviceName", device);
	struct volume_wish wish = {
		.size_gib = tree_int(given, "ebs.volumeSize", 8),
		.type = tree_text_or(given, "ebs.volumeType", "gp3"),
		.iops = 3000,
		.throughput = 125,
		.snapshot = tree_text_or(given, "ebs.snapshotId", ""),
		.device = device,
		.encrypted = tree_bool(given, "ebs.encrypted", false),
		.keep = !tree_bool(given, "ebs.deleteOnTermination", true),
	};
	read_wish(mapping_of(arg_tree(rq, "BlockDeviceMapping"), "DeviceName", device), &wish);
	return wish;
}

static bool check_volume(struct request *rq, const struct launch *launch, const struct volume_wish *wish)
{
	const struct tree *given =
		mapping_of(tree_key(launch->image, "blockDeviceMapping"), "deviceName", wish->device);
	int64_t least = tree_int(given, "ebs.volumeSize", 1);
	if (wish->size_gib < least)
		return refuse(rq, "InvalidBlockDeviceMapping",
			      "Volume of size %dGB is smaller than snapshot '%s', expect size >= %dGB",
			      (int)wish->size_gib, wish->snapshot, (int)least);
	if (wish->kms_key != NULL && !wish->encrypted)
		return refuse(rq, "InvalidParameterDependency",
			      "The parameter KmsKeyId requires the parameter Encrypted to be set.");
	return true;
}

static void attach(struct tree *volume, const struct tree *instance, const char *device, const char *at, bool keep)
{
	struct tree *attachment = tree_add_object(tree_set_array(volume, "attachmentSet"));
	tree_set_text(attachment, "volumeId", tree_text(volume, "volumeId"));
	tree_set_text(attachment, "instanceId", tree_text(instance, "instanceId"));
	tree_set_text(attachment, "device", device);
	tree_set_text(attachment, "status", "attached");
	tree_set_text(attachment, "attachTime", at);
	tree_set_bool(attachment, "deleteOnTermination", !keep);
}

/* EC2 finds out after it has answered; the transition then ends the instance. */
static void condemn(struct tree *instance, const struct kms_verdict *verdict)
{
	if (*verdict->code == '\0' || tree_key(instance, "_fate") != NULL)
		return;
	struct tree *fate = tree_set_object(instance, "_fate");
	tree_set_text(fate, "code", verdict->code);
	tree_set_text(fate, "message", verdict->message);
}

/* A volume of an encrypted snapshot has its key, unless another is named or the snapshot is somebody else's; what is in
 * the snapshot has to be read in any case. */
static void set_key(struct request *rq, const struct volume_wish *wish, struct tree *instance, struct tree *volume)
{
	struct kms_verdict verdict;
	_cleanup_(tree_freep) struct tree *snapshot =
		state_get(rq->cloud->state, NULL, rq->region, "snapshot", wish->snapshot);
	const char *source_key = tree_text(snapshot, "kmsKeyId"), *named = wish->kms_key;
	if (source_key != NULL) {
		kms_judge(rq, source_key, KMS_READ_SNAPSHOT, &verdict);
		condemn(instance, &verdict);
		if (named == NULL && str_eq(tree_text(snapshot, "ownerId"), rq->caller.account))
			named = source_key;
	}
	kms_judge(rq, named, KMS_NEW_VOLUME, &verdict);
	condemn(instance, &verdict);
	tree_set_text(volume, "kmsKeyId", verdict.arn);
}

static void make_volume(struct request *rq, const struct launch *launch, const struct volume_wish *wish,
			struct tree *instance, const char *at)
{
	char id[ID_SIZE];
	make_id("vol-", id);
	_cleanup_(tree_freep) struct tree *volume = tree_new_object();
	tree_set_text(volume, "volumeId", id);
	tree_set_int(volume, "size", wish->size_gib);
	tree_set_text(volume, "snapshotId", wish->snapshot);
	tree_set_text(volume, "availabilityZone", launch->zone);
	tree_set_text(volume, "status", "in-use");
	tree_set_text(volume, "createTime", at);
	tree_set_text(volume, "volumeType", wish->type);
	tree_set_int(volume, "iops", wish->iops);
	if (str_eq(wish->type, "gp3"))
		tree_set_int(volume, "throughput", wish->throughput);
	tree_set_bool(volume, "encrypted", wish->encrypted);
	if (wish->encrypted)
		set_key(rq, wish, instance, volume);
	tree_set_bool(volume, "multiAttachEnabled", false);
	tree_set(volume, "tagSet", tree_copy(launch->volume_tags));
	attach(volume, instance, wish->device, at, wish->keep);
	put_new_object(rq, "volume", id, volume);

	struct tree *mapping = tree_add_object(tree_key(instance, "blockDeviceMapping"));
	tree_set_text(mapping, "deviceName", wish->device);
	struct tree *ebs = tree_set_object(mapping, "ebs");
	tree_set_text(ebs, "volumeId", id);
	tree_set_text(ebs, "status", "attached");
	tree_set_text(ebs, "attachTime", at);
	tree_set_bool(ebs, "deleteOnTermination", !wish->keep);
}

bool launch_make_volumes(struct request *rq, const struct launch *launch, struct tree *instance, const char *at)
{
	struct volume_wish root = root_wish(rq, launch);
	if (!check_volume(rq, launch, &root))
		return false;
	make_volume(rq, launch, &root, instance, at);
	for (struct tree_iter i = tree_iter(arg_tree(rq, "BlockDeviceMapping")); tree_next(&i);) {
		struct volume_wish more = {.size_gib = 8,
					   .type = "gp3",
					   .iops = 3000,
					   .throughput = 125,
					   .snapshot = "",
					   .device = tree_text_or(i.value, "DeviceName", "")};
		if (str_eq(more.device, root.device) || tree_key(i.value, "Ebs") == NULL)
			continue;
		read_wish(i.value, &more);
		make_volume(rq, launch, &more, instance, at);
	}
	return true;
}
