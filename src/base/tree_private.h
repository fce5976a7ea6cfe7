/* SPDX-License-Identifier: Apache-2.0
 *
 * What tree.c shares with the readers beside it (tree_json.c, yaml.c). */
#ifndef BAKERY_BASE_TREE_PRIVATE_H
#define BAKERY_BASE_TREE_PRIVATE_H

#include <json-c/json.h>

#include "bakery/tree.h"

enum { TREE_MOST_DEPTH = 64 };

/* A struct tree is a json_object under another name. JSON's null is the C NULL in json-c, which could hold no position
 * and not be told from "absent"; so a null node is an empty json string with a mark in its user data. */
static inline struct json_object *tree_json(const struct tree *tree)
{
	return (struct json_object *)tree;
}

bool tree_is_null(const struct tree *tree);
/* What json-c parsed, with every C NULL made a null node; takes over json. */
struct tree *tree_adopt(struct json_object *json);

#endif
