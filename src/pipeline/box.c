/* SPDX-License-Identifier: Apache-2.0
 *
 * An instance that bakery talks to: started with keys made for it alone, reached over SSH, given up again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/str.h"
#include "candidates.h"

enum { RUNNING_TIMEOUT_S = 900 };

static int64_t at_most(int64_t wanted_s, const struct build *build)
{
	int64_t left = build_seconds_left(build);

	return wanted_s < left ? wanted_s : left;
}

static bool keys_make(struct build *build, struct box *box, struct error *err)
{
	_cleanup_(freep) char *comment = mem_printf("bakery-%s", build->id);
	enum ssh_key_type type = (enum ssh_key_type)build->plan->connect.key_type;

	if (box->login.private_key)
		return true;
	if (!ssh_key_pair_make(type, comment, &box->login, err) || !ssh_key_pair_make(type, comment, &box->host, err))
		return error_context(err, "making keys");
	box->host_keys[0] = box->host.public_key;
	if (box == &build->box) /* the instance of a test is simply started anew */
		box_keys_keep(build, box);
	return true;
}

bool box_address(struct build *build, struct box *box, const struct tree *instance, struct error *err)
{
	bool is_public = build->plan->launch.address == ADDRESS_PUBLIC;
	const char *address = tree_text(instance, is_public ? "ipAddress" : "privateIpAddress");

	if (!address)
		return error_set(err, ERROR_FAILED, "%s has no %s address; check launch.address and the subnet",
				 box->instance, is_public ? "public" : "private");
	snprintf(box->address, sizeof(box->address), "%s", address);
	return true;
}

/* Starts one and waits until it runs. *again: it died for want of room, and is given up. */
static bool start_one(struct build *build, struct box *box, const struct instance_wish *wish, struct tree **instance,
		      bool *again, struct error *err)
{
	struct error why = {0};

	*again = false;
	if (!build_hold(build, &held_instance, build->plan->region, box->purpose, wish, box->instance, err) ||
	    !candidates_got(build, wish->candidate, box, err))
		return false;
	if (build_wait_learning(build, AWS_WAIT_instance_running, "launch", build->plan->region, box->instance,
				at_most(RUNNING_TIMEOUT_S, build), instance, &why))
		return true;
	ending_explain_launch(build, &why);
	*again = candidates_moves_on(&why);
	if (!*again) {
		ending_record(build, box, &why);
		*err = why;
		return error_context(err, "%s starting", box->instance);
	}
	return candidates_refused(build, wish->candidates, wish->candidate, box->purpose, box->instance, &why, err) &&
	       build_drop(build, &held_instance, box->purpose, err);
}

static bool start(struct build *build, struct box *box, const char *ami, struct tree **instance, struct error *err)
{
	_cleanup_(candidates_free) struct candidates candidates;
	struct candidate candidate = {0};
	const struct instance_wish wish = {
		.box = box,
		.ami = ami,
		.security_group = build->state.security_group,
		.is_test = str_eq(box->purpose, "test"),
		.candidates = &candidates,
		.candidate = &candidate,
	};
	bool again = true, fine = true;

	candidates_init(&candidates, build);
	while (fine && again)
		fine = start_one(build, box, &wish, instance, &again, err);
	return fine;
}

bool box_launch(struct build *build, struct box *box, const char *ami, struct error *err)
{
	_cleanup_(tree_freep) struct tree *instance = NULL;

	box->ended_ms = 0;
	/* Whoever could go on with an instance of an earlier try would not be here. */
	if (!build_drop(build, &held_instance, box->purpose, err))
		return error_context(err, "removing the instance of an earlier try");
	return keys_make(build, box, err) && start(build, box, ami, &instance, err) &&
	       box_address(build, box, instance, err);
}

/* A login that is refused is tried again only where the key may not be installed yet: the machine of an earlier process
 * has it, or is sealed. One that is being sealed may be without its host keys by now, which sshd drops connections for;
 * any other may be restarting. */
static bool reach(struct build *build, struct box *box, const struct ssh_target *target, struct error *err)
{
	enum { REFUSED_S = 10 };
	int64_t limit_s = at_most(build->plan->connect.timeout_s, build);
	bool is_sealing = box->is_ready && str_eq(stages[build->goes_on_at].name, "seal");

	if (box->is_ready && (ssh_open_within(target, limit_s < REFUSED_S ? limit_s : REFUSED_S, &box->ssh, err) ||
			      is_sealing || !error_is(err, ERROR_TRANSIENT)))
		return box->ssh != NULL;
	return ssh_open_within(target, limit_s, &box->ssh, err);
}

