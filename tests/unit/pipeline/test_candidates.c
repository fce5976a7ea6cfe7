/* SPDX-License-Identifier: Apache-2.0
 *
 * What a launch tries, in which order, and what an end before its time means. */
#include "build_world.h"

#include "bakery/str.h"
#include "src/pipeline/candidates.h"

static int launch_setup(void **state)
{
	static const char *types[] = {"m7i.large", "m5.large"};
	static struct plan_subnet subnets[] = {{"subnet-1", "us-east-1a"}, {"subnet-2", "us-east-1b"}};
	struct world *world;

	if (world_setup(state) < 0)
		return -1;
	world = *state;
	world->plan.launch.instance_types = (struct text_list){types, 2};
	world->plan.launch.subnets = (struct struct_list){subnets, 2};
	world->plan.launch.root_volume.encrypted = true;
	world->plan.launch.root_volume.kms_key = "alias/bakery";
	return 0;
}

/* "spot m7i.large 1a" for each, refused with code, until there are no more. */
static void try_all(struct world *world, const char *const *codes, struct str *tried, struct error *end)
{
	_cleanup_(candidates_free) struct candidates candidates;
	struct candidate candidate;
	struct error err = {0}, why = {0};
	size_t number = 0;

	candidates_init(&candidates, &world->build);
	while (candidates_next(&candidates, &candidate)) {
		const char *code = codes[number] ? codes[number++] : "InsufficientInstanceCapacity";
		error_coded(&why, strstr(code, "Limit") ? ERROR_QUOTA : ERROR_CAPACITY, code, "no");
		str_addf(tried, "%s%s %s %s", tried->len ? ", " : "", candidate_market(&candidate), candidate.type,
			 candidate.subnet->zone + 8);
		assert_true(candidates_moves_on(&why));
		assert_works(candidates_refused(&world->build, &candidates, &candidate, "build", NULL, &why, &err));
	}
	assert_false(candidates_exhausted(&candidates, end));
}

static void in_order(void **state)
{
	struct world *world = *state;
	_cleanup_(str_free) struct str tried = STR_INIT;
	_cleanup_(tree_freep) struct tree *launches = NULL;
	struct error end = {0}, err = {0};

	world->plan.launch.market = MARKET_SPOT_THEN_ON_DEMAND;
	try_all(world, (const char *const[]){NULL}, &tried, &end);
	assert_string_equal(tried.data, "spot m7i.large 1a, spot m7i.large 1b, spot m5.large 1a, spot m5.large 1b, "
					"on-demand m7i.large 1a, on-demand m7i.large 1b, on-demand m5.large 1a, "
					"on-demand m5.large 1b");
	assert_int_equal(end.kind, ERROR_CAPACITY);
	assert_non_null(strstr(end.text, "(8 tried): spot m7i.large in us-east-1a: InsufficientInstanceCapacity"));
	assert_non_null(strstr(end.text, "name more launch.instance_types"));
	assert_works(store_launch_list(world->build.store, world->build.id, &launches, &err));
	assert_int_equal(tree_count(launches), 8);
	assert_string_equal(tree_text(launches, "5.market"), "on-demand");
	assert_string_equal(tree_text(launches, "8.subnet"), "subnet-2");
}

/* What an account may have of a type is the same in every zone. */
static void a_quota_leaves_the_type(void **state)
{
	struct world *world = *state;
	_cleanup_(str_free) struct str tried = STR_INIT;
	struct error end = {0};

	try_all(world, (const char *const[]){"VcpuLimitExceeded", "VcpuLimitExceeded", NULL}, &tried, &end);
	assert_string_equal(tried.data, "on-demand m7i.large 1a, on-demand m5.large 1a");
	assert_int_equal(end.kind, ERROR_QUOTA);
	assert_non_null(strstr(end.text, "Service Quotas"));
}

static void after_a_loss_not_on_spot(void **state)
{
	struct world *world = *state;
	_cleanup_(str_free) struct str tried = STR_INIT, again = STR_INIT;
	struct error end = {0};

	world->build.losses = 1;
	world->plan.launch.market = MARKET_SPOT_THEN_ON_DEMAND;
	try_all(world, (const char *const[]){NULL}, &tried, &end);
	assert_null(strstr(tried.data, "spot"));
	world->plan.launch.market = MARKET_SPOT; /* where nothing else is wanted */
	try_all(world, (const char *const[]){NULL}, &again, &end);
	assert_null(strstr(again.data, "on-demand"));
	assert_non_null(strstr(end.text, "spot-then-on-demand"));
}

static void one_more_time(void **state)
{
	struct world *world = *state;
	_cleanup_(candidates_free) struct candidates candidates;
	struct candidate first, second;

	candidates_init(&candidates, &world->build);
	assert_true(candidates_next(&candidates, &first));
	candidates_again(&candidates);
	assert_true(candidates_next(&candidates, &second));
	assert_string_equal(first.type, second.type);
	assert_ptr_equal(first.subnet, second.subnet);
	assert_int_equal(candidates.tried, 1);
}

static void a_long_list_keeps_its_advice(void **state)
{
	struct world *world = *state;
	static const char *types[60];
	_cleanup_(str_free) struct str tried = STR_INIT;
	struct error end = {0};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		types[i] = "m7i.metal-48xl";
	world->plan.launch.instance_types = (struct text_list){types, ARRAY_SIZE(types)};
	try_all(world, (const char *const[]){NULL}, &tried, &end);
	assert_non_null(strstr(end.text, "(120 tried)"));
	assert_non_null(strstr(end.text, "`bakery show` has them all"));
	assert_non_null(strstr(end.text, "name more launch.instance_types"));
}

static void ends_and_what_to_check(void **state)
{
	static const struct {
		const char *code;
		enum error_kind kind;
		bool moves_on;
		const char *says;
	} ends[] = {
		{"Server.InsufficientInstanceCapacity", ERROR_CAPACITY, true, "died"},
		{"Server.InternalError", ERROR_CAPACITY, true, "died"},
		{"Server.SpotInstanceTermination", ERROR_CAPACITY, true, "died"},
		{"Client.VolumeLimitExceeded", ERROR_QUOTA, false, "Service Quotas"},
		{"Client.InvalidKMSKey.InvalidState", ERROR_FAILED, false,
		 "check that alias/bakery exists in us-east-1"},
		{"Client.InternalError", ERROR_FAILED, false, "kms:CreateGrant"},
		{"Client.UserInitiatedShutdown", ERROR_FAILED, false, "CloudTrail"},
		{"Client.InstanceInitiatedShutdown", ERROR_FAILED, false, "shut itself down"},
		{"WaitTimeout", ERROR_FAILED, false, "died"},
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct error err = {0};
		error_coded(&err, ERROR_FAILED, ends[i].code, "it died");
		ending_explain_launch(&world->build, &err);
		assert_int_equal(err.kind, ends[i].kind);
		assert_int_equal(candidates_moves_on(&err), ends[i].moves_on);
		if (!strstr(err.text, ends[i].says))
			fail_msg("%s: %s", ends[i].code, err.text);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, launch_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(in_order),	     TEST(a_quota_leaves_the_type),	 TEST(after_a_loss_not_on_spot),
		TEST(one_more_time), TEST(a_long_list_keeps_its_advice), TEST(ends_and_what_to_check),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
