/* SPDX-License-Identifier: Apache-2.0
 *
 * Instances: pending to running, stopping to stopped, shutting-down to terminated. Images: pending to available. */
#include "transitions.h"

#include <stdio.h>
#include <string.h>

#include "../regions.h"
#include "../room.h"
#include "bakery/mem.h"
#include "bakery/str.h"
#include "ec2.h"
#include "spot.h"

static struct tree *look(struct cloud *cloud, const char *region, const char *kind, const char *id)
{
	pthread_mutex_lock(&cloud->lock);
	struct tree *document = state_get(cloud->state, NULL, region, kind, id);
	pthread_mutex_unlock(&cloud->lock);
	return document;
}

static void put(struct cloud *cloud, const char *region, const char *kind, const char *id, const struct tree *document)
{
	state_put(cloud->state, tree_text_or(document, "_account", CLOUD_ACCOUNT), region, kind, id, document);
}

/* Runs change on the newest document of a kind, in one transaction; change returns false to leave all as it is. */
typedef bool change_document(struct cloud *cloud, struct tree *document, const struct wanted_job *what,
			     const void *cookie);
static void change_in_state(struct cloud *cloud, const struct wanted_job *what, const char *kind,
			    change_document *change, const void *cookie)
{
	struct error err = {0};
	pthread_mutex_lock(&cloud->lock);
	state_begin(cloud->state);
	_cleanup_(tree_freep) struct tree *document = state_get(cloud->state, NULL, what->region, kind, what->id);
	if (document != NULL && change(cloud, document, what, cookie))
		put(cloud, what->region, kind, what->id, document);
	if (!state_commit(cloud->state, &err))
		log_warn(cloud->log, "sandbox: %s", err.text);
	pthread_mutex_unlock(&cloud->lock);
}

/* --- instances --- */

struct ending {
	enum instance_state from, to;
	const char *code, *message; /* stateReason, or NULL */
};

static void set_reason(struct tree *document, const char *code, const char *message)
{
	struct tree *reason = tree_set_object(document, "stateReason");
	tree_set_text(reason, "code", code);
	tree_setf(reason, "message", "%s: %s", code, message);
}

static void drop_volumes(struct cloud *cloud, const struct wanted_job *what, const struct tree *instance)
{
	const char *account = tree_text_or(instance, "_account", CLOUD_ACCOUNT);
	for (struct tree_iter i = tree_iter(tree_key(instance, "blockDeviceMapping")); tree_next(&i);) {
		const char *id = tree_text_or(i.value, "ebs.volumeId", "");
		if (tree_bool(i.value, "ebs.deleteOnTermination", true)) {
			state_remove(cloud->state, account, what->region, "volume", id);
			continue;
		}
		_cleanup_(tree_freep) struct tree *volume =
			state_get(cloud->state, account, what->region, "volume", id);
		if (volume == NULL)
			continue;
		tree_set_text(volume, "status", "available");
		tree_set_array(volume, "attachmentSet");
		state_put(cloud->state, account, what->region, "volume", id, volume);
	}
}

static bool end_instance(struct cloud *cloud, struct tree *instance, const struct wanted_job *what, const void *cookie)
{
	const struct ending *ending = cookie;
	if (instance_state(instance) != ending->from)
		return false;
	instance_set_state(instance, ending->to);
	tree_remove(instance, "_due");
	tree_remove(instance, "_fate");
	if (ending->code != NULL)
		set_reason(instance, ending->code, ending->message);
	if (ending->to == INSTANCE_TERMINATED) {
		drop_volumes(cloud, what, instance);
		spot_note_end(cloud, tree_text_or(instance, "_account", CLOUD_ACCOUNT), what->region, instance);
		tree_set_int(instance, "_ended", clock_wall_ms());
		tree_set_array(instance, "_layers");
	}
	return true;
}