/* For whoever sweeps by tags alone. What serves the instance stays as long as it does. */
static void tag_renew(struct build *build, const struct box *box)
{
	struct aws_call call = aws_call(AWS_ec2_CreateTags, build->plan->region);
	struct error err = {0};
	char expires[CLOCK_TEXT_SIZE];

	build_expires(build, expires);
	aws_arg(&call, "ResourceId.1", box->instance);
	aws_arg(&call, "Tag.1.Key", "bakery:expires");
	aws_arg(&call, "Tag.1.Value", expires);
	if (!build_send(build, &call, NULL, &err))
		build_note(build, "%s may be swept by `bakery gc` of another database at the first deadline: %s",
			   box->instance, err.text);
}

/* The timers of the instance and of its keys count from now on again. */
static void timers_renew(struct build *build, struct box *box)
{
	_cleanup_(freep) char *dead_man = dead_man_command(build);
	_cleanup_(str_free) struct str command = STR_INIT;
	struct error err = {0};

	str_addf(&command, "%ssh -c ", str_eq(build->plan->connect.user, "root") ? "" : "sudo -n ");
	str_add_shell_quoted(&command, dead_man);
	if (!ssh_must(box->ssh, command.data, NULL, &err))
		build_note(build, "%s will end itself at the first deadline: %s", box->instance, err.text);
	box_keys_keep(build, box);
}

bool box_connect(struct build *build, struct box *box, struct error *err)
{
	const struct connect *connect = &build->plan->connect;
	struct ssh_target target = {
		.host = box->address,
		.port = (int)connect->port,
		.user = connect->user,
		.private_key = box->login.private_key,
		.host_keys = box->host_keys,
		.stop = &build->work,
		.log = build->context->log,
	};
	struct runner_options options = {
		.run_id = build->id, .needs_sudo = !str_eq(connect->user, "root"), .stop = &build->work};

	if (connect->bastion) {
		if (!bastion_way_make(build, &box->way, err))
			return false;
		target.via = &box->way.target;
	}
	if (box->spot)
		box->lookout = lookout_start(build, box->instance);
	if (!reach(build, box, &target, err))
		return error_context(err, "connecting to %s (%s)", box->instance, box->address);
	if (build->goes_on_at && box == &build->box) {
		tag_renew(build, box);
		timers_renew(build, box);
	}
	if (!box->is_ready && !runner_wait_ready(box->ssh, &options, err))
		return error_context(err, "%s getting ready", box->instance);
	return true;
}

void box_close(struct box *box)
{
	tree_free(lookout_end(take(&box->lookout)));
	ssh_close(box->ssh);
	box->ssh = NULL;
	bastion_way_free(&box->way);
	ssh_key_pair_free(&box->login);
	ssh_key_pair_free(&box->host);
	box->host_keys[0] = NULL;
	box->is_ready = false;
}

bool box_terminate(struct build *build, struct box *box, struct error *err)
{
	struct aws_call call = aws_call(AWS_ec2_TerminateInstances, build->plan->region);

	box_close(box);
	box_keys_forget(build, box->purpose);
	aws_arg(&call, "InstanceId.1", box->instance);
	if (!build_send(build, &call, NULL, err)) {
		if (!error_is(err, ERROR_ABSENT))
			return false;
		error_clear(err);
	}
	box->ended_ms = clock_mono_ms();
	return true;
}

static char *keep_folder(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	_cleanup_(freep) char *state = path_state_home();

	if (runtime && runtime[0] == '/')
		return path_join(runtime, "bakery");
	return path_join(state, "bakery/keys");
}

bool box_keep(struct build *build, const struct box *box, char **command, struct error *err)
{
	_cleanup_(freep) char *folder = keep_folder();
	_cleanup_(freep) char *key = mem_printf("%s/%s.key", folder, build->id);
	_cleanup_(freep) char *hosts = mem_printf("%s/%s.known_hosts", folder, build->id);
	_cleanup_(freep) char *host = mem_printf("%s %s\n", box->address, box->host.public_key);
	const struct connect *connect = &build->plan->connect;
	struct str text = STR_INIT;

	if (!file_make_folders(folder, 0700, err) ||
	    !file_replace(key, box->login.private_key, strlen(box->login.private_key), 0600, err) ||
	    !file_replace(hosts, host, strlen(host), 0600, err))
		return error_context(err, "keeping the key of %s", box->instance);
	str_addf(&text, "ssh -i %s -o UserKnownHostsFile=%s", key, hosts);
	bastion_command(build, &text);
	str_addf(&text, " -p %lld %s@%s", (long long)connect->port, connect->user, box->address);
	*command = str_take(&text);
	return true;
}
