/* SPDX-License-Identifier: Apache-2.0
 *
 * Results on stdout: a command builds a tree of rows and names its columns; one printer makes a table, JSON, JSON lines
 * or CSV of it. */
#ifndef BAKERY_OUTPUT_H
#define BAKERY_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "bakery/error.h"
#include "bakery/str.h"
#include "bakery/tree.h"

enum output_format { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_JSONL, OUTPUT_CSV };
extern const char *const output_format_names[]; /* NULL-terminated, in the enum's order */

struct column {
	const char *title; /* "STARTED"; CSV and JSON use the path */
	const char *path;  /* into a row; "images.1.ami"; "images.*.ami" joins all of them with spaces */
	enum {
		COLUMN_TEXT,
		COLUMN_NUMBER /* right-aligned */,
		COLUMN_TIME /* RFC 3339 shown short */,
		COLUMN_DURATION /* seconds shown as 1m02s */
	} kind;
};

/* rows: an array of objects. Table: aligned columns, fitted to width columns when the last one would run over (0: no
 * fitting), control characters shown escaped, "-" for absent; nothing but the header for no rows. JSON prints the rows
 * whole, not only the columns. */
bool output_rows(FILE *out, enum output_format format, const struct tree *rows, const struct column *columns,
		 size_t column_count, int width, struct error *err) must_check;
/* A line that a machine printed, as a terminal would be left with it: of one that was overwritten with carriage
 * returns, the last version; no colors, no cursor movements; the rest as utf8_add_visible(). */
void output_as_seen(struct str *out, const char *text, size_t length);
/* Columns that UTF-8 text takes on a terminal. */
size_t output_width(const char *text);
/* The columns of the terminal on file's descriptor, 0 when it is none. */
int output_terminal_width(FILE *file);

/* One object: JSON as it is; CSV as one row with nested keys dotted; the table form as indented "key: value" lines with
 * nested lists of objects as small tables. */
bool output_object(FILE *out, enum output_format format, const struct tree *object, struct error *err) must_check;

/* Text as it is. */
bool output_text(FILE *out, const struct str *text, struct error *err) must_check;
/* Brings out what was written so far; fails when any of it could not be (a full disk). A reader that has seen enough
 * (`| head`) is no failure. */
bool output_flush(FILE *out, struct error *err) must_check;

#endif
