/* SPDX-License-Identifier: Apache-2.0
 *
 * Key pairs. A created pair's private key is given out once and not kept. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../machine/key_tools.h"
#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"

static struct tree *find_key(struct request *rq)
{
	if (arg(rq, "KeyPairId") == NULL)
		return find_object(rq, "key-pair", arg(rq, "KeyName"));
	_cleanup_(tree_freep) struct tree *keys = list_objects(rq, "key-pair");
	for (struct tree_iter i = tree_iter(keys); tree_next(&i);)
		if (str_eq(tree_text(i.value, "keyPairId"), arg(rq, "KeyPairId")))
			return tree_share(i.value);
	return NULL;
}

static bool check_new_key(struct request *rq)
{
	static const char *const types[] = {"key-pair", NULL};
	const char *name = arg_or(rq, "KeyName", "");
	if (*name == '\0' || strlen(name) > 255)
		return refuse(rq, "InvalidParameterValue",
			      "Invalid value '%s' for keyName. A key pair's name has 1 to 255 characters", name);
	_cleanup_(tree_freep) struct tree *known =
		state_get(rq->cloud->state, rq->caller.account, rq->region, "key-pair", name);
	if (known != NULL)
		return refuse(rq, "InvalidKeyPair.Duplicate", "The keypair already exists");
	return tag_specifications_check(rq, types);
}

static struct tree *key_document(struct request *rq, const char *type, const char *public_key, const char *fingerprint)
{
	char id[ID_SIZE], at[EC2_TIME_SIZE];
	make_id("key-", id);
	struct tree *key = tree_new_object();
	tree_set_text(key, "keyPairId", id);
	tree_set_text(key, "keyName", arg(rq, "KeyName"));
	tree_set_text(key, "keyFingerprint", fingerprint);
	tree_set_text(key, "keyType", type);
	tree_set_text(key, "createTime", ec2_time(rq->now_ms, at));
	tree_set_text(key, "_publicKey", public_key);
	return key;
}

static bool keep_key(struct request *rq, struct tree *key)
{
	static const char *const shown[] = {"keyPairId", "keyName", "keyFingerprint"};
	struct tree *tags = NULL;
	if (!tags_for(rq, "key-pair", &tags))
		return false;
	tree_set(key, "tagSet", tags);
	put_new_object(rq, "key-pair", tree_text(key, "keyName"), key);
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
		tree_set_text(rq->reply, shown[i], tree_text(key, shown[i]));
	tree_set(rq->reply, "tagSet", tree_copy(tree_key(key, "tagSet")));
	return true;
}

static bool create_key_pair(struct request *rq)
{
	const char *type = arg_or(rq, "KeyType", "rsa");
	if (!check_new_key(rq))
		return false;
	if (!str_eq(type, "rsa") && !str_eq(type, "ed25519"))
		return refuse(rq, "InvalidParameterValue", "Value (%s) for parameter KeyType is invalid", type);
	if (!str_eq(arg_or(rq, "KeyFormat", "pem"), "pem"))
		return refuse(rq, "InvalidParameterValue", "The sandbox makes keys in the format pem only");
	struct error err = {0};
	_cleanup_(ssh_key_pair_free) struct ssh_key_pair pair = {0};
	_cleanup_(freep) char *fingerprint = NULL;
	if (!key_tools_make(rq->cloud->folder, type, arg(rq, "KeyName"), &pair, &fingerprint, &err))
		return refuse(rq, "InternalError", "%s", err.text);
	_cleanup_(tree_freep) struct tree *key = key_document(rq, type, pair.public_key, fingerprint);
	tree_set_text(rq->reply, "keyMaterial", pair.private_key);
	return keep_key(rq, key);
}

static bool import_key_pair(struct request *rq)
{
	_cleanup_(str_free) struct str material = STR_INIT;
	if (!check_new_key(rq))
		return false;
	if (!crypto_base64_decode(arg_or(rq, "PublicKeyMaterial", ""), &material))
		return refuse(rq, "InvalidKey.Format", "Key is not in valid OpenSSH public key format");
	str_trim_right(&material);
	struct error err = {0};
	_cleanup_(freep) char *fingerprint = NULL;
	const char *type = key_tools_type(material.data);
	if (type == NULL || !key_tools_fingerprint(rq->cloud->folder, material.data, &fingerprint, &err))
		return refuse(rq, "InvalidKey.Format", "Key is not in valid OpenSSH public key format");
	_cleanup_(tree_freep) struct tree *key = key_document(rq, type, material.data, fingerprint);
	return keep_key(rq, key);
}

static bool delete_key_pair(struct request *rq)
{
	if (arg(rq, "KeyName") == NULL && arg(rq, "KeyPairId") == NULL)
		return refuse(rq, "MissingParameter", "The request must contain the parameter KeyName or KeyPairId");
	_cleanup_(tree_freep) struct tree *key = find_key(rq);
	reply_return(rq);
	if (key == NULL)
		return true;
	tree_set_text(rq->reply, "keyPairId", tree_text(key, "keyPairId"));
	remove_object(rq, "key-pair", tree_text(key, "keyName"));
	return true;
}

static const struct filter key_filters[] = {{"fingerprint", "keyFingerprint"},
					    {"key-name", "keyName"},
					    {"key-pair-id", "keyPairId"},
					    {"key-type", "keyType"},
					    {NULL, NULL}};

static bool wanted(const struct request *rq, const struct tree *key)
{
	const struct tree *names = arg_tree(rq, "KeyName"), *ids = arg_tree(rq, "KeyPairId");
	return (names == NULL || list_has(names, tree_text(key, "keyName"))) &&
	       (ids == NULL || list_has(ids, tree_text(key, "keyPairId")));
}

static bool check_names_known(struct request *rq, const struct tree *keys)
{
	for (struct tree_iter i = tree_iter(arg_tree(rq, "KeyName")); tree_next(&i);) {
		bool known = false;
		for (struct tree_iter j = tree_iter(keys); tree_next(&j);)
			known = known || str_eq(tree_text(j.value, "keyName"), tree_text(i.value, NULL));
		if (!known)
			return refuse(rq, "InvalidKeyPair.NotFound", "The key pair '%s' does not exist",
				      tree_text_or(i.value, NULL, ""));
	}
	return true;
}

static bool describe_key_pairs(struct request *rq)
{
	_cleanup_(tree_freep) struct tree *all = list_objects(rq, "key-pair");
	if (!check_names_known(rq, all))
		return false;
	struct tree *keys = tree_new_array();
	for (struct tree_iter i = tree_iter(all); tree_next(&i);) {
		if (!wanted(rq, i.value))
			continue;
		struct tree *key = tree_copy(i.value);
		if (arg_bool(rq, "IncludePublicKey", false))
			tree_set_text(key, "publicKey", tree_text(key, "_publicKey"));
		tree_add(keys, key);
	}
	return apply_filters(rq, key_filters, &keys) && reply_page(rq, "keySet", keys);
}

const struct operation ec2_key_operations[] = {
	{"CreateKeyPair", create_key_pair, OPERATION_DRY_RUN, "KeyName! KeyType KeyFormat " ARGS_TAGS},
	{"ImportKeyPair", import_key_pair, OPERATION_DRY_RUN, "KeyName! PublicKeyMaterial! " ARGS_TAGS},
	{"DeleteKeyPair", delete_key_pair, OPERATION_DRY_RUN, "KeyName KeyPairId"},
	{"DescribeKeyPairs", describe_key_pairs, OPERATION_DRY_RUN,
	 "KeyName.N KeyPairId.N IncludePublicKey:bool Filter.N.Name Filter.N.Value.N"},
	{NULL},
};
