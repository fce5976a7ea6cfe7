/* SPDX-License-Identifier: Apache-2.0
 *
 * Snapshots: describing, sharing and deleting them. They come with images. */
#include <stdio.h>
#include <string.h>

#include "../kms/kms.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"

struct tree *snapshot_new(const char *account, const char *id, const char *volume_id, int64_t size_gib,
			  const char *started)
{
	struct tree *snapshot = tree_new_object();
	tree_set_text(snapshot, "snapshotId", id);
	tree_set_text(snapshot, "volumeId", volume_id);
	tree_set_text(snapshot, "status", "pending");
	tree_set_text(snapshot, "startTime", started);
	tree_set_text(snapshot, "progress", "0%");
	tree_set_text(snapshot, "ownerId", account);
	tree_set_int(snapshot, "volumeSize", size_gib);
	tree_set_text(snapshot, "description", "");
	tree_set_bool(snapshot, "encrypted", false);
	tree_set_text(snapshot, "storageTier", "standard");
	return snapshot;
}

static const struct filter snapshot_filters[] = {
	{"description", "description"},
	{"encrypted", "encrypted"},
	{"owner-id", "ownerId"},
	{"progress", "progress"},
	{"snapshot-id", "snapshotId"},
	{"start-time", "startTime"},
	{"status", "status"},
	{"storage-tier", "storageTier"},
	{"volume-id", "volumeId"},
	{"volume-size", "volumeSize"},
	{NULL, NULL},
};

static bool shared_with_caller(const struct request *rq, const struct tree *snapshot)
{
	for (struct tree_iter i = tree_iter(tree_key(snapshot, "_createVolumePermission")); tree_next(&i);)
		if (str_eq(tree_text(i.value, "group"), "all") ||
		    str_eq(tree_text(i.value, "userId"), rq->caller.account))
			return true;
	return false;
}

static bool owned(const struct request *rq, const struct tree *snapshot)
{
	return str_eq(tree_text(snapshot, "ownerId"), rq->caller.account);
}

static struct tree *snapshot_seen(struct request *rq, const char *id)
{
	if (!check_id(rq, id, "snap-", "InvalidSnapshotID.Malformed"))
		return NULL;
	_cleanup_(tree_freep) struct tree *snapshot = state_get(rq->cloud->state, NULL, rq->region, "snapshot", id);
	if (snapshot != NULL && object_visible(rq, snapshot) &&
	    (owned(rq, snapshot) || shared_with_caller(rq, snapshot)))
		return take(&snapshot);
	refuse(rq, "InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", id);
	return NULL;
}

static struct tree *snapshot_owned(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *snapshot = snapshot_seen(rq, arg(rq, "SnapshotId"));
	if (snapshot == NULL || owned(rq, snapshot))
		return take(&snapshot);
	refuse(rq, "UnauthorizedOperation", "You are not authorized to perform this operation on %s",
	       arg(rq, "SnapshotId"));
	return NULL;
}

/* A pending snapshot's progress follows the clock. */
static struct tree *with_progress(const struct request *rq, const struct tree *snapshot)
{
	struct tree *copy = tree_copy(snapshot);
	int64_t started_ms = tree_int(snapshot, "_started", 0), due_ms = tree_int(snapshot, "_due", 0);
	if (!str_eq(tree_text(snapshot, "status"), "pending") || due_ms <= started_ms)
		return copy;
	int64_t percent = (rq->now_ms - started_ms) * 100 / (due_ms - started_ms);
	tree_setf(copy, "progress", "%d%%", percent > 99 ? 99 : (int)percent);
	return copy;
}

static bool owner_wanted(const struct request *rq, const struct tree *snapshot)
{
	const struct tree *owners = arg_tree(rq, "Owner");
	return owners == NULL || list_has(owners, tree_text(snapshot, "ownerId")) ||
	       (list_has(owners, "self") && owned(rq, snapshot));
}

static struct tree *snapshots_seen(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *all = state_list(rq->cloud->state, NULL, rq->region, "snapshot");
	struct tree *seen = tree_new_array();
	for (struct tree_iter i = tree_iter(all); tree_next(&i);)
		if (object_visible(rq, i.value) && owner_wanted(rq, i.value) &&
		    (owned(rq, i.value) || shared_with_caller(rq, i.value)))
			tree_add(seen, with_progress(rq, i.value));
	return seen;
}

static struct tree *snapshots_by_id(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *seen = tree_new_array();
	for (struct tree_iter i = tree_iter(arg_tree(rq, "SnapshotId")); tree_next(&i);) {
		_cleanup_(tree_freep) struct tree *snapshot = snapshot_seen(rq, tree_text(i.value, NULL));
		if (snapshot == NULL)
			return NULL;
		if (owner_wanted(rq, snapshot))
			tree_add(seen, with_progress(rq, snapshot));
	}
	return take(&seen);
}

static bool describe_snapshots(struct request *rq)
{
	struct tree *snapshots = arg_tree(rq, "SnapshotId") != NULL ? snapshots_by_id(rq) : snapshots_seen(rq);
	return snapshots != NULL && apply_filters(rq, snapshot_filters, &snapshots) &&
	       reply_page(rq, "snapshotSet", snapshots);
}

