/* SPDX-License-Identifier: Apache-2.0
 *
 * machine.json: {layers, address, hostname, login_user, authorized_key, user_data (base64), freezing}. */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/tree.h"
#include "network_link.h"
#include "record.h"

enum { MOST_RECORD = 1 << 20, MOST_NAME = 63, MOST_USER_DATA = 65536, MOST_KEY = 16384 };

static bool plain_name(const char *name, const char *more)
{
	if (!name || !isalnum((unsigned char)name[0]) || strlen(name) > MOST_NAME)
		return false;
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr(more, *c))
			return false;
	return true;
}

static bool one_line(const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	return true;
}

bool machine_id_check(const char *id, struct error *err)
{
	return plain_name(id, "-_") || error_set(err, ERROR_INVALID, "\"%.80s\" is no machine's name", id ? id : "");
}

static bool loopback(const char *address)
{
	struct in_addr parsed;

	return address && inet_pton(AF_INET, address, &parsed) == 1 && ntohl(parsed.s_addr) >> 24 == 127;
}

static bool layers_check(const char *const *layers, struct error *err)
{
	if (!layers || !layers[0])
		return error_set(err, ERROR_INVALID, "a machine needs at least one layer");
	for (size_t i = 0; layers[i]; i++)
		if (layers[i][0] != '/')
			return error_set(err, ERROR_INVALID, "layer \"%s\" is not an absolute path", layers[i]);
	return true;
}

bool machine_spec_check(const struct machine_spec *spec, struct error *err)
{
	if (!machine_id_check(spec->id, err) || !layers_check(spec->layers, err))
		return false;
	if (!loopback(spec->address) && !network_link_is_address(spec->address))
		return error_set(err, ERROR_INVALID, "\"%s\" is no address for a machine",
				 spec->address ? spec->address : "");
	if (!plain_name(spec->hostname, "-."))
		return error_set(err, ERROR_INVALID, "\"%.80s\" is no host name", spec->hostname ? spec->hostname : "");
	if (!plain_name(spec->login_user, "-_"))
		return error_set(err, ERROR_INVALID, "\"%.80s\" is no user's name",
				 spec->login_user ? spec->login_user : "");
	if (spec->authorized_key && (!one_line(spec->authorized_key) || strlen(spec->authorized_key) > MOST_KEY))
		return error_set(err, ERROR_INVALID, "the authorized key is not one line of text");
	if (spec->user_data_length > MOST_USER_DATA)
		return error_set(err, ERROR_INVALID, "user data of more than %d bytes", MOST_USER_DATA);
	return true;
}

static bool save(const char *folder, const struct tree *tree, struct error *err)
{
	_cleanup_(freep) char *path = path_join(folder, "machine.json");
	_cleanup_(str_wipe_free) struct str text = STR_INIT;

	tree_to_json_pretty(tree, &text);
	str_add_char(&text, '\n');
	return file_replace(path, text.data, text.len, 0600, err); /* user data may hold keys */
}

static bool read_tree(const char *folder, struct tree **out, struct error *err)
{
	_cleanup_(freep) char *path = path_join(folder, "machine.json");
	_cleanup_(str_wipe_free) struct str text = STR_INIT;

	if (!file_read(path, MOST_RECORD, &text, err))
		return false;
	*out = tree_from_json(text.data, text.len, err);
	return *out || error_context(err, "%s", path);
}

bool machine_record_make(const char *folder, const struct machine_spec *spec, struct error *err)
{
	_cleanup_(tree_freep) struct tree *tree = tree_new_object();
	_cleanup_(str_wipe_free) struct str user_data = STR_INIT;
	struct tree *layers = tree_set_array(tree, "layers");

	for (size_t i = 0; spec->layers[i]; i++)
		tree_add_text(layers, spec->layers[i]);
	tree_set_text(tree, "address", spec->address);
	tree_set_text(tree, "hostname", spec->hostname);
	tree_set_text(tree, "login_user", spec->login_user);
	if (spec->authorized_key)
		tree_set_text(tree, "authorized_key", spec->authorized_key);
	if (spec->user_data) {
		crypto_base64(spec->user_data, spec->user_data_length, &user_data);
		tree_set_text(tree, "user_data", user_data.data);
	}
	return save(folder, tree, err);
}

bool machine_record_freezing(const char *folder, const char *layer, struct error *err)
{
	_cleanup_(tree_freep) struct tree *tree = NULL;

	if (!read_tree(folder, &tree, err))
		return false;
	tree_set_text(tree, "freezing", layer);
	return save(folder, tree, err);
}

bool machine_record_frozen(const char *folder, struct error *err)
{
	_cleanup_(tree_freep) struct tree *tree = NULL;
	const char *layer;

	if (!read_tree(folder, &tree, err))
		return false;
	layer = tree_text(tree, "freezing");
	if (!layer)
		return true;
	if (file_exists(layer))
		tree_add_text(tree_get(tree, "layers"), layer);
	tree_remove(tree, "freezing");
	return save(folder, tree, err);
}

static void take_layers(struct machine_record *out, const struct tree *layers)
{
	const char **paths;

	out->layer_count = tree_count(layers);
	paths = arena_alloc(out->arena, (out->layer_count + 1) * sizeof(*paths));
	for (size_t i = 0; i < out->layer_count; i++)
		paths[i] = arena_strdup(out->arena, tree_text_or(tree_at(layers, i), NULL, ""));
	out->spec.layers = paths;
}

static void take_fields(struct machine_record *out, const struct tree *tree, const char *id)
{
	_cleanup_(str_wipe_free) struct str user_data = STR_INIT;
	const char *coded = tree_text(tree, "user_data");

	out->arena = arena_new();
	take_layers(out, tree_get(tree, "layers"));
	out->spec.id = arena_strdup(out->arena, id);
	out->spec.address = arena_strdup(out->arena, tree_text(tree, "address"));
	out->spec.hostname = arena_strdup(out->arena, tree_text(tree, "hostname"));
	out->spec.login_user = arena_strdup(out->arena, tree_text(tree, "login_user"));
	out->spec.authorized_key = arena_strdup(out->arena, tree_text(tree, "authorized_key"));
	if (coded && crypto_base64_decode(coded, &user_data)) {
		out->spec.user_data = arena_strndup(out->arena, user_data.data, user_data.len);
		out->spec.user_data_length = user_data.len;
	}
}

bool machine_record_load(const char *folder, struct machine_record *out, struct error *err)
{
	_cleanup_(tree_freep) struct tree *tree = NULL;
	const char *id = strrchr(folder, '/');

	*out = (struct machine_record){};
	if (!machine_record_frozen(folder, err) || !read_tree(folder, &tree, err))
		return false;
	take_fields(out, tree, id ? id + 1 : folder);
	if (machine_spec_check(&out->spec, err))
		return true;
	machine_record_free(out);
	return error_context(err, "%s/machine.json", folder);
}

void machine_record_free(struct machine_record *record)
{
	arena_free(record->arena);
	*record = (struct machine_record){};
}
