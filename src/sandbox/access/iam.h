/* SPDX-License-Identifier: Apache-2.0
 *
 * IAM's nouns: roles and instance profiles, which belong to an account and to no region. Their documents look as IAM's
 * replies show them; members that open with "_" are the sandbox's own:
 *
 *   iam-role      _trust (text), _policies ({name: text}), _attached ([ARN])
 *   iam-profile   _role (name, or absent), _changed (ms)
 *
 * Each account has some from the start (iam_store.c). */
#ifndef BAKERY_SANDBOX_IAM_H
#define BAKERY_SANDBOX_IAM_H

#include "../request.h"
#include "sessions.h"

extern const struct operation iam_role_operations[], iam_role_policy_operations[], iam_profile_operations[],
	iam_user_operations[];

#define IAM_ROLE "iam-role"
#define IAM_PROFILE "iam-profile"

/* NULL when there is none; free it. */
struct tree *iam_find(struct request *rq, const char *account, const char *kind, const char *name);
struct tree *iam_list(struct request *rq, const char *account, const char *kind);
void iam_put(struct request *rq, const char *account, const char *kind, const char *name, const struct tree *document);
void iam_remove(struct request *rq, const char *account, const char *kind, const char *name);

struct tree *iam_new_role(const char *account, const char *path, const char *name, const char *trust, int64_t now_ms);
struct tree *iam_new_profile(const char *account, const char *path, const char *name, int64_t now_ms);

/* "arn:aws:iam::123456789012:role/path/name" -> account and name; false when it is no such ARN. */
bool iam_arn_split(const char *arn, const char *noun, char account[16], char name[136]);

/* The text of a managed policy of AWS's own that the sandbox knows, by ARN; NULL: not one of them. */
const char *managed_policy(const char *arn);

/* The profile that RunInstances names; refuses in EC2's words, also what EC2 does not see yet. Free it. */
bool iam_profile_to_launch(struct request *rq, const char *name, const char *arn, struct tree **profile);

#endif
