/* SPDX-License-Identifier: Apache-2.0
 *
 * From the table's rows to resources. */
#include "asks.h"

#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"

const struct need needs[] = {
#define NEED(service, operation, action, resources) {#service, #operation, action, resources},
#include "authorize.def"
#undef NEED
	{NULL},
};

bool need_is_of(const struct need *need, const char *service, const char *operation)
{
	return str_eq(need->service, service) && str_eq(need->operation, operation);
}

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

static void collect_word(struct request *rq, const struct need *need, const char *word, struct asks *asks)
{
	if (str_eq(word, "*"))
		asks_add(asks, need->action, "*");
	else if (!asks_launch(rq, need, word, asks) && !asks_other(rq, need, word, asks))
		asks_ec2(rq, need, word, asks);
}

void asks_collect(struct request *rq, const struct need *need, struct asks *asks)
{
	for (const char *rest = need->resources + strspn(need->resources, " "); *rest != '\0';
	     rest += strspn(rest, " ")) {
		size_t length = strcspn(rest, " ");
		_cleanup_(freep) char *word = mem_strndup(rest, length);
		collect_word(rq, need, word, asks);
		rest += length;
	}
}
