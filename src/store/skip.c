/* SPDX-License-Identifier: Apache-2.0
 *
 * What was not built because nothing had changed. */
#include "bakery/clock.h"
#include "bakery/store.h"
#include "rows_tree.h"

enum { SKIP_LIMIT = 50 };

bool store_skip_add(struct store *store, const struct skip_row *skip, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	const struct build_origin *origin = &skip->origin;
	int64_t build;

	return transaction_write(&transaction, store, err) && db_build_id(store, skip->build, &build, err) &&
	       db_run(store,
		      "INSERT INTO skip (recipe, build, reason, user, host, ci_job, at_ms) VALUES (?, ?, ?, ?, ?, ?, "
		      "?)",
		      VALUES(value_text(skip->recipe), value_int(build), value_text(skip->reason),
			     value_text(origin->user), value_text(origin->host), value_text(origin->ci_job),
			     value_int(skip->at_ms ? skip->at_ms : store_now_ms(store))),
		      err) &&
	       transaction_commit(&transaction, err);
}

bool store_skip_list(struct store *store, const struct history_filter *filter, struct tree **out, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	_cleanup_(tree_freep) struct tree *skips = NULL;

	if (!transaction_read(&transaction, store, err) ||
	    !rows_array(store,
			"SELECT s.recipe, s.at_ms, b.build, s.reason, s.user, s.host, s.ci_job FROM skip s"
			" JOIN build b ON b.id = s.build WHERE s.at_ms >= ?1 AND (?3 IS NULL OR s.recipe = ?3)"
			" AND (?4 IS NULL OR b.channel = ?4) ORDER BY s.at_ms DESC, s.id DESC LIMIT ?2",
			VALUES(value_int(filter->since_ms), value_int(filter->limit > 0 ? filter->limit : SKIP_LIMIT),
			       value_text(filter->recipe), value_text(filter->channel)),
			rows_object, &skips, err) ||
	    !transaction_commit(&transaction, err))
		return false;
	*out = take(&skips);
	return true;
}
