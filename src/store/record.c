/* SPDX-License-Identifier: Apache-2.0
 *
 * The chain of records. When a build ends, all that is known of it is written down once more as canonical JSON, with a
 * hash over it and the hash of the record before: a row that is changed later, in the chain or in the tables, shows. */
#include <string.h>

#include "bakery/clock.h"
#include "bakery/crypto.h"
#include "bakery/store.h"
#include "rows_tree.h"

#define FIRST_PREVIOUS "0000000000000000000000000000000000000000000000000000000000000000"

/* What the record holds. Rows that are only added (by a later resume, a later scan) do not contradict it: a list in the
 * record must be the beginning of the list in the table. What lawfully changes afterwards (an image's state, the
 * ledger, the claim) is not in it. */
static const struct {
	const char *key, *sql;
} facts[] = {
	{"build", "SELECT build, recipe, project, channel, region, account, status, started_ms, ended_ms, plan_sha256, "
		  "recipe_sha256,"
		  " playbooks_sha256, source_ami, source_name, user, host, ci_job, ci_url, git_commit, git_branch, "
		  "git_dirty, version,"
		  " error_kind, error_code, error_text FROM build WHERE id = ?"},
	{"plan", "SELECT data AS plan_packed, size FROM plan WHERE build = ?"},
	{"stages", "SELECT stage, status, started_ms, ended_ms, error_kind, error_code, error_text FROM stage WHERE "
		   "build = ? ORDER BY id"},
	{"steps", "SELECT phase, playbook, playbook_sha256, step, name, result, why, file, line, exit_status, "
		  "attempts, started_ms, ended_ms,"
		  " output AS output_packed, output_size FROM step WHERE build = ? ORDER BY id"},
	{"controls",
	 "SELECT phase, control, step, answer, evidence, instance, at_ms FROM evidence WHERE build = ? ORDER BY id"},
	{"launches", "SELECT " LAUNCH_COLUMNS " FROM launch WHERE build = ? ORDER BY id"},
	{"documents", "SELECT " DOCUMENT_COLUMNS " FROM document WHERE build = ? ORDER BY kind, name"},
	{"images", "SELECT region, ami, name FROM image WHERE build = ? ORDER BY id"},
	{"parameters",
	 "SELECT region, name, value, previous, version, at_ms FROM parameter WHERE build = ? ORDER BY id"},
	{"log", "SELECT first_ms, last_ms, lines, data AS data_packed, size FROM log WHERE build = ? ORDER BY id"},
};

static bool facts_read(struct store *store, int64_t id, struct tree **out, struct error *err)
{
	_cleanup_(tree_freep) struct tree *record = tree_new_object();
	tree_set_int(record, "format", 1);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		struct tree *list;
		if (!rows_array(store, facts[i].sql, VALUES(value_int(id)), rows_facts, &list, err))
			return error_context(err, "%s", facts[i].key);
		tree_set(record, facts[i].key, list);
	}
	*out = take(&record);
	return true;
}

static void chain_hash(const char *previous, const struct str *json, char hex[SHA256_HEX_SIZE])
{
	_cleanup_(str_free) struct str text = STR_INIT;
	str_addf(&text, "%s\n", previous);
	str_add_n(&text, json->data, json->len);
	crypto_sha256_hex(text.data, text.len, hex);
}

struct head { /* of the chain */
	int64_t id;
	char sha256[SHA256_HEX_SIZE];
};

static bool head_read(struct store *store, struct head *head, struct error *err)
{
	_cleanup_(rows_close) struct rows rows =
		db_rows(store, "SELECT id, sha256 FROM record ORDER BY id DESC LIMIT 1", NO_VALUES);
	*head = (struct head){.sha256 = FIRST_PREVIOUS};
	if (rows_next(&rows)) {
		head->id = rows_int(&rows, 0);
		head->sha256[0] = '\0';
		strncat(head->sha256, rows_text(&rows, 1), sizeof(head->sha256) - 1);
	}
	return rows_ok(&rows, err);
}

