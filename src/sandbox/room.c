/* SPDX-License-Identifier: Apache-2.0
 *
 * Instances as machines, images as layers of files. */
#include "room.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "ec2/public_images.h"

/* Before a base's name: the folder of a root file system that somebody gave for it. */
#define GIVEN_BASE "base-"

/* --- opening --- */

/* Of a base that is there already this is only its path. */
static bool base_path(struct cloud *cloud, const char *name, char **path, struct error *err)
{
	const struct base_image *base = base_image_find(name);
	_cleanup_(freep) char *cache = base_image_cache();
	if (base == NULL)
		return error_set(err, ERROR_ABSENT, "there is no base image %s", name);
	return base_image_make(base, cache, &cloud->stop, cloud->log, path, err);
}

/* The one that everybody starts with; the others are made when a machine of them is wanted. */
static bool make_first_base(struct cloud *cloud, struct error *err)
{
	_cleanup_(freep) char *path = NULL;
	return base_path(cloud, PUBLIC_IMAGES_FIRST_BASE, &path, err);
}

bool room_open(struct cloud *cloud, machine_ended *ended, struct error *err)
{
	_cleanup_(freep) char *layers = path_join(cloud->folder, "layers");
	if (!file_make_folders(layers, 0700, err))
		return false;
	if (!settings_on(cloud->settings, "machines"))
		return true;
	return machines_check(err) && make_first_base(cloud, err) &&
	       machines_open(cloud->folder, ended, cloud, cloud->log, &cloud->machines, err);
}

void room_close(struct cloud *cloud)
{
	machines_close(cloud->machines);
	cloud->machines = NULL;
}

/* --- machines --- */

bool room_pick_address(struct cloud *cloud, char address[16], struct error *err)
{
	uint8_t random[2];
	if (cloud->machines != NULL)
		return machines_pick_address(cloud->machines, address, err);
	crypto_random(random, sizeof random);
	snprintf(address, 16, "127.99.%u.%u", random[0], 1 + random[1] % 254u);
	return true;
}

void room_console(struct cloud *cloud, const char *id, struct str *out)
{
	struct error err = {0};
	if (cloud->machines != NULL && !machine_console(cloud->machines, id, out, &err))
		log_debug(cloud->log, "console of %s: %s", id, err.text);
}

char *room_layer_path(const struct cloud *cloud, const char *layer)
{
	return mem_printf("%s/layers/%s", cloud->folder, layer);
}

static char *given_base_path(const struct cloud *cloud, const char *base)
{
	return mem_printf("%s/layers/" GIVEN_BASE "%s", cloud->folder, base);
}

static bool layer_find(struct cloud *cloud, const char *layer, char **path, struct error *err)
{
	if (!str_starts(layer, BASE_LAYER)) {
		*path = room_layer_path(cloud, layer);
		return true;
	}
	_cleanup_(freep) char *given = given_base_path(cloud, layer + strlen(BASE_LAYER));
	if (!file_exists(given))
		return base_path(cloud, layer + strlen(BASE_LAYER), path, err);
	*path = take(&given);
	return true;
}

static void free_paths(char ***paths)
{
	for (char **path = *paths; path != NULL && *path != NULL; path++)
		free(*path);
	free(*paths);
}

static bool create(struct cloud *cloud, const struct tree *instance, struct error *err)
{
	const struct tree *layers = tree_key(instance, "_layers");
	_cleanup_(free_paths) char **paths = mem_array(tree_count(layers) + 1, sizeof *paths);
	for (size_t i = 0; i < tree_count(layers); i++)
		if (!layer_find(cloud, tree_text_or(tree_at(layers, i), NULL, ""), &paths[i], err))
			return false;
	_cleanup_(str_wipe_free) struct str user_data = STR_INIT;
	if (!crypto_base64_decode(tree_text_or(instance, "_userData", ""), &user_data))
		return error_set(err, ERROR_INVALID, "the user data is not base64");
	struct machine_spec spec = {
		.id = tree_text(instance, "instanceId"),
		.layers = (const char *const *)paths,
		.address = tree_text(instance, "_address"),
		.hostname = tree_text(instance, "_hostname"),
		.login_user = tree_text(instance, "_login"),
		.authorized_key = tree_text(instance, "_authorizedKey"),
		.user_data = user_data.len > 0 ? user_data.data : NULL,
		.user_data_length = user_data.len,
	};
	return machine_create(cloud->machines, &spec, err);
}

static bool base_can_be(const struct cloud *cloud, const char *layer, struct error *err)
{
	const char *name = str_starts(layer, BASE_LAYER) ? layer + strlen(BASE_LAYER) : "";
	const struct base_image *base = base_image_find(name);
	_cleanup_(freep) char *given = given_base_path(cloud, name);
	return base == NULL || file_exists(given) || base_image_can_be(base, err);
}

bool room_can_run(const struct cloud *cloud, const struct tree *image, struct error *err)
{
	const char *architecture = tree_text_or(image, "architecture", "");
	if (cloud->machines == NULL)
		return true;
	if (!str_eq(architecture, cloud_architecture()))
		return error_set(err, ERROR_FAILED,
				 "this host can run no machines of %s; \"machines=off\" describes them only",
				 architecture);
	for (struct tree_iter i = tree_iter(tree_key(image, "_layers")); tree_next(&i);)
		if (!base_can_be(cloud, tree_text_or(i.value, NULL, ""), err))
			return false;
	return true;
}

