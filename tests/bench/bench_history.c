/* SPDX-License-Identifier: Apache-2.0
 *
 * How fast a long history answers: fills a new database with builds and times each way of asking, beside one with a
 * hundred thousand. What grows with the number of builds has a ratio above 1.
 *
 *     bench_history [BUILDS]        (1000000) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bakery/clock.h"
#include "bakery/file.h"
#include "bakery/store.h"
#include "src/store/db.h"

enum { SMALL = 100000, ROUNDS = 9, EVERY_MS = 60000 };

static double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* A build a minute up to now: twenty recipes, one in ten failed, one in a thousand interrupted, two images each. */
static const char fill_builds[] =
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)"
	" INSERT INTO build (id, build, recipe, project, channel, region, account, status, started_ms, ended_ms, "
	"plan_sha256, recipe_sha256,"
	"  playbooks_sha256, source_ami, source_name, user, host, ci_job, ci_url, git_commit, git_branch, version)"
	" SELECT i, printf('%010d-%04x', i, i % 65536), printf('recipe-%02d', i % 20), 'images', iif(i % 50 = 0, "
	"'approved', 'candidate'),"
	"  'us-east-1', '123456789012', CASE WHEN i % 1000 = 7 THEN 'interrupted' WHEN i % 10 = 3 THEN 'failed' ELSE "
	"'done' END,"
	"  ?2 - (?1 - i) * ?3, ?2 - (?1 - i) * ?3 + 300000, hex(randomblob(32)), hex(randomblob(32)), "
	"hex(randomblob(32)),"
	"  printf('ami-%017x', i), 'debian-12-amd64-20260101-2000', 'ci', printf('runner-%d', i % 7), i, "
	"'https://ci.example.com/job/' || i,"
	"  hex(randomblob(20)), 'main', '0.1.0' FROM n";
static const char fill_images[] =
	"INSERT INTO image (build, region, ami, name, snapshots, state, at_ms) SELECT b.id, r.column1, "
	"printf('ami-%s%015x', r.column2, b.id),"
	" 'image-' || b.id, '[\"snap-0123456789abcdef0\"]', 'published', b.ended_ms"
	" FROM build b, (VALUES ('us-east-1', '0a'), ('eu-west-1', '0b')) r WHERE b.status = 'done'";

static bool fill(struct store *store, int64_t builds, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	return transaction_write(&transaction, store, err) &&
	       db_run(store, fill_builds, VALUES(value_int(builds), value_int(clock_wall_ms()), value_int(EVERY_MS)),
		      err) &&
	       db_run(store, fill_images, NO_VALUES, err) && transaction_commit(&transaction, err);
}

/* --- the questions --- */

struct question {
	const char *text;
	struct history_filter filter;
	int64_t since_s;
	bool (*ask)(struct store *store, int64_t builds, struct error *err); /* NULL: history with the filter */
};

static bool ask_show(struct store *store, int64_t builds, struct error *err)
{
	_cleanup_(tree_freep) struct tree *show = NULL;
	char text[64], build[BUILD_ID_SIZE];
	snprintf(text, sizeof(text), "%010lld", (long long)builds / 2);
	return store_find(store, text, build, err) && store_show(store, build, &show, err);
}

static bool ask_ami(struct store *store, int64_t builds, struct error *err)
{
	char text[64], build[BUILD_ID_SIZE];
	snprintf(text, sizeof(text), "ami-0a%015llx", (long long)builds / 2);
	return store_find(store, text, build, err);
}

static bool ask_resumable(struct store *store, int64_t builds, struct error *err)
{
	char build[BUILD_ID_SIZE];
	return store_build_resumable(store, NULL, build, err);
}

static bool ask_held(struct store *store, int64_t builds, struct error *err)
{
	_cleanup_(tree_freep) struct tree *held = NULL;
	return store_held(store, &held, err);
}