static void failed_to_launch(struct job *job, const struct error *reason)
{
	struct cloud *cloud = job->cloud;
	struct error err = {0};
	log_warn(cloud->log, "sandbox: %s does not start: %s", job->what.id, reason->text);
	if (!room_destroy(cloud, job->what.id, &err))
		log_warn(cloud->log, "sandbox: %s", err.text);
	struct ending ending = {INSTANCE_PENDING, INSTANCE_TERMINATED, "Server.InternalError", reason->text};
	change_in_state(cloud, &job->what, "instance", end_instance, &ending);
}

/* What was wrong with the launch shows once EC2 has come so far. */
static void meet_fate(struct job *job, const struct tree *instance)
{
	const struct tree *fate = tree_key(instance, "_fate");
	struct ending ending = {.from = INSTANCE_PENDING,
				.to = tree_bool(fate, "stop", false) ? INSTANCE_STOPPED : INSTANCE_TERMINATED,
				.code = tree_text(fate, "code"),
				.message = tree_text(fate, "message")};
	job_turn_end(job);
	if (job_sleep_until(job, tree_int(instance, "_due", 0)))
		change_in_state(job->cloud, &job->what, "instance", end_instance, &ending);
}

static void start_instance(struct job *job, const struct tree *instance)
{
	struct error err = {0};
	if (tree_key(instance, "_fate") != NULL) {
		meet_fate(job, instance);
		return;
	}
	int64_t boot_ms = settings_ms(job->cloud->settings, "latency.boot");
	if (boot_ms > 0 && !job_sleep_until(job, clock_wall_ms() + boot_ms))
		return;
	if (!room_launch(job->cloud, instance, &err)) {
		if (!error_is(&err, ERROR_STOPPED)) /* then the next start of the sandbox goes on */
			failed_to_launch(job, &err);
		return;
	}
	job_turn_end(job);
	if (!job_sleep_until(job, tree_int(instance, "_due", 0)))
		return;
	struct ending ending = {.from = INSTANCE_PENDING, .to = INSTANCE_RUNNING};
	change_in_state(job->cloud, &job->what, "instance", end_instance, &ending);
}

static void stop_instance(struct job *job, const struct tree *instance)
{
	struct error err = {0};
	if (!room_halt(job->cloud, job->what.id, &err))
		log_warn(job->cloud->log, "sandbox: %s", err.text);
	job_turn_end(job);
	if (!job_sleep_until(job, tree_int(instance, "_due", 0)))
		return;
	struct ending ending = {.from = INSTANCE_STOPPING, .to = INSTANCE_STOPPED};
	change_in_state(job->cloud, &job->what, "instance", end_instance, &ending);
}

static void terminate_instance(struct job *job, const struct tree *instance)
{
	struct error err = {0};
	if (!room_destroy(job->cloud, job->what.id, &err))
		log_warn(job->cloud->log, "sandbox: %s", err.text);
	job_turn_end(job);
	if (!job_sleep_until(job, tree_int(instance, "_due", 0)))
		return;
	struct ending ending = {.from = INSTANCE_SHUTTING_DOWN, .to = INSTANCE_TERMINATED};
	change_in_state(job->cloud, &job->what, "instance", end_instance, &ending);
	room_collect(job->cloud);
}

static void run_instance(struct job *job)
{
	_cleanup_(tree_freep) struct tree *instance = look(job->cloud, job->what.region, "instance", job->what.id);
	if (instance == NULL)
		return;
	switch (instance_state(instance)) {
	case INSTANCE_PENDING:
		start_instance(job, instance);
		return;
	case INSTANCE_STOPPING:
		stop_instance(job, instance);
		return;
	case INSTANCE_SHUTTING_DOWN:
		terminate_instance(job, instance);
		return;
	default:
		return;
	}
}

static void run_reboot(struct job *job)
{
	struct error err = {0};
	_cleanup_(tree_freep) struct tree *instance = look(job->cloud, job->what.region, "instance", job->what.id);
	if (instance_state(instance) == INSTANCE_RUNNING && !room_reboot(job->cloud, job->what.id, &err))
		log_warn(job->cloud->log, "sandbox: %s", err.text);
}

