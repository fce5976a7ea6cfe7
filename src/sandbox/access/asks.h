/* SPDX-License-Identifier: Apache-2.0
 *
 * The permissions that a request needs, one for each resource that it touches, with what conditions may look at. */
#ifndef BAKERY_SANDBOX_ASKS_H
#define BAKERY_SANDBOX_ASKS_H

#include "../request.h"

struct ask {
	const char *action; /* borrowed of the table */
	char *resource;
	struct tree *context; /* keys besides those that every request has */
};
struct asks {
	struct ask *items;
	size_t count;
};
void asks_free(struct asks *asks);
struct ask *asks_add(struct asks *asks, const char *action, const char *resource); /* with an empty context */

/* The resource of one of EC2's nouns: of an id (or name), or "*" for one that is to be made. */
struct ask *asks_add_ec2(struct request *rq, struct asks *asks, const char *action, const char *noun, const char *id);

/* Every text at a path of the arguments, in which "*" stands for each item of a list. Free it. */
struct tree *asks_texts(struct request *rq, const char *path);

/* aws:RequestTag/KEY and aws:TagKeys of a list of tags. */
void asks_add_request_tags(struct tree *context, const struct tree *tags, const char *key_name, const char *value_name);

#endif
