/* SPDX-License-Identifier: Apache-2.0
 *
 * Launched as any instance is, over the sandbox's API, with keys made for it alone: a note in the sandbox's folder
 * remembers instance and keys. */
#include "scratch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bakery/aws.h"
#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/sandbox.h"

#define DEBIAN "136693071363"
#define RUNNING_WITHIN_S 120
#define MOST_NOTE 65536

struct scratch {
	struct app *app;
	const struct scratch_wish *wish;
	const char *image; /* as wished, or by default */
	char *note;	   /* the path of the note */
	struct aws *aws;
	struct tree *known; /* what the note says; NULL: nothing yet */
};

static const char *default_image(struct arena *arena)
{
	struct utsname names;
	bool is_arm = uname(&names) == 0 && str_eq(names.machine, "aarch64");

	return arena_printf(arena, "debian-12-%s-*", is_arm ? "arm64" : "amd64");
}

static bool open_sandbox(struct scratch *scratch, struct error *err)
{
	const struct sandbox_options options = {.log = scratch->app->log, .stop = scratch->app->stop};
	struct sandbox_address address;

	if (!sandbox_up(&options, &address, err))
		return error_context(err, "sandbox");
	return aws_open(&(struct aws_options){.endpoint = address.endpoint,
					      .access_key = address.access_key,
					      .secret_key = address.secret_key,
					      .region = address.region,
					      .log = scratch->app->log,
					      .stop = scratch->app->leave},
			&scratch->aws, err);
}

/* What the sandbox says of the machine that the note names, or NULL; *status owns it. */
static bool look_up(struct scratch *scratch, struct tree **status, const struct tree **machine, struct error *err)
{
	const struct sandbox_options options = {.log = scratch->app->log, .stop = scratch->app->stop};
	const char *wanted = tree_text_or(scratch->known, "instance", "");

	*machine = NULL;
	if (!sandbox_status(&options, status, err))
		return false;
	for (struct tree_iter i = tree_iter(tree_key(*status, "instances")); tree_next(&i);) {
		if (str_eq(tree_text_or(i.value, "instance", ""), wanted) &&
		    str_eq(tree_text_or(i.value, "state", ""), "running"))
			*machine = i.value;
	}
	return true;
}

static bool read_note(struct scratch *scratch, const struct tree *status, struct error *err)
{
	_cleanup_(str_wipe_free) struct str text = STR_INIT;
	char name[SHA256_HEX_SIZE];
	struct error broken = {0};

	crypto_sha256_hex(scratch->image, strlen(scratch->image), name);
	scratch->note =
		arena_printf(scratch->app->arena, "%s/scratch/%.16s.json", tree_text_or(status, "folder", ""), name);
	if (!file_exists(scratch->note))
		return true;
	if (!file_read(scratch->note, MOST_NOTE, &text, err))
		return false;
	scratch->known = tree_from_json(text.data, text.len, &broken);
	return true;
}

static bool write_note(struct scratch *scratch, struct error *err)
{
	_cleanup_(str_wipe_free) struct str text = STR_INIT;
	_cleanup_(freep) char *folder = path_folder(scratch->note);

	tree_to_json_pretty(scratch->known, &text);
	return file_make_folders(folder, 0700, err) && file_replace(scratch->note, text.data, text.len, 0600, err);
}

static bool newest_image(struct scratch *scratch, const char **ami, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_DescribeImages, NULL);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	const char *newest = "";

	if (str_starts(scratch->image, "ami-")) {
		aws_call_clear(&call);
		*ami = scratch->image;
		return true;
	}
	if (!scratch->wish->image)
		aws_arg(&call, "Owner.1", DEBIAN);
	aws_arg(&call, "Filter.1.Name", "name");
	aws_arg(&call, "Filter.1.Value.1", scratch->image);
	if (!aws_send(scratch->aws, &call, &reply, err))
		return false;
	*ami = NULL;
	for (struct tree_iter i = tree_iter(tree_key(reply, "imagesSet")); tree_next(&i);) {
		const char *created = tree_text_or(i.value, "creationDate", "");
		if (!*ami || strcmp(created, newest) > 0) {
			*ami = arena_strdup(scratch->app->arena, tree_text_or(i.value, "imageId", ""));
			newest = created;
		}
	}
	return *ami || error_set(err, ERROR_ABSENT, "the sandbox has no image %s", scratch->image);
}

static void add_user_data(struct aws_call *call, const struct ssh_key_pair *host, const struct ssh_key_pair *login)
{
	_cleanup_(tree_freep) struct tree *config = tree_new_object();
	_cleanup_(str_wipe_free) struct str text = STR_INIT, base64 = STR_INIT;
	struct tree *keys = tree_set_object(config, "ssh_keys");

	tree_set_text(keys, "ed25519_private", host->private_key);
	tree_set_text(keys, "ed25519_public", host->public_key);
	tree_set_bool(config, "ssh_deletekeys", true);
	tree_add_text(tree_set_array(config, "ssh_authorized_keys"), login->public_key);
	str_add(&text, "#cloud-config\n");
	tree_to_json_pretty(config, &text);
	crypto_base64(text.data, text.len, &base64);
	aws_arg(call, "UserData", base64.data);
}