/* Whether the build's newest record says the same already. */
static bool already_recorded(struct store *store, const char *build, const struct str *json, bool *same,
			     struct error *err)
{
	_cleanup_(rows_close) struct rows rows =
		db_rows(store, "SELECT data, size FROM record WHERE build = ? ORDER BY id DESC LIMIT 1",
			VALUES(value_text(build)));
	_cleanup_(str_free) struct str last = STR_INIT;
	*same = false;
	if (rows_next(&rows)) {
		size_t length;
		const void *data = rows_blob(&rows, 0, &length);
		if (!unpack(data, length, (size_t)rows_int(&rows, 1), &last, err))
			return error_context(err, "record of build %s", build);
		*same = last.len == json->len && memcmp(last.data, json->data, json->len) == 0;
	}
	return rows_ok(&rows, err);
}

static bool record_insert(struct store *store, const char *build, const struct str *json, struct error *err)
{
	_cleanup_(str_free) struct str packed = STR_INIT;
	char sha256[SHA256_HEX_SIZE];
	struct head head;
	if (!head_read(store, &head, err))
		return false;
	chain_hash(head.sha256, json, sha256);
	pack(json->data, json->len, &packed);
	return db_run(store,
		      "INSERT INTO record (id, build, at_ms, previous_sha256, sha256, size, data) VALUES (?, ?, ?, ?, "
		      "?, ?, ?)",
		      VALUES(value_int(head.id + 1), value_text(build), value_int(store_now_ms(store)),
			     value_text(head.sha256), value_text(sha256), value_int((int64_t)json->len),
			     value_blob(packed.data, packed.len)),
		      err);
}

bool record_append_inside(struct store *store, const char *build, int64_t id, struct error *err)
{
	_cleanup_(tree_freep) struct tree *record = NULL;
	_cleanup_(str_free) struct str json = STR_INIT;
	bool same;
	if (!facts_read(store, id, &record, err))
		return false;
	tree_to_json_canonical(record, &json);
	return already_recorded(store, build, &json, &same, err) && (same || record_insert(store, build, &json, err));
}

static bool is_running(struct store *store, int64_t id, bool *running, struct error *err)
{
	int64_t one;
	return db_int(store, "SELECT 1 FROM build WHERE id = ? AND status = 'running'", VALUES(value_int(id)), &one,
		      running, err);
}

bool store_record_append(struct store *store, const char *build, struct error *err)
{
	if (!log_buffer_flush(store, err))
		return false;
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;
	bool running;
	return transaction_write(&transaction, store, err) && db_build_id(store, build, &id, err) &&
	       is_running(store, id, &running, err) && (running || record_append_inside(store, build, id, err)) &&
	       transaction_commit(&transaction, err);
}

/* --- verifying --- */

static bool contradiction(const char *key, const struct tree *recorded, const struct tree *now, struct error *err)
{
	_cleanup_(str_free) struct str was = STR_INIT, is = STR_INIT;
	tree_to_json(recorded, &was);
	if (now)
		tree_to_json(now, &is);
	return error_set(err, ERROR_FAILED, "%s was %.200s when it was recorded and is %.200s now", key, was.data,
			 now ? is.data : "gone");
}

/* Everything in the record must still be so; what is new beside it is no contradiction. */
static bool still_holds(const char *key, const struct tree *recorded, const struct tree *now, struct error *err)
{
	enum tree_kind kind = tree_kind(recorded);
	if (kind != TREE_OBJECT && kind != TREE_ARRAY)
		return tree_equal(recorded, now) || contradiction(key, recorded, now, err);
	if (tree_kind(now) != kind)
		return contradiction(key, recorded, now, err);
	for (struct tree_iter i = tree_iter(recorded); tree_next(&i);) {
		_cleanup_(freep) char *path =
			kind == TREE_OBJECT ? mem_printf("%s.%s", key, i.key) : mem_printf("%s.%zu", key, i.index + 1);
		if (!still_holds(path, i.value, kind == TREE_OBJECT ? tree_key(now, i.key) : tree_at(now, i.index),
				 err))
			return false;
	}
	return true;
}

