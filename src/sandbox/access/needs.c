/* SPDX-License-Identifier: Apache-2.0
 *
 * From the table's rows to resources. */
#include "needs.h"

#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"

const struct need needs[] = {
#define NEED(service, operation, action, resources) {#service, #operation, action, resources},
#include "needs.def"
#undef NEED
	{NULL},
};

bool need_is_of(const struct need *need, const char *service, const char *operation)
{
	return str_eq(need->service, service) && str_eq(need->operation, operation);
}

static void collect_word(struct request *rq, const struct need *need, const char *word, struct asks *asks)
{
	if (str_eq(word, "*"))
		asks_add(asks, need->action, "*");
	else if (!asks_launch(rq, need, word, asks) && !asks_other(rq, need, word, asks))
		asks_ec2(rq, need, word, asks);
}

void need_collect(struct request *rq, const struct need *need, struct asks *asks)
{
	for (const char *rest = need->resources + strspn(need->resources, " "); *rest != '\0';
	     rest += strspn(rest, " ")) {
		size_t length = strcspn(rest, " ");
		_cleanup_(freep) char *word = mem_strndup(rest, length);
		collect_word(rq, need, word, asks);
		rest += length;
	}
}
