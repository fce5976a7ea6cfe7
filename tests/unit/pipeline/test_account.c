/* SPDX-License-Identifier: Apache-2.0
 *
 * Credentials of another account find nothing of a build: resume and gc must not take that for "gone already". */
#include "../../lib/check.h"
#include "bakery/build.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "loopback.h"

static const char build_id[] = "20260101-000000-aaaa";
static const char identity[] = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::999999999999:"
			       "user/x</Arn><UserId>X</UserId>"
			       "<Account>999999999999</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

static enum loopback_after answer(void *cookie, const struct loopback_request *request, struct str *reply)
{
	loopback_reply(reply, 200, "text/xml", "", identity);
	return LOOPBACK_KEEP;
}

struct world {
	char *folder;
	struct loopback *server;
	struct arena *arena;
	struct build_context context;
};

/* A build of account 111122223333 that died while it held an instance. */
static void build_leave(struct world *world)
{
	const struct build_new row = {
		.build = build_id,
		.recipe = "web",
		.project = "shop",
		.plan = "{\"format\":1,\"recipe\":\"web\",\"account\":\"111122223333\",\"region\":\"us-east-1\","
			"\"deadline_s\":600}",
		.plan_sha256 = "x",
		.account = "111122223333",
		.region = "us-east-1",
		.started_ms = 1767225600000,
	};
	const struct hold wish = {.kind = "instance", .region = "us-east-1", .token = "t", .purpose = "build"};
	struct error err = {0}, why = {0};
	struct hold hold;

	error_set(&why, ERROR_STOPPED, "killed");
	assert_works(store_build_create(world->context.store, &row, &err));
	assert_works(store_hold_intend(world->context.store, build_id, &wish, world->arena, &hold, &err));
	assert_works(store_hold_made(world->context.store, hold.row, "i-0123456789abcdef0", &err));
	assert_works(store_build_end(world->context.store, build_id, BUILD_INTERRUPTED, &why, &err));
}

static int world_setup(void **state)
{
	struct world *world = mem_alloc(sizeof(*world));
	_cleanup_(freep) char *database = NULL;
	struct error err = {0};
	void *folder = NULL;

	if (temporary_folder_setup(&folder) < 0)
		return -1;
	world->folder = folder;
	world->arena = arena_new();
	world->server = loopback_start(answer, NULL);
	database = path_join(folder, "bakery.db");
	assert_works(store_open(database, &world->context.store, &err));
	assert_works(aws_open(&(struct aws_options){.region = "us-east-1",
						    .endpoint = loopback_url(world->server),
						    .access_key = "AKIA",
						    .secret_key = "s"},
			      &world->context.aws, &err));
	build_leave(world);
	*state = world;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *world = *state;
	void *folder = world->folder;

	aws_close(world->context.aws);
	store_close(world->context.store);
	loopback_stop(world->server);
	arena_free(world->arena);
	free(world);
	return temporary_folder_teardown(&folder);
}

static void still_held(struct world *world)
{
	struct error err = {0};
	struct hold *holds;
	size_t count;

	assert_works(store_hold_list(world->context.store, build_id, world->arena, &holds, &count, &err));
	assert_int_equal(count, 1);
	assert_string_equal(holds[0].id, "i-0123456789abcdef0");
}

static void resume_refuses(void **state)
{
	struct world *world = *state;
	struct build_result result;
	struct error err = {0};

	assert_fails(build_resume(&world->context, build_id, &result, &err), ERROR_DENIED,
		     "belongs to account 111122223333");
	still_held(world);
	assert_int_equal(loopback_requests(world->server), 1);
}

static void cleaning_refuses(void **state)
{
	struct world *world = *state;
	struct error err = {0};
	size_t dropped;

	assert_fails(build_clean(&world->context, build_id, &dropped, &err), ERROR_DENIED,
		     "credentials are of 999999999999");
	assert_int_equal(dropped, 0);
	still_held(world);
	assert_int_equal(loopback_requests(world->server), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(resume_refuses, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(cleaning_refuses, world_setup, world_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
