/* SPDX-License-Identifier: Apache-2.0
 *
 * What was tried to get an instance stays in order, and in the record. */
#include "store_fixture.h"

static void launches_in_order(void **state)
{
	struct fixture *f = *state;
	const struct launch_row full = {.build = "b",
					.purpose = "build",
					.market = "spot",
					.instance_type = "m5.large",
					.zone = "us-east-1a",
					.subnet = "subnet-1",
					.code = "InsufficientInstanceCapacity"};
	struct launch_row got = full;
	_cleanup_(tree_freep) struct tree *list = NULL, *show = NULL;

	got.code = NULL;
	got.instance = "i-1";
	add_build(f, "a", "r", 0);
	add_build(f, "b", "r", 1);
	assert_ok(store_launch_add(f->store, &full, &f->err));
	assert_ok(store_launch_add(f->store, &got, &f->err));
	got.build = "a";
	assert_ok(store_launch_add(f->store, &got, &f->err));
	assert_ok(store_launch_ended(f->store, "b", "i-1", "Server.SpotInstanceTermination", &f->err));
	assert_ok(store_launch_list(f->store, "b", &list, &f->err));
	assert_int_equal(tree_count(list), 2);
	assert_string_equal(tree_text(list, "1.code"), "InsufficientInstanceCapacity");
	assert_int_equal(tree_kind(tree_get(list, "1.instance")), TREE_NULL);
	assert_string_equal(tree_text(list, "2.instance"), "i-1");
	assert_string_equal(tree_text(list, "2.zone"), "us-east-1a");
	assert_string_equal(tree_text(list, "2.code"), "Server.SpotInstanceTermination");
	assert_non_null(tree_text(list, "2.at"));
	assert_ok(store_show(f->store, "a", &show, &f->err));
	assert_int_equal(tree_kind(tree_get(show, "launches.1.code")), TREE_NULL);
	end_build(f, "a", BUILD_DONE);
	end_build(f, "b", BUILD_FAILED);
	assert_ok(store_record_verify(f->store, &f->err));
	assert_ok(store_launch_ended(f->store, "a", "i-1", "Client.UserInitiatedShutdown", &f->err));
	assert_false(store_record_verify(f->store, &f->err));
	assert_non_null(strstr(f->err.text, "launches.1.code"));
	got.build = "c";
	assert_false(store_launch_add(f->store, &got, &f->err));
	assert_int_equal(f->err.kind, ERROR_ABSENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(launches_in_order, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
