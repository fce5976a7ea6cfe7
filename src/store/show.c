/* SPDX-License-Identifier: Apache-2.0
 *
 * One build whole: the head and a list for each table. */
#include "show.h"

#include "bakery/store.h"
#include "rows_tree.h"

struct tree *show_head(const struct rows *rows, struct error *err)
{
	return rows_object(rows, err);
}

static const char head_sql[] = "SELECT " SHOW_HEAD " FROM build b LEFT JOIN claim c ON c.build = b.id WHERE b.id = ?";

/* A run of a stage that says "running" while a newer one began, or while nobody works on the build, was cut off. */
#define STAGE_STATUS                                                                                                   \
	"CASE WHEN s.status = 'running' AND (s.id < (SELECT max(id) FROM stage WHERE build = s.build AND stage = "     \
	"s.stage) OR"                                                                                                  \
	" (SELECT " SQL_STATUS " FROM build b LEFT JOIN claim c ON c.build = b.id WHERE b.id = s.build) <> 'running')" \
	" THEN 'interrupted' ELSE s.status END"

static const struct {
	const char *key, *sql;
} lists[] = {
	{"images", "SELECT region, ami, name, state, snapshots AS snapshots_json, at_ms, retire_after_ms FROM image "
		   "WHERE build = ? ORDER BY id"},
	{"parameters",
	 "SELECT region, name, value, previous, version, at_ms FROM parameter WHERE build = ? ORDER BY id"},
	{"stages", "SELECT s.stage, " STAGE_STATUS
		   " AS status, s.started_ms, s.ended_ms, s.ended_ms - s.started_ms AS duration_span,"
		   " s.forgotten AS forgotten_flag, CASE WHEN s.error_kind IS NOT NULL THEN"
		   " json_object('kind', s.error_kind, 'code', s.error_code, 'text', s.error_text) END AS error_json"
		   " FROM stage s WHERE s.build = ? ORDER BY s.id"},
	{"launches", "SELECT " LAUNCH_COLUMNS " FROM launch WHERE build = ? ORDER BY id"},
	{"documents", "SELECT " DOCUMENT_COLUMNS " FROM document WHERE build = ? ORDER BY kind, name"},
	{"steps", "SELECT phase, playbook, playbook_sha256, step, name, result, why, file, line, exit_status, "
		  "attempts, started_ms, ended_ms,"
		  " ended_ms - started_ms AS duration_span, output AS output_packed, output_size FROM step WHERE build "
		  "= ? ORDER BY id"},
	{"controls", "SELECT control, phase, step, answer, evidence, instance, at_ms,"
		     " id = max(id) OVER (PARTITION BY phase, control, step) AS newest_flag FROM evidence WHERE build "
		     "= ? ORDER BY id"},
	{"holds", "SELECT kind, region, purpose, token, resource AS id, status, intended_ms AS since_ms FROM hold"
		  " WHERE build = ? AND status IN ('intended', 'held') ORDER BY id DESC"},
	{"records",
	 "SELECT r.id AS record, r.at_ms, r.sha256, r.previous_sha256 FROM record r JOIN build b ON b.build = r.build"
	 " WHERE b.id = ? ORDER BY r.id"},
};

static bool holder_add(struct store *store, int64_t id, struct tree *object, struct error *err)
{
	_cleanup_(tree_freep) struct tree *holders = NULL;
	if (!rows_array(store,
			"SELECT c.host, c.pid, c.heartbeat_ms, " SQL_HOLDER_ALIVE
			" AS alive_flag FROM claim c WHERE c.build = ?",
			VALUES(value_int(id)), rows_object, &holders, err))
		return false;
	tree_set(object, "holder", tree_count(holders) ? tree_share(tree_at(holders, 0)) : tree_new_null());
	return true;
}

static bool plan_add(struct store *store, int64_t id, struct tree *object, struct error *err)
{
	_cleanup_(rows_close) struct rows rows =
		db_rows(store, "SELECT data, size FROM plan WHERE build = ?", VALUES(value_int(id)));
	_cleanup_(str_free) struct str text = STR_INIT;
	struct tree *plan = tree_new_null();
	if (rows_next(&rows)) {
		size_t length;
		const void *data = rows_blob(&rows, 0, &length);
		tree_free(plan);
		plan = unpack(data, length, (size_t)rows_int(&rows, 1), &text, err)
			       ? tree_from_json(text.data, text.len, err)
			       : NULL;
		if (!plan)
			return error_context(err, "plan");
	}
	tree_set(object, "plan", plan);
	return rows_ok(&rows, err);
}

static bool head_read(struct store *store, int64_t id, struct tree **out, struct error *err)
{
	_cleanup_(tree_freep) struct tree *heads = NULL;
	if (!rows_array(store, head_sql, VALUES(value_int(id)), show_head, &heads, err))
		return false;
	*out = tree_copy(tree_at(heads, 0));
	return true;
}

static bool lists_add(struct store *store, int64_t id, struct tree *object, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct tree *list;
		if (!rows_array(store, lists[i].sql, VALUES(value_int(id)), rows_object, &list, err))
			return error_context(err, "%s", lists[i].key);
		tree_set(object, lists[i].key, list);
	}
	return true;
}

static bool show_inside(struct store *store, const char *build, struct tree **out, struct error *err)
{
	int64_t id;
	if (!db_build_id(store, build, &id, err))
		return false;
	if (!head_read(store, id, out, err) || !lists_add(store, id, *out, err) || !holder_add(store, id, *out, err) ||
	    !plan_add(store, id, *out, err))
		return error_context(err, "build %s", build);
	return true;
}

bool store_show(struct store *store, const char *build, struct tree **out, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	_cleanup_(tree_freep) struct tree *object = NULL;
	if (!transaction_read(&transaction, store, err) || !show_inside(store, build, &object, err) ||
	    !transaction_commit(&transaction, err))
		return false;
	*out = take(&object);
	return true;
}
