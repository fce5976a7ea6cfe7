/* SPDX-License-Identifier: Apache-2.0
 *
 * Resources of the services besides EC2: parameters, roles and profiles, accounts. */
#include <string.h>

#include "../organization.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "iam.h"
#include "needs.h"

static void add_tags(struct tree *context, const struct tree *tags)
{
	for (struct tree_iter i = tree_iter(tags); tree_next(&i);) {
		_cleanup_(freep) char *key = mem_printf("aws:ResourceTag/%s", tree_text_or(i.value, "Key", ""));
		tree_set_text(context, key, tree_text_or(i.value, "Value", ""));
	}
}

/* --- Parameter Store --- */

/* "/a/b:3", "b", "arn:...:parameter/a/b" */
static char *parameter_arn(struct request *rq, const char *asked, char **name)
{
	const char *at = str_starts(asked, "arn:") ? strstr(asked, ":parameter/") : NULL;
	if (at != NULL)
		asked = at + strlen(":parameter");
	*name = mem_strndup(asked, strcspn(asked, ":"));
	bool public = str_starts(*name, "/aws/");
	return mem_printf("arn:aws:ssm:%s:%s:parameter%s%s", rq->region, public ? "" : rq->caller.account,
			  **name == '/' ? "" : "/", *name);
}

static void add_parameter(struct request *rq, const struct need *need, const char *asked, struct asks *asks)
{
	_cleanup_(freep) char *name = NULL;
	_cleanup_(freep) char *arn = parameter_arn(rq, asked, &name);
	_cleanup_(tree_freep) struct tree *parameter =
		state_get(rq->cloud->state, rq->caller.account, rq->region, "parameter", name);
	struct ask *ask = asks_add(asks, need->action, arn);
	tree_set_text(ask->context, "aws:ResourceAccount", rq->caller.account);
	add_tags(ask->context, tree_key(parameter, "_tags"));
	asks_add_request_tags(ask->context, arg_tree(rq, "Tags"), "Key", "Value");
	if (arg(rq, "Overwrite") != NULL)
		tree_set_text(ask->context, "ssm:Overwrite", arg(rq, "Overwrite"));
}

/* --- IAM --- */

static void add_iam(struct request *rq, const struct need *need, const char *noun, const char *name, struct asks *asks)
{
	bool role = str_eq(noun, "role");
	_cleanup_(tree_freep) struct tree *document =
		iam_find(rq, rq->caller.account, role ? IAM_ROLE : IAM_PROFILE, name);
	_cleanup_(freep) char *made =
		mem_printf("arn:aws:iam::%s:%s%s%s", rq->caller.account, noun, arg_or(rq, "Path", "/"), name);
	struct ask *ask = asks_add(asks, need->action, tree_text_or(document, "Arn", made));
	tree_set_text(ask->context, "aws:ResourceAccount", rq->caller.account);
	add_tags(ask->context, tree_key(document, "Tags"));
	asks_add_request_tags(ask->context, arg_tree(rq, "Tags.member"), "Key", "Value");
	if (arg(rq, "PolicyArn") != NULL)
		tree_set_text(ask->context, "iam:PolicyARN", arg(rq, "PolicyArn"));
	if (arg(rq, "PermissionsBoundary") != NULL)
		tree_set_text(ask->context, "iam:PermissionsBoundary", arg(rq, "PermissionsBoundary"));
}

static void add_role(struct request *rq, const struct need *need, const char *name, struct asks *asks)
{
	add_iam(rq, need, "role", name, asks);
}

static void add_passed_role(struct request *rq, const struct need *need, const char *name, struct asks *asks)
{
	add_iam(rq, need, "role", name, asks);
	tree_set_text(asks->items[asks->count - 1].context, "iam:PassedToService", "ec2.amazonaws.com");
}

static void add_profile(struct request *rq, const struct need *need, const char *name, struct asks *asks)
{
	add_iam(rq, need, "instance-profile", name, asks);
}

static void add_user(struct request *rq, const struct need *need, const char *name, struct asks *asks)
{
	_cleanup_(freep) char *arn = mem_printf("arn:aws:iam::%s:user/%s", rq->caller.account, name);
	asks_add(asks, need->action, arn);
}

static void add_as_it_is(struct request *rq, const struct need *need, const char *arn, struct asks *asks)
{
	(void)rq;
	asks_add(asks, need->action, arn);
}

/* --- Organizations --- */

static void add_account(struct request *rq, const struct need *need, const char *account, struct asks *asks)
{
	(void)rq;
	_cleanup_(freep) char *arn =
		mem_printf("arn:aws:organizations::%s:account/%s/%s", CLOUD_ACCOUNT, ORGANIZATION_ID, account);
	asks_add(asks, need->action, arn);
}

static void add_unit(struct request *rq, const struct need *need, const char *id, struct asks *asks)
{
	(void)rq;
	_cleanup_(freep) char *arn = mem_printf("arn:aws:organizations::%s:%s/%s/%s", CLOUD_ACCOUNT,
						str_starts(id, "r-") ? "root" : "ou", ORGANIZATION_ID, id);
	asks_add(asks, need->action, arn);
}

/* --- words --- */

static bool has_tags(const struct request *rq)
{
	return arg_tree(rq, "Tags") != NULL;
}

static const struct {
	const char *word;
	void (*add)(struct request *rq, const struct need *need, const char *name, struct asks *asks);
	bool (*when)(const struct request *rq);
} words[] = {
	{"parameter", add_parameter, NULL},
	{"tagged-parameter", add_parameter, has_tags},
	{"role", add_role, NULL},
	{"tagged-role", add_role, has_tags},
	{"passed-role", add_passed_role, NULL},
	{"instance-profile", add_profile, NULL},
	{"tagged-instance-profile", add_profile, has_tags},
	{"user", add_user, NULL},
	{"principal", add_as_it_is, NULL},
	{"account", add_account, NULL},
	{"unit", add_unit, NULL},
};

bool asks_other(struct request *rq, const struct need *need, const char *word, struct asks *asks)
{
	size_t length = strcspn(word, "@");
	for (size_t i = 0; word[length] == '@' && i < ARRAY_SIZE(words); i++) {
		if (strlen(words[i].word) != length || strncmp(words[i].word, word, length) != 0)
			continue;
		if (words[i].when != NULL && !words[i].when(rq))
			return true;
		_cleanup_(tree_freep) struct tree *names = asks_texts(rq, word + length + 1);
		/* GetUser without a name means the caller's own. */
		if (words[i].add == add_user && tree_count(names) == 0)
			tree_add_text(names, rq->caller.name);
		for (struct tree_iter j = tree_iter(names); tree_next(&j);)
			words[i].add(rq, need, tree_text_or(j.value, NULL, ""), asks);
		return true;
	}
	return false;
}
