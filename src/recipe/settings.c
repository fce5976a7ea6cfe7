/* SPDX-License-Identifier: Apache-2.0
 *
 * bakery.yaml: what is common to a project. Without one, everything has its default. */
#include <string.h>

#include "bakery/file.h"
#include "bakery/recipe.h"
#include "bakery/str.h"
#include "checks.h"
#include "config.h"
#include "document.h"
#include "search.h"

#define AT(type, member) offsetof(struct type, member)

static void check_map(const struct fields_context *context, const struct tree *node, const void *value)
{
	if (tree_kind(node) != TREE_OBJECT)
		faults_add_at(context->faults, context->file, node, "%s: must be a map, not %s", context->key,
			      tree_kind_name(tree_kind(node)));
}

static void check_launch(const struct fields_context *context, const struct tree *node, const void *value)
{
	struct launch ignored;

	fields_decode(launch_fields, node, context->key, &ignored, context);
}

static void check_channels(const struct fields_context *context, const struct tree *node, const void *value)
{
	const struct struct_list *list = value;
	const struct channel *channels = list->items;

	for (size_t i = 0; i < list->count; i++)
		for (size_t k = 0; k < i && channels[i].name; k++)
			if (str_eq(channels[i].name, channels[k].name))
				faults_add_at(context->faults, context->file,
					      tree_kind(node) == TREE_ARRAY ? tree_at(node, i) : node,
					      "%s.%zu: %s stands twice", context->key, i + 1, channels[i].name);
}

static const struct field channel_fields[] = {
	{"name", AT(channel, name), FIELD_TEXT, FIELD_REQUIRED, .check = must_be_name,
	 .doc = "Its name; the order of the list is the way of an image."},
	{"approvers", AT(channel, approvers), FIELD_TEXT_LIST,
	 .doc = "Who may promote an image to it (IAM ARNs, with `*`). Default: everybody."},
	{"soak", AT(channel, soak_s), FIELD_DURATION,
	 .doc = "How long an image must have been in the channel before it."},
	{"builder_may_approve", AT(channel, builder_may_approve), FIELD_BOOL,
	 .doc = "Whether who built an image may promote it, too."},
	{0},
};

static void check_fleet(const struct fields_context *context, const struct tree *node, const void *value)
{
	const struct fleet *fleet = value;

	if (fleet->accounts.count && !fleet->role)
		faults_add_at(context->faults, context->file, node,
			      "%s.role: is missing: the name of a role in each of the accounts", context->key);
}

static const struct field fleet_fields[] = {
	{"accounts", AT(fleet, accounts), FIELD_TEXT_LIST, .check = must_be_fleet_accounts,
	 .doc = "Accounts besides this one, by id; or `organization`: all of its accounts."},
	{"role", AT(fleet, role), FIELD_TEXT, .check = must_be_role,
	 .doc = "Name of a role in each of the accounts that bakery may take. Needed with `accounts`."},
	{"regions", AT(fleet, regions), FIELD_TEXT_LIST, FIELD_NOT_EMPTY, .check = must_be_region,
	 .doc = "Default: all that the account may use."},
	{"required_tags", AT(fleet, required_tags), FIELD_TREE, .doc = "For audits, which this version does not make."},
	{"exemptions", AT(fleet, exemptions), FIELD_TREE, .doc = "For audits, which this version does not make."},
	{0},
};

