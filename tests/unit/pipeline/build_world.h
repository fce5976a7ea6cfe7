/* SPDX-License-Identifier: Apache-2.0
 *
 * A build in a database of its own, without AWS: "20260101-000000-aaaa" of recipe web. */
#ifndef TESTS_UNIT_PIPELINE_BUILD_WORLD_H
#define TESTS_UNIT_PIPELINE_BUILD_WORLD_H

#include "../../lib/check.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "src/pipeline/pipeline.h"

struct world {
	char *folder;
	struct build_context context;
	struct plan plan;
	struct build build;
};

static int world_setup(void **state)
{
	struct world *world = mem_alloc(sizeof(*world));
	struct error err = {0};
	void *folder = NULL;

	if (temporary_folder_setup(&folder) < 0)
		return -1;
	world->folder = folder;
	_cleanup_(freep) char *database = path_join(folder, "bakery.db");
	assert_works(store_open(database, &world->context.store, &err));
	world->plan.recipe = "web";
	world->plan.region = "us-east-1";
	world->build = (struct build){.context = &world->context, .plan = &world->plan, .store = world->context.store};
	world->build.arena = arena_new();
	stop_init(&world->build.stop);
	snprintf(world->build.id, sizeof(world->build.id), "20260101-000000-aaaa");
	const struct build_new row = {.build = world->build.id,
				      .recipe = "web",
				      .project = "shop",
				      .plan = "{}",
				      .plan_sha256 = "x",
				      .account = "111122223333",
				      .region = "us-east-1",
				      .started_ms = 1767225600000};
	assert_works(store_build_create(world->context.store, &row, &err));
	*state = world;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *world = *state;
	void *folder = world->folder;

	stop_close(&world->build.stop);
	arena_free(world->build.arena);
	store_close(world->context.store);
	free(world);
	return temporary_folder_teardown(&folder);
}

#endif
