/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys: documents as DescribeKey shows them, kept under their account. Nothing is ever encrypted with them; what is
 * kept of KMS is who may use which key and in which state a key can be used, for that is what images stumble over. */
#ifndef BAKERY_SANDBOX_KMS_H
#define BAKERY_SANDBOX_KMS_H

#include "../request.h"

extern const struct operation kms_key_operations[], kms_alias_operations[], kms_grant_operations[],
	kms_policy_operations[];

#define KMS_DEFAULT_ALIAS "alias/aws/ebs" /* EBS's own key, which every account has in every region */
#define KMS_ARN_SIZE 160

/* An enabled customer key without a policy. Free it. */
struct tree *kms_key_new(const char *account, const char *region, const char *id, int64_t created_ms);
/* The keys that an account finds in a region: EBS's own, and for the sandbox's account alias/bakery, whose policy
 * admits the organization. */
void kms_fill(struct cloud *cloud, const char *account, const char *region);

/* Of an id, an alias or the ARN of either, in the request's region; NULL: there is none. Free it. */
struct tree *kms_key_find(struct request *rq, const char *named);
/* The same for KMS's own operations: refuses when it is absent, or when the caller may not do `action` with it. */
struct tree *kms_key_asked(struct request *rq, const char *named, const char *action);
struct tree *kms_key_owned(struct request *rq,
			   const char *action);		      /* of argument KeyId, a customer key of the caller */
void kms_key_put(struct request *rq, const struct tree *key); /* under its owner */
bool kms_key_enabled(const struct tree *key);
bool kms_key_is_aws(const struct tree *key); /* managed by AWS: neither changed nor shared */

/* Whether the key's policy or a grant lets the caller do the action ("kms:Decrypt"). */
bool kms_admits(struct request *rq, const struct tree *key, const char *action);
const char *kms_what_lacks(struct request *rq, const struct tree *key,
			   const char *action); /* "identity-based" or "resource-based", when it is not admitted */
bool kms_grant_admits(struct request *rq, const struct tree *key, const char *action);
bool kms_policy_check(struct request *rq, const char *policy); /* refuses one that is no policy */
char *kms_default_policy(const char *account);		       /* free it */

/* What comes of a volume's or snapshot's key when it is made. EC2 answers before it has asked KMS, so a key that cannot
 * be used shows later: code and message are then what the thing fails with; "" when it is good. */
struct kms_verdict {
	char arn[KMS_ARN_SIZE];
	char code[64], message[160];
};
enum kms_use { KMS_NEW_VOLUME, KMS_READ_SNAPSHOT };
/* named NULL: EBS's own key. */
void kms_judge(struct request *rq, const char *named, enum kms_use use, struct kms_verdict *out);
bool kms_arn_is_default(struct request *rq, const char *arn); /* EBS's own key, with which nothing can be shared */

/* Lists of KMS: the page that Limit and Marker ask for becomes reply[key]; takes items over. */
bool kms_reply_page(struct request *rq, const char *key, struct tree *items);

#endif