const struct field settings_fields[] = {
	{"bakery", AT(settings, format), FIELD_INT, .otherwise = "1", .check = must_be_format,
	 .doc = "Format of this file: 1."},
	{"project", AT(settings, project), FIELD_TEXT, FIELD_NOT_EMPTY,
	 .doc = "Name used in tags. Default: the name of this file's folder."},
	{"store", AT(settings, store), FIELD_TEXT, FIELD_NOT_EMPTY,
	 .doc = "The database's file. Default: `$XDG_STATE_HOME/bakery/bakery.db`; `$BAKERY_STORE` overrides."},
	{"parameter_prefix", AT(settings, parameter_prefix), FIELD_TEXT, .otherwise = "/bakery",
	 .check = must_be_prefix, .doc = "Where in Parameter Store images are published: PREFIX/RECIPE/CHANNEL."},
	{"recipes", AT(settings, recipes), FIELD_TEXT_LIST, FIELD_NOT_EMPTY,
	 .doc = "Folders in which recipes are looked up; the shipped ones come last. Default: `recipes`."},
	{"playbooks", AT(settings, playbooks), FIELD_TEXT_LIST, FIELD_NOT_EMPTY,
	 .doc = "Folders in which playbooks are looked up; the shipped ones come last. Default: `playbooks`."},
	{"launch", AT(settings, launch), FIELD_TREE, .fields = launch_fields, .check = check_launch,
	 .doc = "Defaults beneath every recipe's `launch`; the same keys."},
	{"tags", AT(settings, tags), FIELD_TEXT_MAP, .check = must_be_tags,
	 .doc = "Tags of everything that a build makes."},
	{"channels", AT(settings, channels), FIELD_STRUCT_LIST, .fields = channel_fields,
	 .size = sizeof(struct channel), .shorthand = "name", .check = check_channels,
	 .doc = "The channels there are, in order; a bare text is a name. Default: any."},
	{"trusted_accounts", AT(settings, trusted_accounts), FIELD_TEXT_LIST, .check = must_be_accounts,
	 .doc = "Other accounts whose images may be built on as `source.recipe`. EC2 shows no tags of their images, so "
		"neither a revocation nor ancestors. Default: only this account's."},
	{"settle", AT(settings, settle_s), FIELD_DURATION, .otherwise = "1m", .least = 1, .most = 900,
	 .doc = "How long AWS may take to show what it has made: so long, counted from when it was asked for, what is "
		"not "
		"there counts as not there yet."},
	{"quarantine", AT(settings, quarantine_s), FIELD_DURATION, .otherwise = "30d", .least = 3600,
	 .most = 3650LL * 86400,
	 .doc = "How long the image of a build that failed late is kept; `bakery gc` removes it after that."},
	{"fleet", AT(settings, fleet), FIELD_INLINE, .fields = fleet_fields, .check = check_fleet,
	 .doc = "Where `bakery gc` looks for what builds left behind."},
	{"notify", AT(settings, notify), FIELD_TREE, .check = check_map,
	 .doc = "Who is to be told about builds and audits. Kept: this version tells nobody."},
	{0},
};

/* What this program ships: beside its source when it runs from there, else where it was installed. */
static const char *shipped(const char *kind, struct arena *arena)
{
	const char *source = arena_printf(arena, "%s/%s", BAKERY_SOURCE_FOLDER, kind);

	return file_exists(source) ? source : arena_printf(arena, "%s/%s", BAKERY_DATA_FOLDER, kind);
}

static void complete_paths(struct text_list *list, const char *kind, const struct tree *node,
			   const struct settings *settings, struct arena *arena, struct faults *faults)
{
	struct text_list paths = {0};
	const char *last = shipped(kind, arena);

	for (size_t i = 0; i < list->count; i++) {
		const char *path = search_absolute(settings->folder, list->items[i], arena);
		const struct tree *item = tree_kind(node) == TREE_ARRAY ? tree_at(node, i) : node;
		if (!file_exists(path))
			faults_add_at(faults, settings->file, item, "%s: there is no folder %s", kind,
				      search_shown(path, arena));
		text_list_append(&paths, path, arena);
	}
	if (!node)
		text_list_append(&paths, search_absolute(settings->folder, kind, arena), arena);
	if (!text_list_has(&paths, last))
		text_list_append(&paths, last, arena);
	*list = paths;
}

static void complete(struct settings *settings, const struct tree *tree, struct arena *arena, struct faults *faults)
{
	const char *slash = strrchr(settings->folder, '/');

	complete_paths(&settings->recipes, "recipes", tree_key(tree, "recipes"), settings, arena, faults);
	complete_paths(&settings->playbooks, "playbooks", tree_key(tree, "playbooks"), settings, arena, faults);
	if (settings->store)
		settings->store = search_absolute(settings->folder, settings->store, arena);
	if (!settings->project)
		settings->project = slash && slash[1] ? slash + 1 : "bakery";
}

static const char *find(const char *file, const char *folder, struct arena *arena)
{
	_cleanup_(freep) char *found =
		file ? NULL : path_search_upward(search_absolute(NULL, folder, arena), "bakery.yaml");

	if (file)
		return search_absolute(NULL, file, arena);
	return arena_strdup(arena, found);
}

bool settings_load(const char *file, const char *folder, struct arena *arena, struct settings *out, struct error *err)
{
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;
	_cleanup_(tree_freep) struct tree *nothing = tree_new_object();
	const char *path = find(file, folder, arena), *shown = path ? search_shown(path, arena) : NULL;
	const struct fields_context context = {.file = shown, .faults = &faults, .arena = arena};
	const struct tree *tree = path ? document_read(path, shown, arena, &faults) : nothing;

	*out = (struct settings){0};
	if (!tree)
		return faults_check(&faults, err);
	if (tree_kind(tree) == TREE_NULL) /* a file of comments only */
		tree = nothing;
	fields_decode(settings_fields, tree, "", out, &context);
	_cleanup_(freep) char *around = path ? path_folder(path) : NULL;
	out->file = shown;
	out->folder = search_absolute(NULL, around ? around : folder, arena);
	complete(out, tree, arena, &faults);
	return faults_check(&faults, err);
}
