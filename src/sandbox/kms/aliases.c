/* SPDX-License-Identifier: Apache-2.0
 *
 * Aliases of keys. */
#include <ctype.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"
#include "kms.h"

static bool check_alias(struct request *rq, const char *alias)
{
	bool good = str_starts(alias, "alias/") && alias[strlen("alias/")] != '\0' && strlen(alias) <= 256;
	for (const char *c = alias; *c != '\0'; c++)
		good = good && (isalnum((unsigned char)*c) || strchr(":/_-", *c) != NULL);
	if (!good)
		return refuse(rq, "ValidationException", "Alias must start with the prefix \"alias/\": %s", alias);
	return !str_starts(alias, "alias/aws/") ||
	       refuse(rq, "InvalidAliasNameException", "Aliases that begin with alias/aws/ are AWS's own");
}

static bool create_alias(struct request *rq)
{
	const char *alias = arg_or(rq, "AliasName", ""), *target = arg_or(rq, "TargetKeyId", "");
	if (!check_alias(rq, alias))
		return false;
	_cleanup_(tree_freep) struct tree *key = kms_key_asked(rq, target, "kms:CreateAlias");
	if (key == NULL)
		return false;
	if (strstr(target, "alias/") != NULL || !str_eq(tree_text(key, "AWSAccountId"), rq->caller.account))
		return refuse(rq, "ValidationException", "Aliases must refer to keys of this account: %s", target);
	_cleanup_(tree_freep) struct tree *known =
		state_get(rq->cloud->state, rq->caller.account, rq->region, "kms-alias", alias);
	if (known != NULL)
		return refuse(rq, "AlreadyExistsException",
			      "An alias with the name arn:aws:kms:%s:%s:%s already exists", rq->region,
			      rq->caller.account, alias);
	_cleanup_(tree_freep) struct tree *name = tree_new_object();
	tree_set_text(name, "AliasName", alias);
	tree_setf(name, "AliasArn", "arn:aws:kms:%s:%s:%s", rq->region, rq->caller.account, alias);
	tree_set_text(name, "TargetKeyId", tree_text(key, "KeyId"));
	tree_set(name, "CreationDate", tree_new_double((double)rq->now_ms / 1000));
	tree_set(name, "LastUpdatedDate", tree_new_double((double)rq->now_ms / 1000));
	put_new_object(rq, "kms-alias", alias, name);
	return true;
}

static bool delete_alias(struct request *rq)
{
	const char *alias = arg_or(rq, "AliasName", "");
	if (!check_alias(rq, alias))
		return false;
	_cleanup_(tree_freep) struct tree *known = find_object(rq, "kms-alias", alias);
	if (known == NULL)
		return refuse(rq, "NotFoundException", "Alias arn:aws:kms:%s:%s:%s is not found.", rq->region,
			      rq->caller.account, alias);
	remove_object(rq, "kms-alias", alias);
	return true;
}

static bool list_aliases(struct request *rq)
{
	const char *wanted = arg(rq, "KeyId");
	_cleanup_(tree_freep) struct tree *key = NULL;
	if (wanted != NULL) {
		key = kms_key_asked(rq, wanted, "kms:ListAliases");
		if (key == NULL)
			return false;
	}
	_cleanup_(tree_freep) struct tree *all = list_objects(rq, "kms-alias");
	struct tree *list = tree_new_array();
	for (struct tree_iter i = tree_iter(all); tree_next(&i);)
		if (key == NULL || str_eq(tree_text(i.value, "TargetKeyId"), tree_text(key, "KeyId")))
			tree_add(list, tree_share(i.value));
	return kms_reply_page(rq, "Aliases", list);
}

const struct operation kms_alias_operations[] = {
	{"CreateAlias", create_alias, 0, "AliasName! TargetKeyId!"},
	{"DeleteAlias", delete_alias, 0, "AliasName!"},
	{"ListAliases", list_aliases, 0, "KeyId Limit:int Marker"},
	{NULL},
};
