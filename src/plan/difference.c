/* SPDX-License-Identifier: Apache-2.0
 *
 * What two plans of a recipe would make differently: the words for why an image is baked again, or why not. */
#include <string.h>

#include "bakery/plan.h"
#include "bakery/str.h"

static void say(struct str *out, const char *fmt, ...) printf_like(2, 3);
static void say(struct str *out, const char *fmt, ...)
{
	va_list args;

	if (out->len)
		str_add(out, "; ");
	va_start(args, fmt);
	str_vaddf(out, fmt, args);
	va_end(args);
}

static void source_compare(const struct plan_source *before, const struct plan_source *now, struct str *out)
{
	bool is_newer = before->created && now->created && strcmp(now->created, before->created) > 0;

	if (str_eq(before->ami, now->ami))
		return;
	say(out, "the source image is %s: %s → %s", is_newer ? "newer" : "another", before->ami, now->ami);
	if (now->name)
		str_addf(out, " (%s)", now->name);
}

static const struct playbook *playbook_find(const struct struct_list *list, const char *name)
{
	const struct playbook *playbooks = list->items;

	for (size_t i = 0; i < list->count; i++) {
		if (str_eq(playbooks[i].name, name))
			return &playbooks[i];
	}
	return NULL;
}

static bool same_order(const struct struct_list *before, const struct struct_list *now)
{
	const struct playbook *a = before->items, *b = now->items;
	bool same = before->count == now->count;

	for (size_t i = 0; same && i < now->count; i++)
		same = str_eq(a[i].name, b[i].name);
	return same;
}

static bool same_content(const struct struct_list *before, const struct struct_list *now)
{
	const struct playbook *a = before->items, *b = now->items;
	bool same = same_order(before, now);

	for (size_t i = 0; same && i < now->count; i++)
		same = str_eq(a[i].sha256, b[i].sha256);
	return same;
}

static void playbooks_compare(const struct struct_list *before, const struct struct_list *now, struct str *out)
{
	const struct playbook *a = before->items, *b = now->items;
	size_t length = out->len;

	if (same_content(before, now))
		return;
	if (same_order(before, now)) {
		for (size_t i = 0; i < now->count; i++) {
			if (!str_eq(a[i].sha256, b[i].sha256))
				say(out, "playbook %s changed", b[i].name);
		}
		return;
	}
	for (size_t i = 0; i < now->count; i++) {
		const struct playbook *old = playbook_find(before, b[i].name);
		if (!old)
			say(out, "playbook %s is new", b[i].name);
		else if (!str_eq(old->sha256, b[i].sha256))
			say(out, "playbook %s changed", b[i].name);
	}
	for (size_t i = 0; i < before->count; i++) {
		if (!playbook_find(now, a[i].name))
			say(out, "playbook %s is no longer used", a[i].name);
	}
	if (out->len == length)
		say(out, "the playbooks are used in another order");
}

/* The rest of the document: without what is compared above, what only tells where things lie or stand, and the hash
 * that sums all of it up. */
static struct tree *rest_of(const struct plan *plan)
{
	static const char *const left_out[] = {"source",   "playbooks",	  "seal",	  "verify",
					       "scanning", "recipe_file", "recipe_sha256"};
	struct tree *tree = fields_encode(plan_fields, plan), *launch = tree_key(tree, "launch");

	for (size_t i = 0; i < ARRAY_SIZE(left_out); i++)
		tree_remove(tree, left_out[i]);
	if (launch) {
		tree_remove(launch, "vpc");
		tree_remove(launch, "subnets");
	}
	return tree;
}

static bool same_tree(const struct tree *before, const struct tree *now)
{
	_cleanup_(str_free) struct str a = STR_INIT, b = STR_INIT;

	tree_to_json_canonical(before, &a);
	tree_to_json_canonical(now, &b);
	return tree_kind(before) == tree_kind(now) && str_eq(a.data, b.data);
}

static void name_add(struct str *names, const char *above, const char *key)
{
	str_addf(names, "%s%s%s%s", names->len ? ", " : "", above ? above : "", above ? "." : "", key);
}

/* The keys in which two objects differ, two levels deep. */
static void keys_compare(const struct tree *before, const struct tree *now, const char *above, struct str *names)
{
	for (struct tree_iter i = tree_iter(now); tree_next(&i);) {
		const struct tree *old = tree_key(before, i.key);
		if (same_tree(old, i.value))
			continue;
		if (!above && tree_kind(i.value) == TREE_OBJECT && tree_kind(old) == TREE_OBJECT)
			keys_compare(old, i.value, i.key, names);
		else
			name_add(names, above, i.key);
	}
	for (struct tree_iter i = tree_iter(before); tree_next(&i);) {
		if (!tree_key(now, i.key))
			name_add(names, above, i.key);
	}
}

static void rest_compare(const struct plan *before, const struct plan *now, struct str *out)
{
	_cleanup_(tree_freep) struct tree *old = rest_of(before), *new = rest_of(now);
	_cleanup_(str_free) struct str names = STR_INIT;

	keys_compare(old, new, NULL, &names);
	if (names.len)
		say(out, "the recipe or the settings changed (%s)", names.data);
	else if (!out->len && !str_eq(before->recipe_sha256, now->recipe_sha256))
		say(out, "the recipe changed");
}

const char *plan_difference(const struct plan *before, const struct plan *now, struct arena *arena)
{
	_cleanup_(str_free) struct str out = STR_INIT;

	source_compare(&before->source, &now->source, &out);
	playbooks_compare(&before->playbooks, &now->playbooks, &out);
	playbooks_compare(&before->seal, &now->seal, &out);
	playbooks_compare(&before->scanning, &now->scanning, &out);
	playbooks_compare(&before->verify, &now->verify, &out);
	rest_compare(before, now, &out);
	return out.len ? arena_strdup(arena, out.data) : NULL;
}
