/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a recipe, what it extends and its playbooks (parts between lines of %%, in the order of `files`): a
 * recipe or faults. A recipe without faults can be written and read again and is the same. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/recipe.h"
#include "bakery/str.h"
#include "fuzz.h"

static const char *const files[] = {"r.yaml", "base.yaml", "p.yaml", "q.yaml", "vars.yaml", "bakery.yaml"};
static char folder[64]; /* in memory where the system has such a place: thousands of files a second */

static void folder_remove(void)
{
	struct error err = {0};

	if (chdir("/") < 0 || !file_remove_tree(folder, &err))
		fprintf(stderr, "%s stays: %s\n", folder, err.text);
}

static void folder_make(void)
{
	static bool made;

	if (made)
		return;
	made = true;
	snprintf(folder, sizeof(folder), "%s/bakery-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	must_hold(mkdtemp(folder) && chdir(folder) == 0);
	atexit(folder_remove);
}

/* Plain writing: file_replace would sync the disk thousands of times. */
static void write_file(const char *name, const char *data, size_t length)
{
	_cleanup_(closep) int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must_hold(fd >= 0 && write(fd, data, length) == (ssize_t)length);
}

static void write_parts(const char *data, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		const char *end = size ? memmem(data, size, "\n%%\n", 4) : NULL;
		size_t length = end ? (size_t)(end - data) + 1 : size;
		write_file(files[i], data, length);
		data += length;
		size -= length;
		if (end) {
			data += 3;
			size -= 3;
		}
	}
}

static void check_again(const struct recipe *recipe, struct arena *arena)
{
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;
	_cleanup_(tree_freep) struct tree *first = fields_encode(recipe_fields, recipe);
	_cleanup_(tree_freep) struct tree *second = NULL;
	const struct fields_context context = {.faults = &faults, .arena = arena};
	struct recipe again;

	must_hold(recipe->sha256 && strlen(recipe->sha256) == 64 && recipe->name && recipe->image.name);
	fields_decode(recipe_fields, first, "", &again, &context);
	second = fields_encode(recipe_fields, &again);
	must_hold(tree_equal(first, second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(faults_free) struct faults faults = FAULTS_INIT;
	_cleanup_(str_free) struct str printed = STR_INIT;
	const char *var_files[] = {"vars.yaml"};
	struct recipe_options options = {.var_files = {var_files, 1}};
	struct settings settings;
	struct recipe *recipe;
	struct error err = {0};

	folder_make();
	write_parts((const char *)data, size);
	if (!settings_load(NULL, ".", arena, &settings, &err) &&
	    !settings_load("/dev/null", ".", arena, &settings, &err))
		abort();
	settings.recipes = settings.playbooks =
		(struct text_list){(const char *[]){folder}, 1}; /* nothing that is shipped */
	must_hold(recipe_read(&settings, "./r.yaml", &options, arena, &recipe, &faults, &err));
	must_hold((recipe != NULL) == (faults.count == 0));
	faults_print(&faults, &printed);
	if (recipe)
		check_again(recipe, arena);
	return 0;
}
