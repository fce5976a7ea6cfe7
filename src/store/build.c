/* SPDX-License-Identifier: Apache-2.0
 *
 * Builds: begun, ended, found again by who wants to go on with one. */
#include <string.h>

#include "bakery/clock.h"
#include "bakery/store.h"
#include "db.h"

static const char *const status_names[] = {
	[BUILD_RUNNING] = "running",	     [BUILD_DONE] = "done",
	[BUILD_FAILED] = "failed",	     [BUILD_INTERRUPTED] = "interrupted",
	[BUILD_QUARANTINED] = "quarantined",
};

const char *build_status_name(enum build_status status)
{
	return status_names[status];
}

static enum build_status status_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(status_names); i++) {
		if (str_eq(status_names[i], name))
			return (enum build_status)i;
	}
	return BUILD_FAILED; /* the table's CHECK admits no other */
}

static bool build_insert(struct store *store, const struct build_new *build, struct error *err)
{
	const struct build_origin *origin = &build->origin;
	return db_run(store,
		      "INSERT INTO build (build, recipe, project, channel, region, account, status, started_ms, "
		      "plan_sha256, recipe_sha256,"
		      " playbooks_sha256, source_ami, source_name, user, host, ci_job, ci_url, git_commit, git_branch, "
		      "git_dirty, version)"
		      " VALUES (?, ?, ?, ?, ?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		      VALUES(value_text(build->build), value_text(build->recipe), value_text(build->project),
			     value_text(build->channel), value_text(build->region), value_text(build->account),
			     value_int(build->started_ms ? build->started_ms : store_now_ms(store)),
			     value_text(build->plan_sha256), value_text(build->recipe_sha256),
			     value_text(build->playbooks_sha256), value_text(build->source_ami),
			     value_text(build->source_name), value_text(origin->user), value_text(origin->host),
			     value_text(origin->ci_job), value_text(origin->ci_url), value_text(origin->git_commit),
			     value_text(origin->git_branch), value_int(origin->git_dirty), value_text(origin->version)),
		      err);
}

static bool plan_insert(struct store *store, int64_t id, const char *plan, struct error *err)
{
	_cleanup_(str_free) struct str packed = STR_INIT;
	size_t size = plan ? strlen(plan) : 0;
	if (!plan)
		return true;
	pack(plan, size, &packed);
	return db_run(store, "INSERT INTO plan (build, size, data) VALUES (?, ?, ?)",
		      VALUES(value_int(id), value_int((int64_t)size), value_blob(packed.data, packed.len)), err);
}

bool store_build_create(struct store *store, const struct build_new *build, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;
	bool taken;
	if (strlen(build->build) >= BUILD_ID_SIZE)
		return error_set(err, ERROR_INTERNAL, "build id %s is too long", build->build);
	if (!transaction_write(&transaction, store, err) ||
	    !db_int(store, "SELECT id FROM build WHERE build = ?", VALUES(value_text(build->build)), &id, &taken, err))
		return false;
	if (taken)
		return error_set(err, ERROR_CONFLICT, "build %s exists already", build->build);
	if (!build_insert(store, build, err))
		return false;
	id = db_last_row(store);
	return plan_insert(store, id, build->plan, err) && claim_write(store, id, err) &&
	       transaction_commit(&transaction, err);
}

/* Ended without a reason and not newly done, as cleaning up does: the earlier end and its reason stay. */
static const char end_again_sql[] = "UPDATE build SET status = ?1, ended_ms = coalesce(ended_ms, ?2) WHERE id = ?3 AND "
				    "(?1 <> 'done' OR status = 'done')";
static const char end_sql[] =
	"UPDATE build SET status = ?, ended_ms = ?, error_kind = ?, error_code = ?, error_text = ? WHERE id = ?";

static bool status_write(struct store *store, int64_t id, const char *status, const struct error *why,
			 struct error *err)
{
	bool failed = why && why->kind != ERROR_NONE;
	if (!failed && !db_run(store, end_again_sql,
			       VALUES(value_text(status), value_int(store_now_ms(store)), value_int(id)), err))
		return false;
	if (!failed && db_changes(store))
		return true;
	return db_run(store, end_sql,
		      VALUES(value_text(status), value_int(store_now_ms(store)),
			     value_text(failed ? error_kind_name(why->kind) : NULL),
			     value_text(failed && why->code[0] ? why->code : NULL),
			     value_text(failed ? why->text : NULL), value_int(id)),
		      err);
}

bool store_build_end(struct store *store, const char *build, enum build_status status, const struct error *why,
		     struct error *err)
{
	if (!log_buffer_flush(store, err))
		return false;
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;
	return transaction_write(&transaction, store, err) && db_build_id(store, build, &id, err) &&
	       claim_fence(store, build, id, err) && status_write(store, id, build_status_name(status), why, err) &&
	       db_run(store, "DELETE FROM claim WHERE build = ?", VALUES(value_int(id)), err) &&
	       record_append_inside(store, build, id, err) && transaction_commit(&transaction, err);
}

