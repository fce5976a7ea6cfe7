/* SPDX-License-Identifier: Apache-2.0
 *
 * From the table of permissions to a policy document: {names} are replaced by what is known, and what is not needed is
 * left out. */
#include "bakery/permissions.h"

#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"

enum sid {
#define STATEMENT(sid, resources, conditions) SID_##sid,
#define GRANT(service, operation, sid, on, actions)
#define FREE(service, operation)
#include "permissions.def"
#undef STATEMENT
#undef GRANT
#undef FREE
	SID_COUNT,
	SID_NONE,
};

static const struct statement_row {
	const char *sid, *resources, *conditions;
} statements[] = {
#define STATEMENT(sid, resources, conditions) {#sid, resources, conditions},
#define GRANT(service, operation, sid, on, actions)
#define FREE(service, operation)
#include "permissions.def"
#undef STATEMENT
#undef GRANT
#undef FREE
};

static const struct grant_row {
	enum aws_operation operation;
	enum sid sid;
	const char *own_action, *on, *actions;
} grants[] = {
#define STATEMENT(sid, resources, conditions)
#define GRANT(service, operation, sid, on, actions)                                                                    \
	{AWS_##service##_##operation, SID_##sid, #service ":" #operation, on, actions},
#define FREE(service, operation) {AWS_##service##_##operation, SID_NONE, "", "", ""},
#include "permissions.def"
#undef STATEMENT
#undef GRANT
#undef FREE
};

void permission_needs_init(struct permission_needs *needs)
{
	*needs = (struct permission_needs){.values = tree_new_object()};
}

void permission_needs_free(struct permission_needs *needs)
{
	tree_freep(&needs->values);
}

static void add_once(struct tree *list, const char *text)
{
	for (struct tree_iter i = tree_iter(list); tree_next(&i);) {
		if (str_eq(tree_text(i.value, NULL), text))
			return;
	}
	tree_add_text(list, text);
}

void permission_needs_add(struct permission_needs *needs, const char *name, const char *value)
{
	struct tree *list = tree_key(needs->values, name);

	if (value)
		add_once(list ? list : tree_set_array(needs->values, name), value);
}

bool permissions_known(enum aws_operation operation)
{
	for (size_t i = 0; i < ARRAY_SIZE(grants); i++) {
		if (grants[i].operation == operation)
			return true;
	}
	return false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct tree *sorted(const struct tree *list)
{
	size_t count = tree_count(list);
	_cleanup_(freep) const char **texts = mem_array(count + 1, sizeof(*texts));
	struct tree *result = tree_new_array();

	for (size_t i = 0; i < count; i++)
		texts[i] = tree_text(tree_at(list, i), NULL);
	qsort(texts, count, sizeof(*texts), by_text);
	for (size_t i = 0; i < count; i++)
		tree_add_text(result, texts[i]);
	return result;
}

/* IAM would read ${...} in a value as a variable; ${$} is a plain $ (IAM user guide, "policy variables"). */
static void add_value(struct str *text, const char *value)
{
	for (; *value; value++) {
		if (value[0] == '$' && value[1] == '{')
			str_add(text, "${$}");
		else
			str_add_char(text, *value);
	}
}

/* done, then pattern with its first {name} replaced by each of the name's values, and so on with the next; added to
 * list. */
static void expand_from(const struct tree *values, const char *done, const char *pattern, struct tree *list)
{
	const char *open = strchr(pattern, '{'), *end = open ? strchr(open, '}') : NULL;
	_cleanup_(freep) char *name = end ? mem_strndup(open + 1, (size_t)(end - open - 1)) : NULL;
	_cleanup_(str_free) struct str whole = STR_INIT;

	if (!name) {
		str_addf(&whole, "%s%s", done, pattern);
		add_once(list, whole.data);
		return;
	}
	for (struct tree_iter i = tree_iter(tree_key(values, name)); tree_next(&i);) {
		_cleanup_(str_free) struct str text = STR_INIT;

		str_add(&text, done);
		str_add_n(&text, pattern, (size_t)(open - pattern));
		add_value(&text, tree_text_or(i.value, NULL, ""));
		expand_from(values, text.data, end + 1, list);
	}
}

static void expand(const struct tree *values, const char *pattern, struct tree *list)
{
	expand_from(values, "", pattern, list);
}

static void expand_all(const struct tree *values, const char *patterns, struct tree *list)
{
	_cleanup_(freep) char *copy = mem_strdup(patterns);
	char *rest = copy, *pattern;

	while ((pattern = strsep(&rest, " "))) {
		if (*pattern)
			expand(values, pattern, list);
	}
}

/* "operator key value"; false when there is no value for it, so that the statement would say nothing or too much. */
static bool condition_add(const struct tree *values, const char *text, struct tree *conditions)
{
	_cleanup_(freep) char *copy = mem_strdup(text);
	_cleanup_(tree_freep) struct tree *found = tree_new_array();
	char *rest = copy, *operator= strsep(&rest, " "), *key = strsep(&rest, " ");
	struct tree *keys = tree_key(conditions, operator);

	expand(values, rest, found);
	if (!tree_count(found))
		return false;
	if (!keys)
		keys = tree_set_object(conditions, operator);
	tree_set(keys, key, sorted(found));
	return true;
}

static bool conditions_add(const struct tree *values, const char *texts, struct tree *conditions)
{
	for (const char *at = texts; *at;) {
		const char *end = strstr(at, "; ");
		_cleanup_(freep) char *text = end ? mem_strndup(at, (size_t)(end - at)) : mem_strdup(at);

		if (!condition_add(values, text, conditions))
			return false;
		at = end ? end + 2 : at + strlen(at);
	}
	return true;
}

/* The rows of one statement: all, or those that act on the same types of resources. */
struct selection {
	const struct permission_needs *needs;
	enum sid sid;
	const char *on; /* NULL: all */
};

/* What the needed operations ask of a statement; their names go to names. */
static struct tree *actions_of(const struct selection *selection, struct tree *names)
{
	_cleanup_(tree_freep) struct tree *actions = tree_new_array();

	for (size_t i = 0; i < ARRAY_SIZE(grants); i++) {
		const struct grant_row *grant = &grants[i];
		if (grant->sid != selection->sid || !selection->needs->operations[grant->operation] ||
		    (selection->on && !str_eq(selection->on, grant->on)))
			continue;
		expand_all(NULL, grant->actions[0] ? grant->actions : grant->own_action, actions);
		add_once(names, aws_operation_name(grant->operation));
	}
	return sorted(actions);
}

/* Whether an ARN's resource ("instance/..." behind the fifth colon) is of one of the types, which spaces separate. */
static bool is_of_types(const char *arn, const char *types)
{
	_cleanup_(freep) char *copy = mem_strdup(types);
	char *rest = copy, *type;

	for (int colons = 0; *arn && colons < 5; arn++)
		colons += *arn == ':';
	while ((type = strsep(&rest, " "))) {
		size_t length = strlen(type);
		if (strncmp(arn, type, length) == 0 && arn[length] == '/')
			return true;
	}
	return false;
}

static struct tree *resources_of(const struct selection *selection, const struct tree *values)
{
	_cleanup_(tree_freep) struct tree *all = tree_new_array(), *wanted = tree_new_array();

	expand_all(values, statements[selection->sid].resources, all);
	for (struct tree_iter i = tree_iter(all); tree_next(&i);) {
		const char *arn = tree_text(i.value, NULL);
		if (!selection->on || !selection->on[0] || is_of_types(arn, selection->on))
			tree_add_text(wanted, arn);
	}
	return sorted(wanted);
}

static void statement_add(const struct selection *selection, struct tree *list)
{
	const struct statement_row *row = &statements[selection->sid];
	_cleanup_(tree_freep) struct tree *values = tree_copy(selection->needs->values);
	_cleanup_(tree_freep) struct tree *statement = tree_new_object(), *conditions = tree_new_object(),
					  *actions = NULL, *resources = NULL;

	actions = actions_of(selection, tree_set_array(values, "operations"));
	resources = resources_of(selection, values);
	if (!tree_count(actions) || !tree_count(resources) || !conditions_add(values, row->conditions, conditions))
		return;
	tree_set_text(statement, "Sid", row->sid);
	tree_set_text(statement, "Effect", "Allow");
	tree_set(statement, "Action", take(&actions));
	tree_set(statement, "Resource", take(&resources));
	if (tree_count(conditions))
		tree_set(statement, "Condition", take(&conditions));
	tree_add(list, take(&statement));
}

struct tree *permissions_policy(const struct permission_needs *needs)
{
	struct tree *policy = tree_new_object(), *list;

	tree_set_text(policy, "Version", "2012-10-17");
	list = tree_set_array(policy, "Statement");
	for (size_t i = 0; i < SID_COUNT; i++)
		statement_add(&(struct selection){needs, (enum sid)i, NULL}, list);
	return policy;
}

struct tree *permissions_questions(const struct permission_needs *needs)
{
	struct tree *list = tree_new_array();

	for (size_t sid = 0; sid < SID_COUNT; sid++) {
		_cleanup_(tree_freep) struct tree *types = tree_new_array();

		for (size_t i = 0; i < ARRAY_SIZE(grants); i++) {
			if (grants[i].sid == sid)
				add_once(types, grants[i].on);
		}
		for (struct tree_iter i = tree_iter(types); tree_next(&i);)
			statement_add(&(struct selection){needs, (enum sid)sid, tree_text(i.value, NULL)}, list);
	}
	return list;
}
