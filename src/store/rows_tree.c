/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows as trees. See rows_tree.h. */
#include "rows_tree.h"

#include <stdio.h>
#include <string.h>

#include "bakery/clock.h"
#include "bakery/crypto.h"
#include "bakery/utf8.h"

struct tree *tree_new_time(int64_t ms)
{
	char text[CLOCK_TEXT_SIZE];
	clock_rfc3339_ms(ms, text);
	return tree_new_text(text);
}

/* By way of its text: 83.412 stays 83.412. */
struct tree *tree_new_seconds(int64_t ms)
{
	struct error ignored;
	char text[32];
	int length = snprintf(text, sizeof(text), "%s%lld.%03lld", ms < 0 ? "-" : "",
			      (long long)(ms < 0 ? -ms : ms) / 1000, (long long)(ms < 0 ? -ms : ms) % 1000);
	return tree_from_json(text, (size_t)length, &ignored);
}

static struct tree *clean_text(const void *data, size_t length)
{
	_cleanup_(str_free) struct str clean = STR_INIT;
	utf8_add_clean(&clean, data, length);
	return tree_new_text_n(clean.data, clean.len);
}

static struct tree *plain(const struct rows *rows, int column)
{
	size_t length;
	const void *data;
	if (rows_null(rows, column))
		return tree_new_null();
	if (sqlite3_column_type(rows->statement, column) == SQLITE_INTEGER)
		return tree_new_int(rows_int(rows, column));
	data = rows_blob(rows, column, &length);
	return clean_text(data, length);
}

static struct tree *as_time(const struct rows *rows, int column, struct error *err)
{
	return rows_null(rows, column) ? tree_new_null() : tree_new_time(rows_int(rows, column));
}

static struct tree *as_seconds(const struct rows *rows, int column, struct error *err)
{
	return rows_null(rows, column) ? tree_new_null() : tree_new_seconds(rows_int(rows, column));
}

static struct tree *as_flag(const struct rows *rows, int column, struct error *err)
{
	return tree_new_bool(rows_int(rows, column));
}

static struct tree *as_document(const struct rows *rows, int column, struct error *err)
{
	_cleanup_(str_free) struct str clean = STR_INIT;
	if (rows_null(rows, column))
		return tree_new_null();
	utf8_add_clean(&clean, rows_text(rows, column), (size_t)sqlite3_column_bytes(rows->statement, column));
	return tree_from_json(clean.data, clean.len, err);
}

static bool unpacked(const struct rows *rows, int column, struct str *out, struct error *err)
{
	size_t length;
	const void *data = rows_blob(rows, column, &length);
	return unpack(data, length, (size_t)rows_int(rows, column + 1), out, err);
}

static struct tree *as_unpacked(const struct rows *rows, int column, struct error *err)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	return unpacked(rows, column, &text, err) ? clean_text(text.data, text.len) : NULL;
}

static struct tree *as_sha256(const struct rows *rows, int column, struct error *err)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	char hex[SHA256_HEX_SIZE];
	if (!unpacked(rows, column, &text, err))
		return NULL;
	crypto_sha256_hex(text.data, text.len, hex);
	return tree_new_text(hex);
}

struct shape {
	const char *end, *key_end;
	struct tree *(*make)(const struct rows *rows, int column, struct error *err);
};
static const struct shape for_people[] = {
	{"_ms", "", as_time},	    {"_span", "_s", as_seconds},  {"_flag", "", as_flag},
	{"_json", "", as_document}, {"_packed", "", as_unpacked}, {0},
};
static const struct shape for_hashing[] = {{"_packed", "_sha256", as_sha256}, {0}};

static const struct shape *shape_of(const struct shape *shapes, const char *name)
{
	for (; shapes->end; shapes++) {
		if (str_ends(name, shapes->end))
			return shapes;
	}
	return NULL;
}

static bool column_add(const struct rows *rows, int column, const struct shape *shape, struct tree *object,
		       struct error *err)
{
	const char *name = sqlite3_column_name(rows->statement, column);
	if (!shape) {
		tree_set(object, name, plain(rows, column));
		return true;
	}
	struct tree *value = shape->make(rows, column, err);
	if (!value)
		return error_context(err, "column %s", name);
	_cleanup_(freep) char *key =
		mem_printf("%.*s%s", (int)(strlen(name) - strlen(shape->end)), name, shape->key_end);
	tree_set(object, key, value);
	return true;
}

static struct tree *object_of(const struct rows *rows, const struct shape *shapes, struct error *err)
{
	_cleanup_(tree_freep) struct tree *object = tree_new_object();
	for (int i = 0; i < sqlite3_column_count(rows->statement); i++) {
		const struct shape *shape = shape_of(shapes, sqlite3_column_name(rows->statement, i));
		if (!column_add(rows, i, shape, object, err))
			return NULL;
		if (shape && str_eq(shape->end, "_packed"))
			i++;
	}
	return take(&object);
}

struct tree *rows_object(const struct rows *rows, struct error *err)
{
	return object_of(rows, for_people, err);
}

struct tree *rows_facts(const struct rows *rows, struct error *err)
{
	return object_of(rows, for_hashing, err);
}

bool rows_array(struct store *store, const char *sql, const struct value *values, size_t count,
		struct tree *(*make)(const struct rows *rows, struct error *err), struct tree **out, struct error *err)
{
	_cleanup_(rows_close) struct rows rows = db_rows(store, sql, values, count);
	_cleanup_(tree_freep) struct tree *array = tree_new_array();
	while (rows_next(&rows)) {
		struct tree *object = make(&rows, err);
		if (!object)
			return false;
		tree_add(array, object);
	}
	if (!rows_ok(&rows, err))
		return false;
	*out = take(&array);
	return true;
}
