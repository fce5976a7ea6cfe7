/* SPDX-License-Identifier: Apache-2.0
 *
 * Client tokens: the same request with the same token is carried out once.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Run_Instance_Idempotency.html */
#include <stdio.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"

static void hash_arguments(const struct request *rq, char hex[SHA256_HEX_SIZE])
{
	_cleanup_(tree_freep) struct tree *copy = tree_copy(rq->args);
	_cleanup_(str_free) struct str text = STR_INIT;
	tree_remove(copy, "ClientToken");
	tree_to_json_canonical(copy, &text);
	crypto_sha256_hex(text.data, text.len, hex);
}

static char *token_key(const struct request *rq)
{
	return mem_printf("%s %s", rq->operation->name, arg_or(rq, "ClientToken", ""));
}

bool client_token_look(struct request *rq, char id[ID_SIZE])
{
	*id = '\0';
	const char *token = arg(rq, "ClientToken");
	if (token == NULL || *token == '\0')
		return true;
	if (strlen(token) > 128)
		return refuse(rq, "InvalidParameterValue", "ClientToken has more than 128 characters");
	char hex[SHA256_HEX_SIZE];
	hash_arguments(rq, hex);
	_cleanup_(freep) char *key = token_key(rq);
	_cleanup_(tree_freep) struct tree *known =
		state_get(rq->cloud->state, rq->caller.account, rq->region, "client-token", key);
	if (known == NULL)
		return true;
	if (!str_eq(tree_text(known, "arguments"), hex))
		return refuse(rq, "IdempotentParameterMismatch",
			      "The token %s was used by an earlier request with other parameters", token);
	snprintf(id, ID_SIZE, "%s", tree_text_or(known, "made", ""));
	return true;
}

void client_token_keep(struct request *rq, const char *id)
{
	const char *token = arg(rq, "ClientToken");
	if (token == NULL || *token == '\0')
		return;
	char hex[SHA256_HEX_SIZE];
	hash_arguments(rq, hex);
	_cleanup_(freep) char *key = token_key(rq);
	_cleanup_(tree_freep) struct tree *document = tree_new_object();
	tree_set_text(document, "arguments", hex);
	tree_set_text(document, "made", id);
	state_put(rq->cloud->state, rq->caller.account, rq->region, "client-token", key, document);
}
