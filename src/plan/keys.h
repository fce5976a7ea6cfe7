/* SPDX-License-Identifier: Apache-2.0
 *
 * What a KMS key's policy says, as far as it can be told from outside of IAM. */
#ifndef BAKERY_PLAN_KEYS_H
#define BAKERY_PLAN_KEYS_H

#include "bakery/str.h"
#include "bakery/tree.h"

/* Who is to use a key: one of the three. */
struct key_user {
	const char *organization; /* ARN */
	const char *unit;	  /* ARN */
	const char *account;	  /* id */
};

/* What statements that admit the user do not allow of what starting an instance from an encrypted image takes:
 * "kms:CreateGrant, kms:Decrypt"; "" when all is there. False when no statement admits the user at all. Statements that
 * deny, and conditions that do not tell who asks, are left out of account: evaluating IAM is AWS's business. */
bool key_policy_admits(const struct tree *policy, const struct key_user *user, struct str *lacking);

#endif