bool room_launch(struct cloud *cloud, const struct tree *instance, struct error *err)
{
	if (cloud->machines == NULL)
		return true;
	if (!create(cloud, instance, err) && !error_is(err, ERROR_CONFLICT))
		return false;
	return machine_boot(cloud->machines, tree_text(instance, "instanceId"), err);
}

bool room_halt(struct cloud *cloud, const char *id, struct error *err)
{
	return cloud->machines == NULL || machine_halt(cloud->machines, id, err);
}

bool room_reboot(struct cloud *cloud, const char *id, struct error *err)
{
	return cloud->machines == NULL || machine_reboot(cloud->machines, id, err);
}

bool room_destroy(struct cloud *cloud, const char *id, struct error *err)
{
	return cloud->machines == NULL || machine_destroy(cloud->machines, id, err);
}

bool room_running(struct cloud *cloud, const char *id)
{
	return cloud->machines != NULL && machine_running(cloud->machines, id);
}

/* --- layers --- */

bool room_freeze(struct cloud *cloud, const char *id, const char *layer, struct error *err)
{
	_cleanup_(freep) char *path = room_layer_path(cloud, layer);
	return cloud->machines == NULL || file_exists(path) || machine_freeze(cloud->machines, id, path, err);
}

/* A running machine's files are copied, which can be cut short; a half copy never has the layer's name. */
bool room_freeze_running(struct cloud *cloud, const char *id, const char *layer, struct error *err)
{
	_cleanup_(freep) char *path = room_layer_path(cloud, layer);
	_cleanup_(freep) char *part = mem_printf("%s/layers/.part-%s", cloud->folder, layer);
	if (cloud->machines == NULL || file_exists(path))
		return true;
	if (!file_remove_tree(part, err) || !machine_freeze(cloud->machines, id, part, err))
		return false;
	return rename(part, path) == 0 || error_errno(err, "cannot rename %s", part);
}

bool room_import(struct cloud *cloud, const char *path, const char *layer, struct error *err)
{
	_cleanup_(freep) char *folder = room_layer_path(cloud, layer);
	return layer_import(path, folder, err);
}

bool room_import_base(struct cloud *cloud, const char *path, const char *base, struct error *err)
{
	const struct base_image *known = base_image_find(base);
	_cleanup_(freep) char *folder = given_base_path(cloud, base);
	struct error makes_itself = {0};
	if (known == NULL)
		return error_set(err, ERROR_ABSENT, "no system is called %s here", base);
	if (base_image_can_be(known, &makes_itself))
		return error_set(err, ERROR_CONFLICT, "the files of %s are made by the sandbox itself", base);
	return layer_import(path, folder, err);
}

static void add_layers_of(struct cloud *cloud, const char *kind, struct tree *used)
{
	_cleanup_(tree_freep) struct tree *documents = state_list(cloud->state, NULL, NULL, kind);
	for (struct tree_iter i = tree_iter(documents); tree_next(&i);)
		for (struct tree_iter j = tree_iter(tree_key(i.value, "_layers")); tree_next(&j);)
			tree_set_bool(used, tree_text_or(j.value, NULL, "?"), true);
}

/* Renames what nothing is made of, so that it is out of the way at once; removing the files can take its time. */
static void set_aside(const char *folder, const struct tree *used)
{
	DIR *layers = opendir(folder);
	struct dirent *entry;
	while (layers != NULL && (entry = readdir(layers)) != NULL) {
		if (entry->d_name[0] == '.' || str_starts(entry->d_name, GIVEN_BASE) ||
		    tree_key(used, entry->d_name) != NULL)
			continue;
		_cleanup_(freep) char *from = path_join(folder, entry->d_name);
		_cleanup_(freep) char *to = mem_printf("%s/.gone-%s", folder, entry->d_name);
		if (rename(from, to) != 0)
			continue;
	}
	if (layers != NULL)
		closedir(layers);
}

static void remove_set_aside(struct cloud *cloud, const char *folder)
{
	DIR *layers = opendir(folder);
	struct dirent *entry;
	struct error err = {0};
	while (layers != NULL && (entry = readdir(layers)) != NULL) {
		_cleanup_(freep) char *path = path_join(folder, entry->d_name);
		if (str_starts(entry->d_name, ".gone-") && !file_remove_tree(path, &err))
			log_warn(cloud->log, "sandbox: %s", err.text);
	}
	if (layers != NULL)
		closedir(layers);
}

void room_collect(struct cloud *cloud)
{
	_cleanup_(freep) char *folder = path_join(cloud->folder, "layers");
	_cleanup_(tree_freep) struct tree *used = tree_new_object();
	pthread_mutex_lock(&cloud->lock);
	add_layers_of(cloud, "image", used);
	add_layers_of(cloud, "snapshot", used);
	add_layers_of(cloud, "instance", used);
	set_aside(folder, used);
	pthread_mutex_unlock(&cloud->lock);
	remove_set_aside(cloud, folder);
}
