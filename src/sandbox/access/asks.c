/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of permissions, and what of a request it is made of. */
#include "asks.h"

#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"

void asks_free(struct asks *asks)
{
	for (size_t i = 0; i < asks->count; i++) {
		free(asks->items[i].resource);
		tree_free(asks->items[i].context);
	}
	free(asks->items);
	*asks = (struct asks){0};
}

struct ask *asks_add(struct asks *asks, const char *action, const char *resource)
{
	asks->items = mem_grow(asks->items, asks->count + 1, sizeof *asks->items);
	struct ask *ask = &asks->items[asks->count++];
	*ask = (struct ask){action, mem_strdup(resource), tree_new_object()};
	return ask;
}

static void add_texts(struct tree *out, const struct tree *node, const char *path)
{
	const char *star = strstr(path, "*");
	if (star == NULL) {
		const struct tree *found = *path == '\0' ? node : tree_get(node, path);
		for (struct tree_iter i = tree_iter(tree_kind(found) == TREE_ARRAY ? found : NULL); tree_next(&i);)
			tree_add_text(out, tree_text_or(i.value, NULL, ""));
		if (tree_text(found, NULL) != NULL)
			tree_add_text(out, tree_text(found, NULL));
		return;
	}
	_cleanup_(freep) char *above = mem_strndup(path, star == path ? 0 : (size_t)(star - path - 1));
	const struct tree *list = *above == '\0' ? node : tree_get(node, above);
	for (struct tree_iter i = tree_iter(list); tree_next(&i);)
		add_texts(out, i.value, star[1] == '.' ? star + 2 : star + 1);
}

struct tree *asks_texts(struct request *rq, const char *path)
{
	struct tree *texts = tree_new_array();
	add_texts(texts, rq->args, path);
	return texts;
}

void asks_add_request_tags(struct tree *context, const struct tree *tags, const char *key_name, const char *value_name)
{
	if (tree_count(tags) == 0)
		return;
	struct tree *keys = tree_set_array(context, "aws:TagKeys");
	for (struct tree_iter i = tree_iter(tags); tree_next(&i);) {
		_cleanup_(freep) char *key = mem_printf("aws:RequestTag/%s", tree_text_or(i.value, key_name, ""));
		tree_set_text(context, key, tree_text_or(i.value, value_name, ""));
		tree_add_text(keys, tree_text_or(i.value, key_name, ""));
	}
}
