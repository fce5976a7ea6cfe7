/* SPDX-License-Identifier: Apache-2.0
 *
 * Results on stdout in the four formats. CSV is RFC 4180 with a head of paths. */
#include "bakery/output.h"

#include <errno.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/utf8.h"
#include "cell.h"

const char *const output_format_names[] = {"table", "json", "jsonl", "csv", NULL};

bool output_flush(FILE *out, struct error *err)
{
	if (fflush(out) == 0 && !ferror(out))
		return true;
	if (errno == EPIPE) {
		clearerr(out);
		return true;
	}
	return error_errno(err, "cannot write the results");
}

bool output_text(FILE *out, const struct str *text, struct error *err)
{
	fwrite(text->data, 1, text->len, out); /* a failure stays known to the stream */
	return output_flush(out, err);
}

static void csv_field(struct str *out, const char *text, bool first)
{
	if (!first)
		str_add_char(out, ',');
	if (!strpbrk(text, "\",\r\n")) {
		str_add(out, text);
		return;
	}
	str_add_char(out, '"');
	for (; *text; text++) {
		if (*text == '"')
			str_add_char(out, '"');
		str_add_char(out, *text);
	}
	str_add_char(out, '"');
}

/* "images.*.ami" is headed "images.ami". */
static void csv_head(struct str *out, const char *path, bool first)
{
	_cleanup_(str_free) struct str head = STR_INIT;
	const char *star = strstr(path, ".*");
	str_add_n(&head, path, star ? (size_t)(star - path) : strlen(path));
	str_add(&head, star ? star + 2 : "");
	csv_field(out, head.data, first);
}

static void csv_row(struct str *out, const struct tree *row, const struct column *columns, size_t count)
{
	for (size_t c = 0; c < count; c++) {
		_cleanup_(str_free) struct str cell = STR_INIT;
		cell_plain(&cell, row, columns[c].path);
		csv_field(out, cell.data, c == 0);
	}
	str_add(out, "\r\n");
}

static void csv_rows(struct str *out, const struct tree *rows, const struct column *columns, size_t count)
{
	for (size_t c = 0; c < count; c++)
		csv_head(out, columns[c].path, c == 0);
	str_add(out, "\r\n");
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);)
		csv_row(out, i.value, columns, count);
}

static void json_lines(struct str *out, const struct tree *rows)
{
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
		tree_to_json(i.value, out);
		str_add_char(out, '\n');
	}
}

/* JSON is UTF-8, and machines print anything. */
static bool json_out(FILE *out, const struct str *json, struct error *err)
{
	_cleanup_(str_free) struct str clean = STR_INIT;
	utf8_add_clean(&clean, json->data, json->len);
	return output_text(out, &clean, err);
}

static bool text_out(FILE *out, enum output_format format, const struct str *text, struct error *err)
{
	bool is_json = format == OUTPUT_JSON || format == OUTPUT_JSONL;
	return is_json ? json_out(out, text, err) : output_text(out, text, err);
}

bool output_rows(FILE *out, enum output_format format, const struct tree *rows, const struct column *columns,
		 size_t column_count, int width, struct error *err)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	switch (format) {
	case OUTPUT_TABLE:
		table_print(&text, rows, columns, column_count, 0, width);
		break;
	case OUTPUT_JSON:
		tree_to_json_pretty(rows, &text);
		str_add_char(&text, '\n');
		break;
	case OUTPUT_JSONL:
		json_lines(&text, rows);
		break;
	case OUTPUT_CSV:
		csv_rows(&text, rows, columns, column_count);
		break;
	}
	return text_out(out, format, &text, err);
}

/* An object in one row: keys of nested maps are dotted, lists are JSON. */
static void csv_flatten(struct str *head, struct str *row, const char *prefix, const struct tree *object)
{
	for (struct tree_iter i = tree_iter(object); tree_next(&i);) {
		_cleanup_(freep) char *key = mem_printf("%s%s%s", prefix, *prefix ? "." : "", i.key);
		_cleanup_(str_free) struct str cell = STR_INIT;
		if (tree_kind(i.value) == TREE_OBJECT && tree_count(i.value)) {
			csv_flatten(head, row, key, i.value);
			continue;
		}
		cell_plain(&cell, i.value, "");
		bool first = head->len == 0;
		csv_field(head, key, first);
		csv_field(row, cell.data, first);
	}
}

bool output_object(FILE *out, enum output_format format, const struct tree *object, struct error *err)
{
	_cleanup_(str_free) struct str text = STR_INIT, row = STR_INIT;
	switch (format) {
	case OUTPUT_TABLE:
		object_print(&text, object, 0);
		break;
	case OUTPUT_JSON:
		tree_to_json_pretty(object, &text);
		str_add_char(&text, '\n');
		break;
	case OUTPUT_JSONL:
		tree_to_json(object, &text);
		str_add_char(&text, '\n');
		break;
	case OUTPUT_CSV:
		csv_flatten(&text, &row, "", object);
		str_addf(&text, "\r\n%s\r\n", row.data);
		break;
	}
	return text_out(out, format, &text, err);
}
