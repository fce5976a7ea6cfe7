/* SPDX-License-Identifier: Apache-2.0
 *
 * History, and finding one build. */
#include <string.h>

#include "bakery/store.h"
#include "rows_tree.h"
#include "show.h"

enum { HISTORY_LIMIT = 50 };

/* One way to ask: `status` is the word in the table; rows that say "running" are alive or were killed. */
static void add_part(struct str *sql, const struct history_filter *filter, const char *status, const char *and_alive)
{
	str_add(sql, "SELECT * FROM (SELECT b.id FROM build b");
	if (and_alive)
		str_add(sql, " LEFT JOIN claim c ON c.build = b.id");
	str_add(sql, " WHERE b.started_ms >= ?1");
	str_add(sql, filter->recipe ? " AND b.recipe = ?3" : " AND ?3 IS NULL");
	str_add(sql, filter->channel ? " AND b.channel = ?4" : " AND ?4 IS NULL");
	if (status)
		str_addf(sql, " AND b.status = '%s'", status);
	if (and_alive)
		str_addf(sql, " AND %s " SQL_HOLDER_ALIVE, and_alive);
	str_add(sql, " ORDER BY b.started_ms DESC, b.id DESC LIMIT ?2)");
}

static void add_parts(struct str *sql, const struct history_filter *filter)
{
	if (str_eq(filter->status, "interrupted")) {
		add_part(sql, filter, "running", "NOT");
		str_add(sql, " UNION ALL ");
	}
	add_part(sql, filter, filter->status, str_eq(filter->status, "running") ? "" : NULL);
}

static bool status_known(const char *status, struct error *err)
{
	for (int i = BUILD_RUNNING; i <= BUILD_QUARANTINED; i++) {
		if (!status || str_eq(status, build_status_name((enum build_status)i)))
			return true;
	}
	return error_set(err, ERROR_USAGE, "status \"%s\" is none of running, done, failed, interrupted, quarantined",
			 status);
}

static bool history_rows(struct store *store, const struct history_filter *filter, struct tree **out, struct error *err)
{
	_cleanup_(str_free) struct str sql = STR_INIT;
	str_add(&sql, "SELECT " SHOW_HEAD " FROM build b LEFT JOIN claim c ON c.build = b.id WHERE b.id IN (");
	add_parts(&sql, filter);
	str_add(&sql, ") ORDER BY b.started_ms DESC, b.id DESC LIMIT ?2");
	return rows_array(store, sql.data,
			  VALUES(value_int(filter->since_ms),
				 value_int(filter->limit > 0 ? filter->limit : HISTORY_LIMIT),
				 value_text(filter->recipe), value_text(filter->channel)),
			  show_head, out, err);
}

bool store_history(struct store *store, const struct history_filter *filter, struct tree **out, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	_cleanup_(tree_freep) struct tree *builds = NULL;
	if (!status_known(filter->status, err) || !transaction_read(&transaction, store, err) ||
	    !history_rows(store, filter, &builds, err) || !transaction_commit(&transaction, err))
		return false;
	*out = take(&builds);
	return true;
}

enum { CANDIDATES = 6 };

static bool candidates_find(struct store *store, const char *sql, const char *text, struct tree **out,
			    struct error *err)
{
	return rows_array(store, sql, VALUES(value_text(text)), rows_object, out, err);
}

static bool ambiguous(const char *text, const struct tree *candidates, struct error *err)
{
	_cleanup_(str_free) struct str names = STR_INIT;
	for (size_t i = 0; i < tree_count(candidates); i++)
		str_addf(&names, "%s%s", i ? ", " : "",
			 i < CANDIDATES - 1 ? tree_text(tree_at(candidates, i), "build") : "...");
	return error_set(err, ERROR_USAGE, "\"%s\" may be any of %s; give more of it", text, names.data);
}

/* Newest first, since that is the one people mean; the last character of Unicode closes the range. */
static const char prefix_sql[] = "SELECT build FROM build WHERE build >= ?1 AND build < ?1 || char(0x10ffff)"
				 " ORDER BY build DESC LIMIT 6";

static bool find_inside(struct store *store, const char *text, struct tree **out, struct error *err)
{
	static const char *const ways[] = {
		"SELECT build FROM build WHERE build = ?",
		"SELECT b.build FROM image i JOIN build b ON b.id = i.build WHERE i.ami = ? ORDER BY i.id DESC LIMIT 1",
		prefix_sql,
	};
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		_cleanup_(tree_freep) struct tree *candidates = NULL;
		if (!candidates_find(store, ways[i], text, &candidates, err))
			return false;
		if (tree_count(candidates) > 1)
			return ambiguous(text, candidates, err);
		if (tree_count(candidates) == 1) {
			*out = take(&candidates);
			return true;
		}
	}
	return error_set(err, ERROR_ABSENT,
			 "there is no build or image \"%s\" in %s; `bakery history` lists the builds", text,
			 store->path);
}

bool store_find(struct store *store, const char *build_or_ami, char build[BUILD_ID_SIZE], struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	_cleanup_(tree_freep) struct tree *found = NULL;
	build[0] = '\0';
	if (!*build_or_ami)
		return error_set(err, ERROR_USAGE, "an empty name is no build");
	if (!transaction_read(&transaction, store, err) || !find_inside(store, build_or_ami, &found, err) ||
	    !transaction_commit(&transaction, err))
		return false;
	strncat(build, tree_text(tree_at(found, 0), "build"), BUILD_ID_SIZE - 1);
	return true;
}
