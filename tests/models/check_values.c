/* SPDX-License-Identifier: Apache-2.0
 *
 * Values against shapes: scalars in both notations, and JSON documents. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/clock.h"
#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "model.h"

static const char *shorten(const char *text, char out[48])
{
	size_t length = strlen(text);
	memcpy(out, text, length < 44 ? length + 1 : 44);
	if (length >= 44)
		memcpy(out + 44, "...", 4);
	return out;
}

static void check_enum(struct findings *findings, const struct model *model, const struct tree *shape, const char *path,
		       const char *text)
{
	const struct tree *values = tree_key(shape, "enum");
	char brief[48];
	if (!values)
		return;
	for (struct tree_iter i = tree_iter(values); tree_next(&i);)
		if (str_eq(tree_text(i.value, NULL), text))
			return;
	unknown(findings, model, path, "\"%s\" is none of the values that AWS knows", shorten(text, brief));
}

static void check_length(struct findings *findings, const struct tree *shape, const char *path, const char *text)
{
	int64_t least = tree_int(shape, "min", 0), most = tree_int(shape, "max", INT64_MAX),
		length = (int64_t)strlen(text);
	if (length < least || length > most)
		fault(findings, path, "has %lld characters, outside AWS's bounds", (long long)length);
}

static void check_number(struct findings *findings, const struct tree *shape, const char *path, const char *text)
{
	int64_t value = 0;
	char brief[48];
	if (!str_to_int(text, &value))
		fault(findings, path, "\"%s\" is not a whole number", shorten(text, brief));
	else if (value < tree_int(shape, "min", INT64_MIN) || value > tree_int(shape, "max", INT64_MAX))
		fault(findings, path, "%s is outside AWS's bounds", text);
}

static void check_text(struct findings *findings, const struct model *model, const struct tree *shape, const char *path,
		       const char *text)
{
	const char *type = model_type(shape);
	char brief[48], *end = NULL;
	int64_t time_ms = 0;
	_cleanup_(str_free) struct str decoded = STR_INIT;
	if (str_eq(type, "string")) {
		check_enum(findings, model, shape, path, text);
		check_length(findings, shape, path, text);
	} else if (str_eq(type, "integer") || str_eq(type, "long")) {
		check_number(findings, shape, path, text);
	} else if (str_eq(type, "boolean") && !str_eq(text, "true") && !str_eq(text, "false")) {
		fault(findings, path, "\"%s\" is not true or false", shorten(text, brief));
	} else if (str_eq(type, "timestamp") && !clock_parse_rfc3339(text, &time_ms)) {
		fault(findings, path, "\"%s\" is not a time such as 2026-01-02T03:04:05.000Z", shorten(text, brief));
	} else if (str_eq(type, "blob") && !crypto_base64_decode(text, &decoded)) {
		fault(findings, path, "is not base64");
	} else if (str_eq(type, "double") || str_eq(type, "float")) {
		strtod(text, &end);
		if (*end || !*text)
			fault(findings, path, "\"%s\" is not a number", shorten(text, brief));
	}
}

static bool is_json_type(const char *type, enum tree_kind kind)
{
	static const struct {
		const char *type;
		enum tree_kind kind, or_kind;
	} pairs[] = {
		{"string", TREE_TEXT, TREE_TEXT},
		{"blob", TREE_TEXT, TREE_TEXT},
		{"boolean", TREE_BOOL, TREE_BOOL},
		{"integer", TREE_INT, TREE_INT},
		{"long", TREE_INT, TREE_INT},
		{"double", TREE_DOUBLE, TREE_INT},
		{"float", TREE_DOUBLE, TREE_INT},
		{"timestamp", TREE_DOUBLE, TREE_INT},
		{"list", TREE_ARRAY, TREE_ARRAY},
		{"map", TREE_OBJECT, TREE_OBJECT},
		{"structure", TREE_OBJECT, TREE_OBJECT},
	};
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (str_eq(pairs[i].type, type))
			return kind == pairs[i].kind || kind == pairs[i].or_kind;
	return false;
}

void check_scalar(struct findings *findings, const struct model *model, const struct tree *shape, const char *path,
		  const struct tree *value, bool typed)
{
	const char *type = model_type(shape), *text = tree_text(value, NULL);
	if (!text) {
		fault(findings, path, "is %s instead of a %s", tree_kind_name(tree_kind(value)), type);
		return;
	}
	if (typed && !is_json_type(type, tree_kind(value)))
		fault(findings, path, "is %s instead of a %s", tree_kind_name(tree_kind(value)), type);
	else if (!typed || !str_eq(type, "timestamp"))
		check_text(findings, model, shape, path, text);
}

static void check_members(struct findings *findings, const struct model *model, const struct tree *shape,
			  const char *path, const struct tree *value, enum direction direction)
{
	for (struct tree_iter i = tree_iter(value); tree_next(&i);) {
		_cleanup_(freep) char *below = mem_printf("%s%s%s", path, *path ? "." : "", i.key);
		const struct tree *member = model_member(model, shape, i.key, strlen(i.key), direction);
		if (member)
			check_json(findings, model, model_shape(model, member), below, i.value, direction);
		else
			unknown(findings, model, below, "AWS knows no such member");
	}
	for (struct tree_iter i = tree_iter(tree_key(shape, "required")); tree_next(&i);)
		if (!tree_key(value, tree_text(i.value, NULL)))
			fault(findings, path, "%s is missing", tree_text(i.value, NULL));
}

void check_json(struct findings *findings, const struct model *model, const struct tree *shape, const char *path,
		const struct tree *value, enum direction direction)
{
	const char *type = model_type(shape);
	bool is_list = str_eq(type, "list"), is_map = str_eq(type, "map"), is_structure = str_eq(type, "structure");
	if (!is_list && !is_map && !is_structure) {
		check_scalar(findings, model, shape, path, value, true);
		return;
	}
	if (!is_json_type(type, tree_kind(value))) {
		fault(findings, path, "is %s instead of a %s", tree_kind_name(tree_kind(value)), type);
		return;
	}
	if (is_structure) {
		check_members(findings, model, shape, path, value, direction);
		return;
	}
	const struct tree *below = model_shape(model, tree_key(shape, is_list ? "member" : "value"));
	for (struct tree_iter i = tree_iter(value); tree_next(&i);) {
		_cleanup_(freep) char *item = is_list ? mem_printf("%s.*", path) : mem_printf("%s.%s", path, i.key);
		check_json(findings, model, below, item, i.value, direction);
	}
}
