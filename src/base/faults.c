/* SPDX-License-Identifier: Apache-2.0
 *
 * Collects what is wrong in documents that people wrote and prints it in the order of the lines. A fault is shown
 * once, however many ways led to it (a playbook that two recipes use). */
#include "bakery/faults.h"

#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"

void faults_free(struct faults *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		free(faults->items[i].file);
		free(faults->items[i].text);
	}
	free(faults->items);
	*faults = (struct faults)FAULTS_INIT;
}

/* Grows by doubling: a document of nothing but faults must not cost the square of its length. */
static void append(struct faults *faults, struct fault fault)
{
	if ((faults->count & (faults->count - 1)) == 0)
		faults->items = mem_grow(faults->items, faults->count ? 2 * faults->count : 1, sizeof(*faults->items));
	faults->items[faults->count++] = fault;
}

void faults_move(struct faults *from, struct faults *to)
{
	for (size_t i = 0; i < from->count; i++)
		append(to, from->items[i]);
	free(from->items);
	*from = (struct faults)FAULTS_INIT;
}

static void vadd(struct faults *faults, const char *file, int line, int column, const char *fmt, va_list args)
{
	struct str text = STR_INIT;
	str_vaddf(&text, fmt, args);
	append(faults,
	       (struct fault){
		       .file = mem_strdup(file ? file : ""), .line = line, .column = column, .text = str_take(&text)});
}

void faults_add(struct faults *faults, const char *file, int line, int column, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vadd(faults, file, line, column, fmt, args);
	va_end(args);
}

void faults_add_at(struct faults *faults, const char *file, const struct tree *node, const char *fmt, ...)
{
	struct tree_position at = tree_position(node);
	va_list args;
	va_start(args, fmt);
	vadd(faults, at.file ? at.file : file, at.line, at.column, fmt, args);
	va_end(args);
}

void faults_add_at_key(struct faults *faults, const char *file, const struct tree *node, const char *fmt, ...)
{
	struct tree_position at = tree_position(node);
	va_list args;
	va_start(args, fmt);
	vadd(faults, at.file ? at.file : file, at.key_line ? at.key_line : at.line,
	     at.key_line ? at.key_column : at.column, fmt, args);
	va_end(args);
}

static bool same_place(const struct fault *a, const struct fault *b)
{
	return a->line == b->line && a->column == b->column && str_eq(a->file, b->file);
}

static bool is_echo(const struct faults *faults, size_t first, size_t second, const struct fault *fault)
{
	for (size_t i = first; i < second; i++)
		if (same_place(&faults->items[i], fault))
			return true;
	return false;
}

void faults_drop_echoes(struct faults *faults, size_t first, size_t second)
{
	enum { MOST_COMPARED = 1000 };
	size_t kept = second;

	if (second - first > MOST_COMPARED || faults->count - second > MOST_COMPARED)
		return; /* nobody reads that many, and comparing all costs the square */
	for (size_t i = second; i < faults->count; i++) {
		if (is_echo(faults, first, second, &faults->items[i])) {
			free(faults->items[i].file);
			free(faults->items[i].text);
		} else {
			faults->items[kept++] = faults->items[i];
		}
	}
	faults->count = kept;
}

static int compare(const void *left, const void *right)
{
	const struct fault *a = left, *b = right;
	int order = strcmp(a->file, b->file);
	if (order == 0)
		order = (a->line > b->line) - (a->line < b->line);
	if (order == 0)
		order = (a->column > b->column) - (a->column < b->column);
	return order ? order : strcmp(a->text, b->text);
}

void faults_sort(struct faults *faults)
{
	if (faults->count < 2)
		return;
	qsort(faults->items, faults->count, sizeof(*faults->items), compare);
	size_t kept = 1;
	for (size_t i = 1; i < faults->count; i++) {
		if (compare(&faults->items[kept - 1], &faults->items[i]) != 0) {
			faults->items[kept++] = faults->items[i];
			continue;
		}
		free(faults->items[i].file);
		free(faults->items[i].text);
	}
	faults->count = kept;
	/* The growth rule above looks at the count alone: keep room for the next power of two. */
	size_t room = 1;
	while (room < kept)
		room *= 2;
	faults->items = mem_grow(faults->items, room, sizeof(*faults->items));
}

static void print_one(const struct fault *fault, struct str *out)
{
	str_add(out, fault->file);
	if (fault->line > 0)
		str_addf(out, ":%d", fault->line);
	if (fault->line > 0 && fault->column > 0)
		str_addf(out, ":%d", fault->column);
	if (*fault->file)
		str_add(out, ": ");
	str_addf(out, "%s\n", fault->text);
}

void faults_print(struct faults *faults, struct str *out)
{
	faults_sort(faults);
	for (size_t i = 0; i < faults->count; i++)
		print_one(&faults->items[i], out);
}

bool faults_check(struct faults *faults, struct error *err)
{
	if (faults->count == 0)
		return true;
	faults_sort(faults);
	_cleanup_(str_free) struct str text = STR_INIT;
	if (faults->count > 1)
		str_addf(&text, "%zu faults:\n", faults->count);
	const size_t room = sizeof(err->text) - 64; /* for the last line */
	for (size_t i = 0; i < faults->count; i++) {
		_cleanup_(str_free) struct str line = STR_INIT;
		print_one(&faults->items[i], &line);
		if (faults->count > 1 && text.len + line.len > room) {
			str_addf(&text, "and %zu more\n", faults->count - i);
			break;
		}
		str_add_n(&text, line.data, line.len);
	}
	str_trim_right(&text);
	return error_set(err, ERROR_INVALID, "%s", text.data);
}
