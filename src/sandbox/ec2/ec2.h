/* SPDX-License-Identifier: Apache-2.0
 *
 * EC2's nouns: how their documents are made and looked up, and the tables of their operations. Documents stand in the
 * state in the shape of Describe's reply; members that open with "_" are the sandbox's own:
 *
 *   image     _layers (what a machine of it is made of), _login (its default user), _launchPermission, _due, _frozen,
 *             _fate ({code, message, detail}: what it will fail with)
 *   snapshot  _layers, _createVolumePermission, _started, _due
 *   instance  _layers, _userData, _shutdown, _due, _reservation, _protected, _fate ({code, message, stop}), ...
 *
 * A layer is "base:<public image's base>" or the name of a folder under layers/. */
#ifndef BAKERY_SANDBOX_EC2_H
#define BAKERY_SANDBOX_EC2_H

#include "../request.h"

extern const struct operation ec2_image_operations[], ec2_image_make_operations[], ec2_image_attribute_operations[],
	ec2_snapshot_operations[], ec2_spot_operations[], ec2_instance_operations[], ec2_run_operations[],
	ec2_instance_state_operations[], ec2_instance_attribute_operations[], ec2_volume_operations[],
	ec2_key_operations[], ec2_group_operations[], ec2_tag_operations[], ec2_network_operations[],
	ec2_type_operations[];

/* Images */
struct tree *image_new(const char *account, const char *id, const char *name, const char *created);
void image_add_root(struct tree *image, const char *snapshot_id, int64_t size_gib, const char *type, bool encrypted,
		    const char *kms_key);
/* One that the caller may see (its own, shared with it, public); refuses with InvalidAMIID.*. */
struct tree *image_seen(struct request *rq, const char *id);
struct tree *image_owned(struct request *rq, const char *id);
bool image_name_free(struct request *rq, const char *name);
bool check_image_name(struct request *rq, const char *name);
void image_put(struct request *rq, struct tree *image); /* under its owner */

/* Snapshots and volumes */
struct tree *snapshot_new(const char *account, const char *id, const char *volume_id, int64_t size_gib,
			  const char *started);

/* Instances */
enum instance_state {
	INSTANCE_PENDING = 0,
	INSTANCE_RUNNING = 16,
	INSTANCE_SHUTTING_DOWN = 32,
	INSTANCE_TERMINATED = 48,
	INSTANCE_STOPPING = 64,
	INSTANCE_STOPPED = 80
};
const char *instance_state_name(enum instance_state state);
enum instance_state instance_state(const struct tree *instance);
void instance_set_state(struct tree *instance, enum instance_state state);
struct tree *instance_find(struct request *rq, const char *id); /* refuses with InvalidInstanceID.* */
/* Those of InstanceId.N, as a new list; NULL when one was refused. */
struct tree *instances_by_id(struct request *rq);
void instance_forget_old(struct request *rq);
struct tree *instance_reply(const struct tree *instance, int64_t now_ms);
struct tree *reservation_of(const struct tree *instance);

/* Instance types: the sandbox knows a few. */
struct instance_type {
	const char *name, *architecture;
	int vcpus, memory_mib;
	bool burstable, scarce; /* scarce: not offered in the last zone of a region */
};
const struct instance_type *instance_type_find(const char *name);
const struct instance_type *instance_type_at(size_t index); /* NULL: no more */
bool instance_type_offered(const struct instance_type *type, const char *zone);
bool instance_type_check(struct request *rq, const char *name, const char *architecture);

/* Networks and groups */
int64_t subnet_addresses_free(const struct tree *subnet, const struct tree *instances);
struct tree *security_group_new(const char *account, const char *vpc_id, const char *id, const char *name,
				const char *description);
struct tree *default_vpc(struct request *rq); /* or NULL */
bool group_in_use(struct request *rq, const char *group_id);

/* Idempotency: the id that an earlier request with this ClientToken and the same arguments made; "" when there was
 * none; refuses other arguments. */
bool client_token_look(struct request *rq, char id[ID_SIZE]);
void client_token_keep(struct request *rq, const char *id);

#endif
