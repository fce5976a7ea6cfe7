/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests. A form is a set of paths ("Filter.1.Value.2"): each is followed down the shapes, and each structure that is
 * entered must have its required members. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "bakery/mem.h"
#include "model.h"

struct form {
	struct findings *findings;
	const struct model *model;
	const struct tree *pairs;
	struct tree *entered; /* prefixes of structures that were looked at */
};

static bool has_prefix(const struct tree *pairs, const char *prefix)
{
	size_t length = strlen(prefix);
	for (struct tree_iter i = tree_iter(pairs); tree_next(&i);)
		if (str_starts(i.key, prefix) && (i.key[length] == '\0' || i.key[length] == '.'))
			return true;
	return false;
}

/* prefix: "" or ending in a dot. */
static void enter_structure(struct form *form, const struct tree *shape, const char *prefix)
{
	_cleanup_(str_free) struct str name = STR_INIT;
	if (tree_key(form->entered, prefix))
		return;
	tree_set_bool(form->entered, prefix, true);
	for (struct tree_iter i = tree_iter(tree_key(shape, "members")); tree_next(&i);) {
		if (!model_is_required(shape, i.key))
			continue;
		model_wire_name(form->model, i.key, i.value, REQUEST, &name);
		_cleanup_(freep) char *path = mem_printf("%s%s", prefix, name.data);
		if (!has_prefix(form->pairs, path))
			fault(form->findings, path, "is required");
	}
}

static void follow(struct form *form, const struct tree *shape, const char *path, size_t at, const struct tree *value);

static void follow_member(struct form *form, const struct tree *shape, const char *path, size_t at,
			  const struct tree *value)
{
	size_t length = strcspn(path + at, ".");
	_cleanup_(freep) char *prefix = mem_strndup(path, at);
	enter_structure(form, shape, prefix);
	const struct tree *member = model_member(form->model, shape, path + at, length, REQUEST);
	if (!member)
		unknown(form->findings, form->model, path, "AWS knows no such parameter");
	else
		follow(form, model_shape(form->model, member), path, at + length + (path[at + length] == '.'), value);
}

/* ec2: "Name.1"; query: "Name.member.1". Numbers run from 1 without holes. */
static void follow_item(struct form *form, const struct tree *shape, const char *path, size_t at,
			const struct tree *value)
{
	bool flat = str_eq(form->model->protocol, "ec2") || tree_bool(shape, "flattened", false);
	const char *name = tree_text_or(shape, "member.locationName", "member");
	int number = 0, used = 0;
	if (!flat && str_starts(path + at, name) && path[at + strlen(name)] == '.')
		at += strlen(name) + 1;
	else if (!flat)
		fault(form->findings, path, "an item must be called %s", name);
	if (sscanf(path + at, "%d%n", &number, &used) != 1 || number < 1) {
		fault(form->findings, path, "is a list: its items are numbered from 1");
		return;
	}
	_cleanup_(freep) char *before = mem_printf("%.*s%d", (int)at, path, number - 1);
	if (number > 1 && !has_prefix(form->pairs, before))
		fault(form->findings, path, "there is no item %d", number - 1);
	at += (size_t)used;
	follow(form, model_shape(form->model, tree_key(shape, "member")), path, at + (path[at] == '.'), value);
}

static void follow(struct form *form, const struct tree *shape, const char *path, size_t at, const struct tree *value)
{
	const char *type = model_type(shape);
	if (str_eq(type, "structure"))
		follow_member(form, shape, path, at, value);
	else if (str_eq(type, "list"))
		follow_item(form, shape, path, at, value);
	else if (str_eq(type, "map"))
		return; /* no form that we send has one */
	else if (path[at])
		fault(form->findings, path, "goes on behind a %s", type);
	else
		check_scalar(form->findings, form->model, shape, path, value, false);
}

static void check_form(struct findings *findings, const struct model *model, const struct tree *shape,
		       const struct tree *request)
{
	struct form form = {findings, model, request, tree_new_object()};
	enter_structure(&form, shape, "");
	for (struct tree_iter i = tree_iter(request); tree_next(&i);)
		if (!str_eq(i.key, "Action") && !str_eq(i.key, "Version"))
			follow(&form, shape, i.key, 0, i.value);
	tree_free(form.entered);
}

void check_request(struct findings *findings, const struct model *model, const char *operation,
		   const struct tree *request)
{
	const struct tree *row = model_operation(model, operation);
	static const char empty[] = "{\"type\":\"structure\"}";
	struct error err;
	_cleanup_(tree_freep) struct tree *none = tree_from_json(empty, sizeof empty - 1, &err);
	if (!row) {
		unknown(findings, model, "", "AWS knows no such operation");
		return;
	}
	const struct tree *shape = model_shape(model, tree_key(row, "input"));
	if (str_eq(model->protocol, "json"))
		check_json(findings, model, shape ? shape : none, "", request, REQUEST);
	else
		check_form(findings, model, shape ? shape : none, request);
}