/* A build that is being worked on again has another status, end and error until it ends again. */
static void forget_what_may_differ(struct tree *record)
{
	static const char *const keys[] = {"status", "ended_ms", "error_kind", "error_code", "error_text"};
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		tree_remove(tree_get(record, "build.1"), keys[i]);
	tree_remove(record, "images");
	tree_remove(record, "documents");
}

static bool tables_check(struct store *store, const char *build, const struct str *json, struct error *err)
{
	_cleanup_(tree_freep) struct tree *recorded = tree_from_json(json->data, json->len, err), *now = NULL;
	int64_t id;
	bool running;
	if (!recorded || !db_build_id(store, build, &id, err) || !is_running(store, id, &running, err) ||
	    !facts_read(store, id, &now, err))
		return false;
	if (running)
		forget_what_may_differ(recorded);
	return still_holds("record", recorded, now, err);
}

struct link { /* of the chain: a row of record */
	int64_t id, expected;
	const char *build, *previous, *sha256;
	bool newest; /* of its build */
	struct str json;
};

static void link_free(struct link *link)
{
	str_free(&link->json);
}

static bool link_read(const struct rows *rows, struct link *link, struct error *err)
{
	size_t length;
	link->id = rows_int(rows, 0);
	link->build = rows_text(rows, 1);
	link->previous = rows_text(rows, 2);
	link->sha256 = rows_text(rows, 3);
	link->newest = rows_int(rows, 4);
	const void *data = rows_blob(rows, 5, &length);
	return unpack(data, length, (size_t)rows_int(rows, 6), &link->json, err);
}

static bool link_check(struct store *store, const struct link *link, const char *previous, struct error *err)
{
	char sha256[SHA256_HEX_SIZE];
	if (link->id != link->expected)
		return error_set(err, ERROR_FAILED, "record %lld is missing", (long long)link->expected);
	chain_hash(previous, &link->json, sha256);
	if (!str_eq(link->previous, previous) || !str_eq(link->sha256, sha256))
		return error_set(err, ERROR_FAILED, "its hash does not fit what it says and the record before it");
	return !link->newest || tables_check(store, link->build, &link->json, err);
}

static bool links_check(struct store *store, struct error *err)
{
	_cleanup_(link_free) struct link link = {.expected = 1, .json = STR_INIT};
	char previous[SHA256_HEX_SIZE] = FIRST_PREVIOUS;
	_cleanup_(rows_close) struct rows rows = db_rows(store,
							 "SELECT id, build, previous_sha256, sha256, id = (SELECT "
							 "max(id) FROM record n WHERE n.build = r.build), data, size"
							 " FROM record r ORDER BY id",
							 NO_VALUES);
	for (; rows_next(&rows); link.expected++) {
		if (!link_read(&rows, &link, err) || !link_check(store, &link, previous, err)) {
			err->kind = ERROR_FAILED;
			return error_context(err, "record %lld of build %s was changed", (long long)link.id,
					     link.build);
		}
		previous[0] = '\0';
		strncat(previous, link.sha256, sizeof(previous) - 1);
	}
	return rows_ok(&rows, err);
}

static bool pages_check(struct store *store, struct error *err)
{
	_cleanup_(rows_close) struct rows rows = db_rows(store, "PRAGMA integrity_check(1)", NO_VALUES);
	if (rows_next(&rows) && !str_eq(rows_text(&rows, 0), "ok"))
		return db_failed(store->path, SQLITE_CORRUPT, rows_text(&rows, 0), err);
	return rows_ok(&rows, err);
}

bool store_record_verify(struct store *store, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	return transaction_read(&transaction, store, err) && pages_check(store, err) && links_check(store, err) &&
	       transaction_commit(&transaction, err);
}
