/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a dead build's images and of its history: published ones are results, one that passed its gates goes
 * into quarantine, and a build of which nothing is left has failed. EC2 is played here. */
#include <string.h>

#include "../../lib/check.h"
#include "bakery/build.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "loopback.h"
#include "src/aws/aws_private.h"
#include "src/pipeline/remove.h"

static const char build_id[] = "20260101-000000-aaaa";
static const char identity[] = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:"
			       "user/x</Arn><UserId>X</UserId>"
			       "<Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
static const char absent[] = "<Response><Errors><Error><Code>InvalidAMIID.NotFound</Code><Message>No.</Message></Error>"
			     "</Errors><RequestID>1</RequestID></Response>";
static const char state_json[] =
	"{\"image_name\":\"web-1\",\"images\":[{\"region\":\"us-east-1\",\"ami\":\"ami-1\",\"snapshots\":[]}]}";

struct world {
	char *folder;
	struct loopback *server;
	struct arena *arena;
	struct build_context context;
	bool gone; /* the image, by hand */
	struct str actions;
};

static enum loopback_after answer(void *cookie, const struct loopback_request *request, struct str *reply)
{
	struct world *world = cookie;
	const char *action = request->body + strlen("Action=");
	size_t length = strcspn(action, "&");

	if (!strncmp(action, "GetCallerIdentity", length)) {
		loopback_reply(reply, 200, "text/xml", "", identity);
		return LOOPBACK_KEEP;
	}
	str_add_n(&world->actions, action, length);
	str_add_char(&world->actions, ' ');
	if (world->gone && strncmp(action, "DeleteSecurityGroup", length) != 0)
		loopback_reply(reply, 400, "text/xml", "", absent);
	else
		loopback_reply(reply, 200, "text/xml", "", "<R><return>true</return></R>");
	return LOOPBACK_KEEP;
}

static void hold_add(struct world *world, const char *kind, const char *region, const char *id)
{
	const struct hold wish = {.kind = kind, .region = region, .token = kind, .purpose = region};
	struct error err = {0};
	struct hold hold;

	assert_works(store_hold_intend(world->context.store, build_id, &wish, world->arena, &hold, &err));
	if (id)
		assert_works(store_hold_made(world->context.store, hold.row, id, &err));
}

static void stage_add(struct world *world, const char *stage)
{
	struct error err = {0};

	assert_works(store_stage_began(world->context.store, build_id, stage, 0, &err));
	assert_works(store_stage_done(world->context.store, build_id, stage, state_json, 0, &err));
}

/* A build that has an image, and died after the stage `last`. */
static void build_leave(struct world *world, const char *last, enum build_status status)
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
	struct error err = {0}, why = {0};

	error_set(&why, ERROR_STOPPED, "killed");
	assert_works(store_build_create(world->context.store, &row, &err));
	hold_add(world, "security_group", "us-east-1", "sg-1");
	hold_add(world, "image", "us-east-1", "ami-1");
	assert_works(store_image_put(world->context.store, build_id, "us-east-1", "ami-1", "web-1", NULL, "available",
				     &err));
	for (const char *const *stage = build_stage_names();; stage++) {
		stage_add(world, *stage);
		if (str_eq(*stage, last))
			break;
	}
	assert_works(store_build_end(world->context.store, build_id, status, &why, &err));
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
	world->actions = (struct str)STR_INIT;
	world->server = loopback_start(answer, world);
	world->context.settle_s = 1;
	database = path_join(folder, "bakery.db");
	assert_works(store_open(database, &world->context.store, &err));
	assert_works(aws_open(&(struct aws_options){.region = "us-east-1",
						    .endpoint = loopback_url(world->server),
						    .access_key = "AKIA",
						    .secret_key = "s"},
			      &world->context.aws, &err));
	world->context.aws->is_told = true;
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
	str_free(&world->actions);
	free(world);
	return temporary_folder_teardown(&folder);
}

static enum build_status status(struct world *world)
{
	struct error err = {0};
	struct build_row row;

	assert_works(store_build_get(world->context.store, build_id, world->arena, &row, &err));
	return row.status;
}

static size_t held_count(struct world *world)
{
	struct error err = {0};
	struct hold *holds;
	size_t count;

	assert_works(store_hold_list(world->context.store, build_id, world->arena, &holds, &count, &err));
	return count;
}

