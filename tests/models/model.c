/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include <ctype.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "config.h"

#define MOST_PLACES 3
#define MOST_BYTES (128u << 20)
#define MOST_SERVICES 32

/* Where models are, the best first: what is not in one may be in the next. */
struct models {
	char *folders[MOST_PLACES];
	size_t folder_count;
	struct model services[MOST_SERVICES];
	size_t count;
};

static bool has_file(const char *folder, const char *name)
{
	_cleanup_(freep) char *path = path_join(folder, name);
	return file_exists(path);
}

static bool is_old(const char *folder)
{
	return !has_file(folder, "ec2/service-2.json");
}

struct models *models_open(void)
{
	const char *named = getenv("BAKERY_AWS_MODELS");
	const char *candidates[MOST_PLACES] = {named ? named : BAKERY_SOURCE_FOLDER "/../shared/aws-models",
					       "/usr/lib/python3/dist-packages/awscli/botocore/data",
					       "/usr/lib/python3/dist-packages/botocore/data"};
	struct models *models = mem_alloc(sizeof *models);
	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++)
		if (has_file(candidates[i], "ec2"))
			models->folders[models->folder_count++] = mem_strdup(candidates[i]);
	if (models->folder_count)
		return models;
	free(models);
	return NULL;
}

void models_close(struct models *models)
{
	for (size_t i = 0; i < models->count; i++)
		tree_free(models->services[i].tree);
	for (size_t i = 0; i < models->folder_count; i++)
		free(models->folders[i]);
	free(models);
}

const char *models_folder(const struct models *models)
{
	return models->folders[0];
}

bool models_are_old(const struct models *models)
{
	return is_old(models->folders[0]);
}

/* Debian's botocore keeps versions in folders named by their date; the newest counts. */
static char *newest_version(const char *folder)
{
	char *newest = NULL;
	DIR *entries = opendir(folder);
	for (struct dirent *entry; entries && (entry = readdir(entries));) {
		if (!isdigit((unsigned char)entry->d_name[0]) || (newest && strcmp(entry->d_name, newest) < 0))
			continue;
		free(newest);
		newest = mem_strdup(entry->d_name);
	}
	if (entries)
		closedir(entries);
	return newest;
}

/* Folders are named after the service, which is not always its name in a signature. */
static const char *folder_name(const char *service)
{
	return str_eq(service, "servicequotas") ? "service-quotas" : service;
}

static struct tree *load(const char *place, const char *service)
{
	struct error err = {0};
	_cleanup_(str_free) struct str text = STR_INIT;
	_cleanup_(freep) char *folder = path_join(place, folder_name(service));
	_cleanup_(freep) char *version = is_old(place) ? newest_version(folder) : NULL;
	_cleanup_(freep) char *path =
		mem_printf("%s/%s%sservice-2.json", folder, version ? version : "", version ? "/" : "");
	if (!file_read(path, MOST_BYTES, &text, &err))
		return NULL;
	struct tree *tree = tree_from_json(text.data, text.len, &err);
	if (!tree)
		printf("# %s: %s\n", path, err.text);
	return tree;
}

const struct model *models_find(struct models *models, const char *service)
{
	for (size_t i = 0; i < models->count; i++)
		if (str_eq(models->services[i].name, service))
			return &models->services[i];
	if (models->count == MOST_SERVICES || strpbrk(service, "./"))
		return NULL;
	for (size_t i = 0; i < models->folder_count; i++) {
		struct tree *tree = load(models->folders[i], service);
		if (!tree)
			continue;
		struct model *model = &models->services[models->count++];
		*model = (struct model){tree_text(tree, "metadata.endpointPrefix"), tree,
					tree_text(tree, "metadata.protocol"), is_old(models->folders[i])};
		return model;
	}
	return NULL;
}

const struct tree *model_operation(const struct model *model, const char *operation)
{
	return tree_key(tree_key(model->tree, "operations"), operation);
}

const struct tree *model_shape(const struct model *model, const struct tree *reference)
{
	const char *name = tree_text(reference, "shape");
	return name ? tree_key(tree_key(model->tree, "shapes"), name) : NULL;
}

const char *model_type(const struct tree *shape)
{
	return tree_text_or(shape, "type", "structure");
}

bool model_is_required(const struct tree *structure, const char *member)
{
	for (struct tree_iter i = tree_iter(tree_key(structure, "required")); tree_next(&i);)
		if (str_eq(tree_text(i.value, NULL), member))
			return true;
	return false;
}

/* The ec2 protocol's requests have a name of their own, or the reply's with a capital. */
void model_wire_name(const struct model *model, const char *member, const struct tree *reference,
		     enum direction direction, struct str *out)
{
	const char *query_name = tree_text(reference, "queryName"), *location = tree_text(reference, "locationName");
	bool ec2_request = direction == REQUEST && str_eq(model->protocol, "ec2");
	str_clear(out);
	str_add(out, ec2_request && query_name ? query_name : location ? location : member);
	if (ec2_request && !query_name)
		out->data[0] = (char)toupper((unsigned char)out->data[0]);
}

const struct tree *model_member(const struct model *model, const struct tree *structure, const char *wire,
				size_t length, enum direction direction)
{
	_cleanup_(str_free) struct str name = STR_INIT;
	for (struct tree_iter i = tree_iter(tree_key(structure, "members")); tree_next(&i);) {
		model_wire_name(model, i.key, i.value, direction, &name);
		if (name.len == length && memcmp(name.data, wire, length) == 0)
			return i.value;
	}
	return NULL;
}

/* --- findings --- */

void findings_init(struct findings *findings)
{
	*findings = (struct findings){tree_new_object(), tree_new_object(), ""};
}

void findings_free(struct findings *findings)
{
	tree_free(findings->faults);
	tree_free(findings->unknown);
}

static void add(struct tree *counts, const char *context, const char *path, const char *fmt, va_list args)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	str_addf(&text, "%s: %s%s", context, path, *path ? ": " : "");
	str_vaddf(&text, fmt, args);
	const struct tree *before = tree_key(counts, text.data);
	tree_set_int(counts, text.data, tree_int(before, NULL, 0) + 1);
}

void fault(struct findings *findings, const char *path, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	add(findings->faults, findings->context, path, fmt, args);
	va_end(args);
}

void unknown(struct findings *findings, const struct model *model, const char *path, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	add(model->old ? findings->unknown : findings->faults, findings->context, path, fmt, args);
	va_end(args);
}

static void print_counts(const struct tree *counts, const char *prefix, const char *note)
{
	for (struct tree_iter i = tree_iter(counts); tree_next(&i);) {
		int64_t count = tree_int(i.value, NULL, 1);
		printf("%s%s%s", prefix, i.key, note);
		if (count > 1)
			printf(" (%lld times)", (long long)count);
		printf("\n");
	}
}

bool findings_print(const struct findings *findings, const char *prefix)
{
	print_counts(findings->faults, prefix, "");
	print_counts(findings->unknown, prefix, ", or the models are too old to know");
	return tree_count(findings->faults) == 0;
}
