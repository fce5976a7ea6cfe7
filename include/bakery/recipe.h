/* SPDX-License-Identifier: Apache-2.0
 *
 * A recipe says what image is wanted for one operating-system variant; settings hold what is common to a project. Both
 * are read from YAML, checked whole (every fault at once, with file:line:column), made once and then only read. Shapes:
 * docs/recipe.md. */
#ifndef BAKERY_RECIPE_H
#define BAKERY_RECIPE_H

#include "bakery/crypto.h"
#include "bakery/error.h"
#include "bakery/faults.h"
#include "bakery/fields.h"
#include "bakery/mem.h"
#include "bakery/playbook.h"

struct source_ami {
	struct text_list owners;
	const char *name;	  /* with * and ? */
	const char *architecture; /* x86_64 | arm64 */
	struct text_map filters;  /* further DescribeImages filters, "virtualization-type: hvm" */
	bool include_deprecated;
};
struct source_recipe {
	const char *name, *channel;
};
struct source { /* exactly one is set */
	const struct source_ami *ami;
	const char *ssm; /* parameter name */
	const char *id;	 /* ami-... */
	const struct source_recipe *recipe;
};

struct root_volume {
	int64_t size_gib, throughput, iops; /* 0: as in the source image, or the volume type's default */
	const char *type;
	bool encrypted;
	const char *kms_key; /* NULL: the account's default key */
};
struct subnets {
	struct text_list ids;
	struct text_map tags;
};
enum market { MARKET_ON_DEMAND, MARKET_SPOT, MARKET_SPOT_THEN_ON_DEMAND };
enum address_kind { ADDRESS_PUBLIC, ADDRESS_PRIVATE };
/* A role and instance profile made for the build alone; nothing asked for when both are empty. */
struct temporary_profile {
	const char *policy;		   /* file: a policy document in JSON */
	struct text_list managed_policies; /* ARNs */
};
struct launch {
	const char *region;
	struct text_list instance_types;
	int market; /* enum market */
	const struct subnets *subnets;
	struct text_list security_groups;
	int address; /* enum address_kind */
	struct root_volume root_volume;
	const char *iam_instance_profile;
	const struct temporary_profile *temporary_profile; /* NULL: none; never with iam_instance_profile */
	const char *user_data;				   /* file */
};

struct bastion {
	const char *host, *user;
	int64_t port;
	const char *key;	 /* private key file; NULL: the agent */
	const char *known_hosts; /* file with its host keys; NULL: ~/.ssh/known_hosts */
	const char *admit; /* where it comes from as instances see it: sg-... or a CIDR; what the temporary security
			      group admits */
};
struct connect {
	const char *user;
	int key_type; /* enum ssh_key_type: of the login key and the host key */
	int64_t port, timeout_s;
	const struct bastion *bastion;
};

/* One entry of `playbooks`: a playbook of ours with its variables, or Ansible's. */
struct playbook_use {
	const char *name;
	struct text_map vars;
	const struct ansible *ansible;	 /* NULL for one of ours */
	const struct playbook *playbook; /* loaded */
	struct ansible ansible_wish;	 /* what `ansible` points to */
	const char *source;		 /* where the use stands, "recipes/debian-12.yaml:20" */
};
struct verify {
	bool off;		      /* `verify: false` */
	struct struct_list playbooks; /* of struct playbook_use */
};

/* A control that shall not be held to. */
struct waiver {
	const char *control; /* as steps name it, or a scanner's rule: "CIS-5.1.20", "lynis:SSH-7408" */
	const char *reason;
	const char *expires; /* "2027-06-30": the last day, UTC */
};
/* When it is over: the midnight after its last day. false: `expires` is no date. */
bool waiver_end(const struct waiver *waiver, int64_t *wall_ms);
/* Whether it is of a scanner's rule (lynis:..., openscap:..., xccdf_...), not of a step's control. */
bool waiver_is_for_scanner(const struct waiver *waiver);

struct scanner {
	const char *kind; /* inspector | openscap | lynis | command */
	struct text_list command;
	const char *profile;
	const char *datastream; /* openscap: file, or "machine:/path" on the instance; NULL: its distribution's */
};
struct scan {
	struct struct_list scanners;	  /* of struct scanner */
	int64_t gate_critical, gate_high; /* -1: no limit */
	int64_t gate_score, gate_pass;	  /* least hardening index, least percentage of rules; -1: none */
	const char *exceptions;		  /* file */
};