/* --- spot --- */

static const char *region_of(struct cloud *cloud, const char *id, char region[32])
{
	pthread_mutex_lock(&cloud->lock);
	_cleanup_(tree_freep) struct tree *instance = state_get(cloud->state, NULL, NULL, "instance", id);
	const char *zone = tree_text_or(instance, "placement.availabilityZone", "");
	size_t length = strlen(zone);
	snprintf(region, 32, "%.*s", length > 0 ? (int)length - 1 : 0, zone);
	pthread_mutex_unlock(&cloud->lock);
	return region;
}

static bool take_back(struct cloud *cloud, struct tree *instance, const struct wanted_job *what, const void *cookie)
{
	enum instance_state state = instance_state(instance);
	(void)what;
	(void)cookie;
	if (!spot_is(instance) || (state != INSTANCE_RUNNING && state != INSTANCE_PENDING))
		return false;
	instance_set_state(instance, INSTANCE_SHUTTING_DOWN);
	tree_set_int(instance, "_due", clock_wall_ms() + settings_ms(cloud->settings, "latency.terminate"));
	tree_set_text(instance, "reason", SPOT_TERMINATION);
	set_reason(instance, SPOT_TERMINATION, "Spot instance termination");
	return true;
}

/* The instance's own job is what sees it through, so this one must have ended before. */
static void take_back_now(struct cloud *cloud, const char *region, const char *id)
{
	struct wanted_job what = {.kind = "instance"};
	snprintf(what.region, sizeof what.region, "%s", region);
	snprintf(what.id, sizeof what.id, "%s", id);
	snprintf(what.turn, sizeof what.turn, "%s", id);
	change_in_state(cloud, &what, "instance", take_back, NULL);
	jobs_start(cloud->jobs, &what);
}

static void run_spot(struct job *job)
{
	_cleanup_(tree_freep) struct tree *instance = look(job->cloud, job->what.region, "instance", job->what.id);
	if (instance != NULL && job_sleep_until(job, tree_int(instance, "_interruptAt", 0)))
		take_back_now(job->cloud, job->what.region, job->what.id);
}

void transition_interrupt(struct cloud *cloud, const char *id)
{
	char region[32];
	take_back_now(cloud, region_of(cloud, id, region), id);
}

/* --- a machine that ended by itself --- */

static bool ended_by_itself(struct cloud *cloud, struct tree *instance, const struct wanted_job *what,
			    const void *cookie)
{
	const enum machine_exit *how = cookie;
	enum instance_state state = instance_state(instance);
	(void)cloud;
	(void)what;
	if (state != INSTANCE_RUNNING && state != INSTANCE_PENDING)
		return false;
	bool terminate = *how == MACHINE_POWERED_OFF && str_eq(tree_text(instance, "_shutdown"), "terminate");
	instance_set_state(instance, terminate ? INSTANCE_SHUTTING_DOWN : INSTANCE_STOPPING);
	tree_set_int(instance, "_due", clock_wall_ms());
	if (*how == MACHINE_POWERED_OFF)
		set_reason(instance, "Client.InstanceInitiatedShutdown", "Instance initiated shutdown");
	else
		set_reason(instance, "Server.InternalError", "The instance ended unexpectedly");
	return true;
}

void transition_machine_ended(void *cookie, const char *id, enum machine_exit how)
{
	struct cloud *cloud = cookie;
	struct wanted_job what = {.kind = "instance"};
	if (how == MACHINE_REBOOTED)
		return;
	snprintf(what.id, sizeof what.id, "%s", id);
	snprintf(what.turn, sizeof what.turn, "%s", id);
	region_of(cloud, id, what.region);
	change_in_state(cloud, &what, "instance", ended_by_itself, &how);
	jobs_start(cloud->jobs, &what);
}

