/* SPDX-License-Identifier: Apache-2.0
 *
 * A fresh folder and a store in it for each test, and a build to put things into. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

/* cmocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/clock.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/store.h"
#include "bakery/tree.h"

struct fixture {
	char folder[64];
	char *path;
	struct store *store;
	struct arena *arena;
	struct error err;
};

#define assert_ok(condition)                                                                                           \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			fail_msg("%s: %s", #condition, f->err.text);                                                   \
	} while (0)

static inline int fixture_setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	snprintf(f->folder, sizeof(f->folder), "/tmp/bakery-store-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->path = mem_printf("%s/state/bakery.db", f->folder);
	f->arena = arena_new();
	assert_ok(store_open(f->path, &f->store, &f->err));
	*state = f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	store_close(f->store);
	arena_free(f->arena);
	assert_ok(file_remove_tree(f->folder, &f->err));
	free(f->path);
	free(f);
	return 0;
}

static inline void reopen(struct fixture *f)
{
	store_close(f->store);
	f->store = NULL;
	assert_ok(store_open(f->path, &f->store, &f->err));
}

/* A build that began `minutes` after a fixed moment. */
static inline void add_build(struct fixture *f, const char *build, const char *recipe, int minutes)
{
	struct build_new row = {
		.build = build,
		.recipe = recipe,
		.project = "images",
		.plan = "{\"recipe\":\"debian-12\",\"source\":{\"ami\":\"ami-0source\"}}",
		.plan_sha256 = "aa11",
		.recipe_sha256 = "bb22",
		.playbooks_sha256 = "cc33",
		.source_ami = "ami-0source",
		.source_name = "debian-12-amd64-20260101",
		.channel = "candidate",
		.region = "us-east-1",
		.account = "123456789012",
		.origin = {.user = "ana",
			   .host = "runner-3",
			   .ci_job = "4711",
			   .ci_url = "https://ci.example.com/4711",
			   .git_commit = "0123abcd",
			   .git_branch = "main",
			   .version = "0.1.0",
			   .git_dirty = true},
		.started_ms = 1767225600000 + minutes * 60000LL,
	};
	assert_ok(store_build_create(f->store, &row, &f->err));
}

static inline void end_build(struct fixture *f, const char *build, enum build_status status)
{
	assert_ok(store_build_end(f->store, build, status, NULL, &f->err));
}

#endif
