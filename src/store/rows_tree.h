/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows as trees. The query names its columns, and the end of a name says what becomes of it:
 *
 *              for people (rows_object)           for hashing (rows_facts)
 *   x          text, number or null               the same
 *   x_ms       "x": a time in RFC 3339            the number
 *   x_span     "x_s": milliseconds as seconds     the number
 *   x_flag     "x": true or false                 the number
 *   x_json     "x": the document                  the text
 *   x_packed   "x": the text; the next column     "x_sha256"
 *              is its size
 */
#ifndef BAKERY_STORE_ROWS_TREE_H
#define BAKERY_STORE_ROWS_TREE_H

#include "db.h"

struct tree *rows_object(const struct rows *rows, struct error *err) must_check; /* NULL on failure */
struct tree *rows_facts(const struct rows *rows, struct error *err) must_check;

/* All rows of a query as an array; each is rows_object or rows_facts. */
bool rows_array(struct store *store, const char *sql, const struct value *values, size_t count,
		struct tree *(*make)(const struct rows *rows, struct error *err), struct tree **out,
		struct error *err) must_check;

#define LAUNCH_COLUMNS "purpose, market, instance_type, zone, subnet, instance, code, at_ms" /* of launch */

#define DOCUMENT_COLUMNS "kind, name, media_type, size, sha256, at_ms" /* of document */

struct tree *tree_new_time(int64_t ms);
struct tree *tree_new_seconds(int64_t ms);

#endif
