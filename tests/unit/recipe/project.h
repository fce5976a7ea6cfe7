/* SPDX-License-Identifier: Apache-2.0
 *
 * A project in a folder of its own, which is the working directory while it lives: files are written, then recipes
 * read. */
#ifndef BAKERY_TESTS_RECIPE_PROJECT_H
#define BAKERY_TESTS_RECIPE_PROJECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bakery/file.h"
#include "bakery/recipe.h"
#include "bakery/str.h"

struct project {
	char folder[64];
	struct arena *arena;
	struct settings settings;
	struct recipe_options options;
	struct str faults; /* of the last reading, as printed */
	struct error err;
};

static inline void project_write(const char *path, const char *text)
{
	struct error err = {0};
	_cleanup_(freep) char *folder = path_folder(path);

	assert_true(file_make_folders(folder, 0700, &err));
	assert_true(file_replace(path, text, strlen(text), 0600, &err));
}

static inline struct project project_new(void)
{
	struct project project = {.folder = "/tmp/bakery-recipe-XXXXXX", .arena = arena_new(), .faults = STR_INIT};

	assert_non_null(mkdtemp(project.folder));
	assert_int_equal(chdir(project.folder), 0);
	project_write("recipes/.keep", "");
	project_write("playbooks/.keep", "");
	return project;
}

static inline void project_free(struct project *project)
{
	struct error err = {0};

	assert_int_equal(chdir("/"), 0);
	assert_true(file_remove_tree(project->folder, &err));
	str_free(&project->faults);
	arena_free(project->arena);
}

/* The recipe, or NULL with project->faults (or, when there is no such recipe, project->err). */
static inline struct recipe *project_read(struct project *project, const char *name)
{
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;
	struct recipe *recipe = NULL;

	str_clear(&project->faults);
	project->err = (struct error){0};
	if (!settings_load(NULL, ".", project->arena, &project->settings, &project->err))
		return NULL;
	if (!recipe_read(&project->settings, name, &project->options, project->arena, &recipe, &faults, &project->err))
		return NULL;
	faults_print(&faults, &project->faults);
	return recipe;
}

static inline struct recipe *project_read_ok(struct project *project, const char *name)
{
	struct recipe *recipe = project_read(project, name);

	assert_string_equal(project->err.text, "");
	assert_string_equal(project->faults.data, "");
	assert_non_null(recipe);
	return recipe;
}

#endif
