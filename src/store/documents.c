/* SPDX-License-Identifier: Apache-2.0
 *
 * Documents that belong to a build: its SBOM, what lies under /etc, a scanner's own report. Kept compressed; the chain
 * of records knows them by their sha256. */
#include "bakery/clock.h"
#include "bakery/crypto.h"
#include "bakery/store.h"
#include "rows_tree.h"

bool store_document_put(struct store *store, const struct document_row *document, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	_cleanup_(str_free) struct str packed = STR_INIT;
	char sha256[SHA256_HEX_SIZE];
	int64_t id;

	pack(document->data, document->size, &packed);
	crypto_sha256_hex(document->data, document->size, sha256);
	return transaction_write(&transaction, store, err) && db_build_id(store, document->build, &id, err) &&
	       db_run(store,
		      "INSERT INTO document (build, kind, name, media_type, size, sha256, data, at_ms) VALUES "
		      "(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (build, kind, name) DO UPDATE SET media_type = "
		      "excluded.media_type, size = excluded.size, sha256 = excluded.sha256, data = excluded.data, "
		      "at_ms = excluded.at_ms",
		      VALUES(value_int(id), value_text(document->kind), value_text(document->name),
			     value_text(document->media_type), value_int((int64_t)document->size), value_text(sha256),
			     value_blob(packed.data, packed.len), value_int(store_now_ms(store))),
		      err) &&
	       transaction_commit(&transaction, err);
}

static bool document_read(struct store *store, int64_t id, const char *kind, const char *name, struct str *out,
			  struct error *err)
{
	_cleanup_(rows_close) struct rows rows =
		db_rows(store, "SELECT data, size FROM document WHERE build = ? AND kind = ? AND name = ?",
			VALUES(value_int(id), value_text(kind), value_text(name)));
	size_t length;

	if (!rows_next(&rows))
		return rows_ok(&rows, err) && error_set(err, ERROR_ABSENT, "the build has no %s %s", kind, name);
	const void *data = rows_blob(&rows, 0, &length);
	return unpack(data, length, (size_t)rows_int(&rows, 1), out, err) || error_context(err, "%s %s", kind, name);
}

bool store_document_get(struct store *store, const char *build, const char *kind, const char *name, struct str *out,
			struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;

	return transaction_read(&transaction, store, err) && db_build_id(store, build, &id, err) &&
	       document_read(store, id, kind, name, out, err) && transaction_commit(&transaction, err);
}
