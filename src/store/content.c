/* SPDX-License-Identifier: Apache-2.0
 *
 * What the record holds: steps with their output, evidence, images, parameters. */
#include <string.h>

#include "bakery/clock.h"
#include "bakery/store.h"
#include "rows_tree.h"

bool store_step_add(struct store *store, const struct step_row *step, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	_cleanup_(str_free) struct str packed = STR_INIT;
	size_t size = step->output ? strlen(step->output) : 0;
	int64_t id;
	pack(step->output ? step->output : "", size, &packed);
	struct value output = packed.len == size ? value_text(step->output) : value_blob(packed.data, packed.len);
	return transaction_write_lazily(&transaction, store, err) && db_build_id(store, step->build, &id, err) &&
	       db_run(store,
		      "INSERT INTO step (build, phase, playbook, playbook_sha256, step, name, result, why, file, line, "
		      "exit_status, attempts,"
		      " started_ms, ended_ms, output_size, output) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
		      "?, ?)",
		      VALUES(value_int(id), value_text(step->phase), value_text(step->playbook),
			     value_text(step->playbook_sha256), value_text(step->step), value_text(step->name),
			     value_text(step->result), value_text(step->why), value_text(step->file),
			     value_int(step->line), value_int(step->status), value_int(step->attempts),
			     value_int(step->started_ms), value_int(step->ended_ms), value_int((int64_t)size), output),
		      err) &&
	       transaction_commit(&transaction, err);
}

bool store_step_list(struct store *store, const char *build, int64_t skip, struct tree **out, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	_cleanup_(tree_freep) struct tree *steps = NULL;
	int64_t id;
	if (!transaction_read(&transaction, store, err) || !db_build_id(store, build, &id, err) ||
	    !rows_array(store,
			"SELECT phase, playbook, playbook_sha256, step, result FROM step WHERE build = ? ORDER BY id"
			" LIMIT -1 OFFSET ?",
			VALUES(value_int(id), value_int(skip)), rows_object, &steps, err) ||
	    !transaction_commit(&transaction, err))
		return false;
	*out = take(&steps);
	return true;
}

bool store_evidence_add(struct store *store, const struct evidence_row *evidence, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;
	return transaction_write_lazily(&transaction, store, err) && db_build_id(store, evidence->build, &id, err) &&
	       db_run(store,
		      "INSERT INTO evidence (build, phase, control, step, answer, evidence, instance, at_ms) VALUES "
		      "(?, ?, ?, ?, ?, ?, ?, ?)",
		      VALUES(value_int(id), value_text(evidence->phase), value_text(evidence->control),
			     value_text(evidence->step), value_text(evidence->answer), value_text(evidence->evidence),
			     value_text(evidence->instance), value_int(evidence->at_ms)),
		      err) &&
	       transaction_commit(&transaction, err);
}

static const char evidence_sql[] =
	"SELECT control, step, answer, evidence, instance, at_ms FROM evidence WHERE id IN"
	" (SELECT max(id) FROM evidence WHERE build = ? AND phase = ? GROUP BY step, control) ORDER BY id";

bool store_evidence_list(struct store *store, const char *build, const char *phase, struct tree **out,
			 struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	_cleanup_(tree_freep) struct tree *list = NULL;
	int64_t id;
	if (!transaction_read(&transaction, store, err) || !db_build_id(store, build, &id, err) ||
	    !rows_array(store, evidence_sql, VALUES(value_int(id), value_text(phase)), rows_object, &list, err) ||
	    !transaction_commit(&transaction, err))
		return false;
	*out = take(&list);
	return true;
}

/* What is not JSON would make the whole build unreadable later. */
static bool snapshots_check(const char *snapshots_json, struct error *err)
{
	_cleanup_(tree_freep) struct tree *tree = NULL;
	if (!snapshots_json)
		return true;
	tree = tree_from_json(snapshots_json, strlen(snapshots_json), err);
	return tree || error_context(err, "snapshots");
}

