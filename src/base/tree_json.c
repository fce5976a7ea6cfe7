/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON: read by json-c, written here (json-c knows nothing of our null node, nor of sorted keys). */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/tree.h"
#include "tree_private.h"

struct tree *tree_adopt(struct json_object *json)
{
	if (!json)
		return tree_new_null();
	if (json_object_get_type(json) == json_type_object) {
		json_object_object_foreach(json, key, value)
		{
			struct tree *adopted = tree_adopt(json_object_get(value));
			if (tree_json(adopted) != value)
				json_object_object_add(json, key, tree_json(adopted));
			else
				tree_free(adopted);
		}
	} else if (json_object_get_type(json) == json_type_array) {
		for (size_t i = 0; i < json_object_array_length(json); i++) {
			if (!json_object_array_get_idx(json, i))
				json_object_array_put_idx(json, i, tree_json(tree_new_null()));
			else
				tree_free(tree_adopt(json_object_get(json_object_array_get_idx(json, i))));
		}
	}
	return (struct tree *)json;
}

/* json-c counts bytes; people count lines. */
static bool parse_error(const char *text, size_t at, const char *what, struct error *err)
{
	int line = 1, column = 1;

	for (size_t i = 0; i < at; i++) {
		column = text[i] == '\n' ? 1 : column + 1;
		line += text[i] == '\n';
	}
	return error_set(err, ERROR_INVALID, "JSON, line %d, column %d: %s", line, column, what);
}

/* Every text passes through the tokener's scratch, secrets too. */
static void tokener_freep(struct json_tokener **tokener)
{
	mem_wipe((*tokener)->pb->buf, (size_t)(*tokener)->pb->size);
	json_tokener_free(*tokener);
}

struct tree *tree_from_json(const char *text, size_t length, struct error *err)
{
	_cleanup_(tokener_freep) struct json_tokener *tokener = json_tokener_new_ex(TREE_MOST_DEPTH);
	struct json_object *json;
	enum json_tokener_error status;
	size_t used;

	/* As large as it can ever become: growing would leave copies of what it held. */
	printbuf_memset(tokener->pb, 0, '\0', (int)length + 1);
	printbuf_reset(tokener->pb);
	json_tokener_set_flags(tokener,
			       JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS | JSON_TOKENER_VALIDATE_UTF8);
	json = json_tokener_parse_ex(tokener, text, (int)length);
	status = json_tokener_get_error(tokener);
	if (status == json_tokener_continue) { /* a bare number ends only at something behind it */
		json = json_tokener_parse_ex(tokener, " ", 1);
		status = json_tokener_get_error(tokener);
		used = length;
	} else {
		used = json_tokener_get_parse_end(tokener);
	}
	if (status != json_tokener_success) {
		parse_error(text, used,
			    status == json_tokener_continue ? "it ends too early" : json_tokener_error_desc(status),
			    err);
		return NULL;
	}
	while (used < length && isspace((unsigned char)text[used]))
		used++;
	if (used < length) {
		json_object_put(json);
		parse_error(text, used, "something stands behind the end", err);
		return NULL;
	}
	return tree_adopt(json);
}

struct writer {
	struct str *out;
	bool pretty, sorted;
	int depth;
};

static void write_text(struct str *out, const char *text, size_t length)
{
	str_add_char(out, '"');
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '"' || c == '\\')
			str_addf(out, "\\%c", c);
		else if (c == '\n')
			str_add(out, "\\n");
		else if (c == '\t')
			str_add(out, "\\t");
		else if (c == '\r')
			str_add(out, "\\r");
		else if (c < 0x20 || c == 0x7f)
			str_addf(out, "\\u%04x", c);
		else
			str_add_char(out, (char)c);
	}
	str_add_char(out, '"');
}

static void new_line(struct writer *writer)
{
	if (!writer->pretty)
		return;
	str_addf(writer->out, "\n%*s", writer->depth * 2, "");
}

static void write_node(struct writer *writer, const struct tree *tree);

struct member {
	const char *key;
	const struct tree *value;
};

static int member_compare(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static void write_members(struct writer *writer, const struct tree *tree)
{
	size_t count = tree_count(tree);
	_cleanup_(freep) struct member *members = mem_array(count, sizeof(*members));

	for (struct tree_iter i = tree_iter(tree); tree_next(&i);)
		members[i.index] = (struct member){i.key, i.value};
	if (writer->sorted)
		qsort(members, count, sizeof(*members), member_compare);
	for (size_t i = 0; i < count; i++) {
		if (i)
			str_add_char(writer->out, ',');
		new_line(writer);
		write_text(writer->out, members[i].key, strlen(members[i].key));
		str_add(writer->out, writer->pretty ? ": " : ":");
		write_node(writer, members[i].value);
	}
}

static void write_items(struct writer *writer, const struct tree *tree)
{
	for (struct tree_iter i = tree_iter(tree); tree_next(&i);) {
		if (i.index)
			str_add_char(writer->out, ',');
		new_line(writer);
		write_node(writer, i.value);
	}
}

static void write_nested(struct writer *writer, const struct tree *tree, const char *brackets,
			 void (*write)(struct writer *writer, const struct tree *tree))
{
	str_add_char(writer->out, brackets[0]);
	if (tree_count(tree)) {
		writer->depth++;
		write(writer, tree);
		writer->depth--;
		new_line(writer);
	}
	str_add_char(writer->out, brackets[1]);
}

static void write_node(struct writer *writer, const struct tree *tree)
{
	switch (tree_kind(tree)) {
	case TREE_OBJECT:
		write_nested(writer, tree, "{}", write_members);
		break;
	case TREE_ARRAY:
		write_nested(writer, tree, "[]", write_items);
		break;
	case TREE_TEXT:
		write_text(writer->out, json_object_get_string(tree_json(tree)),
			   (size_t)json_object_get_string_len(tree_json(tree)));
		break;
	case TREE_ABSENT:
	case TREE_NULL:
		str_add(writer->out, "null");
		break;
	default:
		str_add(writer->out, json_object_to_json_string_ext(tree_json(tree), JSON_C_TO_STRING_PLAIN));
	}
}

void tree_to_json(const struct tree *tree, struct str *out)
{
	write_node(&(struct writer){.out = out}, tree);
}

void tree_to_json_pretty(const struct tree *tree, struct str *out)
{
	write_node(&(struct writer){.out = out, .pretty = true}, tree);
}

void tree_to_json_canonical(const struct tree *tree, struct str *out)
{
	write_node(&(struct writer){.out = out, .sorted = true}, tree);
}