static bool delete_snapshot(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *snapshot = snapshot_owned(rq);
	if (snapshot == NULL)
		return false;
	const char *id = tree_text(snapshot, "snapshotId");
	_cleanup_(tree_freep) struct tree *images = state_list(rq->cloud->state, NULL, rq->region, "image");
	for (struct tree_iter i = tree_iter(images); tree_next(&i);)
		for (struct tree_iter j = tree_iter(tree_key(i.value, "blockDeviceMapping")); tree_next(&j);)
			if (str_eq(tree_text(j.value, "ebs.snapshotId"), id))
				return refuse(rq, "InvalidSnapshot.InUse", "The snapshot %s is currently in use by %s",
					      id, tree_text(i.value, "imageId"));
	remove_object(rq, "snapshot", id);
	want_job(rq, "layers", "");
	reply_return(rq);
	return true;
}

/* --- who may make volumes of it --- */

static void permission_change(struct tree *snapshot, const char *wire, const char *value, bool add)
{
	struct tree *left = tree_new_array();
	for (struct tree_iter i = tree_iter(tree_key(snapshot, "_createVolumePermission")); tree_next(&i);)
		if (!str_eq(tree_text(i.value, wire), value))
			tree_add(left, tree_share(i.value));
	if (add)
		tree_set_text(tree_add_object(left), wire, value);
	tree_set(snapshot, "_createVolumePermission", left);
}

static bool change_one(struct request *rq, struct tree *snapshot, const char *user, const char *group, bool add)
{
	if (user != NULL && (strlen(user) != 12 || strspn(user, "0123456789") != 12))
		return refuse(rq, "InvalidParameterValue", "Value (%s) for parameter UserId is invalid", user);
	if (group != NULL && !str_eq(group, "all"))
		return refuse(rq, "InvalidParameterValue", "Value (%s) for parameter Group is invalid", group);
	if (user != NULL)
		permission_change(snapshot, "userId", user, add);
	if (group != NULL)
		permission_change(snapshot, "group", group, add);
	return true;
}

static bool change_listed(struct request *rq, struct tree *snapshot, const char *path, bool add)
{
	for (struct tree_iter i = tree_iter(arg_tree(rq, path)); tree_next(&i);)
		if (!change_one(rq, snapshot, tree_text(i.value, "UserId"), tree_text(i.value, "Group"), add))
			return false;
	return true;
}

static bool change_older_form(struct request *rq, struct tree *snapshot)
{
	bool add = str_eq(arg(rq, "OperationType"), "add");
	for (struct tree_iter i = tree_iter(arg_tree(rq, "UserId")); tree_next(&i);)
		if (!change_one(rq, snapshot, tree_text(i.value, NULL), NULL, add))
			return false;
	for (struct tree_iter i = tree_iter(arg_tree(rq, "UserGroup")); tree_next(&i);)
		if (!change_one(rq, snapshot, NULL, tree_text(i.value, NULL), add))
			return false;
	return true;
}

static bool modify_snapshot_attribute(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *snapshot = snapshot_owned(rq);
	if (snapshot == NULL)
		return false;
	if (kms_arn_is_default(rq, tree_text(snapshot, "kmsKeyId")))
		return refuse(rq, "OperationNotPermitted", "Encrypted snapshots with EBS default key cannot be shared");
	if (!change_listed(rq, snapshot, "CreateVolumePermission.Add", true) ||
	    !change_listed(rq, snapshot, "CreateVolumePermission.Remove", false) || !change_older_form(rq, snapshot))
		return false;
	put_object(rq, "snapshot", tree_text(snapshot, "snapshotId"), snapshot);
	reply_return(rq);
	return true;
}

static bool describe_snapshot_attribute(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *snapshot = snapshot_owned(rq);
	if (snapshot == NULL)
		return false;
	tree_set_text(rq->reply, "snapshotId", tree_text(snapshot, "snapshotId"));
	if (str_eq(arg(rq, "Attribute"), "productCodes")) {
		tree_set_array(rq->reply, "productCodes");
		return true;
	}
	if (!str_eq(arg(rq, "Attribute"), "createVolumePermission"))
		return refuse(rq, "InvalidParameterValue", "Value (%s) for parameter attribute is invalid",
			      arg_or(rq, "Attribute", ""));
	struct tree *permissions = tree_key(snapshot, "_createVolumePermission");
	tree_set(rq->reply, "createVolumePermission", permissions == NULL ? tree_new_array() : tree_share(permissions));
	return true;
}

const struct operation ec2_snapshot_operations[] = {
	{"DescribeSnapshots", describe_snapshots, OPERATION_DRY_RUN,
	 "SnapshotId.N Owner.N RestorableBy.N " ARGS_FILTERS},
	{"DeleteSnapshot", delete_snapshot, OPERATION_DRY_RUN, "SnapshotId!"},
	{"ModifySnapshotAttribute", modify_snapshot_attribute, OPERATION_DRY_RUN,
	 "SnapshotId! Attribute OperationType UserId.N UserGroup.N CreateVolumePermission.Add.N.UserId "
	 "CreateVolumePermission.Add.N.Group CreateVolumePermission.Remove.N.UserId "
	 "CreateVolumePermission.Remove.N.Group"},
	{"DescribeSnapshotAttribute", describe_snapshot_attribute, OPERATION_DRY_RUN, "SnapshotId! Attribute!"},
	{NULL},
};