struct image_wish {
	const char *name, *description;
	struct text_map tags;
	int64_t deprecate_after_s; /* 0: never */
	const char *imds;	   /* "v2.0" or NULL */
	const char *boot_mode;	   /* or NULL */
	const char *tpm;	   /* "v2.0" or NULL */
	struct deregistration_protection {
		bool enabled, cooldown; /* cooldown: for 24 h after it was switched off, too */
	} deregistration_protection;
};
struct region_wish {
	const char *kms_key;
};
struct share {
	bool organization;
	struct text_list organizations, organizational_units, accounts;
	bool snapshots;		   /* accounts may copy, too: they may make volumes of the image's snapshots */
	const char *consumer_role; /* name of a role in each of `accounts` that bakery may take, to look from there */
	bool auto_scaling_grant; /* with consumer_role: grants the accounts' Auto Scaling the use of the image's key */
};
struct distribute {
	struct struct_map regions; /* of struct region_wish */
	struct share share;
};
struct publish {
	const char *channel;
};
struct retain {
	int64_t keep, deprecate_after_s, disable_after_s, deregister_after_s;
};

struct recipe {
	int64_t format;
	const char *extends; /* already merged in */
	const char *name, *description, *owner;
	const char *file;	   /* as given or found */
	const char *folder;	   /* relative files in it are relative to this */
	struct text_map variables; /* after --var and --var-file */
	struct source source;
	struct launch launch;
	struct connect connect;
	int64_t deadline_s;
	struct struct_list playbooks; /* of struct playbook_use */
	struct verify verify;
	struct struct_list waivers; /* of struct waiver */
	const struct scan *scan;
	struct image_wish image; /* name may still hold {{ build }} */
	struct distribute distribute;
	struct publish publish;
	struct retain retain;
	const char *sha256; /* of the recipe after extends and variables, canonical */
};

struct channel {
	const char *name;
	struct text_list approvers;
	int64_t soak_s;
	bool builder_may_approve;
};
struct settings {
	int64_t format;
	const char *file;    /* NULL: no bakery.yaml, all defaults */
	const char *folder;  /* of the file, else the working directory */
	const char *project; /* name used in tags; default: the folder's name */
	const char *store;
	const char *parameter_prefix;	     /* default /bakery */
	struct text_list recipes, playbooks; /* search paths, absolute; the shipped ones last */
	const struct tree *launch;	     /* defaults merged under each recipe's launch */
	struct text_map tags;
	struct struct_list channels;	   /* of struct channel */
	struct text_list trusted_accounts; /* besides our own: whose images may be parents */
	int64_t settle_s;		   /* how long AWS may not show what it has made */
	int64_t quarantine_s;		   /* how long images of builds that failed late are kept */
	struct fleet {
		struct text_list accounts; /* ids, or "organization" alone */
		struct text_list regions;
		const char *role; /* its name, in each of the accounts */
		const struct tree *required_tags, *exemptions;
	} fleet;
	const struct tree *notify;
};

/* What the command line adds. */
struct recipe_options {
	struct text_map vars;	    /* --var k=v */
	struct text_list var_files; /* --var-file F (YAML maps), before --var */
	const char *region;	    /* --region, or NULL */
	const char *channel;	    /* --channel, or NULL */
};

/* file: an explicit --config, or NULL to search upward from folder. Everything lives in arena. */
bool settings_load(const char *file, const char *folder, struct arena *arena, struct settings *out,
		   struct error *err) must_check;

/* name_or_file: a recipe's name, looked up in the settings' search paths, or a path with a slash or ending in .yaml.
 * Its playbooks are loaded with it. Fails with ERROR_INVALID and every fault, in the recipe and its playbooks, or
 * ERROR_USAGE when there is none of that name (with the names that exist). */
bool recipe_load(const struct settings *settings, const char *name_or_file, const struct recipe_options *options,
		 struct arena *arena, struct recipe **out, struct error *err) must_check;

/* The same, for who reports on several recipes at once: faults are collected, the recipe is NULL when there are any. */
bool recipe_read(const struct settings *settings, const char *name_or_file, const struct recipe_options *options,
		 struct arena *arena, struct recipe **out, struct faults *faults, struct error *err) must_check;

/* name or description with {{ build }}, the one variable that stays in them, replaced. free() it. */
char *recipe_with_build(const char *text, const char *build);

/* The recipes (not the files under base/ that only serve `extends`) in the search paths: name -> file, sorted by name.
 */
void recipe_list(const struct settings *settings, struct arena *arena, struct text_map *out);
/* Without the shipped ones, unless the project has none of its own. */
void recipe_list_own(const struct settings *settings, struct arena *arena, struct text_map *out);

/* "x86_64" or "arm64", by AWS's naming of types; NULL where the name does not tell. */
const char *instance_type_processor(const char *type);

extern const struct field recipe_fields[], settings_fields[];

#endif
