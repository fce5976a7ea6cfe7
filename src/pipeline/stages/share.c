/* SPDX-License-Identifier: Apache-2.0
 *
 * share: launch permissions for organizations, organizational units and accounts, and with accounts the snapshots, in
 * every region; read back afterwards: EC2 answers "true" before it has looked (EC2 API reference,
 * ModifyImageAttribute). */
#include <stdio.h>

#include "../pipeline.h"
#include "bakery/parallel.h"
#include "bakery/str.h"
#include "consumers.h"

enum { LOOKS = 10, PAUSE_MS = 500, MOST_ACCOUNTS = 500 /* in one ModifySnapshotAttribute */ };

static const struct share_kind {
	const char *argument; /* of LaunchPermission.Add.N */
	const char *answer;   /* in the attribute's list */
	size_t offset;	      /* of the list in struct plan_share */
} share_kinds[] = {
	{"OrganizationArn", "organizationArn", offsetof(struct plan_share, organizations)},
	{"OrganizationalUnitArn", "organizationalUnitArn", offsetof(struct plan_share, organizational_units)},
	{"UserId", "userId", offsetof(struct plan_share, accounts)},
};

static const struct text_list *wanted(const struct plan *plan, const struct share_kind *kind)
{
	return (const struct text_list *)((const char *)&plan->share + kind->offset);
}

struct sharing {
	struct build *build;
	const struct build_image *image;
};

static bool permissions_add(const struct sharing *sharing, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_ModifyImageAttribute, sharing->image->region);
	int number = 0;
	char path[64];

	call.not_yet_s = build_settle_s(sharing->build);
	aws_arg(&call, "ImageId", sharing->image->ami);
	for (size_t i = 0; i < ARRAY_SIZE(share_kinds); i++) {
		const struct text_list *list = wanted(sharing->build->plan, &share_kinds[i]);
		for (size_t j = 0; j < list->count; j++) {
			snprintf(path, sizeof(path), "LaunchPermission.Add.%d.%s", ++number, share_kinds[i].argument);
			aws_arg(&call, path, list->items[j]);
		}
	}
	return build_send(sharing->build, &call, NULL, err);
}

static bool is_listed(const struct tree *permissions, const char *key, const char *value)
{
	for (struct tree_iter i = tree_iter(permissions); tree_next(&i);) {
		if (str_eq(tree_text(i.value, key), value))
			return true;
	}
	return false;
}

/* The first that is not in effect, or NULL. */
static const char *missing(const struct plan *plan, const struct tree *permissions)
{
	for (size_t i = 0; i < ARRAY_SIZE(share_kinds); i++) {
		const struct text_list *list = wanted(plan, &share_kinds[i]);
		for (size_t j = 0; j < list->count; j++) {
			if (!is_listed(permissions, share_kinds[i].answer, list->items[j]))
				return list->items[j];
		}
	}
	return NULL;
}

static bool permissions_verify(const struct sharing *sharing, struct error *err)
{
	const char *lacking = NULL;

	for (int look = 0; look < LOOKS; look++) {
		struct aws_call call = aws_call(AWS_ec2_DescribeImageAttribute, sharing->image->region);
		_cleanup_(tree_freep) struct tree *reply = NULL;

		aws_arg(&call, "ImageId", sharing->image->ami);
		aws_arg(&call, "Attribute", "launchPermission");
		if (!build_send(sharing->build, &call, &reply, err))
			return false;
		lacking = missing(sharing->build->plan, tree_get(reply, "launchPermission"));
		if (!lacking)
			return true;
		if (!stop_sleep_ms(build_stop(sharing->build), PAUSE_MS))
			return error_set(err, ERROR_STOPPED, "stopped");
	}
	return error_set(err, ERROR_FAILED, "EC2 took the launch permission for %s but does not list it", lacking);
}

/* --- snapshots: with accounts only, for those who copy the image or make volumes of it --- */

