/* SPDX-License-Identifier: Apache-2.0
 *
 * Status, settings and imports of a running sandbox. */
#include "control.h"

#include <string.h>

#include "access/policy.h"
#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2/ec2.h"
#include "ec2/transitions.h"
#include "http_header.h"
#include "regions.h"
#include "room.h"
#include "ssm/ssm.h"

static bool answer_error(struct answer *out, int status, const struct error *err)
{
	_cleanup_(tree_freep) struct tree *body = tree_new_object();
	tree_set_text(body, "kind", error_kind_name(err->kind));
	tree_set_text(body, "error", err->text);
	tree_to_json(body, &out->body);
	out->status = status;
	return false;
}

/* --- status --- */

static void add_instances(struct cloud *cloud, struct tree *status)
{
	_cleanup_(tree_freep) struct tree *all = state_list(cloud->state, NULL, NULL, "instance");
	struct tree *list = tree_set_array(status, "instances");
	for (struct tree_iter i = tree_iter(all); tree_next(&i);) {
		struct tree *one = tree_add_object(list);
		tree_set_text(one, "instance", tree_text(i.value, "instanceId"));
		tree_set_text(one, "state", tree_text(i.value, "instanceState.name"));
		tree_set_text(one, "zone", tree_text(i.value, "placement.availabilityZone"));
		tree_set_text(one, "type", tree_text(i.value, "instanceType"));
		tree_set_text(one, "image", tree_text(i.value, "imageId"));
		tree_set_text(one, "address", tree_text(i.value, "_address"));
		tree_set_text(one, "login", tree_text(i.value, "_login"));
		tree_set_text(one, "launched", tree_text(i.value, "launchTime"));
	}
}

static void add_images(struct cloud *cloud, struct tree *status)
{
	struct tree *list = tree_set_array(status, "images");
	for (const struct region *region = regions; region->name != NULL; region++) {
		_cleanup_(tree_freep) struct tree *all = state_list(cloud->state, CLOUD_ACCOUNT, region->name, "image");
		for (struct tree_iter i = tree_iter(all); tree_next(&i);) {
			struct tree *one = tree_add_object(list);
			tree_set_text(one, "region", region->name);
			tree_set_text(one, "image", tree_text(i.value, "imageId"));
			tree_set_text(one, "name", tree_text(i.value, "name"));
			tree_set_text(one, "state", tree_text(i.value, "imageState"));
			tree_set_text(one, "created", tree_text(i.value, "creationDate"));
		}
	}
}

static void add_parameters(struct cloud *cloud, struct tree *status)
{
	struct tree *list = tree_set_array(status, "parameters");
	for (const struct region *region = regions; region->name != NULL; region++) {
		_cleanup_(tree_freep) struct tree *all =
			state_list(cloud->state, CLOUD_ACCOUNT, region->name, "parameter");
		for (struct tree_iter i = tree_iter(all); tree_next(&i);) {
			const struct tree *newest = parameter_newest(i.value);
			struct tree *one = tree_add_object(list);
			tree_set_text(one, "region", region->name);
			tree_set_text(one, "name", tree_text(i.value, "Name"));
			tree_set_text(one, "value",
				      str_eq(tree_text(i.value, "Type"), "SecureString") ? "(secret)"
											 : tree_text(newest, "Value"));
			tree_set_int(one, "version", tree_int(newest, "Version", 0));
		}
	}
}

/* What a build might leave behind besides. */
static void add_rest(struct cloud *cloud, struct tree *status)
{
	static const struct {
		const char *kind, *key, *id;
	} kinds[] = {{"snapshot", "snapshots", "snapshotId"},
		     {"volume", "volumes", "volumeId"},
		     {"key-pair", "key_pairs", "keyName"},
		     {"security-group", "security_groups", "groupId"}};
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct tree *list = tree_set_array(status, kinds[k].key);
		_cleanup_(tree_freep) struct tree *all = state_list(cloud->state, CLOUD_ACCOUNT, NULL, kinds[k].kind);
		for (struct tree_iter i = tree_iter(all); tree_next(&i);)
			if (!str_eq(tree_text(i.value, "groupName"), "default"))
				tree_add_text(list, tree_text(i.value, kinds[k].id));
	}
}

static bool answer_status(struct api *api, struct answer *out)
{
	char started[CLOCK_TEXT_SIZE];
	struct cloud *cloud = api->cloud;
	_cleanup_(tree_freep) struct tree *status = tree_new_object();
	clock_rfc3339(cloud->started_ms, started);
	tree_set_text(status, "started", started);
	tree_set_text(status, "folder", cloud->folder);
	tree_set_bool(status, "machines", cloud->machines != NULL);
	tree_set_int(status, "requests", settings_requests(cloud->settings));
	tree_set_int(status, "held", api->held);
	pthread_mutex_lock(&cloud->lock);
	add_instances(cloud, status);
	add_images(cloud, status);
	add_parameters(cloud, status);
	add_rest(cloud, status);
	pthread_mutex_unlock(&cloud->lock);
	tree_set(status, "settings", settings_tree(cloud->settings));
	tree_to_json(status, &out->body);
	return true;
}

/* --- settings --- */

