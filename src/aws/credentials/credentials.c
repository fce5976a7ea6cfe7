/* SPDX-License-Identifier: Apache-2.0
 *
 * The store. A search may take long (a role over the network, a person who types a code), so it runs without the lock:
 * who needs new credentials meanwhile waits for its end and shares its result, a failure too; who can still use the old
 * ones does. */
#include "credentials.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"

#define EARLY_MS (5 * 60 * 1000)
#define LATE_MS (60 * 1000)
#define AGAIN_MS (60 * 1000) /* between searches for better ones than those that still hold */
#define LOOK_MS 200	     /* how soon a waiting thread hears a wish to stop */

/* --- values --- */

static void wipe_free(char *text)
{
	if (text)
		mem_wipe(text, strlen(text));
	free(text);
}

void credentials_free(struct credentials *credentials)
{
	wipe_free(credentials->access_key);
	wipe_free(credentials->secret_key);
	wipe_free(credentials->session_token);
	*credentials = (struct credentials){0};
}

static void credentials_copy(const struct credentials *from, struct credentials *to)
{
	*to = *from;
	to->access_key = mem_strdup(from->access_key);
	to->secret_key = mem_strdup(from->secret_key);
	to->session_token = mem_strdup(from->session_token);
}

static bool take_end(const struct tree *end, const char *name, int64_t *out, struct error *err)
{
	const char *text = tree_text(end, NULL);
	*out = tree_int(end, NULL, 0);
	if (tree_kind(end) == TREE_ABSENT || tree_kind(end) == TREE_NULL)
		return true;
	if (tree_kind(end) == TREE_INT ? *out > 0 : text && clock_parse_rfc3339(text, out))
		return true;
	return error_set(err, ERROR_DENIED, "%s is not a time such as 2026-01-02T03:04:05Z", name);
}

bool credentials_from_tree(const struct tree *tree, const struct credential_names *names, struct credentials *out,
			   struct error *err)
{
	const char *access_key = tree_text(tree, names->access_key), *secret_key = tree_text(tree, names->secret_key);
	const char *token = tree_text(tree, names->session_token);
	int64_t expires_ms;
	if (!access_key || !*access_key || !secret_key || !*secret_key)
		return error_set(err, ERROR_DENIED, "there is no %s in it",
				 access_key && *access_key ? names->secret_key : names->access_key);
	if (!take_end(tree_get(tree, names->expires), names->expires, &expires_ms, err))
		return false;
	*out = (struct credentials){.access_key = mem_strdup(access_key),
				    .secret_key = mem_strdup(secret_key),
				    .session_token = token && *token ? mem_strdup(token) : NULL,
				    .expires_ms = expires_ms};
	return true;
}

/* --- the store --- */

/* Every text that was ever handed out, so that it stays readable. There is one, or very few. */
struct source_text {
	struct source_text *next;
	char text[];
};

struct credential_store {
	struct credential_store_options options;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t done;  /* a search has ended */
	struct credentials current;
	struct source_text *sources; /* the newest first */
	bool is_dropped;	     /* AWS no longer takes the current ones */
	int64_t tried_ms, found_ms;  /* when the last search ended, and the last that found some */
	bool is_busy;
	unsigned round; /* searches that have ended */
	bool has_failed;
	struct error failure; /* of the last search */
};

struct credential_store *credential_store_new(const struct credential_store_options *options)
{
	struct credential_store *store = mem_alloc(sizeof *store);
	store->options = *options;
	pthread_mutex_init(&store->lock, NULL);
	condition_init(&store->done);
	return store;
}

void credential_store_free(struct credential_store *store)
{
	if (!store)
		return;
	credentials_free(&store->current);
	for (struct source_text *next; store->sources; store->sources = next) {
		next = store->sources->next;
		free(store->sources);
	}
	pthread_cond_destroy(&store->done);
	pthread_mutex_destroy(&store->lock);
	free(store);
}

static int64_t now_ms(const struct credential_store *store)
{
	return store->options.now_ms(store->options.cookie);
}

static bool is_recent(int64_t then_ms, int64_t now)
{
	return then_ms && now - then_ms < AGAIN_MS;
}

enum need { NOT_NEEDED, WANTED, NEEDED };

/* A source may hand out what ends soon, or has ended already (IMDS does while it cannot renew, and AWS then takes it):
 * asking it again at once would bring the same. */
static enum need need_of(const struct credential_store *store)
{
	const struct credentials *current = &store->current;
	int64_t now = now_ms(store), left_ms = current->expires_ms - now;
	if (!current->access_key || store->is_dropped)
		return NEEDED;
	if (!current->expires_ms || left_ms >= EARLY_MS || is_recent(store->found_ms, now))
		return NOT_NEEDED;
	if (left_ms < LATE_MS)
		return NEEDED;
	return is_recent(store->tried_ms, now) ? NOT_NEEDED : WANTED;
}

