/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON-like part of YAML into a tree that knows where each node stood. What makes YAML surprising (anchors,
 * aliases, tags, doubled keys, several documents) is refused with its place; reading goes on after it, so that one run
 * finds all. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "bakery/faults.h"
#include "bakery/mem.h"

enum { YAML_MOST_DEPTH = 64 };

struct frame {
	struct tree *container;
	char *key; /* of the value that comes next; NULL: a key comes next, or the container is a list */
	struct tree_position position;
	bool drop; /* the value that comes next belongs to a doubled key */
};

struct reader {
	struct faults *faults;
	const char *file;
	struct frame frames[YAML_MOST_DEPTH];
	size_t depth;
	struct tree *root;
	bool has_root, ended;
};

static int line_of(yaml_mark_t mark)
{
	return (int)mark.line + 1;
}

static int column_of(yaml_mark_t mark)
{
	return (int)mark.column + 1;
}

/* What a plain (unquoted) scalar means; all else is text. */
static bool is_plain_int(const char *text, int64_t *value)
{
	const char *digits = text + (*text == '-');
	if (!isdigit((unsigned char)*digits) || (*digits == '0' && (digits[1] || *text == '-')))
		return false;
	return str_to_int(text, value);
}

static struct tree *plain_scalar(const char *text)
{
	int64_t number;
	if (str_eq(text, "") || str_eq(text, "~") || str_eq(text, "null"))
		return tree_new_null();
	if (str_eq(text, "true") || str_eq(text, "false"))
		return tree_new_bool(*text == 't');
	if (is_plain_int(text, &number))
		return tree_new_int(number);
	return tree_new_text(text);
}

/* Puts a finished or just opened node where it belongs; false when it was dropped (and freed). */
static bool place(struct reader *reader, struct tree *node, yaml_mark_t mark)
{
	struct frame *frame = reader->depth ? &reader->frames[reader->depth - 1] : NULL;
	struct tree_position position = {.line = line_of(mark), .column = column_of(mark)};
	if (frame && frame->key) {
		position.key_line = frame->position.key_line;
		position.key_column = frame->position.key_column;
	}
	node = tree_mark(node, position);
	if (!frame) {
		reader->root = node;
		reader->has_root = true;
	} else if (!frame->key) {
		tree_add(frame->container, node);
	} else if (frame->drop) {
		tree_free(node);
		free(take(&frame->key));
		return false;
	} else {
		tree_set(frame->container, frame->key, node);
		free(take(&frame->key));
	}
	return true;
}

static bool wants_key(const struct reader *reader)
{
	if (reader->depth == 0)
		return false;
	const struct frame *frame = &reader->frames[reader->depth - 1];
	return !frame->key && tree_kind(frame->container) == TREE_OBJECT;
}

static void take_key(struct reader *reader, const char *key, yaml_mark_t mark)
{
	struct frame *frame = &reader->frames[reader->depth - 1];
	const struct tree *first = tree_key(frame->container, key);
	frame->drop = first != NULL;
	if (first)
		faults_add(reader->faults, reader->file, line_of(mark), column_of(mark),
			   "%s: the key stands twice (first in line %d)", key, tree_position(first).key_line);
	else if (!*key)
		faults_add(reader->faults, reader->file, line_of(mark), column_of(mark), "a key must not be empty");
	frame->key = mem_strdup(key);
	frame->position = (struct tree_position){.key_line = line_of(mark), .key_column = column_of(mark)};
}

static void refuse_marks(struct reader *reader, const yaml_char_t *anchor, const yaml_char_t *tag, yaml_mark_t mark)
{
	if (anchor)
		faults_add(reader->faults, reader->file, line_of(mark), column_of(mark),
			   "anchors (&%s) are not supported", (const char *)anchor);
	if (tag)
		faults_add(reader->faults, reader->file, line_of(mark), column_of(mark), "tags (%s) are not supported",
			   (const char *)tag);
}

static bool on_scalar(struct reader *reader, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	yaml_mark_t mark = event->start_mark;
	refuse_marks(reader, event->data.scalar.anchor, event->data.scalar.tag, mark);
	if (strlen(text) != event->data.scalar.length)
		faults_add(reader->faults, reader->file, line_of(mark), column_of(mark),
			   "text must not hold a NUL character");
	if (wants_key(reader))
		take_key(reader, text, mark);
	else if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		place(reader, plain_scalar(text), mark);
	else
		place(reader, tree_new_text(text), mark);
	return true;
}

static bool on_open(struct reader *reader, struct tree *container, yaml_mark_t mark)
{
	_cleanup_(tree_freep) struct tree *owned = container;
	if (wants_key(reader)) {
		faults_add(reader->faults, reader->file, line_of(mark), column_of(mark), "a key must be text, not %s%s",
			   tree_kind_name(tree_kind(container)),
			   tree_kind(container) == TREE_OBJECT ? " (a text that begins with {{ needs quotes)" : "");
		return false;
	}
	if (reader->depth == YAML_MOST_DEPTH) {
		faults_add(reader->faults, reader->file, line_of(mark), column_of(mark),
			   "lists and maps are nested deeper than %d", YAML_MOST_DEPTH);
		return false;
	}
	/* A dropped container still takes its children: they are freed with the share kept here. */
	struct tree *kept = tree_share(container);
	place(reader, take(&owned), mark);
	reader->frames[reader->depth++] = (struct frame){.container = kept};
	return true;
}