static bool run_instance(struct scratch *scratch, const char *ami, const struct ssh_key_pair *host,
			 const struct ssh_key_pair *login, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_RunInstances, NULL);
	_cleanup_(tree_freep) struct tree *reply = NULL;
	char token[37];

	crypto_random_uuid(token);
	aws_arg(&call, "ImageId", ami);
	aws_arg(&call, "InstanceType", str_starts(scratch->image, "debian-12-arm64") ? "m6g.large" : "m5.large");
	aws_arg_int(&call, "MinCount", 1);
	aws_arg_int(&call, "MaxCount", 1);
	aws_arg(&call, "ClientToken", token);
	aws_arg(&call, "TagSpecification.1.ResourceType", "instance");
	aws_arg(&call, "TagSpecification.1.Tag.1.Key", "Name");
	aws_arg(&call, "TagSpecification.1.Tag.1.Value", "scratch machine for playbooks");
	add_user_data(&call, host, login);
	if (!aws_send(scratch->aws, &call, &reply, err))
		return false;
	scratch->known = tree_new_object();
	tree_set_text(scratch->known, "instance", tree_text_or(reply, "instancesSet.1.instanceId", ""));
	tree_set_text(scratch->known, "image", scratch->image);
	tree_set_text(scratch->known, "host_key", host->public_key);
	tree_set_text(scratch->known, "login_key", login->private_key);
	return write_note(scratch, err);
}

static bool launch(struct scratch *scratch, struct error *err)
{
	_cleanup_(ssh_key_pair_free) struct ssh_key_pair host = {0}, login = {0};
	const struct aws_wait_options wait = {.timeout_s = RUNNING_WITHIN_S, .stop = scratch->app->stop};
	const char *ami;

	if (!newest_image(scratch, &ami, err) || !ssh_key_pair_make(SSH_KEY_ED25519, "scratch host", &host, err) ||
	    !ssh_key_pair_make(SSH_KEY_ED25519, "scratch login", &login, err) ||
	    !run_instance(scratch, ami, &host, &login, err))
		return error_context(err, "a scratch machine of %s", scratch->image);
	return aws_wait(scratch->aws, AWS_WAIT_instance_running, tree_text_or(scratch->known, "instance", ""), &wait,
			NULL, err);
}

static void drop(struct scratch *scratch)
{
	struct aws_call call = aws_call(AWS_ec2_TerminateInstances, NULL);
	struct error ignored;

	aws_arg(&call, "InstanceId.1", tree_text_or(scratch->known, "instance", ""));
	if (!aws_send(scratch->aws, &call, NULL, &ignored))
		log_debug(scratch->app->log, "the scratch machine before: %s", ignored.text);
	unlink(scratch->note);
}

static void fill_target(const struct scratch *scratch, const struct tree *machine, struct ssh_target *target)
{
	struct arena *arena = scratch->app->arena;
	const char **host_keys = arena_alloc(arena, 2 * sizeof(*host_keys));

	host_keys[0] = arena_strdup(arena, tree_text_or(scratch->known, "host_key", ""));
	*target = (struct ssh_target){.host = arena_strdup(arena, tree_text_or(machine, "address", "")),
				      .user = arena_strdup(arena, tree_text_or(machine, "login", "admin")),
				      .private_key = arena_strdup(arena, tree_text_or(scratch->known, "login_key", "")),
				      .host_keys = host_keys,
				      .stop = scratch->app->stop,
				      .log = scratch->app->log};
}

static bool find_or_launch(struct scratch *scratch, struct ssh_target *target, struct error *err)
{
	_cleanup_(tree_freep) struct tree *status = NULL, *after = NULL;
	const struct tree *machine;
	struct log *log = scratch->app->log;

	if (!look_up(scratch, &status, &machine, err) || !read_note(scratch, status, err))
		return false;
	tree_freep(&status);
	if (!look_up(scratch, &status, &machine, err))
		return false;
	if (machine && !scratch->wish->fresh) {
		fill_target(scratch, machine, target);
		log_info(log, "on the scratch machine %s of %s as earlier runs left it (--fresh: a new one)",
			 tree_text_or(scratch->known, "instance", ""), scratch->image);
		return true;
	}
	if (scratch->known)
		drop(scratch);
	tree_freep(&scratch->known);
	if (!launch(scratch, err) || !look_up(scratch, &after, &machine, err))
		return false;
	if (!machine)
		return error_set(err, ERROR_FAILED, "the scratch machine ended at once");
	fill_target(scratch, machine, target);
	log_info(log, "on the new scratch machine %s of %s (a shell in it: bakery sandbox exec %s)",
		 tree_text_or(scratch->known, "instance", ""), scratch->image,
		 tree_text_or(scratch->known, "instance", ""));
	return true;
}

bool scratch_find(struct app *app, const struct scratch_wish *wish, struct ssh_target *target, struct error *err)
{
	struct scratch scratch = {
		.app = app, .wish = wish, .image = wish->image ? wish->image : default_image(app->arena)};
	bool done = open_sandbox(&scratch, err) && find_or_launch(&scratch, target, err);

	tree_freep(&scratch.known);
	aws_closep(&scratch.aws);
	return done;
}
