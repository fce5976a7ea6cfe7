/* SPDX-License-Identifier: Apache-2.0
 *
 * How EC2 takes keys: it answers at once and finds out later. A launch with a key that cannot be used goes from pending
 * to terminated, a copy from pending to failed.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html */
#include <stdio.h>

#include "bakery/str.h"
#include "kms.h"

static void condemn(struct kms_verdict *verdict, const char *code, const char *message)
{
	snprintf(verdict->code, sizeof verdict->code, "%s", code);
	snprintf(verdict->message, sizeof verdict->message, "%s", message);
}

static bool admits_all(struct request *rq, const struct tree *key, enum kms_use use)
{
	/* https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html#ebs-encryption-permissions
	 */
	static const char *const making[] = {"kms:DescribeKey", "kms:CreateGrant",
					     "kms:GenerateDataKeyWithoutPlaintext", "kms:Decrypt", NULL};
	static const char *const reading[] = {"kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt", "kms:ReEncryptFrom",
					      NULL};
	const char *const *needed = use == KMS_NEW_VOLUME ? making : reading;
	for (; *needed != NULL; needed++)
		if (!kms_admits(rq, key, *needed))
			return false;
	return true;
}

void kms_judge(struct request *rq, const char *named, enum kms_use use, struct kms_verdict *out)
{
	*out = (struct kms_verdict){0};
	_cleanup_(tree_freep) struct tree *key = kms_key_find(rq, named == NULL ? KMS_DEFAULT_ALIAS : named);
	snprintf(out->arn, sizeof out->arn, "%s", tree_text_or(key, "Arn", named == NULL ? "" : named));
	if (key == NULL)
		condemn(out, "Client.InvalidKMSKey.NotFound", "The KMS key provided does not exist");
	else if (!kms_key_enabled(key))
		condemn(out, "Client.InvalidKMSKey.InvalidState", "The KMS key provided is in an incorrect state");
	else if (!admits_all(rq, key, use))
		condemn(out, "Client.InternalError", "Client error on launch");
}

bool kms_arn_is_default(struct request *rq, const char *arn)
{
	_cleanup_(tree_freep) struct tree *key = arn == NULL ? NULL : kms_key_find(rq, arn);
	return kms_key_is_aws(key);
}
