/* SPDX-License-Identifier: Apache-2.0
 *
 * One cell: the value at a path, written for programs or for people. */
#include "cell.h"

#include <string.h>

#include "bakery/clock.h"
#include "bakery/mem.h"
#include "bakery/utf8.h"

static void value_add(struct str *out, const struct tree *value)
{
	const char *text = tree_text(value, NULL);
	if (out->len && tree_kind(value) != TREE_ABSENT)
		str_add_char(out, ' ');
	if (text)
		str_add(out, text);
	else if (tree_count(value))
		tree_to_json(value, out);
}

static const struct tree *at_path(const struct tree *row, const char *path)
{
	return *path ? tree_get(row, path) : row;
}

void cell_plain(struct str *out, const struct tree *row, const char *path)
{
	const char *star = strstr(path, ".*");
	if (!star) {
		value_add(out, at_path(row, path));
		return;
	}
	_cleanup_(freep) char *list = mem_strndup(path, (size_t)(star - path));
	const char *rest = star[2] == '.' ? star + 3 : star + 2;
	for (struct tree_iter i = tree_iter(tree_get(row, list)); tree_next(&i);)
		value_add(out, at_path(i.value, rest));
}

/* "2026-01-02T03:04:05.678Z" -> "2026-01-02 03:04" */
static void time_add(struct str *out, const char *text)
{
	if (strlen(text) < 16 || text[10] != 'T') {
		utf8_add_visible(out, text, strlen(text));
		return;
	}
	str_addf(out, "%.10s %.5s", text, text + 11);
}

void cell_shown(struct str *out, const struct tree *row, const struct column *column)
{
	_cleanup_(str_free) struct str plain = STR_INIT;
	char duration[CLOCK_TEXT_SIZE];
	cell_plain(&plain, row, column->path);
	if (!plain.len) {
		str_add(out, "-");
		return;
	}
	switch (column->kind) {
	case COLUMN_TIME:
		time_add(out, plain.data);
		return;
	case COLUMN_DURATION:
		clock_duration((int64_t)(tree_double(row, column->path, 0) * 1000 + 0.5), duration);
		str_add(out, duration);
		return;
	case COLUMN_TEXT:
	case COLUMN_NUMBER:
		utf8_add_visible(out, plain.data, plain.len);
	}
}