static bool snapshot_permit(const struct sharing *sharing, const char *snapshot, size_t first, struct error *err)
{
	const struct text_list *accounts = &sharing->build->plan->share.accounts;
	struct aws_call call = aws_call(AWS_ec2_ModifySnapshotAttribute, sharing->image->region);
	char path[64];

	call.not_yet_s = build_settle_s(sharing->build);
	aws_arg(&call, "SnapshotId", snapshot);
	aws_arg(&call, "Attribute", "createVolumePermission");
	for (size_t i = first; i < accounts->count && i < first + MOST_ACCOUNTS; i++) {
		snprintf(path, sizeof(path), "CreateVolumePermission.Add.%zu.UserId", i - first + 1);
		aws_arg(&call, path, accounts->items[i]);
	}
	return build_send(sharing->build, &call, NULL, err);
}

static const char *account_missing(const struct text_list *accounts, const struct tree *permissions)
{
	for (size_t i = 0; i < accounts->count; i++) {
		if (!is_listed(permissions, "userId", accounts->items[i]))
			return accounts->items[i];
	}
	return NULL;
}

static bool snapshot_verify(const struct sharing *sharing, const char *snapshot, struct error *err)
{
	const char *lacking = NULL;

	for (int look = 0; look < LOOKS; look++) {
		struct aws_call call = aws_call(AWS_ec2_DescribeSnapshotAttribute, sharing->image->region);
		_cleanup_(tree_freep) struct tree *reply = NULL;

		aws_arg(&call, "SnapshotId", snapshot);
		aws_arg(&call, "Attribute", "createVolumePermission");
		if (!build_send(sharing->build, &call, &reply, err))
			return false;
		lacking = account_missing(&sharing->build->plan->share.accounts,
					  tree_get(reply, "createVolumePermission"));
		if (!lacking)
			return true;
		if (!stop_sleep_ms(build_stop(sharing->build), PAUSE_MS))
			return error_set(err, ERROR_STOPPED, "stopped");
	}
	return error_set(err, ERROR_FAILED, "EC2 took the volume permission for account %s but does not list it",
			 lacking);
}

static bool snapshot_share(const struct sharing *sharing, const char *snapshot, struct error *err)
{
	size_t accounts = sharing->build->plan->share.accounts.count;

	for (size_t first = 0; first < accounts; first += MOST_ACCOUNTS) {
		if (!snapshot_permit(sharing, snapshot, first, err))
			return error_context(err, "%s", snapshot);
	}
	return snapshot_verify(sharing, snapshot, err) || error_context(err, "%s", snapshot);
}

static bool snapshots_share(const struct sharing *sharing, struct error *err)
{
	const struct text_list *snapshots = &sharing->image->snapshots;

	if (!sharing->build->plan->share.snapshots)
		return true;
	if (!snapshots->count)
		return error_set(err, ERROR_INTERNAL, "its snapshots are not known");
	for (size_t i = 0; i < snapshots->count; i++) {
		if (!snapshot_share(sharing, snapshots->items[i], err))
			return false;
	}
	return true;
}

static bool image_share(void *item, struct error *err)
{
	const struct sharing *sharing = item;
	const struct build_image *image = sharing->image;
	struct build *build = sharing->build;

	if (!permissions_add(sharing, err) || !permissions_verify(sharing, err) || !snapshots_share(sharing, err))
		return error_context(err, "%s in %s", image->ami, image->region);
	return store_image_state(build->store, build->id, image->region, "shared", err);
}

static bool images_share(struct build *build, struct error *err)
{
	size_t count = build->state.images.count;
	_cleanup_(freep) struct sharing *items = mem_array(count, sizeof(*items));
	_cleanup_(freep) struct error *errors = mem_array(count, sizeof(*errors));
	struct error first = {0};

	for (size_t i = 0; i < count; i++)
		items[i] = (struct sharing){build, (struct build_image *)build->state.images.items + i};
	return parallel_each(items, count, sizeof(*items), 0, image_share, errors, &first) ||
	       build_errors_join(errors, count, err);
}

bool stage_share(struct build *build, struct error *err)
{
	const struct plan_share *share = &build->plan->share;

	if (!share->organizations.count && !share->organizational_units.count && !share->accounts.count)
		return true;
	if (!images_share(build, err))
		return false;
	build_note(build, "shared with %zu organizations, %zu units, %zu accounts%s", share->organizations.count,
		   share->organizational_units.count, share->accounts.count,
		   share->snapshots ? " (accounts: with the snapshots)" : "");
	return consumers_check(build, err);
}