static void clean(struct world *world)
{
	struct error err = {0};
	size_t dropped;

	assert_works(build_clean(&world->context, build_id, &dropped, &err));
}

static void what_passed_its_gates_goes_into_quarantine(void **state)
{
	struct world *world = *state;

	build_leave(world, "gate", BUILD_INTERRUPTED);
	clean(world);
	assert_string_equal(world->actions.data, "CreateTags DeleteSecurityGroup ");
	assert_int_equal(status(world), BUILD_QUARANTINED);
	assert_int_equal(held_count(world), 1);
}

/* It lacked nothing but cleaning up. */
static void what_was_published_is_a_result(void **state)
{
	struct world *world = *state;

	build_leave(world, "publish", BUILD_INTERRUPTED);
	clean(world);
	assert_string_equal(world->actions.data, "DeleteSecurityGroup ");
	assert_int_equal(status(world), BUILD_DONE);
}

static void what_somebody_removed_is_not_kept(void **state)
{
	struct world *world = *state;

	build_leave(world, "gate", BUILD_INTERRUPTED);
	world->gone = true;
	clean(world);
	assert_int_equal(status(world), BUILD_FAILED);
	assert_int_equal(held_count(world), 0);
}

/* --- retiring --- */

static bool removed(void *cookie, struct error *err)
{
	return true;
}

static bool half_removed(void *cookie, struct error *err)
{
	return error_coded(err, ERROR_DENIED, IMAGE_GONE, "its snapshot is left");
}

static bool retire(struct world *world, bool (*remove)(void *cookie, struct error *err), struct error *err)
{
	return build_retire(&world->context, build_id, "us-east-1", "ami-1", remove, NULL, err);
}

static const char *image_state(struct world *world)
{
	_cleanup_(tree_freep) struct tree *show = NULL;
	struct error err = {0};

	assert_works(store_show(world->context.store, build_id, &show, &err));
	return arena_strdup(world->arena, tree_text(show, "images.1.state"));
}

/* A copy that was asked for and never made keeps no build in quarantine. */
static void the_last_image_ends_the_quarantine(void **state)
{
	struct world *world = *state;
	struct error err = {0};

	build_leave(world, "gate", BUILD_QUARANTINED);
	assert_works(store_build_claim(world->context.store, build_id, &err));
	hold_add(world, "copy", "eu-west-1", NULL);
	assert_works(store_build_end(world->context.store, build_id, BUILD_QUARANTINED, NULL, &err));
	assert_works(retire(world, removed, &err));
	assert_int_equal(status(world), BUILD_FAILED);
	assert_string_equal(image_state(world), "retired");
}

static void another_image_keeps_it_there(void **state)
{
	struct world *world = *state;
	struct error err = {0};

	build_leave(world, "gate", BUILD_QUARANTINED);
	assert_works(store_build_claim(world->context.store, build_id, &err));
	hold_add(world, "copy", "eu-west-1", "ami-2");
	assert_works(store_build_end(world->context.store, build_id, BUILD_QUARANTINED, NULL, &err));
	assert_works(retire(world, removed, &err));
	assert_int_equal(status(world), BUILD_QUARANTINED);
}

/* With the tags of the build's own, which stays as it is. */
static void a_copy_made_by_hand_is_not_the_recorded_one(void **state)
{
	struct world *world = *state;
	struct error err = {0};

	build_leave(world, "gate", BUILD_QUARANTINED);
	assert_works(build_retire(&world->context, build_id, "us-east-1", "ami-9", removed, NULL, &err));
	assert_int_equal(status(world), BUILD_QUARANTINED);
	assert_string_equal(image_state(world), "available");
}

static void a_snapshot_left_behind_keeps_no_record(void **state)
{
	struct world *world = *state;
	struct error err = {0};

	build_leave(world, "gate", BUILD_QUARANTINED);
	assert_fails(retire(world, half_removed, &err), ERROR_DENIED, "its snapshot is left");
	assert_int_equal(status(world), BUILD_FAILED);
	assert_string_equal(image_state(world), "retired");
}

#define world_test(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(what_passed_its_gates_goes_into_quarantine),
		world_test(what_was_published_is_a_result),
		world_test(what_somebody_removed_is_not_kept),
		world_test(the_last_image_ends_the_quarantine),
		world_test(another_image_keeps_it_there),
		world_test(a_copy_made_by_hand_is_not_the_recorded_one),
		world_test(a_snapshot_left_behind_keeps_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
