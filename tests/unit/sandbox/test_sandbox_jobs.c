/* SPDX-License-Identifier: Apache-2.0
 *
 * Transitions take their turns in the order of their requests, and end when the cloud does. */
#include "check.h"

#include <pthread.h>

#include "bakery/mem.h"
#include "src/sandbox/jobs.h"

#define MOST 16

static struct seen {
	pthread_mutex_t lock;
	char order[MOST * 2];
	int running, most_running;
	bool slept_to_the_end;
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note(const struct job *job, int change)
{
	pthread_mutex_lock(&seen.lock);
	seen.running += change;
	if (seen.running > seen.most_running)
		seen.most_running = seen.running;
	if (change > 0)
		seen.order[strlen(seen.order)] = job->what.id[0];
	pthread_mutex_unlock(&seen.lock);
}

static void run_one(struct job *job)
{
	note(job, 1);
	job_sleep_until(job, clock_wall_ms() + 5);
	note(job, -1);
}

static void run_sleeper(struct job *job)
{
	job_turn_end(job);
	note(job, 1);
	seen.slept_to_the_end = job_sleep_until(job, clock_wall_ms() + 3600 * 1000);
	note(job, -1);
}

static void begin(struct jobs *jobs, const char *id, const char *turn)
{
	struct wanted_job what = {0};
	snprintf(what.id, sizeof what.id, "%s", id);
	snprintf(what.turn, sizeof what.turn, "%s", turn);
	jobs_start(jobs, &what);
}

static struct cloud *with_jobs(job_run *run)
{
	struct cloud *cloud = mem_alloc(sizeof *cloud);
	cloud->jobs = jobs_new(cloud, run);
	memset(seen.order, 0, sizeof seen.order);
	seen.running = seen.most_running = 0;
	return cloud;
}

static void wait_for(const char *order)
{
	int64_t until_ms = clock_mono_ms() + 10000;
	bool there = false;
	while (!there && clock_mono_ms() < until_ms) {
		pthread_mutex_lock(&seen.lock);
		there = strlen(seen.order) == strlen(order);
		pthread_mutex_unlock(&seen.lock);
		stop_sleep_ms(NULL, 2);
	}
	assert_string_equal(seen.order, order);
}

static void end(struct cloud *cloud)
{
	jobs_stop(cloud->jobs);
	jobs_free(cloud->jobs);
	free(cloud);
}

static void one_after_the_other_in_a_turn(void **state)
{
	struct cloud *cloud = with_jobs(run_one);
	for (char c = 'a'; c <= 'h'; c++)
		begin(cloud->jobs, (char[]){c, '\0'}, "i-1");
	wait_for("abcdefgh");
	assert_int_equal(seen.most_running, 1);
	end(cloud);
}

static void who_gives_up_the_turn_lets_others_in(void **state)
{
	struct cloud *cloud = with_jobs(run_sleeper);
	begin(cloud->jobs, "a", "i-1");
	wait_for("a");
	begin(cloud->jobs, "b", "i-1");
	wait_for("ab");
	assert_int_equal(seen.most_running, 2);
	end(cloud); /* wakes them */
	assert_false(seen.slept_to_the_end);
	assert_int_equal(seen.running, 0);
}

static void none_begins_after_the_end(void **state)
{
	struct cloud *cloud = with_jobs(run_one);
	jobs_stop(cloud->jobs);
	begin(cloud->jobs, "a", "i-1");
	end(cloud);
	assert_string_equal(seen.order, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_after_the_other_in_a_turn),
		cmocka_unit_test(who_gives_up_the_turn_lets_others_in),
		cmocka_unit_test(none_begins_after_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
