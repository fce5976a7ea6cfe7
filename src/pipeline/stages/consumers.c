/* SPDX-License-Identifier: Apache-2.0
 *
 * The image as those see it that it is shared with: with a role in each account, EC2 is asked from there; and that
 * account's Auto Scaling is granted the use of the image's key, which nobody else can grant it (EC2 Auto Scaling user
 * guide, "Required AWS KMS key policy for use with encrypted volumes"). */
#include <stdio.h>
#include <stdlib.h>

#include "../pipeline.h"
#include "bakery/parallel.h"
#include "bakery/partition.h"
#include "bakery/str.h"
#include "consumers.h"

enum { ACCOUNTS_AT_ONCE = 8 };

struct image_key {
	const char *region;
	char *key; /* ARN; NULL: not encrypted */
};

struct consumer {
	struct build *build;
	const char *account;
	const struct image_key *keys; /* one for each image */
};

static const char *partition(const struct build *build)
{
	return partition_of(build->plan->region)->name;
}

/* --- the keys: what the snapshots are really encrypted with --- */

static bool key_find(struct build *build, const struct build_image *image, struct image_key *out, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeSnapshots, image->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	char path[32];

	for (size_t i = 0; i < image->snapshots.count; i++) {
		snprintf(path, sizeof(path), "SnapshotId.%zu", i + 1);
		aws_arg(&call, path, image->snapshots.items[i]);
	}
	if (!build_send(build, &call, &reply, err))
		return error_context(err, "the key of %s in %s", image->ami, image->region);
	*out = (struct image_key){image->region, mem_strdup(tree_text(reply, "snapshotSet.1.kmsKeyId"))};
	return true;
}

static bool keys_find(struct build *build, struct image_key *keys, struct error *err)
{
	const struct build_image *images = build->state.images.items;

	for (size_t i = 0; build->plan->share.auto_scaling_grant && i < build->state.images.count; i++) {
		if (!key_find(build, &images[i], &keys[i], err))
			return false;
	}
	return true;
}

/* --- one account --- */

static bool consumer_open(const struct consumer *consumer, struct aws **out, struct error *err)
{
	const struct build *build = consumer->build;
	_cleanup_(freep) char *arn = mem_printf("arn:%s:iam::%s:role/%s", partition(build), consumer->account,
						build->plan->share.consumer_role);
	_cleanup_(freep) char *session = mem_printf("bakery-%s", build->id);

	return aws_open_as(build->aws, &(struct aws_role){.arn = arn, .session_name = session}, out, err);
}

static bool image_seen(const struct consumer *consumer, struct aws *there, const struct build_image *image,
		       struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, image->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const char *state;

	call.stop = build_stop(consumer->build);
	call.not_yet_s = build_settle_s(consumer->build);
	aws_arg(&call, "ImageId.1", image->ami);
	if (!aws_send(there, &call, &reply, err)) {
		if (error_is(err, ERROR_ABSENT))
			error_hint(err, "it is shared with this account, but is not seen from there");
		return false;
	}
	state = tree_text_or(reply, "imagesSet.1.imageState", "not there");
	return str_eq(state, "available") ||
	       error_set(err, ERROR_FAILED, "as seen from there it is %s, not available", state);
}

static void grant_args(struct aws_call *call)
{
	static const char *const operations[] = {"Encrypt",	"Decrypt",	   "ReEncryptFrom",
						 "ReEncryptTo", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext",
						 "DescribeKey", "CreateGrant"};
	char path[32];

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		snprintf(path, sizeof(path), "Operations.%zu", i + 1);
		aws_arg(call, path, operations[i]);
	}
	aws_arg(call, "Name", "bakery-auto-scaling"); /* KMS answers the same name with the grant that there is */
}

static bool key_grant(const struct consumer *consumer, struct aws *there, const struct image_key *key,
		      struct error *err)
{
	struct aws_call call = aws_call(AWS_kms_CreateGrant, key->region);
	_cleanup_(tree_freep) struct tree *reply = NULL;

	call.stop = build_stop(consumer->build);
	aws_arg(&call, "KeyId", key->key);
	aws_argf(&call, "GranteePrincipal",
		 "arn:%s:iam::%s:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
		 partition(consumer->build), consumer->account);
	grant_args(&call);
	if (!aws_send(there, &call, &reply, err)) {
		error_hint(err,
			   "its Auto Scaling needs a grant for %s: the role %s must be allowed kms:CreateGrant, by its "
			   "account and by the key policy, and the account must have AWSServiceRoleForAutoScaling",
			   key->key, consumer->build->plan->share.consumer_role);
		return false;
	}
	build_note(consumer->build, "account %s: its Auto Scaling may use %s (grant %s)", consumer->account, key->key,
		   tree_text_or(reply, "GrantId", "?"));
	return true;
}

static bool consumer_check(void *item, struct error *err)
{
	const struct consumer *consumer = item;
	const struct build_image *images = consumer->build->state.images.items;
	_cleanup_(aws_closep) struct aws *there = NULL;

	if (!consumer_open(consumer, &there, err))
		return error_context(err, "account %s", consumer->account);
	for (size_t i = 0; i < consumer->build->state.images.count; i++) {
		const struct image_key *key = &consumer->keys[i];
		if (!image_seen(consumer, there, &images[i], err) ||
		    (key->key && !key_grant(consumer, there, key, err)))
			return error_context(err, "account %s: %s in %s", consumer->account, images[i].ami,
					     images[i].region);
	}
	build_note(consumer->build, "account %s sees the image in %zu regions", consumer->account,
		   consumer->build->state.images.count);
	return true;
}

static bool accounts_check(struct build *build, const struct image_key *keys, struct error *err)
{
	const struct text_list *accounts = &build->plan->share.accounts;
	_cleanup_(freep) struct consumer *items = mem_array(accounts->count, sizeof(*items));
	_cleanup_(freep) struct error *errors = mem_array(accounts->count, sizeof(*errors));
	struct error first = {0};
	size_t count = 0;

	for (size_t i = 0; i < accounts->count; i++) {
		if (!str_eq(accounts->items[i], build->plan->account))
			items[count++] = (struct consumer){build, accounts->items[i], keys};
	}
	return !count ||
	       parallel_each(items, count, sizeof(*items), ACCOUNTS_AT_ONCE, consumer_check, errors, &first) ||
	       build_errors_join(errors, count, err);
}

bool consumers_check(struct build *build, struct error *err)
{
	size_t count = build->state.images.count;
	_cleanup_(freep) struct image_key *keys = mem_array(count, sizeof(*keys));
	bool good;

	if (!build->plan->share.consumer_role)
		return true;
	good = keys_find(build, keys, err) && accounts_check(build, keys, err);
	for (size_t i = 0; i < count; i++)
		free(keys[i].key);
	return good;
}
