/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan's document: its field tables, in the order they are written. */
#include "bakery/plan.h"

#define AT(type, member) offsetof(struct type, member)
#define TEXT(type, member)                                                                                             \
	{                                                                                                              \
#member, AT(type, member), FIELD_TEXT                                                                  \
	}
#define INT(type, member)                                                                                              \
	{                                                                                                              \
#member, AT(type, member), FIELD_INT                                                                   \
	}
#define BOOL(type, member)                                                                                             \
	{                                                                                                              \
#member, AT(type, member), FIELD_BOOL                                                                  \
	}
#define LIST(type, member)                                                                                             \
	{                                                                                                              \
#member, AT(type, member), FIELD_TEXT_LIST                                                             \
	}
#define MAP(type, member)                                                                                              \
	{                                                                                                              \
#member, AT(type, member), FIELD_TEXT_MAP                                                              \
	}
#define CHOICE(type, member, names)                                                                                    \
	{                                                                                                              \
#member, AT(type, member), FIELD_CHOICE, .choices = names                                              \
	}
#define INLINE(type, member, table)                                                                                    \
	{                                                                                                              \
#member, AT(type, member), FIELD_INLINE, .fields = table                                               \
	}
#define STRUCT(type, member, nested)                                                                                   \
	{                                                                                                              \
#member, AT(type, member), FIELD_STRUCT, .fields = nested##_table, .size = sizeof(struct nested)       \
	}
#define STRUCTS(type, member, nested)                                                                                  \
	{                                                                                                              \
#member, AT(type, member), FIELD_STRUCT_LIST, .fields = nested##_table, .size = sizeof(struct nested)  \
	}
#define END                                                                                                            \
	{                                                                                                              \
		0                                                                                                      \
	}

static const char *const market_names[] = {"on-demand", "spot", "spot-then-on-demand", NULL};
static const char *const address_names[] = {"public", "private", NULL};
static const char *const step_kind_names[] = {"shell", "upload", "download", "reboot", "ansible", NULL};

static const struct field plan_source_table[] = {
	TEXT(plan_source, ami),	       TEXT(plan_source, name),		 TEXT(plan_source, owner),
	TEXT(plan_source, created),    TEXT(plan_source, architecture),	 TEXT(plan_source, root_device),
	TEXT(plan_source, boot_mode),  INT(plan_source, size_gib),	 TEXT(plan_source, found_by),
	TEXT(plan_source, tpm),	       TEXT(plan_source, imds),		 BOOL(plan_source, ena),
	TEXT(plan_source, deprecated), LIST(plan_source, product_codes), TEXT(plan_source, build),
	TEXT(plan_source, recipe),     LIST(plan_source, ancestors),	 END,
};
static const struct field plan_subnet_table[] = {TEXT(plan_subnet, id), TEXT(plan_subnet, zone), END};
static const struct field root_volume_table[] = {
	INT(root_volume, size_gib),
	TEXT(root_volume, type),
	INT(root_volume, throughput),
	INT(root_volume, iops),
	BOOL(root_volume, encrypted),
	TEXT(root_volume, kms_key),
	END,
};
static const struct field plan_launch_table[] = {
	LIST(plan_launch, instance_types),
	CHOICE(plan_launch, market, market_names),
	TEXT(plan_launch, vpc),
	STRUCTS(plan_launch, subnets, plan_subnet),
	LIST(plan_launch, security_groups),
	LIST(plan_launch, admit),
	CHOICE(plan_launch, address, address_names),
	INLINE(plan_launch, root_volume, root_volume_table),
	TEXT(plan_launch, iam_instance_profile),
	TEXT(plan_launch, user_data),
	TEXT(plan_launch, profile_policy),
	LIST(plan_launch, managed_policies),
	END,
};
static const struct field bastion_table[] = {TEXT(bastion, host),
					     TEXT(bastion, user),
					     INT(bastion, port),
					     TEXT(bastion, key),
					     TEXT(bastion, known_hosts),
					     TEXT(bastion, admit),
					     END};
