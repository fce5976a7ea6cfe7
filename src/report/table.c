/* SPDX-License-Identifier: Apache-2.0
 *
 * Aligned tables, and objects as lines with small tables in them. */
#include <string.h>

#include "bakery/utf8.h"
#include "cell.h"

enum { GAP = 2, LEAST_LAST = 8, MOST_COLUMNS = 32 };

struct layout {
	const struct column *columns;
	size_t count, indent, widths[MOST_COLUMNS];
	size_t last; /* columns that the last one may take; 0: as many as it wants */
};

static bool is_right(const struct column *column)
{
	return column->kind == COLUMN_NUMBER || column->kind == COLUMN_DURATION;
}

static void measure(struct layout *layout, const struct tree *rows)
{
	for (size_t c = 0; c < layout->count; c++) {
		layout->widths[c] = output_width(layout->columns[c].title);
		for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
			_cleanup_(str_free) struct str cell = STR_INIT;
			cell_shown(&cell, i.value, &layout->columns[c]);
			size_t width = output_width(cell.data);
			if (width > layout->widths[c])
				layout->widths[c] = width;
		}
	}
}

static void fit(struct layout *layout, int width)
{
	size_t before = layout->indent;
	for (size_t c = 0; c + 1 < layout->count; c++)
		before += layout->widths[c] + GAP;
	if (width <= 0 || before + layout->widths[layout->count - 1] <= (size_t)width)
		return;
	layout->last = (size_t)width > before + LEAST_LAST ? (size_t)width - before : LEAST_LAST;
}

/* Cuts text to so many columns, the last of them an ellipsis. */
static void cut(struct str *text, size_t columns)
{
	size_t width = 0, kept = 0, used;
	uint32_t code;
	if (output_width(text->data) <= columns)
		return;
	for (size_t at = 0; (used = utf8_next(text->data + at, text->len - at, &code)); at += used) {
		width += (size_t)utf8_width(code);
		if (width > columns - 1)
			break;
		kept = at + used;
	}
	text->len = kept;
	text->data[kept] = '\0';
	str_add(text, "\xe2\x80\xa6");
}

static void spaces(struct str *out, size_t count)
{
	while (count--)
		str_add_char(out, ' ');
}

static void cell_add(struct str *out, const struct layout *layout, size_t c, struct str *cell)
{
	bool last = c + 1 == layout->count;
	if (last && layout->last)
		cut(cell, layout->last);
	size_t width = output_width(cell->data), padding = width < layout->widths[c] ? layout->widths[c] - width : 0;
	if (last && layout->last)
		padding = 0;
	if (is_right(&layout->columns[c]))
		spaces(out, padding);
	str_add_n(out, cell->data, cell->len);
	if (!last)
		spaces(out, (is_right(&layout->columns[c]) ? 0 : padding) + GAP);
}

static void row_add(struct str *out, const struct layout *layout, const struct tree *row)
{
	size_t start = out->len;
	spaces(out, layout->indent);
	for (size_t c = 0; c < layout->count; c++) {
		_cleanup_(str_free) struct str cell = STR_INIT;
		if (row)
			cell_shown(&cell, row, &layout->columns[c]);
		else
			str_add(&cell, layout->columns[c].title);
		cell_add(out, layout, c, &cell);
	}
	while (out->len > start && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	str_add_char(out, '\n');
}

void table_print(struct str *out, const struct tree *rows, const struct column *columns, size_t column_count,
		 size_t indent, int width)
{
	struct layout layout = {.columns = columns,
				.count = column_count < MOST_COLUMNS ? column_count : MOST_COLUMNS,
				.indent = indent};
	if (!layout.count)
		return;
	measure(&layout, rows);
	fit(&layout, width);
	row_add(out, &layout, NULL);
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);)
		row_add(out, &layout, i.value);
}

/* --- objects --- */

static bool is_scalar(const struct tree *tree)
{
	return tree_kind(tree) != TREE_ARRAY && tree_kind(tree) != TREE_OBJECT;
}

static bool all_objects(const struct tree *list)
{
	for (struct tree_iter i = tree_iter(list); tree_next(&i);) {
		if (tree_kind(i.value) != TREE_OBJECT)
			return false;
	}
	return tree_count(list) > 0;
}

/* A path is dotted, so a key that holds dots has no column. */
static size_t columns_of(const struct tree *object, struct column *columns)
{
	size_t count = 0;
	for (struct tree_iter i = tree_iter(object); count < MOST_COLUMNS && tree_next(&i);) {
		if (is_scalar(i.value) && !strchr(i.key, '.'))
			columns[count++] = (struct column){.title = i.key, .path = i.key};
	}
	return count;
}

static void list_print(struct str *out, const struct tree *list, size_t indent)
{
	struct column columns[MOST_COLUMNS];
	str_add_char(out, '\n');
	table_print(out, list, columns, columns_of(tree_at(list, 0), columns), indent, 0);
}

/* A text of several lines stands below its key. */
static void text_print(struct str *out, const char *text, size_t indent)
{
	size_t length = strlen(text);
	while (length && text[length - 1] == '\n')
		length--;
	bool block = memchr(text, '\n', length) != NULL;
	for (const char *at = text, *end = text + length; at <= end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t line = (size_t)((newline ? newline : end) - at);
		str_add(out, block ? "\n" : " ");
		spaces(out, block ? indent : 0);
		utf8_add_visible(out, at, line);
		at += line + 1;
	}
	str_add_char(out, '\n');
}

static void scalars_print(struct str *out, const struct tree *list)
{
	for (struct tree_iter i = tree_iter(list); tree_next(&i);) {
		_cleanup_(str_free) struct str cell = STR_INIT;
		cell_shown(&cell, i.value, &(struct column){.path = ""});
		str_addf(out, "%s%s", i.index ? ", " : " ", cell.data);
	}
	str_add(out, tree_count(list) ? "\n" : " -\n");
}

static void member_print(struct str *out, const struct tree *value, size_t indent)
{
	if (tree_kind(value) == TREE_OBJECT && tree_count(value)) {
		str_add_char(out, '\n');
		object_print(out, value, indent + 2);
	} else if (tree_kind(value) == TREE_ARRAY && all_objects(value)) {
		list_print(out, value, indent + 2);
	} else if (!is_scalar(value)) {
		scalars_print(out, value);
	} else {
		const char *text = tree_text(value, NULL);
		text_print(out, text && *text ? text : "-", indent + 2);
	}
}

void object_print(struct str *out, const struct tree *object, size_t indent)
{
	for (struct tree_iter i = tree_iter(object); tree_next(&i);) {
		spaces(out, indent);
		utf8_add_visible(out, i.key, strlen(i.key));
		str_add_char(out, ':');
		member_print(out, i.value, indent);
	}
}
