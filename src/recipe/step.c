/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes together in one step of a playbook. */
#include "bakery/str.h"
#include "playbook_private.h"

/* The actions: a step has exactly one, or a check alone. */
static const char *const actions[] = {"run", "upload", "download", "reboot", "include"};

struct step_place {
	const struct tree *node;
	const char *key;
	struct faults *faults;
};

static void fault(const struct step_place *place, const char *member, const char *what)
{
	const struct tree *node = tree_key(place->node, member);

	faults_add_at_key(place->faults, NULL, node ? node : place->node, "%s.%s: %s", place->key, member, what);
}

static size_t action_count(const struct tree *node)
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		count += tree_key(node, actions[i]) != NULL;
	return count;
}

static void check_actions(const struct step_place *place)
{
	_cleanup_(str_free) struct str found = STR_INIT;
	size_t count = action_count(place->node);

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (tree_key(place->node, actions[i]))
			str_addf(&found, "%s%s", found.len ? " and " : "", actions[i]);
	if (count > 1)
		faults_add_at(place->faults, NULL, place->node, "%s: has %s; a step does one thing", place->key,
			      found.data);
	if (count == 0 && !tree_key(place->node, "check"))
		faults_add_at(place->faults, NULL, place->node,
			      "%s: does nothing (it needs run, check, upload, download, reboot or include)",
			      place->key);
}

/* Keys that mean nothing to what the step does. */
static void check_companions(const struct step_place *place)
{
	static const char *const shell_only[] = {"check", "as", "env", "secrets"};
	static const char *const not_with_include[] = {"id",   "name", "controls", "os",
						       "arch", "if",   "timeout",  "retries"};
	bool includes = tree_key(place->node, "include");
	bool is_shell = tree_key(place->node, "run") || action_count(place->node) == 0;

	for (size_t i = 0; i < ARRAY_SIZE(shell_only) && !is_shell; i++)
		if (tree_key(place->node, shell_only[i]))
			fault(place, shell_only[i], "goes with run only");
	for (size_t i = 0; i < ARRAY_SIZE(not_with_include) && includes; i++)
		if (tree_key(place->node, not_with_include[i]))
			fault(place, not_with_include[i],
			      "cannot stand with include (the included steps have their own)");
	if (tree_key(place->node, "vars") && !includes)
		fault(place, "vars", "goes with include only");
	if (tree_key(place->node, "reboot") && tree_key(place->node, "timeout"))
		fault(place, "timeout", "belongs into reboot: {timeout: ...}");
}

void step_check(const struct step_wish *wish, const struct tree *node, const char *key, struct faults *faults)
{
	const struct step_place place = {.node = node, .key = key, .faults = faults};

	if (tree_kind(node) != TREE_OBJECT)
		return; /* said already */
	check_actions(&place);
	if (action_count(node) == 1)
		check_companions(&place);
	if (wish->step.controls.count && !tree_key(node, "check"))
		fault(&place, "controls", "need a check: what it answers is their evidence");
	if (wish->step.controls.count && !tree_key(node, "id"))
		fault(&place, "controls", "need an id: their evidence refers to it");
}
