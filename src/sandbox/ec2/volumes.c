/* SPDX-License-Identifier: Apache-2.0
 *
 * Volumes: they come with instances and go with them, unless DeleteOnTermination said otherwise. */
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"

static const struct filter volume_filters[] = {
	{"attachment.delete-on-termination", "attachmentSet.*.deleteOnTermination"},
	{"attachment.device", "attachmentSet.*.device"},
	{"attachment.instance-id", "attachmentSet.*.instanceId"},
	{"attachment.status", "attachmentSet.*.status"},
	{"availability-zone", "availabilityZone"},
	{"create-time", "createTime"},
	{"encrypted", "encrypted"},
	{"size", "size"},
	{"snapshot-id", "snapshotId"},
	{"status", "status"},
	{"volume-id", "volumeId"},
	{"volume-type", "volumeType"},
	{NULL, NULL},
};

static bool describe_volumes(struct request *rq)
{
	struct tree *volumes = arg_tree(rq, "VolumeId") == NULL
				       ? list_objects(rq, "volume")
				       : need_objects(rq, "volume", "VolumeId", "InvalidVolume.NotFound", "volume");
	return volumes != NULL && apply_filters(rq, volume_filters, &volumes) && reply_page(rq, "volumeSet", volumes);
}

static bool delete_volume(struct request *rq)
{
	const char *id = arg_or(rq, "VolumeId", "");
	_cleanup_(tree_freep) struct tree *volume = need_object(rq, "volume", id, "InvalidVolume.NotFound", "volume");
	if (volume == NULL)
		return false;
	if (!str_eq(tree_text(volume, "status"), "available"))
		return refuse(rq, "VolumeInUse", "Volume %s is currently attached to %s", id,
			      tree_text_or(volume, "attachmentSet.1.instanceId", "an instance"));
	remove_object(rq, "volume", id);
	reply_return(rq);
	return true;
}

const struct operation ec2_volume_operations[] = {
	{"DescribeVolumes", describe_volumes, OPERATION_DRY_RUN, "VolumeId.N " ARGS_FILTERS},
	{"DeleteVolume", delete_volume, OPERATION_DRY_RUN, "VolumeId!"},
	{NULL},
};