bool store_image_put(struct store *store, const char *build, const char *region, const char *ami, const char *name,
		     const char *snapshots_json, const char *state, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;
	return snapshots_check(snapshots_json, err) && transaction_write(&transaction, store, err) &&
	       db_build_id(store, build, &id, err) &&
	       db_run(store,
		      "INSERT INTO image (build, region, ami, name, snapshots, state, at_ms) VALUES (?, ?, ?, ?, ?, ?, "
		      "?)"
		      " ON CONFLICT (build, region) DO UPDATE SET ami = excluded.ami, name = excluded.name,"
		      " snapshots = coalesce(excluded.snapshots, CASE WHEN ami = excluded.ami THEN snapshots END), "
		      "state = excluded.state",
		      VALUES(value_int(id), value_text(region), value_text(ami), value_text(name),
			     value_text(snapshots_json), value_text(state), value_int(store_now_ms(store))),
		      err) &&
	       transaction_commit(&transaction, err);
}

bool store_image_state(struct store *store, const char *build, const char *region, const char *state, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;
	if (!transaction_write(&transaction, store, err) || !db_build_id(store, build, &id, err) ||
	    !db_run(store, "UPDATE image SET state = ? WHERE build = ? AND region = ?",
		    VALUES(value_text(state), value_int(id), value_text(region)), err))
		return false;
	if (db_changes(store) != 1)
		return error_set(err, ERROR_ABSENT, "build %s has no image in %s", build, region);
	return transaction_commit(&transaction, err);
}

bool store_image_quarantine(struct store *store, const char *build, const char *region, int64_t retire_ms,
			    struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;
	if (!transaction_write(&transaction, store, err) || !db_build_id(store, build, &id, err) ||
	    !db_run(store,
		    "UPDATE image SET retire_after_ms = nullif(?1, 0), state = CASE ?1 WHEN 0 THEN state ELSE "
		    "'quarantined' END WHERE build = ?2 AND region = ?3",
		    VALUES(value_int(retire_ms), value_int(id), value_text(region)), err))
		return false;
	if (db_changes(store) != 1)
		return error_set(err, ERROR_ABSENT, "build %s has no image in %s", build, region);
	return transaction_commit(&transaction, err);
}

bool store_parameter_add(struct store *store, const struct parameter_row *parameter, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;
	return transaction_write(&transaction, store, err) && db_build_id(store, parameter->build, &id, err) &&
	       db_run(store,
		      "INSERT INTO parameter (build, region, name, value, previous, version, at_ms) VALUES (?, ?, ?, "
		      "?, ?, ?, ?)",
		      VALUES(value_int(id), value_text(parameter->region), value_text(parameter->name),
			     value_text(parameter->value), value_text(parameter->previous),
			     value_int(parameter->version), value_int(parameter->at_ms)),
		      err) &&
	       transaction_commit(&transaction, err);
}

bool store_parameter_last(struct store *store, const char *recipe, const char *region, const char *name,
			  struct arena *arena, struct parameter_row *out, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	*out = (struct parameter_row){.region = region, .name = name};
	if (!transaction_read(&transaction, store, err))
		return false;
	_cleanup_(rows_close) struct rows rows = db_rows(
		store,
		"SELECT p.value, p.version, p.at_ms FROM build b JOIN parameter p ON p.build = b.id"
		" WHERE b.recipe = ? AND p.region = ? AND p.name = ? ORDER BY b.started_ms DESC, p.id DESC LIMIT 1",
		VALUES(value_text(recipe), value_text(region), value_text(name)));
	if (rows_next(&rows)) {
		out->value = arena_strdup(arena, rows_text(&rows, 0));
		out->version = rows_int(&rows, 1);
		out->at_ms = rows_int(&rows, 2);
	}
	if (!rows_ok(&rows, err))
		return false;
	rows_close(&rows);
	return transaction_commit(&transaction, err);
}
