/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan holds every decision of a build, made before anything is touched: recipe and settings (what is wanted) and
 * facts (what the account holds) go in, nothing is looked up afterwards. It is immutable, stored as canonical JSON and
 * named by that JSON's sha256; a resumed build reads it back and never the recipe. */
#ifndef BAKERY_PLAN_H
#define BAKERY_PLAN_H

#include "bakery/aws.h"
#include "bakery/error.h"
#include "bakery/fields.h"
#include "bakery/mem.h"
#include "bakery/playbook.h"
#include "bakery/recipe.h"

struct plan_subnet {
	const char *id, *zone;
};
struct plan_source {
	const char *ami, *name, *owner, *created, *architecture;
	const char *root_device, *boot_mode; /* boot_mode: NULL when EC2 tells none */
	int64_t size_gib;		     /* of its root volume */
	const char *found_by;		     /* "ami 136693071363/debian-12-amd64-*", "ssm /aws/...", for the record */
	const char *tpm, *imds;		     /* "v2.0", or NULL when EC2 tells none */
	bool ena;
	const char *deprecated;		/* since when it is, or NULL */
	struct text_list product_codes; /* of the Marketplace */
	const char *build, *recipe;	/* of an image of ours: what made it; else NULL */
	struct text_list ancestors;	/* image ids, the parent's source first, as far as it is known */
};
struct plan_launch {
	struct text_list instance_types;
	int market; /* enum market */
	const char *vpc;
	struct struct_list subnets;	  /* of struct plan_subnet; tried in order */
	struct text_list security_groups; /* empty: a temporary one is made */
	struct text_list admit;		  /* sg-... and CIDRs that it admits; empty: this host's address */
	int address;			  /* enum address_kind */
	struct root_volume root_volume;	  /* size_gib decided */
	const char *iam_instance_profile;
	const char *user_data;		   /* the recipe's cloud-config as JSON, or NULL */
	const char *profile_policy;	   /* of a temporary profile: the policy document, or NULL */
	struct text_list managed_policies; /* of a temporary profile */
};
struct plan_image {
	const char *name; /* holds {{ build }} until the build has an id */
	const char *description, *imds, *boot_mode;
	int64_t deprecate_after_s;
	const char *tpm;
	bool protect, protect_cooldown; /* from deregistration */
};
struct plan_region {
	const char *region, *kms_key;
};
struct plan_share { /* all ARNs and ids resolved */
	struct text_list organizations, organizational_units, accounts;
	bool snapshots;
	const char *consumer_role;
	bool auto_scaling_grant;
};
struct plan_publish {
	const char *channel, *parameter, *metadata_parameter;
};

struct plan_scanner {
	const char *kind;   /* openscap | lynis */
	const char *name;   /* in evidence: "lynis", "openscap:anssi_bp28_minimal" */
	const char *report; /* what its playbook hands down the report as */
};
struct plan_scan {
	struct struct_list scanners;				 /* of struct plan_scanner */
	int64_t gate_critical, gate_high, gate_score, gate_pass; /* -1: none */
};

struct plan {
	int64_t format;
	const char *recipe, *description, *owner, *project;
	const char *recipe_file, *recipe_sha256;
	const char *account, *region;
	struct plan_source source;
	struct plan_launch launch;
	struct connect connect;
	int64_t deadline_s;
	struct struct_list playbooks; /* of struct playbook: provision */
	struct struct_list seal;      /* of struct playbook: one */
	struct struct_list verify;    /* of struct playbook */
	bool verify_off;
	const struct plan_scan *scan; /* NULL: none */
	struct struct_list scanning;  /* of struct playbook: what scans, on the instance of the test, after all else */
	struct struct_list waivers;   /* of struct waiver */
	struct plan_image image;
	struct struct_list copies; /* of struct plan_region */
	struct plan_share share;
	struct plan_publish publish;
	struct text_map tags;

	/* Not part of the document. */
	struct text_list notes;	      /* for people: what may go wrong later, and could not be told for certain */
	const char *json, *sha256;    /* canonical */
	const char *playbooks_sha256; /* of the playbooks' hashes in order */
};
extern const struct field plan_fields[];

/* What the account holds, as far as the recipe asks; only reads AWS. */
struct facts {
	const char *account, *region;
	struct plan_source source;
	const char *vpc;
	struct text_list vpc_blocks;  /* its CIDRs, when a bastion makes them matter */
	struct struct_list subnets;   /* of struct plan_subnet */
	const char *organization_arn; /* NULL: not asked */
	const char *user_data;	      /* as JSON */
	const char *profile_policy;   /* as JSON */
	struct text_list faults;      /* "launch.root_volume.kms_key: ...": told by plan_make with its own */
	struct text_list notes;	      /* for the plan's */
};
bool facts_gather(struct aws *aws, const struct settings *settings, const struct recipe *recipe, struct arena *arena,
		  struct facts *out, struct error *err) must_check;

/* Pure but for reading the seal playbook from its file. Fails with ERROR_INVALID and all faults that only facts can
 * show. */
bool plan_make(const struct settings *settings, const struct recipe *recipe, const struct facts *facts,
	       struct arena *arena, struct plan **out, struct error *err) must_check;
/* Reads a stored plan back. */
bool plan_load(const char *json, struct arena *arena, struct plan **out, struct error *err) must_check;

/* A plan for a file: its document, indented, with its sha256 as plan_sha256; and back. Reading checks the hash when
 * there is one, so that a plan that was edited is not taken for the one that was looked at. */
void plan_wrap(const struct plan *plan, struct str *out);
bool plan_unwrap(const struct str *text, struct arena *arena, struct plan **out, struct error *err) must_check;
/* What a bake of `now` would make otherwise than one of `before` did, as a sentence for people; NULL: nothing. Where
 * the instance stands for the while and where files lie does not count. */
const char *plan_difference(const struct plan *before, const struct plan *now, struct arena *arena);
/* Whether the files that the plan uploads are still what they were when it was made. */
bool plan_files_check(const struct plan *plan, struct error *err) must_check;

/* Of an image as DescribeImages tells it. */
const char *image_tag(const struct tree *image, const char *key); /* NULL: not there, or of another account */
bool image_is_deprecated(const struct tree *image);		  /* by now */

/* The waiver of a control or of a scanner's rule; NULL: there is none. */
const struct waiver *plan_waiver(const struct plan *plan, const char *control);
/* Whether none is over: a plan may have waited in a file. */
bool plan_waivers_check(const struct plan *plan, struct error *err) must_check;

bool plan_uses_ansible(const struct plan *plan);
size_t plan_step_count(const struct plan *plan);
size_t plan_control_count(const struct plan *plan);

#endif