static void remember_source(struct credential_store *store, const char *text)
{
	size_t length = strlen(text);
	if (store->sources && strcmp(store->sources->text, text) == 0)
		return;
	struct source_text *source = mem_alloc(sizeof *source + length + 1);
	memcpy(source->text, text, length);
	source->next = store->sources;
	store->sources = source;
}

/* What was found may have ended: keys that somebody put there a while ago. */
static bool is_alive(const struct credential_store *store, const struct credentials *found, struct error *err)
{
	char when[CLOCK_TEXT_SIZE];
	if (!found->expires_ms || found->is_renewable || found->expires_ms > now_ms(store))
		return true;
	clock_rfc3339(found->expires_ms, when);
	return error_set(err, ERROR_EXPIRED, "the AWS credentials ended at %s (%s); get new ones", when, found->source);
}

static void tell_renewed(struct credential_store *store)
{
	char until[CLOCK_TEXT_SIZE];
	clock_rfc3339(store->current.expires_ms, until);
	log_debug(store->options.log, "AWS credentials: %s, %s%s", store->current.source,
		  store->current.expires_ms ? "until " : "with no end that is known",
		  store->current.expires_ms ? until : "");
}

static void take_found(struct credential_store *store, struct credentials *found)
{
	credentials_free(&store->current);
	store->current = *found;
	store->is_dropped = false;
	store->found_ms = store->tried_ms;
	remember_source(store, found->source);
	tell_renewed(store);
}

/* The lock is held before and after, not during the search. */
static bool search(struct credential_store *store, struct error *err)
{
	struct credentials found = {0};
	store->is_busy = true;
	pthread_mutex_unlock(&store->lock);
	bool good = store->options.find(store->options.cookie, &found, err) && is_alive(store, &found, err);
	pthread_mutex_lock(&store->lock);
	store->is_busy = false;
	store->round++;
	store->tried_ms = now_ms(store);
	store->has_failed = !good;
	if (good)
		take_found(store, &found);
	else
		credentials_free(&found);
	return good;
}

/* Not renewed: can the old ones serve? */
static bool go_on(struct credential_store *store, struct error *err)
{
	char until[CLOCK_TEXT_SIZE];
	clock_rfc3339(store->current.expires_ms, until);
	if (need_of(store) == NEEDED) {
		if (store->current.access_key && !store->is_dropped)
			error_context(err, "the AWS credentials end at %s and could not be renewed", until);
		store->failure = *err;
		return false;
	}
	if (err->kind != ERROR_STOPPED)
		log_warn(store->options.log,
			 "the AWS credentials could not be renewed: %s; going on with those that hold until %s",
			 err->text, until);
	return true;
}

static bool search_and_tell(struct credential_store *store, struct error *err)
{
	struct error why = {0};
	bool good = search(store, &why) || go_on(store, &why);
	if (!good)
		*err = why;
	store->has_failed = !good;
	pthread_cond_broadcast(&store->done);
	return good;
}

/* For the end of the search that another thread makes. */
static bool wait_for_search(struct credential_store *store, struct error *err)
{
	unsigned round = store->round;
	while (store->round == round) {
		condition_wait(&store->done, &store->lock, clock_mono_ms() + LOOK_MS);
		if (stop_requested(store->options.stop))
			return error_set(err, ERROR_STOPPED, "interrupted while waiting for AWS credentials");
	}
	if (store->has_failed)
		*err = store->failure;
	return !store->has_failed;
}

/* Called with the lock held. */
static bool make_usable(struct credential_store *store, struct error *err)
{
	for (;;) {
		enum need need = need_of(store);
		if (need == NOT_NEEDED || (need == WANTED && store->is_busy))
			return true;
		if (!store->is_busy)
			return search_and_tell(store, err);
		if (!wait_for_search(store, err))
			return false;
	}
}

bool credential_store_get(struct credential_store *store, struct credentials *out, struct error *err)
{
	pthread_mutex_lock(&store->lock);
	bool good = make_usable(store, err);
	if (good)
		credentials_copy(&store->current, out);
	pthread_mutex_unlock(&store->lock);
	return good;
}

void credential_store_drop(struct credential_store *store, const char *access_key)
{
	pthread_mutex_lock(&store->lock);
	if (str_eq(store->current.access_key, access_key))
		store->is_dropped = true;
	pthread_mutex_unlock(&store->lock);
}

const char *credential_store_source(struct credential_store *store)
{
	pthread_mutex_lock(&store->lock);
	const char *source = store->sources ? store->sources->text : "";
	pthread_mutex_unlock(&store->lock);
	return source;
}
