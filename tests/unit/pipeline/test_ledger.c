/* SPDX-License-Identifier: Apache-2.0
 *
 * A resource whose making was not answered is looked for before it is asked for again. */
#include <sqlite3.h>

#include "build_world.h"

/* What a kind of resource answers, one letter a call: t transient, d denied, n denied without any effect, + made or
 * found, - nothing there. The last one stays. */
struct script {
	const char *make, *find;
	int made, found;
};

static struct script script; /* kinds have no cookie */

static char next(const char *letters, int number)
{
	size_t last = strlen(letters) - 1;
	return letters[(size_t)number < last ? (size_t)number : last];
}

static bool thing_make(struct build *build, const struct hold *hold, const void *wish, char id[ID_SIZE],
		       struct error *err)
{
	char letter = next(script.make, script.made++);
	if (letter == 't')
		return error_set(err, ERROR_TRANSIENT, "no whole answer");
	if (letter == 'd' || letter == 'n') {
		error_set(err, ERROR_DENIED, "no");
		err->no_effect = letter == 'n';
		return false;
	}
	snprintf(id, ID_SIZE, "thing-made-%d", script.made);
	return true;
}

static bool thing_find(struct build *build, const struct hold *hold, char id[ID_SIZE], struct error *err)
{
	char letter = next(script.find, script.found++);
	if (letter == 'd')
		return error_set(err, ERROR_DENIED, "may not look");
	if (letter == '+')
		snprintf(id, ID_SIZE, "thing-found-%d", script.found);
	return true;
}

static const struct held_kind thing = {.name = "thing", .make = thing_make, .find = thing_find};

static bool hold(struct world *world, const char *make, const char *find, char id[ID_SIZE], struct error *err)
{
	script = (struct script){make, find, 0, 0};
	*err = (struct error){0};
	return build_hold(&world->build, &thing, "us-east-1", "build", NULL, id, err);
}

static size_t held_count(struct world *world)
{
	struct error err = {0};
	struct hold *holds;
	size_t count;

	assert_works(store_hold_list(world->context.store, world->build.id, world->build.arena, &holds, &count, &err));
	return count;
}

static void made_at_once(void **state)
{
	char id[ID_SIZE];
	struct error err;

	assert_works(hold(*state, "+", "+", id, &err));
	assert_string_equal(id, "thing-made-1");
	assert_int_equal(script.found, 0);
	assert_works(hold(*state, "+", "+", id, &err)); /* held */
	assert_int_equal(script.made, 0);
}

static void made_though_not_answered(void **state)
{
	char id[ID_SIZE];
	struct error err;

	assert_works(hold(*state, "t+", "-+", id, &err)); /* AWS lags: the second look finds it */
	assert_string_equal(id, "thing-found-2");
	assert_int_equal(script.made, 1);
	assert_works(hold(*state, "+", "+", id, &err));
	assert_string_equal(id, "thing-found-2");
	assert_int_equal(script.made + script.found, 0);
}

static void not_made(void **state)
{
	char id[ID_SIZE];
	struct error err;

	assert_works(hold(*state, "t+", "-", id, &err));
	assert_string_equal(id, "thing-made-2");
	assert_int_equal(script.found, 3);
}

static void given_up(void **state)
{
	char id[ID_SIZE];
	struct error err;

	assert_fails(hold(*state, "t", "-", id, &err), ERROR_TRANSIENT, "no whole answer");
	assert_int_equal(script.made, 3);
	/* The intent is still there: the next try looks first. */
	assert_works(hold(*state, "+", "+", id, &err));
	assert_string_equal(id, "thing-found-1");
}

static void refusals_are_final(void **state)
{
	char id[ID_SIZE];
	struct error err;

	assert_fails(hold(*state, "d", "-", id, &err), ERROR_DENIED, "no");
	assert_int_equal(script.made, 1);
	assert_int_equal(script.found, 0);
	assert_int_equal(held_count(*state), 1);
}

/* Nothing can be there that would have to be looked for. */
static void what_had_no_effect_is_withdrawn(void **state)
{
	char id[ID_SIZE];
	struct error err;

	assert_fails(hold(*state, "n", "-", id, &err), ERROR_DENIED, "no");
	assert_int_equal(held_count(*state), 0);
	assert_fails(hold(*state, "tn", "-", id, &err), ERROR_DENIED, "no");
	assert_int_equal(held_count(*state), 1); /* the first one may have been heard */
}

static void looking_fails(void **state)
{
	char id[ID_SIZE];
	struct error err;

	assert_fails(hold(*state, "t", "d", id, &err), ERROR_DENIED, "whose making was not answered: may not look");
	assert_int_equal(script.made, 1);
}

/* An image of which not even the name was made: there is nothing of it in AWS. */
static void hold_add(struct world *world, const char *kind)
{
	const struct hold wish = {.kind = kind, .region = "us-east-1", .token = kind, .purpose = "image"};
	struct error err = {0};
	struct hold held;

	assert_works(store_hold_intend(world->context.store, world->build.id, &wish, world->build.arena, &held, &err));
}

static void sql(struct world *world, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(store_path(world->context.store), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* What is really left decides, not what the database could be told. */
static void gone_is_not_left_behind(void **state)
{
	struct world *world = *state;
	struct error err = {0};
	size_t dropped;

	world->context.settle_s = 1;
	hold_add(world, "image");
	sql(world, "CREATE TRIGGER full BEFORE UPDATE ON hold BEGIN SELECT RAISE(FAIL, 'it is full'); END");
	assert_fails(build_drop_held(&world->build, DROP_ALL, &dropped, &err), ERROR_INTERNAL, "was removed, but");
	assert_string_equal(err.code, LEDGER_UNTOLD);
	assert_int_equal(dropped, 1);
	assert_int_equal(held_count(world), 1);
	hold_add(world, "what no version knows");
	assert_fails(build_drop_held(&world->build, DROP_ALL, &dropped, &err), ERROR_LEFTOVER, "1 of what build");
	assert_int_equal(dropped, 1);
	sql(world, "DROP TRIGGER full");
	assert_fails(build_drop_held(&world->build, DROP_ALL, &dropped, &err), ERROR_LEFTOVER, "1 of what build");
	assert_int_equal(held_count(world), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(made_at_once, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(made_though_not_answered, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(not_made, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(given_up, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(refusals_are_final, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(what_had_no_effect_is_withdrawn, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(looking_fails, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(gone_is_not_left_behind, world_setup, world_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
