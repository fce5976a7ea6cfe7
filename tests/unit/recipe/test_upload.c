/* SPDX-License-Identifier: Apache-2.0
 *
 * What an upload brings, and whether it is still the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/playbook.h"
#include "src/recipe/playbook_private.h"

struct upload_place {
	char folder[40];
	struct arena *arena;
};

static int start(void **state)
{
	struct upload_place *place = mem_alloc(sizeof(*place));
	strcpy(place->folder, "/tmp/bakery-upload-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	place->arena = arena_new();
	*state = place;
	return 0;
}

static int finish(void **state)
{
	struct upload_place *place = *state;
	struct error err;
	bool done = file_remove_tree(place->folder, &err);
	arena_free(place->arena);
	free(place);
	return done ? 0 : -1;
}

static void put(const struct upload_place *place, const char *name, const char *text)
{
	struct error err;
	_cleanup_(freep) char *path = path_join(place->folder, name);
	_cleanup_(freep) char *folder = path_folder(path);
	assert_true(file_make_folders(folder, 0755, &err));
	assert_true(file_replace(path, text, strlen(text), 0644, &err));
}

static void in_order(void **state)
{
	static const char *const names[] = {"./A", "./a", "./a/z", "./b", "./b.c"};
	struct upload_place *place = *state;
	struct upload_list list;
	struct error err = {0};
	put(place, "b", "1");
	put(place, "a/z", "22");
	put(place, "b.c", "");
	put(place, "A", "4");
	assert_true(upload_list(place->folder, place->arena, &list, &err));
	assert_true(list.is_folder);
	assert_int_equal(list.count, 5);
	for (size_t i = 0; i < list.count; i++)
		assert_string_equal(list.items[i].name, names[i]);
	assert_true(list.items[1].is_folder);
	assert_int_equal(list.items[2].size, 2);
	assert_int_equal(list.items[3].mode, 0644);
	assert_true(upload_list(list.items[3].path, place->arena, &list, &err));
	assert_false(list.is_folder);
	assert_int_equal(list.count, 1);
}

static void expect_refused(struct upload_place *place, const char *text)
{
	struct upload_list list;
	struct error err = {0};
	assert_false(upload_list(place->folder, place->arena, &list, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	if (!strstr(err.text, text))
		fail_msg("%s", err.text);
}

static void neither_file_nor_folder(void **state)
{
	struct upload_place *place = *state;
	_cleanup_(freep) char *path = path_join(place->folder, "link");
	assert_return_code(symlink("/etc/passwd", path), 0);
	expect_refused(place, "link, which is neither a file nor a folder");
	assert_return_code(unlink(path), 0);
	assert_return_code(mkfifo(path, 0600), 0);
	expect_refused(place, "neither");
}

static void names_that_would_break_a_list(void **state)
{
	struct upload_place *place = *state;
	put(place, "a\\b", "");
	expect_refused(place, "backslash");
	_cleanup_(freep) char *bad = path_join(place->folder, "a\\b");
	assert_return_code(unlink(bad), 0);
	put(place, "a\nb", "");
	expect_refused(place, "control character");
}

static void expect_changed(const struct transfer *upload, bool changed)
{
	struct error err = {0};
	assert_int_equal(upload_check(upload, &err), !changed);
	if (changed) {
		assert_int_equal(err.kind, ERROR_CONFLICT);
		assert_non_null(strstr(err.text, "has changed since the plan was made"));
	}
}

static void changes_are_seen(void **state)
{
	struct upload_place *place = *state;
	_cleanup_(freep) char *file = path_join(place->folder, "sub/x");
	struct transfer upload = {.from = place->folder};
	struct error err = {0};
	put(place, "sub/x", "one");
	assert_true(upload_fingerprint(&upload, place->arena, &err));
	expect_changed(&upload, false);
	assert_return_code(chmod(file, 0755), 0);
	expect_changed(&upload, true);
	assert_return_code(chmod(file, 0644), 0);
	expect_changed(&upload, false);
	put(place, "sub/x", "two");
	expect_changed(&upload, true);
	put(place, "sub/x", "one");
	expect_changed(&upload, false);
	put(place, "sub/y", "");
	expect_changed(&upload, true);
}

/* A file that was changed the moment before might change again without a trace: it is read again. */
static void a_file_changed_just_now_is_read_again(void **state)
{
	struct upload_place *place = *state;
	_cleanup_(freep) char *file = path_join(place->folder, "x");
	struct transfer upload = {.from = file};
	struct error err = {0};
	put(place, "x", "one");
	assert_true(upload_fingerprint(&upload, place->arena, &err));
	assert_null(upload.seen);
	put(place, "x", "two");
	expect_changed(&upload, true);
	upload = (struct transfer){.from = "/etc/passwd"};
	assert_true(upload_fingerprint(&upload, place->arena, &err));
	assert_non_null(upload.seen);
	expect_changed(&upload, false);
	upload.from = "/etc/group"; /* another file, other state, other content */
	expect_changed(&upload, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_order, start, finish),
		cmocka_unit_test_setup_teardown(neither_file_nor_folder, start, finish),
		cmocka_unit_test_setup_teardown(names_that_would_break_a_list, start, finish),
		cmocka_unit_test_setup_teardown(changes_are_seen, start, finish),
		cmocka_unit_test_setup_teardown(a_file_changed_just_now_is_read_again, start, finish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