static bool change_settings(struct api *api, const struct sigv4_request *http, struct answer *out)
{
	struct error err = {0};
	_cleanup_(freep) char *text = mem_strndup(http->body, http->body_length);
	char *rest = NULL;
	for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		if (!settings_set(api->cloud->settings, line, &err))
			return answer_error(out, 400, &err);
		if (str_starts(line, "interrupt=i-"))
			transition_interrupt(api->cloud, line + strlen("interrupt="));
	}
	str_add(&out->body, "{}");
	return true;
}

/* --- the user's policy --- */

static bool change_policy(struct api *api, const struct sigv4_request *http, struct answer *out)
{
	struct error err = {0};
	struct tree *policy = NULL;
	if (http->body_length > 0 && !policy_read(http->body, http->body_length, POLICY_IDENTITY, &policy, &err))
		return answer_error(out, 400, &err);
	pthread_mutex_lock(&api->cloud->lock);
	tree_free(api->cloud->policy);
	api->cloud->policy = policy;
	pthread_mutex_unlock(&api->cloud->lock);
	str_add(&out->body, "{}");
	return true;
}

/* --- import --- */

static void put_imported(struct cloud *cloud, const char *region, const char *name, const char *owner,
			 const char *layer, char ami[ID_SIZE])
{
	char snapshot_id[ID_SIZE], at[EC2_TIME_SIZE];
	make_id("ami-", ami);
	make_id("snap-", snapshot_id);
	ec2_time(clock_wall_ms(), at);
	_cleanup_(tree_freep) struct tree *image = image_new(owner, ami, name, at);
	_cleanup_(tree_freep) struct tree *snapshot = snapshot_new(owner, snapshot_id, "vol-ffffffff", 8, at);
	tree_set_text(image, "imageState", "available");
	tree_set_text(image, "description", "Imported into the sandbox");
	tree_set_text(image, "_login", "admin");
	tree_set_text(image, "_account", owner);
	tree_add_text(tree_set_array(image, "_layers"), layer);
	image_add_root(image, snapshot_id, 8, "gp3", false, NULL);
	tree_set_bool(image, "isPublic", true);
	tree_set_text(tree_add_object(tree_set_array(image, "_launchPermission")), "group", "all");
	tree_set_text(snapshot, "status", "completed");
	tree_set_text(snapshot, "progress", "100%");
	tree_set(snapshot, "_layers", tree_share(tree_key(image, "_layers")));
	state_put(cloud->state, owner, region, "snapshot", snapshot_id, snapshot);
	state_put(cloud->state, owner, region, "image", ami, image);
}

/* Public, under the given owner, in every region; the answer names the one in the first. */
static bool keep_imported(struct cloud *cloud, const struct tree *wish, const char *layer, struct tree *reply,
			  struct error *err)
{
	char ami[ID_SIZE];
	pthread_mutex_lock(&cloud->lock);
	state_begin(cloud->state);
	for (const struct region *region = regions; region->name != NULL; region++) {
		put_imported(cloud, region->name, tree_text(wish, "name"), tree_text_or(wish, "owner", CLOUD_ACCOUNT),
			     layer, ami);
		if (region == regions)
			tree_set_text(reply, "ami", ami);
	}
	bool kept = state_commit(cloud->state, err);
	pthread_mutex_unlock(&cloud->lock);
	return kept;
}

static bool import_image(struct api *api, const struct sigv4_request *http, struct answer *out)
{
	struct error err = {0};
	char layer[ID_SIZE];
	_cleanup_(tree_freep) struct tree *wish = tree_from_json(http->body, http->body_length, &err);
	_cleanup_(tree_freep) struct tree *reply = tree_new_object();
	if (wish == NULL)
		return answer_error(out, 400, &err);
	if (tree_text(wish, "base") != NULL) {
		if (!room_import_base(api->cloud, tree_text_or(wish, "path", ""), tree_text(wish, "base"), &err))
			return answer_error(out, 400, &err);
		tree_to_json(reply, &out->body);
		return true;
	}
	make_id("layer-", layer);
	if (!room_import(api->cloud, tree_text_or(wish, "path", ""), layer, &err) ||
	    !keep_imported(api->cloud, wish, layer, reply, &err))
		return answer_error(out, 400, &err);
	tree_to_json(reply, &out->body);
	return true;
}

/* --- */

void control_answer(struct api *api, const char *token, const struct sigv4_request *http, struct answer *out)
{
	const char *given = http_header(http, CONTROL_TOKEN_HEADER);
	struct error err = {0};
	crypto_random_uuid(out->request_id);
	out->content_type = "application/json";
	out->status = 200;
	if (!str_eq(given, token)) {
		error_set(&err, ERROR_DENIED, "the token of the sandbox's folder is missing or wrong");
		answer_error(out, 403, &err);
	} else if (str_eq(http->path, "/_sandbox/status") && str_eq(http->method, "GET")) {
		answer_status(api, out);
	} else if (str_eq(http->path, "/_sandbox/settings") && str_eq(http->method, "PUT")) {
		change_settings(api, http, out);
	} else if (str_eq(http->path, "/_sandbox/policy") && str_eq(http->method, "PUT")) {
		change_policy(api, http, out);
	} else if (str_eq(http->path, "/_sandbox/images") && str_eq(http->method, "POST")) {
		import_image(api, http, out);
	} else {
		error_set(&err, ERROR_ABSENT, "there is no %s %s", http->method, http->path);
		answer_error(out, 404, &err);
	}
}