static bool plan_text(struct store *store, int64_t id, struct arena *arena, const char **out, struct error *err)
{
	_cleanup_(rows_close) struct rows rows =
		db_rows(store, "SELECT data, size FROM plan WHERE build = ?", VALUES(value_int(id)));
	_cleanup_(str_free) struct str text = STR_INIT;
	*out = NULL;
	if (rows_next(&rows)) {
		size_t length;
		const void *data = rows_blob(&rows, 0, &length);
		if (!unpack(data, length, (size_t)rows_int(&rows, 1), &text, err))
			return error_context(err, "plan");
		*out = arena_strndup(arena, text.data, text.len);
	}
	return rows_ok(&rows, err);
}

static bool row_read(struct store *store, int64_t id, struct arena *arena, struct build_row *out, struct error *err)
{
	_cleanup_(rows_close) struct rows rows =
		db_rows(store,
			"SELECT b.build, b.recipe, b.plan_sha256, b.channel, b.started_ms, " SQL_STATUS ","
			" (SELECT state FROM stage WHERE build = b.id AND state IS NOT NULL ORDER BY id DESC LIMIT 1),"
			" b.status = 'quarantined' OR EXISTS (SELECT 1 FROM image WHERE build = b.id AND "
			"retire_after_ms IS NOT NULL)"
			" FROM build b LEFT JOIN claim c ON c.build = b.id WHERE b.id = ?",
			VALUES(value_int(id)));
	if (rows_next(&rows)) {
		*out = (struct build_row){
			.build = arena_strdup(arena, rows_text(&rows, 0)),
			.recipe = arena_strdup(arena, rows_text(&rows, 1)),
			.plan_sha256 = arena_strdup(arena, rows_text(&rows, 2)),
			.channel = arena_strdup(arena, rows_text(&rows, 3)),
			.started_ms = rows_int(&rows, 4),
			.status = status_named(rows_text(&rows, 5)),
			.state = arena_strdup(arena, rows_text(&rows, 6)),
			.quarantined = rows_int(&rows, 7),
		};
	}
	return rows_ok(&rows, err);
}

bool store_build_get(struct store *store, const char *build, struct arena *arena, struct build_row *out,
		     struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;
	if (!transaction_read(&transaction, store, err) || !db_build_id(store, build, &id, err) ||
	    !row_read(store, id, arena, out, err))
		return false;
	return (plan_text(store, id, arena, &out->plan, err) || error_context(err, "build %s", build)) &&
	       transaction_commit(&transaction, err);
}

/* Going on with what a newer build has superseded would be refused again. Each part is found by an index and is short:
 * what was killed, what was stopped, what was put in quarantine, and what failed but still holds something. */
static const char resumable_sql[] =
	"SELECT build FROM ("
	" SELECT * FROM (SELECT b.build, b.started_ms, b.id FROM build b LEFT JOIN claim c ON c.build = b.id"
	"  WHERE b.status = 'running' AND (?1 IS NULL OR b.recipe = ?1) AND NOT " SQL_HOLDER_ALIVE
	" ORDER BY b.started_ms DESC, b.id DESC LIMIT 1)"
	" UNION ALL SELECT * FROM (SELECT build, started_ms, id FROM build"
	"  WHERE status = 'interrupted' AND (?1 IS NULL OR recipe = ?1) ORDER BY started_ms DESC, id DESC LIMIT 1)"
	" UNION ALL SELECT * FROM (SELECT build, started_ms, id FROM build"
	"  WHERE status = 'quarantined' AND error_code IS NOT '" BUILD_SUPERSEDED
	"' AND (?1 IS NULL OR recipe = ?1) ORDER BY started_ms DESC, id DESC LIMIT 1)"
	" UNION ALL SELECT b.build, b.started_ms, b.id FROM (SELECT DISTINCT build FROM hold WHERE status IN "
	"('intended', 'held')) h"
	"  CROSS JOIN build b ON b.id = h.build WHERE b.status = 'failed' AND (?1 IS NULL OR b.recipe = ?1)"
	") ORDER BY started_ms DESC, id DESC LIMIT 1";

bool store_build_resumable(struct store *store, const char *recipe_or_null, char build[BUILD_ID_SIZE],
			   struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	build[0] = '\0';
	if (!transaction_read(&transaction, store, err))
		return false;
	_cleanup_(rows_close) struct rows rows = db_rows(store, resumable_sql, VALUES(value_text(recipe_or_null)));
	if (rows_next(&rows))
		strncat(build, rows_text(&rows, 0), BUILD_ID_SIZE - 1);
	if (!rows_ok(&rows, err))
		return false;
	rows_close(&rows);
	return transaction_commit(&transaction, err);
}
