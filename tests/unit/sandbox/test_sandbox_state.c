/* SPDX-License-Identifier: Apache-2.0
 *
 * The state: documents survive, transactions are whole, a foreign file is left alone. */
#include "check.h"

#include "bakery/file.h"
#include "bakery/mem.h"
#include "src/sandbox/state.h"

static struct state *open_state(const char *folder)
{
	struct error err = {0};
	struct state *state = NULL;
	_cleanup_(freep) char *path = path_join(folder, "state.db");
	assert_works(state_open(path, &state, &err));
	return state;
}

static void put(struct state *state, const char *account, const char *region, const char *id, int64_t n)
{
	_cleanup_(tree_freep) struct tree *document = tree_new_object();
	tree_set_int(document, "n", n);
	state_put(state, account, region, "thing", id, document);
}

static int64_t get(struct state *state, const char *account, const char *region, const char *id)
{
	_cleanup_(tree_freep) struct tree *document = state_get(state, account, region, "thing", id);
	return tree_int(document, "n", -1);
}

static void documents_survive(void **folder)
{
	struct error err = {0};
	struct state *state = open_state(*folder);
	state_begin(state);
	put(state, "1", "r", "a", 1);
	put(state, "1", "r", "b", 2);
	put(state, "1", "r", "a", 3);
	put(state, "2", "s", "a", 4);
	assert_works(state_commit(state, &err));
	state_close(state);

	state = open_state(*folder);
	assert_int_equal(get(state, "1", "r", "a"), 3);
	assert_int_equal(get(state, NULL, "s", "a"), 4);
	assert_int_equal(get(state, "1", "s", "a"), -1);
	_cleanup_(tree_freep) struct tree *all = state_list(state, NULL, NULL, "thing"),
					  *one = state_list(state, "1", "r", "thing");
	assert_int_equal(tree_count(all), 3);
	assert_int_equal(tree_count(one), 2);
	assert_int_equal(tree_int(one, "1.n", 0), 3); /* replaced, and still the oldest */
	state_begin(state);
	state_remove(state, "1", "r", "thing", "a");
	assert_works(state_commit(state, &err));
	assert_int_equal(get(state, "1", "r", "a"), -1);
	state_close(state);
}

static void what_is_rolled_back_is_gone(void **folder)
{
	struct state *state = open_state(*folder);
	state_begin(state);
	put(state, "1", "r", "a", 1);
	assert_int_equal(get(state, "1", "r", "a"), 1);
	state_rollback(state);
	assert_int_equal(get(state, "1", "r", "a"), -1);
	state_close(state);
}

static void a_foreign_file_is_left_alone(void **folder)
{
	struct error err = {0};
	struct state *state = NULL;
	_cleanup_(freep) char *path = path_join(*folder, "state.db");
	_cleanup_(str_free) struct str text = STR_INIT;
	assert_works(file_replace(path, "no database at all, but long enough to be one", 45, 0600, &err));
	assert_fails(state_open(path, &state, &err), ERROR_INTERNAL, "not a database");
	assert_works(file_read(path, 100, &text, &err));
	assert_int_equal(text.len, 45);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(documents_survive, temporary_folder_setup, temporary_folder_teardown),
		cmocka_unit_test_setup_teardown(what_is_rolled_back_is_gone, temporary_folder_setup,
						temporary_folder_teardown),
		cmocka_unit_test_setup_teardown(a_foreign_file_is_left_alone, temporary_folder_setup,
						temporary_folder_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
