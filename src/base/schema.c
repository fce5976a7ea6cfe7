/* SPDX-License-Identifier: Apache-2.0
 *
 * What a field table says about its documents, for others: JSON Schema for editors, Markdown rows for the reference
 * pages. */
#include <inttypes.h>

#include "bakery/fields.h"
#include "bakery/str.h"

static struct tree *table_schema(const struct field *table);

static struct tree *of_type(const char *type)
{
	struct tree *schema = tree_new_object();

	tree_set_text(schema, "type", type);
	return schema;
}

/* A text with a variable in it stands for a value of any scalar type. */
static struct tree *or_variable(struct tree *schema)
{
	struct tree *either = tree_new_object(), *list = tree_set_array(either, "anyOf");

	tree_add(list, schema);
	tree_set_text(tree_add_object(list), "$ref", "#/$defs/variable");
	return either;
}

static struct tree *choices_schema(const char *const *choices)
{
	struct tree *schema = tree_new_object(), *list = tree_set_array(schema, "enum");

	for (; *choices; choices++)
		tree_add_text(list, *choices);
	return or_variable(schema);
}

static struct tree *scalar_schema(void)
{
	struct tree *schema = tree_new_object(), *types = tree_set_array(schema, "type");

	tree_add_text(types, "string");
	tree_add_text(types, "integer");
	tree_add_text(types, "boolean");
	return schema;
}

static struct tree *text_schema(const struct field *field)
{
	return field->choices ? choices_schema(field->choices) : scalar_schema();
}

static struct tree *int_schema(const struct field *field)
{
	struct tree *schema = of_type("integer");

	if (field->most != 0) {
		tree_set_int(schema, "minimum", field->least);
		tree_set_int(schema, "maximum", field->most);
	}
	return or_variable(schema);
}

static struct tree *duration_schema(void)
{
	struct tree *schema = of_type("string");

	tree_set_text(schema, "pattern", "^[0-9]+[smhd]$|^0$|\\{\\{");
	return schema;
}

static struct tree *list_of(struct tree *items)
{
	struct tree *schema = of_type("array");

	tree_set(schema, "items", items);
	return schema;
}

static struct tree *map_of(struct tree *values)
{
	struct tree *schema = of_type("object");

	tree_set(schema, "additionalProperties", values);
	return schema;
}

static struct tree *either_of(struct tree *one, struct tree *other)
{
	struct tree *either = tree_new_object(), *list = tree_set_array(either, "anyOf");

	tree_add(list, one);
	tree_add(list, other);
	return either;
}

static struct tree *field_schema(const struct field *field);

static struct tree *struct_schema(const struct field *field)
{
	struct tree *schema = table_schema(field->fields);

	for (const struct field *inner = field->fields; field->shorthand && inner->key; inner++)
		if (str_eq(inner->key, field->shorthand))
			return either_of(field_schema(inner), schema);
	return schema;
}

static struct tree *struct_list_schema(const struct field *field)
{
	struct tree *list = list_of(struct_schema(field));

	return field->flags & FIELD_SINGLE ? either_of(struct_schema(field), list) : list;
}

static struct tree *struct_map_schema(const struct field *field)
{
	return either_of(map_of(either_of(of_type("null"), struct_schema(field))), list_of(scalar_schema()));
}

static struct tree *type_schema(const struct field *field)
{
	switch (field->type) {
	case FIELD_TEXT:
		return text_schema(field);
	case FIELD_INT:
		return int_schema(field);
	case FIELD_BOOL:
		return or_variable(of_type("boolean"));
	case FIELD_DURATION:
		return duration_schema();
	case FIELD_CHOICE:
		return choices_schema(field->choices);
	case FIELD_TEXT_LIST:
		return either_of(text_schema(field), list_of(text_schema(field)));
	case FIELD_TEXT_MAP:
		return map_of(field->flags & FIELD_NULL_VALUES ? either_of(of_type("null"), scalar_schema())
							       : scalar_schema());
	case FIELD_STRUCT:
	case FIELD_INLINE:
		return struct_schema(field);
	case FIELD_STRUCT_LIST:
		return struct_list_schema(field);
	case FIELD_STRUCT_MAP:
		return struct_map_schema(field);
	case FIELD_TREE:
		return field->fields ? table_schema(field->fields) : tree_new_object();
	}
	return tree_new_object();
}

