/* SPDX-License-Identifier: Apache-2.0
 *
 * Where credentials may come from. A source says "found", or why it has none, or fails when it is there but broken: a
 * half-set environment or a profile without its secret must not be passed over silently for the next source. */
#include "credentials.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/clock.h"
#include "bakery/mem.h"
#include "bakery/str.h"

#define REFRESH_EARLY_MS (5 * 60 * 1000)

enum found { FOUND, NOT_HERE, BROKEN };

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

static const char *or_null(const char *text)
{
	return text && *text ? text : NULL;
}

/* Takes a pair that must be whole. */
static enum found take_pair(const char *access_key, const char *secret_key, const char *session_token,
			    const char *where, struct credentials *out, struct error *err)
{
	if (!or_null(access_key) && !or_null(secret_key))
		return NOT_HERE;
	if (!or_null(access_key) || !or_null(secret_key)) {
		error_set(err, ERROR_DENIED, "%s has %s but no %s", where,
			  or_null(access_key) ? "an access key" : "a secret key",
			  or_null(access_key) ? "secret key" : "access key");
		return BROKEN;
	}
	*out = (struct credentials){.access_key = mem_strdup(access_key),
				    .secret_key = mem_strdup(secret_key),
				    .session_token = mem_strdup(or_null(session_token))};
	snprintf(out->source, sizeof out->source, "%s", where);
	return FOUND;
}

/* --- sources --- */

static enum found from_options(const struct credential_search *search, struct credentials *out, struct str *looked,
			       struct error *err)
{
	return take_pair(search->access_key, search->secret_key, NULL, "the sandbox's own keys", out, err);
}

static enum found from_environment(const struct credential_search *search, struct credentials *out, struct str *looked,
				   struct error *err)
{
	if (search->profile_asked)
		return NOT_HERE;
	enum found found = take_pair(getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"),
				     getenv("AWS_SESSION_TOKEN"), "environment", out, err);
	if (found == NOT_HERE)
		str_add(looked, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (not set), ");
	if (found == BROKEN)
		error_set(err, ERROR_DENIED,
			  "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: one is set without the other");
	return found;
}

typedef bool profile_reader(const struct profile_files *files, const char *name, struct profile *out, struct str *names,
			    struct error *err);

static enum found from_file(const struct credential_search *search, profile_reader *read, const char *path,
			    struct credentials *out, struct str *looked, struct error *err)
{
	struct profile profile;
	char where[320];
	if (!read(search->files, search->profile, &profile, NULL, err))
		return BROKEN;
	snprintf(where, sizeof where, "profile %s in %s", search->profile, path);
	enum found found = take_pair(profile.access_key, profile.secret_key, profile.session_token, where, out, err);
	if (found == NOT_HERE)
		str_addf(looked, "%s (%s), ", where, profile.present ? "no keys there" : "not there");
	profile_free(&profile);
	return found;
}

static enum found from_credentials_file(const struct credential_search *search, struct credentials *out,
					struct str *looked, struct error *err)
{
	return from_file(search, profile_read_credentials, search->files->credentials, out, looked, err);
}

static enum found from_config_file(const struct credential_search *search, struct credentials *out, struct str *looked,
				   struct error *err)
{
	return from_file(search, profile_read_config, search->files->config, out, looked, err);
}

/* In AWS's own order. */
static enum found (*const sources[])(const struct credential_search *search, struct credentials *out,
				     struct str *looked, struct error *err) = {
	from_options,
	from_environment,
	from_credentials_file,
	from_config_file,
};

static bool find(const struct credential_search *search, struct credentials *out, struct error *err)
{
	_cleanup_(str_free) struct str looked = STR_INIT;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		enum found found = sources[i](search, out, &looked, err);
		if (found != NOT_HERE)
			return found == FOUND;
	}
	looked.data[looked.len - 2] = '\0'; /* the last ", " */
	return error_coded(err, ERROR_DENIED, "NoCredentials", "no AWS credentials found; looked at %s", looked.data);
}

/* --- the store --- */

struct credential_store {
	struct credential_search search;
	pthread_mutex_t lock;
	struct credentials current;
};

struct credential_store *credential_store_new(const struct credential_search *search)
{
	struct credential_store *store = mem_alloc(sizeof *store);
	store->search = *search;
	pthread_mutex_init(&store->lock, NULL);
	return store;
}

void credential_store_free(struct credential_store *store)
{
	if (!store)
		return;
	credentials_free(&store->current);
	pthread_mutex_destroy(&store->lock);
	free(store);
}

static bool is_fresh(const struct credentials *credentials)
{
	return credentials->access_key &&
	       (credentials->expires_ms == 0 || clock_wall_ms() < credentials->expires_ms - REFRESH_EARLY_MS);
}

/* Called with the lock held, so that many threads cause one search. */
static bool refresh(struct credential_store *store, struct error *err)
{
	struct credentials found = {0};
	if (is_fresh(&store->current))
		return true;
	if (!find(&store->search, &found, err))
		return false;
	credentials_free(&store->current);
	store->current = found;
	return true;
}

bool credential_store_get(struct credential_store *store, struct credentials *out, struct error *err)
{
	pthread_mutex_lock(&store->lock);
	bool good = refresh(store, err);
	if (good)
		credentials_copy(&store->current, out);
	pthread_mutex_unlock(&store->lock);
	return good;
}

const char *credential_store_source(struct credential_store *store)
{
	pthread_mutex_lock(&store->lock);
	const char *source = store->current.source;
	pthread_mutex_unlock(&store->lock);
	return source;
}
