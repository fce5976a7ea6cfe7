/* SPDX-License-Identifier: Apache-2.0
 *
 * The policy of a temporary instance profile: read from its file before anything is made, with the faults that IAM
 * would only tell when the role exists already ("IAM JSON policy elements reference"). */
#include "facts_private.h"

#include <string.h>

#include "bakery/file.h"
#include "bakery/str.h"

/* "IAM and STS quotas": all inline policies of a role, white space not counted. */
enum { MOST_POLICY = 10240 };

struct policy {
	const char *path;
	struct faults *faults;
};

static void fault(const struct policy *policy, const struct tree *node, const char *what)
{
	faults_add_at(policy->faults, policy->path, node, "launch.temporary_profile.policy: %s", what);
}

static void check_statement(const struct policy *policy, const struct tree *statement)
{
	const char *effect;

	if (tree_kind(statement) != TREE_OBJECT) {
		fault(policy, statement, "a statement must be an object");
		return;
	}
	effect = tree_text(statement, "Effect");
	if (!str_eq(effect, "Allow") && !str_eq(effect, "Deny"))
		fault(policy, statement, "a statement's Effect must be Allow or Deny");
	if (!tree_key(statement, "Action") && !tree_key(statement, "NotAction"))
		fault(policy, statement, "a statement must have an Action");
	if (!tree_key(statement, "Resource") && !tree_key(statement, "NotResource"))
		fault(policy, statement, "a statement must have a Resource");
	if (tree_key(statement, "Principal") || tree_key(statement, "NotPrincipal"))
		fault(policy, statement,
		      "a role's policy names no Principal; who may take the role is bakery's part: EC2");
}

static void check_statements(const struct policy *policy, const struct tree *tree)
{
	const struct tree *statements = tree_key(tree, "Statement");

	if (tree_kind(statements) == TREE_OBJECT)
		check_statement(policy, statements);
	else if (tree_kind(statements) != TREE_ARRAY || !tree_count(statements))
		fault(policy, statements ? statements : tree, "Statement must be a list of statements");
	else
		for (struct tree_iter i = tree_iter(statements); tree_next(&i);)
			check_statement(policy, i.value);
}

static void check_document(const struct policy *policy, const struct tree *tree)
{
	const char *version = tree_text(tree, "Version");

	if (tree_kind(tree) != TREE_OBJECT) {
		fault(policy, tree, "a policy document is a JSON object with Version and Statement");
		return;
	}
	if (!str_eq(version, "2012-10-17") && !str_eq(version, "2008-10-17"))
		fault(policy, tree_key(tree, "Version") ? tree_key(tree, "Version") : tree,
		      "Version must be \"2012-10-17\"");
	check_statements(policy, tree);
}

/* The YAML parser takes JSON, too, and remembers where everything stood; where it does not (tabs), faults have no
 * place. */
static void check_text(const struct policy *policy, const struct str *text, const struct tree *strict)
{
	struct error none = {0};
	_cleanup_(tree_freep) struct tree *placed = tree_from_yaml(text->data, text->len, &none);

	check_document(policy, placed ? placed : strict);
}

bool profile_policy_read(struct gather *gather, struct error *err)
{
	const struct temporary_profile *wish = gather->recipe->launch.temporary_profile;
	_cleanup_(str_free) struct str text = STR_INIT, json = STR_INIT;
	_cleanup_(tree_freep) struct tree *tree = NULL;
	struct faults faults = FAULTS_INIT;
	struct policy policy;
	bool fine;

	if (!wish || !wish->policy)
		return true;
	policy = (struct policy){wish->policy, &faults};
	if (!file_read(policy.path, 8 * MOST_POLICY, &text, err))
		return error_context(err, "launch.temporary_profile.policy");
	tree = tree_from_json(text.data, text.len, err);
	if (!tree)
		return error_context(err, "%s: launch.temporary_profile.policy", policy.path);
	check_text(&policy, &text, tree);
	tree_to_json_canonical(tree, &json);
	if (json.len > MOST_POLICY)
		fault(&policy, tree, "is longer than the 10240 characters that IAM takes; use a managed policy");
	fine = faults_check(&faults, err);
	faults_free(&faults);
	gather->facts->profile_policy = arena_strdup(gather->arena, json.data);
	return fine;
}
