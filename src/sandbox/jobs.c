/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of jobs in the order of their requests; a job's turn comes when no earlier one waits for or works in the same
 * turn. */
#include "jobs.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "bakery/mem.h"
#include "bakery/str.h"

struct jobs {
	struct cloud *cloud;
	job_run *run;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job *first;
	bool stopping;
};

struct jobs *jobs_new(struct cloud *cloud, job_run *run)
{
	struct jobs *jobs = mem_alloc(sizeof *jobs);
	jobs->cloud = cloud;
	jobs->run = run;
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->changed, NULL);
	return jobs;
}

static bool its_turn(const struct jobs *jobs, const struct job *job)
{
	for (const struct job *other = jobs->first; other != job; other = other->next)
		if (!other->turn_over && str_eq(other->what.turn, job->what.turn))
			return false;
	return true;
}

static void leave_list(struct jobs *jobs, struct job *job)
{
	struct job **place = &jobs->first;
	while (*place != job)
		place = &(*place)->next;
	*place = job->next;
	pthread_cond_broadcast(&jobs->changed);
}

static void *job_main(void *cookie)
{
	struct job *job = cookie;
	struct jobs *jobs = job->cloud->jobs;
	pthread_mutex_lock(&jobs->lock);
	while (!its_turn(jobs, job))
		pthread_cond_wait(&jobs->changed, &jobs->lock);
	pthread_mutex_unlock(&jobs->lock);
	jobs->run(job);
	pthread_mutex_lock(&jobs->lock);
	leave_list(jobs, job);
	pthread_mutex_unlock(&jobs->lock);
	free(job);
	return NULL;
}

static void add_to_list(struct jobs *jobs, struct job *job)
{
	struct job **place = &jobs->first;
	while (*place != NULL)
		place = &(*place)->next;
	*place = job;
}

void jobs_start(struct jobs *jobs, const struct wanted_job *what)
{
	pthread_t thread;
	pthread_attr_t attributes;
	struct job *job = mem_alloc(sizeof *job);
	job->cloud = jobs->cloud;
	job->what = *what;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_mutex_lock(&jobs->lock);
	bool begun = !jobs->stopping;
	if (begun) {
		add_to_list(jobs, job);
		begun = pthread_create(&thread, &attributes, job_main, job) == 0;
		if (!begun)
			leave_list(jobs, job);
	}
	pthread_mutex_unlock(&jobs->lock);
	pthread_attr_destroy(&attributes);
	if (!begun)
		free(job);
}

void jobs_stop(struct jobs *jobs)
{
	pthread_mutex_lock(&jobs->lock);
	jobs->stopping = true;
	pthread_cond_broadcast(&jobs->changed);
	while (jobs->first != NULL)
		pthread_cond_wait(&jobs->changed, &jobs->lock);
	pthread_mutex_unlock(&jobs->lock);
}

void jobs_free(struct jobs *jobs)
{
	if (jobs == NULL)
		return;
	pthread_cond_destroy(&jobs->changed);
	pthread_mutex_destroy(&jobs->lock);
	free(jobs);
}

void job_turn_end(struct job *job)
{
	struct jobs *jobs = job->cloud->jobs;
	pthread_mutex_lock(&jobs->lock);
	job->turn_over = true;
	pthread_cond_broadcast(&jobs->changed);
	pthread_mutex_unlock(&jobs->lock);
}

bool job_sleep_until(struct job *job, int64_t wall_ms)
{
	struct jobs *jobs = job->cloud->jobs;
	struct timespec at = {.tv_sec = wall_ms / 1000, .tv_nsec = wall_ms % 1000 * 1000000};
	pthread_mutex_lock(&jobs->lock);
	while (!jobs->stopping && clock_wall_ms() < wall_ms)
		pthread_cond_timedwait(&jobs->changed, &jobs->lock, &at);
	bool go_on = !jobs->stopping;
	pthread_mutex_unlock(&jobs->lock);
	return go_on;
}