static struct tree *field_schema(const struct field *field)
{
	struct tree *schema = type_schema(field);

	if (field->doc)
		tree_set_text(schema, "description", field->doc);
	if (field->otherwise)
		tree_set_text(schema, "default", field->otherwise);
	return schema;
}

static struct tree *table_schema(const struct field *table)
{
	struct tree *schema = of_type("object"), *required = tree_new_array();
	struct tree *properties = tree_set_object(schema, "properties");

	for (const struct field *field = table; field->key; field++) {
		tree_set(properties, field->key, field_schema(field));
		if (field->flags & FIELD_REQUIRED)
			tree_add_text(required, field->key);
	}
	if (tree_count(required) > 0)
		tree_set(schema, "required", tree_share(required));
	tree_free(required);
	tree_set_bool(schema, "additionalProperties", false);
	return schema;
}

struct tree *fields_schema(const struct field *table)
{
	struct tree *schema = tree_new_object(), *body = table_schema(table);

	tree_set_text(schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
	for (struct tree_iter i = tree_iter(body); tree_next(&i);)
		tree_set(schema, i.key, tree_share(i.value));
	struct tree *variable = tree_set_object(tree_set_object(schema, "$defs"), "variable");
	tree_set_text(variable, "type", "string");
	tree_set_text(variable, "pattern", "\\{\\{");
	tree_free(body);
	return schema;
}

/* --- reference rows --- */

static const char *const type_names[] = {
	[FIELD_TEXT] = "text",
	[FIELD_INT] = "number",
	[FIELD_BOOL] = "true, false",
	[FIELD_DURATION] = "duration",
	[FIELD_TEXT_LIST] = "list of texts",
	[FIELD_TEXT_MAP] = "map of texts",
	[FIELD_STRUCT] = "map",
	[FIELD_INLINE] = "map",
	[FIELD_STRUCT_LIST] = "list",
	[FIELD_STRUCT_MAP] = "map",
	[FIELD_TREE] = "map",
	[FIELD_CHOICE] = "text",
};

static void add_choices(const struct field *field, struct str *out)
{
	for (size_t i = 0; field->choices[i]; i++)
		str_addf(out, "%s`%s`", i ? ", " : "", field->choices[i]);
}

static void add_row(const struct field *field, const char *key, struct str *out)
{
	str_addf(out, "| `%s` | ", key);
	if (field->choices)
		add_choices(field, out);
	else
		str_add(out, type_names[field->type]);
	if (field->type == FIELD_INT && field->most != 0)
		str_addf(out, ", %" PRId64 " to %" PRId64, field->least, field->most);
	str_add(out, " | ");
	if (field->flags & FIELD_REQUIRED)
		str_add(out, "required");
	else if (field->otherwise)
		str_addf(out, "`%s`", field->otherwise);
	str_addf(out, " | %s |\n", field->doc ? field->doc : "");
}

static void add_rows(const struct field *table, const char *prefix, struct str *out)
{
	for (const struct field *field = table; field->key; field++) {
		_cleanup_(str_free) struct str key = STR_INIT;
		str_addf(&key, "%s%s", prefix, field->key);
		add_row(field, key.data, out);
		if (!field->fields || field->type == FIELD_TREE)
			continue;
		str_add(&key, field->type == FIELD_STRUCT_LIST ? "[]." : field->type == FIELD_STRUCT_MAP ? ".*." : ".");
		add_rows(field->fields, key.data, out);
	}
}

void fields_reference(const struct field *table, struct str *out)
{
	str_add(out, "| key | value | default | meaning |\n|---|---|---|---|\n");
	add_rows(table, "", out);
}
