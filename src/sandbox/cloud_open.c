/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing the cloud: its key, its state, its machines, what was under way. */
#include "cloud_open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2/transitions.h"
#include "jobs.h"
#include "room.h"

/* The same key as long as the folder lives, so that a shell that has it in its environment goes on working. */
static bool load_key(struct cloud *cloud, struct error *err)
{
	_cleanup_(freep) char *path = path_join(cloud->folder, "credentials.json");
	_cleanup_(str_wipe_free) struct str text = STR_INIT;
	if (file_exists(path)) {
		_cleanup_(tree_freep) struct tree *key = NULL;
		if (!file_read(path, 4096, &text, err))
			return false;
		key = tree_from_json(text.data, text.len, err);
		if (key == NULL)
			return error_context(err, "%s", path);
		snprintf(cloud->key.access_key, sizeof cloud->key.access_key, "%s",
			 tree_text_or(key, "access_key", ""));
		snprintf(cloud->key.secret_key, sizeof cloud->key.secret_key, "%s",
			 tree_text_or(key, "secret_key", ""));
		return true;
	}
	char digits[41];
	crypto_random_hex(digits, 12);
	for (char *c = digits; *c != '\0'; c++)
		*c = (char)(*c >= 'a' ? *c - 'a' + 'A' : *c);
	snprintf(cloud->key.access_key, sizeof cloud->key.access_key, "AKIASBOX%.12s", digits);
	crypto_random_hex(digits, 40);
	snprintf(cloud->key.secret_key, sizeof cloud->key.secret_key, "%s", digits);
	_cleanup_(tree_freep) struct tree *key = tree_new_object();
	tree_set_text(key, "access_key", cloud->key.access_key);
	tree_set_text(key, "secret_key", cloud->key.secret_key);
	tree_to_json_pretty(key, &text);
	return file_replace(path, text.data, text.len, 0600, err);
}

static bool load_settings(struct cloud *cloud, const char *const *settings, struct error *err)
{
	for (; settings != NULL && *settings != NULL; settings++)
		if (!settings_set(cloud->settings, *settings, err))
			return false;
	return true;
}

static bool open_parts(struct cloud *cloud, const char *const *settings, struct error *err)
{
	_cleanup_(freep) char *path = path_join(cloud->folder, "state.db");
	return load_settings(cloud, settings, err) && load_key(cloud, err) && state_open(path, &cloud->state, err) &&
	       room_open(cloud, transition_machine_ended, err);
}

bool cloud_open(const char *folder, const char *const *settings, struct log *log, struct cloud **out, struct error *err)
{
	if (!file_make_folders(folder, 0700, err))
		return false;
	struct cloud *cloud = mem_alloc(sizeof *cloud);
	cloud->folder = realpath(folder, NULL);
	cloud->log = log;
	cloud->started_ms = clock_wall_ms();
	cloud->settings = settings_new();
	pthread_mutex_init(&cloud->lock, NULL);
	stop_init(&cloud->stop);
	cloud->jobs = jobs_new(cloud, transition_run);
	if (!open_parts(cloud, settings, err)) {
		cloud_close(cloud);
		return false;
	}
	transitions_resume(cloud);
	*out = cloud;
	return true;
}

void cloud_close(struct cloud *cloud)
{
	if (cloud == NULL)
		return;
	stop_request(&cloud->stop, 0);
	jobs_stop(cloud->jobs);
	room_close(cloud);
	state_close(cloud->state);
	jobs_free(cloud->jobs);
	settings_free(cloud->settings);
	tree_free(cloud->policy);
	stop_close(&cloud->stop);
	pthread_mutex_destroy(&cloud->lock);
	mem_wipe(&cloud->key, sizeof cloud->key);
	free(cloud->folder);
	free(cloud);
}
