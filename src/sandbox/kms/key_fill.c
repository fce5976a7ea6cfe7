/* SPDX-License-Identifier: Apache-2.0
 *
 * A key as it is new, and the keys that are there from the start. */
#include <stdio.h>
#include <string.h>

#include "../organization.h"
#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "kms.h"

struct tree *kms_key_new(const char *account, const char *region, const char *id, int64_t created_ms)
{
	struct tree *key = tree_new_object();
	tree_set_text(key, "AWSAccountId", account);
	tree_set_text(key, "KeyId", id);
	tree_setf(key, "Arn", "arn:aws:kms:%s:%s:key/%s", region, account, id);
	tree_set(key, "CreationDate", tree_new_double((double)created_ms / 1000));
	tree_set_bool(key, "Enabled", true);
	tree_set_text(key, "Description", "");
	tree_set_text(key, "KeyUsage", "ENCRYPT_DECRYPT");
	tree_set_text(key, "KeyState", "Enabled");
	tree_set_text(key, "Origin", "AWS_KMS");
	tree_set_text(key, "KeyManager", "CUSTOMER");
	tree_set_text(key, "CustomerMasterKeySpec", "SYMMETRIC_DEFAULT");
	tree_set_text(key, "KeySpec", "SYMMETRIC_DEFAULT");
	tree_add_text(tree_set_array(key, "EncryptionAlgorithms"), "SYMMETRIC_DEFAULT");
	tree_set_bool(key, "MultiRegion", false);
	tree_set_text(key, "_account", account);
	return key;
}

/* A UUID that is the same for the same seed. */
static void stable_uuid(const char *account, const char *region, const char *name, char id[37])
{
	char hex[SHA256_HEX_SIZE];
	_cleanup_(freep) char *seed = mem_printf("bakery sandbox key %s %s %s", account, region, name);
	crypto_sha256_hex(seed, strlen(seed), hex);
	snprintf(id, 37, "%.8s-%.4s-4%.3s-8%.3s-%.12s", hex, hex + 8, hex + 12, hex + 15, hex + 18);
}

static char *organization_policy(const char *account)
{
	return mem_printf(
		"{\"Version\":\"2012-10-17\",\"Statement\":["
		"{\"Sid\":\"Administration\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::%s:root\"},"
		"\"Action\":\"kms:*\",\"Resource\":\"*\"},"
		"{\"Sid\":\"Organization\",\"Effect\":\"Allow\",\"Principal\":\"*\","
		"\"Action\":[\"kms:Decrypt\",\"kms:DescribeKey\",\"kms:Encrypt\",\"kms:GenerateDataKey*\",\"kms:"
		"ReEncrypt*\",\"kms:CreateGrant\"],"
		"\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"aws:PrincipalOrgID\":\"%s\"}}}]}",
		account, ORGANIZATION_ID);
}

static char *service_policy(const char *account)
{
	return mem_printf(
		"{\"Version\":\"2012-10-17\",\"Id\":\"auto-ebs-2\",\"Statement\":[{\"Sid\":\"Allow access through EBS "
		"for all principals in the account that are authorized to use EBS\",\"Effect\":\"Allow\","
		"\"Principal\":{\"AWS\":\"*\"},"
		"\"Action\":[\"kms:Encrypt\",\"kms:Decrypt\",\"kms:ReEncrypt*\",\"kms:GenerateDataKey*\",\"kms:"
		"CreateGrant\",\"kms:DescribeKey\"],"
		"\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"kms:CallerAccount\":\"%s\"}}},"
		"{\"Sid\":\"Allow direct access to key metadata to the account\",\"Effect\":\"Allow\","
		"\"Principal\":{\"AWS\":\"arn:aws:iam::%s:root\"},"
		"\"Action\":[\"kms:Describe*\",\"kms:Get*\",\"kms:List*\",\"kms:RevokeGrant\"],\"Resource\":\"*\"}]}",
		account, account);
}

static void fill_one(struct cloud *cloud, const char *account, const char *region, const char *alias, bool aws,
		     const char *policy)
{
	char id[37];
	stable_uuid(account, region, alias, id);
	_cleanup_(tree_freep) struct tree *known = state_get(cloud->state, account, region, "kms-key", id);
	if (known != NULL)
		return;
	_cleanup_(tree_freep) struct tree *key = kms_key_new(account, region, id, cloud->started_ms);
	_cleanup_(tree_freep) struct tree *name = tree_new_object();
	tree_set_text(key, "KeyManager", aws ? "AWS" : "CUSTOMER");
	tree_set_text(key, "Description",
		      aws ? "Default key that protects my EBS volumes when no other key is defined"
			  : "Images that the organization shares");
	tree_set_text(key, "_policy", policy);
	tree_set_bool(key, "_rotation", aws);
	tree_set_text(name, "AliasName", alias);
	tree_setf(name, "AliasArn", "arn:aws:kms:%s:%s:%s", region, account, alias);
	tree_set_text(name, "TargetKeyId", id);
	state_put(cloud->state, account, region, "kms-key", id, key);
	state_put(cloud->state, account, region, "kms-alias", alias, name);
}

void kms_fill(struct cloud *cloud, const char *account, const char *region)
{
	_cleanup_(freep) char *service = service_policy(account);
	_cleanup_(freep) char *organization = organization_policy(account);
	fill_one(cloud, account, region, KMS_DEFAULT_ALIAS, true, service);
	if (str_eq(account, CLOUD_ACCOUNT))
		fill_one(cloud, account, region, "alias/bakery", false, organization);
}
