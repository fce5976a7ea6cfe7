/* SPDX-License-Identifier: Apache-2.0
 *
 * The build that a command line means. */
#include "build_choose.h"

#include <stdio.h>

bool build_choose(struct app *app, const struct text_list *operands, char build[BUILD_ID_SIZE], struct error *err)
{
	_cleanup_(tree_freep) struct tree *newest = NULL;
	if (operands->count)
		return store_find(app->store, operands->items[0], build, err);
	if (!store_history(app->store, &(struct history_filter){.limit = 1}, &newest, err))
		return false;
	if (!tree_count(newest))
		return error_set(err, ERROR_ABSENT, "there is no build in %s yet; `bakery build RECIPE` makes one",
				 store_path(app->store));
	snprintf(build, BUILD_ID_SIZE, "%s", tree_text_or(newest, "1.build", ""));
	return true;
}
