/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of questions, each being asked or answered. Everybody gets a copy of an answer, since json-c's reference
 * counts are not for several threads. */
#include "share.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "aws_private.h"
#include "bakery/mem.h"

#define MOST_ANSWERS 64
#define MOST_BYTES (16u << 20) /* of all answers, written as JSON */
#define SLICE_MS 100	       /* how soon somebody who waits hears of a wish to stop */

enum progress { ASKING, ANSWERED, REFUSED, GIVEN_UP };

struct question {
	struct question *next;
	char *key;
	enum progress progress;
	size_t users; /* those who look at it now */
	bool listed;
	struct tree *answer;
	size_t bytes;
	int64_t answered_ms, keep_ms;
	struct error err;
};

struct share_hub {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct question *questions; /* the newest first */
};

struct share_hub *share_hub_new(void)
{
	struct share_hub *hub = mem_alloc(sizeof *hub);
	condition_init(&hub->changed);
	pthread_mutex_init(&hub->lock, NULL);
	return hub;
}

static void question_free(struct question *question)
{
	tree_free(question->answer);
	free(question->key);
	free(question);
}

void share_hub_free(struct share_hub *hub)
{
	if (!hub)
		return;
	for (struct question *next; hub->questions; hub->questions = next) {
		next = hub->questions->next;
		question_free(hub->questions);
	}
	pthread_mutex_destroy(&hub->lock);
	pthread_cond_destroy(&hub->changed);
	free(hub);
}

static char *key_of(const struct aws_call *call, const char *region)
{
	struct str key = STR_INIT;
	str_addf(&key, "%s %s %d ", aws_operation_name(call->operation), region, call->first_page_only);
	tree_to_json_canonical(call->args, &key);
	return str_take(&key);
}

static bool only_reads(const char *operation)
{
	return str_starts(operation, "Describe") || str_starts(operation, "Get") || str_starts(operation, "List");
}

/* --- the list; with the lock held --- */

static void unlist(struct question **at)
{
	struct question *question = *at;
	*at = question->next;
	question->listed = false;
	if (!question->users)
		question_free(question);
}

/* Drops what has run out, and the oldest answers when there are too many. */
static void tidy(struct share_hub *hub, int64_t now_ms)
{
	size_t count = 0, bytes = 0;
	for (struct question **at = &hub->questions; *at;) {
		struct question *question = *at;
		bool over = question->progress != ASKING &&
			    (question->progress != ANSWERED || now_ms - question->answered_ms > question->keep_ms ||
			     ++count > MOST_ANSWERS || (bytes += question->bytes) > MOST_BYTES);
		if (over)
			unlist(at);
		else
			at = &question->next;
	}
}

static struct question *find(struct share_hub *hub, const char *key, int64_t share_ms, int64_t now_ms)
{
	for (struct question *question = hub->questions; question; question = question->next)
		if (str_eq(question->key, key) &&
		    (question->progress == ASKING ||
		     (question->progress == ANSWERED && now_ms - question->answered_ms <= share_ms)))
			return question;
	return NULL;
}

static struct question *add(struct share_hub *hub, const char *key, int64_t share_ms)
{
	struct question *question = mem_alloc(sizeof *question);
	*question = (struct question){.next = hub->questions, .key = mem_strdup(key), .listed = true};
	question->keep_ms = share_ms;
	hub->questions = question;
	return question;
}

static void let_go(struct question *question)
{
	if (--question->users == 0 && !question->listed)
		question_free(question);
}

static size_t size_of(const struct tree *tree)
{
	_cleanup_(str_free) struct str text = STR_INIT;
	tree_to_json(tree, &text);
	return text.len;
}

/* --- asking, or waiting for whoever asks --- */

/* The lock is released during the call. */
static void ask_it(struct aws *aws, struct question *question, struct aws_call *call, const char *region,
		   share_ask *ask)
{
	struct share_hub *hub = aws->shared;
	struct tree *answer = NULL;
	pthread_mutex_unlock(&hub->lock);
	bool good = ask(aws, call, region, &answer, &question->err);
	size_t bytes = good ? size_of(answer) : 0;
	pthread_mutex_lock(&hub->lock);
	question->answer = answer;
	question->bytes = bytes;
	question->answered_ms = clock_mono_ms();
	question->progress = good ? ANSWERED : question->err.kind == ERROR_STOPPED ? GIVEN_UP : REFUSED;
	pthread_cond_broadcast(&hub->changed);
}

static bool wait_for_it(struct share_hub *hub, const struct question *question, const struct stop *stop,
			struct error *err)
{
	while (question->progress == ASKING) {
		if (stop_requested(stop))
			return error_set(err, ERROR_STOPPED, "interrupted while another build asks the same");
		condition_wait(&hub->changed, &hub->lock, clock_mono_ms() + SLICE_MS);
	}
	return true;
}

/* GIVEN_UP concerns only the one who was told to stop: somebody else must ask. */
static enum progress settle(struct aws *aws, const char *key, struct aws_call *call, const char *region, share_ask *ask,
			    struct tree **reply, struct error *err)
{
	struct share_hub *hub = aws->shared;
	struct question *question = find(hub, key, call->share_ms, clock_mono_ms());
	bool own = !question;
	if (own)
		question = add(hub, key, call->share_ms);
	question->users++;
	if (question->keep_ms < call->share_ms)
		question->keep_ms = call->share_ms;
	if (own)
		ask_it(aws, question, call, region, ask);
	enum progress progress = REFUSED;
	if (own || wait_for_it(hub, question, call->stop ? call->stop : aws->stop, err)) {
		progress = own && question->progress == GIVEN_UP ? REFUSED : question->progress;
		if (progress == ANSWERED)
			*reply = tree_copy(question->answer);
		else
			*err = question->err;
	}
	let_go(question);
	tidy(hub, clock_mono_ms());
	return progress;
}

bool share_send(struct aws *aws, struct aws_call *call, const char *region, share_ask *ask, struct tree **reply,
		struct error *err)
{
	_cleanup_(freep) char *key = key_of(call, region);
	enum progress progress;
	assert(only_reads(aws_operation_name(call->operation)));
	pthread_mutex_lock(&aws->shared->lock);
	do
		progress = settle(aws, key, call, region, ask, reply, err);
	while (progress == GIVEN_UP);
	pthread_mutex_unlock(&aws->shared->lock);
	return progress == ANSWERED;
}