/* --- images --- */

static bool put_layer_under(struct cloud *cloud, struct tree *instance, const struct wanted_job *what,
			    const void *cookie)
{
	struct tree *layers = tree_copy(tree_key(instance, "_layers"));
	(void)cloud;
	(void)what;
	if (!list_has(layers, cookie))
		tree_add_text(layers, cookie);
	tree_set(instance, "_layers", layers);
	return true;
}

/* The machine's upper layer becomes the image's; the instance stands on it from then on. Written down before, so that
 * the layer is never taken for one that nothing is made of. */
static bool freeze_halted(struct job *job, const char *instance_id, const char *layer, struct error *err)
{
	struct wanted_job instance = job->what;
	snprintf(instance.id, sizeof instance.id, "%s", instance_id);
	change_in_state(job->cloud, &instance, "instance", put_layer_under, layer);
	return room_freeze(job->cloud, instance_id, layer, err);
}

static bool freeze(struct job *job, const struct tree *image, struct error *err)
{
	struct cloud *cloud = job->cloud;
	const char *id = tree_text_or(image, "sourceInstanceId", ""), *layer = tree_text_or(image, "_layer", "");
	_cleanup_(tree_freep) struct tree *instance = look(cloud, job->what.region, "instance", id);
	bool running = instance_state(instance) == INSTANCE_RUNNING;
	if (cloud->machines == NULL)
		return true;
	if (running && tree_bool(image, "_noReboot", false))
		return room_freeze_running(cloud, id, layer, err);
	if (!room_halt(cloud, id, err))
		return false;
	bool frozen = freeze_halted(job, id, layer, err);
	struct error again = {0};
	if (running && !room_launch(cloud, instance, &again))
		log_warn(cloud->log, "sandbox: %s does not start again: %s", id, again.text);
	return frozen;
}

static void end_snapshots(struct cloud *cloud, const struct tree *image, const struct wanted_job *what,
			  const char *status)
{
	const char *detail = tree_text(image, "_fate.detail");
	char at[EC2_TIME_SIZE];
	const char *account = tree_text_or(image, "_account", CLOUD_ACCOUNT);
	for (struct tree_iter i = tree_iter(tree_key(image, "blockDeviceMapping")); tree_next(&i);) {
		const char *id = tree_text_or(i.value, "ebs.snapshotId", "");
		_cleanup_(tree_freep) struct tree *snapshot =
			state_get(cloud->state, account, what->region, "snapshot", id);
		if (snapshot == NULL)
			continue;
		tree_set_text(snapshot, "status", status);
		tree_remove(snapshot, "_due");
		if (detail != NULL)
			tree_set_text(snapshot, "statusMessage", detail);
		if (str_eq(status, "completed")) {
			tree_set_text(snapshot, "progress", "100%");
			tree_set_text(snapshot, "completionTime", ec2_time(clock_wall_ms(), at));
		}
		state_put(cloud->state, account, what->region, "snapshot", id, snapshot);
	}
}

static bool mark_frozen(struct cloud *cloud, struct tree *image, const struct wanted_job *what, const void *cookie)
{
	(void)cloud;
	(void)what;
	(void)cookie;
	tree_set_bool(image, "_frozen", true);
	return true;
}

/* cookie: why it failed, or NULL. */
static bool end_image(struct cloud *cloud, struct tree *image, const struct wanted_job *what, const void *cookie)
{
	if (!str_eq(tree_text(image, "imageState"), "pending"))
		return false;
	tree_set_text(image, "imageState", cookie == NULL ? "available" : "failed");
	tree_remove(image, "_due");
	if (cookie != NULL) {
		struct tree *reason = tree_set_object(image, "stateReason");
		tree_set_text(reason, "code", tree_text_or(image, "_fate.code", "Server.InternalError"));
		tree_set_text(reason, "message", cookie);
	}
	end_snapshots(cloud, image, what, cookie == NULL ? "completed" : "error");
	return true;
}