static const struct question questions[] = {
	{"history", {0}},
	{"history RECIPE", {.recipe = "recipe-07"}},
	{"history RECIPE, none of it", {.recipe = "recipe-99"}},
	{"history --status done", {.status = "done"}},
	{"history --status failed", {.status = "failed"}},
	{"history --status interrupted", {.status = "interrupted"}},
	{"history --status running", {.status = "running"}},
	{"history --status quarantined (none)", {.status = "quarantined"}},
	{"history --channel approved", {.channel = "approved"}},
	{"history RECIPE --status failed", {.recipe = "recipe-03", .status = "failed"}},
	{"history RECIPE --channel approved", {.recipe = "recipe-00", .channel = "approved"}},
	{"history RECIPE --channel approved (none)", {.recipe = "recipe-01", .channel = "approved"}},
	{"history RECIPE --status --channel", {.recipe = "recipe-00", .status = "done", .channel = "approved"}},
	{"history --status failed --channel approved", {.status = "failed", .channel = "approved"}},
	{"history --since 1h", {0}, 3600},
	{"history --since 30d --status failed", {.status = "failed"}, 30 * 86400},
	{"history --limit 1000", {.limit = 1000}},
	{"show, by a prefix of its id", .ask = ask_show},
	{"find by image", .ask = ask_ami},
	{"resume: what can go on", .ask = ask_resumable},
	{"gc: what is held", .ask = ask_held},
};

static bool ask(struct store *store, const struct question *question, int64_t builds, struct error *err)
{
	_cleanup_(tree_freep) struct tree *rows = NULL;
	struct history_filter filter = question->filter;
	if (question->ask)
		return question->ask(store, builds, err);
	filter.since_ms = question->since_s ? clock_wall_ms() - question->since_s * 1000 : 0;
	return store_history(store, &filter, &rows, err);
}

static int compare(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;
	return (difference > 0) - (difference < 0);
}

/* The median of several rounds. */
static bool measure(struct store *store, const struct question *question, int64_t builds, double *median_ms,
		    struct error *err)
{
	double times[ROUNDS];
	for (int i = 0; i < ROUNDS; i++) {
		double from = now_ms();
		if (!ask(store, question, builds, err))
			return false;
		times[i] = now_ms() - from;
	}
	qsort(times, ROUNDS, sizeof(times[0]), compare);
	*median_ms = times[ROUNDS / 2];
	return true;
}

static bool make(const char *folder, const char *name, int64_t builds, struct store **out, struct error *err)
{
	_cleanup_(freep) char *path = path_join(folder, name);
	struct stat info = {0};
	double from = now_ms();
	if (!store_open(path, out, err) || !fill(*out, builds, err))
		return false;
	store_close(take(out));
	double filled = now_ms();
	if (stat(path, &info) < 0 || !store_open(path, out, err))
		return false;
	printf("%10lld builds: %7.1f MB, filled in %.1f s, opened in %.2f ms\n", (long long)builds,
	       (double)info.st_size / 1e6, (filled - from) / 1e3, now_ms() - filled);
	return true;
}

static bool compare_both(const char *folder, int64_t builds, struct error *err)
{
	_cleanup_(store_closep) struct store *small = NULL, *large = NULL;
	if (!make(folder, "small.db", SMALL, &small, err) || !make(folder, "large.db", builds, &large, err))
		return false;
	printf("\n%-46s %12s %12s %8s\n", "median of several, ms", "few builds", "many builds", "ratio");
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		double few, many;
		if (!measure(small, &questions[i], SMALL, &few, err) ||
		    !measure(large, &questions[i], builds, &many, err))
			return error_context(err, "%s", questions[i].text);
		printf("%-46s %12.3f %12.3f %7.1fx\n", questions[i].text, few, many, many / few);
	}
	return true;
}

int main(int argc, char **argv)
{
	struct error err = {0}, left = {0};
	int64_t builds = 1000000;
	char folder[] = "/tmp/bakery-bench-XXXXXX";
	if (argc > 2 || (argc == 2 && (!str_to_int(argv[1], &builds) || builds < 1))) {
		fprintf(stderr, "usage: bench_history [BUILDS]\n");
		return 2;
	}
	if (!mkdtemp(folder)) {
		perror(folder);
		return 1;
	}
	bool done = compare_both(folder, builds, &err);
	if (!done)
		fprintf(stderr, "bench_history: %s\n", err.text);
	if (!file_remove_tree(folder, &left))
		fprintf(stderr, "bench_history: %s\n", left.text);
	return done ? 0 : 1;
}