static void on_close(struct reader *reader)
{
	struct frame *frame = &reader->frames[--reader->depth];
	tree_free(frame->container);
	free(take(&frame->key));
}

static bool on_alias(struct reader *reader, const yaml_event_t *event)
{
	faults_add(reader->faults, reader->file, line_of(event->start_mark), column_of(event->start_mark),
		   "aliases (*%s) are not supported", (const char *)event->data.alias.anchor);
	if (wants_key(reader))
		take_key(reader, (const char *)event->data.alias.anchor, event->start_mark);
	else
		place(reader, tree_new_null(), event->start_mark);
	return true;
}

static bool on_document(struct reader *reader, yaml_mark_t mark)
{
	if (!reader->has_root)
		return true;
	faults_add(reader->faults, reader->file, line_of(mark), column_of(mark),
		   "a second document begins here; one is expected");
	return false;
}

/* False: reading cannot go on, and a fault says why. */
static bool on_event(struct reader *reader, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return on_scalar(reader, event);
	case YAML_SEQUENCE_START_EVENT:
		refuse_marks(reader, event->data.sequence_start.anchor, event->data.sequence_start.tag,
			     event->start_mark);
		return on_open(reader, tree_new_array(), event->start_mark);
	case YAML_MAPPING_START_EVENT:
		refuse_marks(reader, event->data.mapping_start.anchor, event->data.mapping_start.tag,
			     event->start_mark);
		return on_open(reader, tree_new_object(), event->start_mark);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		on_close(reader);
		return true;
	case YAML_ALIAS_EVENT:
		return on_alias(reader, event);
	case YAML_DOCUMENT_START_EVENT:
		return on_document(reader, event->start_mark);
	case YAML_STREAM_END_EVENT:
		reader->ended = true;
		return true;
	default:
		return true;
	}
}

/* libyaml says what it met; people want to know what they wrote. */
static const char *syntax_hint(const char *problem)
{
	static const struct {
		const char *problem, *hint;
	} hints[] = {
		{"found character that cannot start any token",
		 " (a tab cannot indent; a text that begins with @, % or ` needs quotes)"},
		{"mapping values are not allowed in this context",
		 " (is the line indented too far? a text that holds \": \" needs quotes)"},
		{"did not find expected key", " (is the line indented as those before it?)"},
		{"did not find expected '-' indicator", " (is the line indented as those before it?)"},
		{"could not find expected ':'", " (a key needs a colon and a space behind it)"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
		if (str_eq(hints[i].problem, problem))
			return hints[i].hint;
	}
	return "";
}

static void add_syntax_fault(struct reader *reader, const yaml_parser_t *parser)
{
	const char *what = parser->problem ? parser->problem : "not a YAML document";
	if (parser->error == YAML_READER_ERROR) {
		/* The reader knows a byte offset only; it stands behind the last token that was read. */
		faults_add(reader->faults, reader->file, line_of(parser->mark), column_of(parser->mark),
			   "the text is not valid UTF-8 (%s)", what);
		return;
	}
	yaml_mark_t at = parser->problem_mark;
	if (parser->context)
		faults_add(reader->faults, reader->file, line_of(at), column_of(at),
			   "%s, %s (which began in line %d)%s", what, parser->context, line_of(parser->context_mark),
			   syntax_hint(what));
	else
		faults_add(reader->faults, reader->file, line_of(at), column_of(at), "%s%s", what, syntax_hint(what));
}

static void parser_delete(yaml_parser_t *parser)
{
	yaml_parser_delete(parser);
}

static bool read_events(struct reader *reader, const char *text, size_t length)
{
	_cleanup_(parser_delete) yaml_parser_t parser;
	if (!yaml_parser_initialize(&parser)) {
		faults_add(reader->faults, reader->file, 0, 0, "the YAML reader could not be started");
		return false;
	}
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	while (!reader->ended) {
		yaml_event_t event;
		if (!yaml_parser_parse(&parser, &event)) {
			add_syntax_fault(reader, &parser);
			return false;
		}
		bool ok = on_event(reader, &event);
		yaml_event_delete(&event);
		if (!ok)
			return false;
	}
	return true;
}

struct tree *faults_read_yaml(struct faults *faults, const char *file, const char *text, size_t length)
{
	struct reader reader = {.faults = faults, .file = file};
	bool ok = read_events(&reader, text, length);
	while (reader.depth > 0)
		on_close(&reader);
	if (ok)
		return reader.root ? reader.root
				   : tree_mark(tree_new_null(), (struct tree_position){.line = 1, .column = 1});
	tree_free(reader.root);
	return NULL;
}

struct tree *tree_from_yaml(const char *text, size_t length, struct error *err)
{
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;
	_cleanup_(tree_freep) struct tree *tree = faults_read_yaml(&faults, NULL, text, length);
	if (faults.count == 0)
		return take(&tree);
	const struct fault *first = &faults.items[0];
	if (first->line > 0)
		error_set(err, ERROR_INVALID, "line %d, column %d: %s", first->line, first->column, first->text);
	else
		error_set(err, ERROR_INVALID, "%s", first->text);
	return NULL;
}