static void run_image(struct job *job)
{
	struct error err = {0};
	_cleanup_(tree_freep) struct tree *image = look(job->cloud, job->what.region, "image", job->what.id);
	if (!str_eq(tree_text(image, "imageState"), "pending"))
		return;
	if (tree_text(image, "_layer") != NULL && !tree_bool(image, "_frozen", false)) {
		if (!freeze(job, image, &err)) {
			log_warn(job->cloud->log, "sandbox: image %s: %s", job->what.id, err.text);
			change_in_state(job->cloud, &job->what, "image", end_image, err.text);
			return;
		}
		change_in_state(job->cloud, &job->what, "image", mark_frozen, NULL);
	}
	job_turn_end(job);
	if (job_sleep_until(job, tree_int(image, "_due", 0)))
		change_in_state(job->cloud, &job->what, "image", end_image, tree_text(image, "_fate.message"));
}

/* --- all of them --- */

static void run_layers(struct job *job)
{
	room_collect(job->cloud);
}

void transition_run(struct job *job)
{
	static const struct {
		const char *kind;
		void (*run)(struct job *job);
	} kinds[] = {{"instance", run_instance},
		     {"spot", run_spot},
		     {"reboot", run_reboot},
		     {"image", run_image},
		     {"layers", run_layers}};
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_eq(kinds[i].kind, job->what.kind))
			kinds[i].run(job);
}

static void resume_one(struct cloud *cloud, const char *kind, const char *region, const char *id, const char *turn)
{
	struct wanted_job what;
	snprintf(what.kind, sizeof what.kind, "%s", kind);
	snprintf(what.region, sizeof what.region, "%s", region);
	snprintf(what.id, sizeof what.id, "%s", id);
	snprintf(what.turn, sizeof what.turn, "%s", turn);
	jobs_start(cloud->jobs, &what);
}

static bool boot_again(struct cloud *cloud, struct tree *instance, const struct wanted_job *what, const void *cookie)
{
	(void)cloud;
	(void)what;
	(void)cookie;
	if (instance_state(instance) != INSTANCE_RUNNING)
		return false;
	instance_set_state(instance, INSTANCE_PENDING);
	return true;
}

static void resume_instances(struct cloud *cloud, const char *region)
{
	_cleanup_(tree_freep) struct tree *instances = state_list(cloud->state, NULL, region, "instance");
	for (struct tree_iter i = tree_iter(instances); tree_next(&i);) {
		enum instance_state state = instance_state(i.value);
		if (state == INSTANCE_STOPPED || state == INSTANCE_TERMINATED)
			continue;
		const char *id = tree_text_or(i.value, "instanceId", "");
		struct wanted_job what = {.kind = "instance"};
		snprintf(what.region, sizeof what.region, "%s", region);
		snprintf(what.id, sizeof what.id, "%s", id);
		change_in_state(cloud, &what, "instance", boot_again, NULL);
		resume_one(cloud, "instance", region, id, id);
		if (tree_key(i.value, "_interruptAt") != NULL)
			resume_one(cloud, "spot", region, id, "spot");
	}
}

static void resume_images(struct cloud *cloud, const char *region)
{
	_cleanup_(tree_freep) struct tree *images = state_list(cloud->state, NULL, region, "image");
	for (struct tree_iter i = tree_iter(images); tree_next(&i);) {
		const char *id = tree_text_or(i.value, "imageId", "");
		if (str_eq(tree_text(i.value, "imageState"), "pending"))
			resume_one(cloud, "image", region, id, tree_text_or(i.value, "sourceInstanceId", id));
	}
}

void transitions_resume(struct cloud *cloud)
{
	for (const struct region *region = regions; region->name != NULL; region++) {
		resume_images(cloud, region->name);
		resume_instances(cloud, region->name);
	}
	resume_one(cloud, "layers", "", "", "layers");
}
