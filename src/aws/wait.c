/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting for AWS. All threads that wait for the same row in the same region form a group; whoever's turn comes first
 * describes the things of all of them in one call and hands the answers round. Nobody polls for nobody: there is no
 * thread of its own. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws_private.h"
#include "bakery/mem.h"
#include "wait_look.h"

#define SHORTEST_DUE_MS 50    /* between looks when the time has come */
#define LONGEST_EARLY_MS 5000 /* between looks while it would be faster than ever if it were ready */
#define SLICE_MS 100	      /* how soon a waiter hears of a wish to stop */

struct waiter {
	struct waiter *next;
	const char *id;
	int64_t joined_ms, due_ms, asked_ms;
	/* The newest answer, if any that it has not seen. */
	bool answered;
	struct look look;
};

struct group {
	struct group *next;
	enum aws_wait wait;
	char *region;
	bool looking;	   /* somebody is in the call */
	int64_t looked_ms; /* when the newest call began */
	struct waiter *waiters;
};

struct wait_hub {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct group *groups;
};

struct wait_hub *wait_hub_new(void)
{
	struct wait_hub *hub = mem_alloc(sizeof *hub);
	condition_init(&hub->changed);
	pthread_mutex_init(&hub->lock, NULL);
	return hub;
}

void wait_hub_free(struct wait_hub *hub)
{
	for (struct group *next; hub && hub->groups; hub->groups = next) {
		next = hub->groups->next;
		free(hub->groups->region);
		free(hub->groups);
	}
	if (!hub)
		return;
	pthread_mutex_destroy(&hub->lock);
	pthread_cond_destroy(&hub->changed);
	free(hub);
}

/* --- groups; with the lock held --- */

static struct group *group_of(struct wait_hub *hub, enum aws_wait wait, const char *region)
{
	struct group *group = hub->groups;
	while (group && !(group->wait == wait && strcmp(group->region, region) == 0))
		group = group->next;
	if (group)
		return group;
	group = mem_alloc(sizeof *group);
	*group = (struct group){.next = hub->groups, .wait = wait, .region = mem_strdup(region)};
	hub->groups = group;
	return group;
}

static void leave(struct group *group, struct waiter *waiter)
{
	struct waiter **at = &group->waiters;
	while (*at != waiter)
		at = &(*at)->next;
	*at = waiter->next;
	look_clear(&waiter->look);
}

static bool is_among(const struct look *looks, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(looks[i].id, id) == 0)
			return true;
	return false;
}

/* Of those who are not in this call, the one who was asked for the longest time ago. */
static struct waiter *longest_unasked(const struct group *group)
{
	struct waiter *found = NULL;
	for (struct waiter *waiter = group->waiters; waiter; waiter = waiter->next)
		if (!waiter->answered && waiter->asked_ms != group->looked_ms &&
		    (!found || waiter->asked_ms < found->asked_ms))
			found = waiter;
	return found;
}

/* The caller's own, and as many of the others as a call can hold; each id once. */
static size_t collect(const struct group *group, struct waiter *self, struct look *looks, size_t most)
{
	size_t count = 0;
	for (struct waiter *next = self; next && count < most; next = longest_unasked(group)) {
		next->asked_ms = group->looked_ms;
		if (!is_among(looks, count, next->id))
			looks[count++].id = mem_strdup(next->id);
	}
	return count;
}

static void hand_round(struct group *group, const struct look *looks, size_t count)
{
	for (struct waiter *waiter = group->waiters; waiter; waiter = waiter->next) {
		for (size_t i = 0; i < count; i++) {
			if (strcmp(looks[i].id, waiter->id) != 0)
				continue;
			look_clear(&waiter->look);
			look_copy(&looks[i], &waiter->look);
			waiter->answered = true;
		}
	}
}

/* The lock is released during the call. A stopped look concerns only the one who made it. */
static void look_for_all(struct aws *aws, struct group *group, struct waiter *self, const struct stop *stop)
{
	struct look *looks = mem_array(LOOK_MOST, sizeof *looks);
	group->looked_ms = clock_mono_ms();
	size_t count = collect(group, self, looks, LOOK_MOST);
	group->looking = true;
	pthread_mutex_unlock(&aws->waits->lock);
	look_up(aws, wait_row(group->wait), group->region, stop, looks, count);
	pthread_mutex_lock(&aws->waits->lock);
	group->looking = false;
	if (looks[0].outcome == LOOK_FAILED && looks[0].err.kind == ERROR_STOPPED) {
		look_clear(&self->look);
		look_copy(&looks[0], &self->look);
		self->answered = true;
	} else {
		hand_round(group, looks, count);
	}
	pthread_cond_broadcast(&aws->waits->changed);
	for (size_t i = 0; i < count; i++) {
		look_clear(&looks[i]);
		free(looks[i].id);
	}
	free(looks);
}