static const struct field connect_table[] = {
	TEXT(connect, user),	 CHOICE(connect, key_type, ssh_key_types), INT(connect, port),
	INT(connect, timeout_s), STRUCT(connect, bastion, bastion),	   END,
};
static const struct field transfer_table[] = {
	TEXT(transfer, from),	TEXT(transfer, to),	     TEXT(transfer, mode), TEXT(transfer, owner),
	TEXT(transfer, sha256), BOOL(transfer, is_template), MAP(transfer, vars),  END,
};
static const struct field reboot_table[] = {INT(reboot, timeout_s), END};
static const struct field step_table[] = {
	CHOICE(step, kind, step_kind_names),
	TEXT(step, id),
	TEXT(step, name),
	LIST(step, controls),
	LIST(step, os),
	LIST(step, arch),
	{"if", AT(step, condition), FIELD_TEXT},
	TEXT(step, check),
	TEXT(step, run),
	TEXT(step, as),
	INT(step, timeout_s),
	INT(step, retries),
	MAP(step, env),
	LIST(step, secrets),
	STRUCT(step, upload, transfer),
	STRUCT(step, download, transfer),
	STRUCT(step, reboot, reboot),
	TEXT(step, waived),
	TEXT(step, file),
	INT(step, line),
	END,
};
static const struct field ansible_table[] = {
	TEXT(ansible, playbook), TEXT(ansible, requirements), MAP(ansible, extra_vars),
	LIST(ansible, groups),	 LIST(ansible, secrets),      END,
};
static const struct field playbook_table[] = {
	TEXT(playbook, name),
	TEXT(playbook, file),
	MAP(playbook, vars),
	TEXT(playbook, sha256),
	STRUCTS(playbook, steps, step),
	STRUCT(playbook, ansible, ansible),
	END,
};
static const struct field waiver_table[] = {TEXT(waiver, control), TEXT(waiver, reason), TEXT(waiver, expires), END};
static const struct field plan_image_table[] = {
	TEXT(plan_image, name),	     TEXT(plan_image, description),	 TEXT(plan_image, imds),
	TEXT(plan_image, boot_mode), INT(plan_image, deprecate_after_s), TEXT(plan_image, tpm),
	BOOL(plan_image, protect),   BOOL(plan_image, protect_cooldown), END,
};
static const struct field plan_scanner_table[] = {
	TEXT(plan_scanner, kind),
	TEXT(plan_scanner, name),
	TEXT(plan_scanner, report),
	END,
};
static const struct field plan_scan_table[] = {
	STRUCTS(plan_scan, scanners, plan_scanner),
	INT(plan_scan, gate_critical),
	INT(plan_scan, gate_high),
	INT(plan_scan, gate_score),
	INT(plan_scan, gate_pass),
	END,
};
static const struct field plan_region_table[] = {TEXT(plan_region, region), TEXT(plan_region, kms_key), END};
static const struct field plan_share_table[] = {
	LIST(plan_share, organizations),
	LIST(plan_share, organizational_units),
	LIST(plan_share, accounts),
	BOOL(plan_share, snapshots),
	TEXT(plan_share, consumer_role),
	BOOL(plan_share, auto_scaling_grant),
	END,
};
static const struct field plan_publish_table[] = {
	TEXT(plan_publish, channel),
	TEXT(plan_publish, parameter),
	TEXT(plan_publish, metadata_parameter),
	END,
};

const struct field plan_fields[] = {
	INT(plan, format),
	TEXT(plan, recipe),
	TEXT(plan, description),
	TEXT(plan, owner),
	TEXT(plan, project),
	TEXT(plan, recipe_file),
	TEXT(plan, recipe_sha256),
	TEXT(plan, account),
	TEXT(plan, region),
	INLINE(plan, source, plan_source_table),
	INLINE(plan, launch, plan_launch_table),
	INLINE(plan, connect, connect_table),
	INT(plan, deadline_s),
	STRUCTS(plan, playbooks, playbook),
	STRUCTS(plan, seal, playbook),
	STRUCTS(plan, verify, playbook),
	BOOL(plan, verify_off),
	STRUCT(plan, scan, plan_scan),
	STRUCTS(plan, scanning, playbook),
	STRUCTS(plan, waivers, waiver),
	INLINE(plan, image, plan_image_table),
	STRUCTS(plan, copies, plan_region),
	INLINE(plan, share, plan_share_table),
	INLINE(plan, publish, plan_publish_table),
	MAP(plan, tags),
	END,
};
