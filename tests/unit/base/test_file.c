/* SPDX-License-Identifier: Apache-2.0 */
#include <pwd.h>
#include <sys/stat.h>

#include "../../lib/check.h"
#include "bakery/file.h"
#include "bakery/mem.h"

static void replacing_is_whole_and_has_its_mode(void **state)
{
	_cleanup_(freep) char *path = path_join(*state, "file");
	_cleanup_(str_free) struct str text = STR_INIT;
	struct error err = {0};
	struct stat info;

	assert_works(file_replace(path, "one", 3, 0644, &err));
	assert_works(file_replace(path, "two", 3, 0600, &err));
	assert_works(file_read(path, 100, &text, &err));
	assert_string_equal(text.data, "two");
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
}

static void reading_is_bounded(void **state)
{
	_cleanup_(freep) char *path = path_join(*state, "file"), *missing = path_join(*state, "missing");
	_cleanup_(str_free) struct str text = STR_INIT;
	struct error err = {0};

	assert_works(file_replace(path, "12345", 5, 0644, &err));
	assert_fails(file_read(path, 4, &text, &err), ERROR_INVALID, "larger than 4 bytes");
	assert_fails(file_read(missing, 4, &text, &err), ERROR_ABSENT, "No such file");
}

static void trees_are_removed_but_links_not_followed(void **state)
{
	_cleanup_(freep) char *tree = path_join(*state, "tree"), *deep = path_join(*state, "tree/a/b"),
			      *kept = path_join(*state, "kept"), *link = path_join(*state, "tree/a/link");
	struct error err = {0};

	assert_works(file_make_folders(deep, 0755, &err));
	assert_works(file_make_folders(deep, 0755, &err));
	assert_works(file_replace(kept, "x", 1, 0644, &err));
	assert_int_equal(symlink(*state, link), 0);
	assert_works(file_remove_tree(tree, &err));
	assert_false(file_exists(tree));
	assert_true(file_exists(kept));
	assert_works(file_remove_tree(tree, &err));
}

static void upward(void **state)
{
	_cleanup_(freep) char *deep = path_join(*state, "a/b/c"), *settings = path_join(*state, "bakery.yaml"),
			      *found = NULL, *none = NULL;
	struct error err = {0};

	assert_works(file_make_folders(deep, 0755, &err));
	none = path_search_upward(deep, "bakery.yaml");
	assert_null(none);
	assert_works(file_replace(settings, "", 0, 0644, &err));
	found = path_search_upward(deep, "bakery.yaml");
	assert_non_null(found);
	assert_string_equal(found + strlen(found) - strlen("/bakery.yaml"), "/bakery.yaml");
}

static void paths(void **state)
{
	static const struct {
		const char *path, *folder;
	} cases[] = {{"a/b.yaml", "a"}, {"b", "."}, {"/b", "/"}, {"/a/b", "/a"}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) char *folder = path_folder(cases[i].path);
		assert_string_equal(folder, cases[i].folder);
	}
	_cleanup_(freep) char *joined = path_join("a/", "b"), *absolute = path_join("a", "/b");
	assert_string_equal(joined, "a/b");
	assert_string_equal(absolute, "/b");
}

/* As cron, systemd and containers start programs. */
static void a_home_that_nobody_names_is_the_accounts(void **state)
{
	const struct passwd *me = getpwuid(geteuid());
	_cleanup_(freep) char *before = mem_strdup(getenv("HOME")), *unset = NULL, *empty = NULL, *given = NULL,
			      *state_home = NULL;

	unsetenv("HOME");
	unset = path_home();
	state_home = path_state_home();
	setenv("HOME", "", 1);
	empty = path_home();
	setenv("HOME", "/somewhere", 1);
	given = path_home();
	if (before)
		setenv("HOME", before, 1);
	else
		unsetenv("HOME");
	assert_non_null(me);
	assert_string_equal(unset, me->pw_dir);
	assert_string_equal(empty, me->pw_dir);
	assert_string_equal(given, "/somewhere");
	if (!getenv("XDG_STATE_HOME"))
		assert_true(str_starts(state_home, me->pw_dir));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		folder_test(replacing_is_whole_and_has_its_mode),
		folder_test(reading_is_bounded),
		folder_test(trees_are_removed_but_links_not_followed),
		folder_test(upward),
		cmocka_unit_test(paths),
		cmocka_unit_test(a_home_that_nobody_names_is_the_accounts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