/* --- one waiter --- */

struct watch {
	struct aws *aws;
	const struct wait_row *row;
	const char *id, *region;
	const struct aws_wait_options *options;
	const struct stop *stop;
	int64_t began_ms, deadline_ms;
	int64_t last_seen_ms;	/* that the id was known; its beginning at first */
	int64_t last_answer_ms; /* that AWS answered */
	char state[64];
};

enum verdict { KEEP_WAITING, DONE, FAILED };

static int64_t between(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

/* Where the time is known: now and then for three quarters of it, then never later than longest_wait_ms after the
 * change, and almost at once from the time itself on. Else in proportion to the time waited. */
int64_t wait_pause_ms(const struct aws *aws, int64_t waited_ms, int64_t expected_ms)
{
	int64_t due_ms = expected_ms, seldom_ms = expected_ms * 3 / 4;
	if (due_ms - seldom_ms <= aws->longest_wait_ms)
		seldom_ms = due_ms; /* no look between: the last quarter is short enough */
	if (waited_ms < seldom_ms && due_ms - waited_ms > aws->longest_wait_ms)
		return between(seldom_ms - waited_ms, SHORTEST_DUE_MS, LONGEST_EARLY_MS);
	if (waited_ms < due_ms)
		return between(due_ms - waited_ms, SHORTEST_DUE_MS, aws->longest_wait_ms);
	if (waited_ms < 2 * expected_ms)
		return between(expected_ms / 32, SHORTEST_DUE_MS, aws->longest_wait_ms);
	return between(waited_ms / 8, aws->shortest_wait_ms, aws->longest_wait_ms);
}

static bool is_one_of(const char *states, const char *state)
{
	size_t length = strlen(state);
	for (; *states; states += *states == ' ') {
		size_t part = strcspn(states, " ");
		if (part == length && memcmp(states, state, part) == 0)
			return true;
		states += part;
	}
	return false;
}

/* "Server.InsufficientInstanceCapacity" -> what errors.def says of the part behind the dot. */
static enum error_kind kind_of_reason(const char *code)
{
	const char *dot = strchr(code, '.');
	enum error_kind kind = aws_error_classify(dot ? dot + 1 : code, NULL, 0).kind;
	return kind == ERROR_CAPACITY || kind == ERROR_QUOTA ? kind : ERROR_FAILED;
}

static enum verdict fail_with_reason(const struct watch *watch, const struct tree *item, struct error *err)
{
	const char *code = tree_text_or(item, "stateReason.code", "");
	const char *reason = tree_text(item, "stateReason.message");
	if (!reason || !*reason)
		reason = tree_text_or(item, "reason", "AWS gives no reason");
	error_coded(err, kind_of_reason(code), code, "%s (%s) is %s instead of %s: %s", watch->id, watch->region,
		    watch->state, watch->row->wanted, *reason ? reason : "AWS gives no reason");
	return FAILED;
}

static enum verdict judge_item(struct watch *watch, const struct tree *item, struct error *err)
{
	snprintf(watch->state, sizeof watch->state, "%s", tree_text_or(item, watch->row->state, "in no state"));
	watch->last_seen_ms = watch->last_answer_ms = clock_mono_ms();
	if (watch->options->progress)
		watch->options->progress(watch->options->cookie, item);
	if (is_one_of(watch->row->wanted, watch->state))
		return DONE;
	return is_one_of(watch->row->fatal, watch->state) ? fail_with_reason(watch, item, err) : KEEP_WAITING;
}

static enum verdict judge_absence(struct watch *watch, struct error *err)
{
	watch->last_answer_ms = clock_mono_ms();
	if (watch->row->absent == ABSENT_DONE)
		return DONE;
	if (watch->last_answer_ms - watch->last_seen_ms < watch->aws->absent_ms)
		return KEEP_WAITING;
	error_coded(err, ERROR_ABSENT, "NotFound", "%s (%s) does not exist%s%s", watch->id, watch->region,
		    watch->state[0] ? " any more; it was last " : "", watch->state);
	return FAILED;
}

/* A network that is away for a while does not end a wait that AWS has answered before. */
static enum verdict judge_failure(struct watch *watch, const struct error *failure, struct error *err)
{
	bool passing = failure->kind == ERROR_TRANSIENT || failure->kind == ERROR_THROTTLED;
	if (passing && clock_mono_ms() - watch->last_answer_ms < watch->aws->outage_ms) {
		log_debug(watch->aws->log, "waiting for %s: %s", watch->id, failure->text);
		return KEEP_WAITING;
	}
	*err = *failure;
	error_context(err, "waiting for %s to be %s", watch->id, watch->row->wanted);
	return FAILED;
}

static enum verdict judge(struct watch *watch, const struct look *look, struct error *err)
{
	switch (look->outcome) {
	case LOOK_FOUND:
		return judge_item(watch, look->item, err);
	case LOOK_ABSENT:
		return judge_absence(watch, err);
	default:
		return judge_failure(watch, &look->err, err);
	}
}

static bool timed_out(const struct watch *watch, struct error *err)
{
	char waited[CLOCK_TEXT_SIZE];
	clock_duration(clock_mono_ms() - watch->began_ms, waited);
	return error_coded(err, ERROR_FAILED, "WaitTimeout", "%s (%s) is %s after %s, and should be %s", watch->id,
			   watch->region, watch->state[0] ? watch->state : "not there", waited, watch->row->wanted);
}

/* When this one may look: many that wait together do not ask more often than one alone would at its hastiest, unless
 * it was left out of the newest call for want of room. */
static int64_t look_ms(const struct aws *aws, const struct group *group, const struct waiter *waiter)
{
	bool alone = group->waiters == waiter && !waiter->next;
	int64_t rested_ms = group->looked_ms + aws->shortest_wait_ms;
	bool left_out = waiter->asked_ms < group->looked_ms && waiter->joined_ms < group->looked_ms;
	return alone || left_out || waiter->due_ms > rested_ms ? waiter->due_ms : rested_ms;
}

/* Waits for the next answer, or makes it come. With the lock held. */
static bool next_answer(struct watch *watch, struct group *group, struct waiter *waiter, struct error *err)
{
	struct wait_hub *hub = watch->aws->waits;
	while (!waiter->answered) {
		int64_t now_ms = clock_mono_ms();
		if (stop_requested(watch->stop))
			return error_set(err, ERROR_STOPPED, "interrupted while waiting for %s to be %s", watch->id,
					 watch->row->wanted);
		if (now_ms >= watch->deadline_ms)
			return timed_out(watch, err);
		int64_t own_ms = look_ms(watch->aws, group, waiter);
		if (now_ms >= own_ms && !group->looking) {
			look_for_all(watch->aws, group, waiter, watch->stop);
			continue;
		}
		int64_t until_ms = now_ms + SLICE_MS;
		if (!group->looking && own_ms < until_ms)
			until_ms = own_ms;
		condition_wait(&hub->changed, &hub->lock,
			       until_ms < watch->deadline_ms ? until_ms : watch->deadline_ms);
	}
	return true;
}

static int64_t next_pause_ms(const struct watch *watch)
{
	const struct aws_wait_options *options = watch->options;
	if (options->every_ms)
		return options->every_ms;
	return wait_pause_ms(watch->aws, clock_mono_ms() - watch->began_ms, options->expected_ms);
}

/* Each answer is judged with the lock released: progress() may take its time. */
static bool watch_until_done(struct watch *watch, struct group *group, struct waiter *waiter, struct tree **item,
			     struct error *err)
{
	struct wait_hub *hub = watch->aws->waits;
	while (next_answer(watch, group, waiter, err)) {
		struct look look = waiter->look;
		waiter->look = (struct look){0};
		pthread_mutex_unlock(&hub->lock);
		enum verdict verdict = judge(watch, &look, err);
		if (verdict == DONE && item)
			*item = take(&look.item);
		look_clear(&look);
		pthread_mutex_lock(&hub->lock);
		if (verdict != KEEP_WAITING)
			return verdict == DONE;
		waiter->answered = false;
		waiter->due_ms = clock_mono_ms() + next_pause_ms(watch);
	}
	return false;
}

bool aws_wait(struct aws *aws, enum aws_wait wait, const char *id, const struct aws_wait_options *options,
	      struct tree **item, struct error *err)
{
	const char *region = options->region ? options->region : aws->region;
	int64_t now_ms = clock_mono_ms();
	if (item)
		*item = NULL;
	if (!region)
		return error_set(err, ERROR_INVALID, "waiting for %s: no region is set", id);
	struct watch watch = {.aws = aws,
			      .row = wait_row(wait),
			      .id = id,
			      .region = region,
			      .options = options,
			      .stop = options->stop ? options->stop : aws->stop,
			      .began_ms = now_ms,
			      .deadline_ms = now_ms + options->timeout_s * 1000,
			      .last_seen_ms = now_ms,
			      .last_answer_ms = now_ms};
	int64_t first_ms = options->expected_ms ? wait_pause_ms(aws, 0, options->expected_ms) : 0;
	struct waiter waiter = {.id = id, .joined_ms = now_ms, .due_ms = now_ms + first_ms};

	pthread_mutex_lock(&aws->waits->lock);
	struct group *group = group_of(aws->waits, wait, region);
	waiter.next = group->waiters;
	group->waiters = &waiter;
	bool good = watch_until_done(&watch, group, &waiter, item, err);
	leave(group, &waiter);
	pthread_mutex_unlock(&aws->waits->lock);
	return good;
}
