/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts that facts are gathered from. */
#ifndef BAKERY_PLAN_FACTS_PRIVATE_H
#define BAKERY_PLAN_FACTS_PRIVATE_H

#include "bakery/plan.h"

struct gather {
	struct aws *aws;
	const struct settings *settings;
	const struct recipe *recipe;
	struct arena *arena;
	struct facts *facts;
};

/* What several builds of a process ask alike within this time is asked once. */
enum { SHARE_MS = 60 * 1000 };

/* Why an image cannot be built on, the gravest first. */
enum image_lack {
	IMAGE_FINE,
	IMAGE_REVOKED,
	IMAGE_QUARANTINED,
	IMAGE_DISABLED,
	IMAGE_UNAVAILABLE, /* pending, failed ... */
	IMAGE_WRONG_PROCESSOR,
	IMAGE_NOT_EBS,
	IMAGE_NOT_HVM,
	IMAGE_DEPRECATED,
	IMAGE_LACKS,
};
enum image_lack image_lack_find(const struct gather *gather, const struct tree *image);
/* "deprecated", "for another processor": to count them. */
const char *image_lack_name(enum image_lack lack);
/* Fails with the sentence that says what is wrong with the image and what to do. */
bool image_refuse(const struct gather *gather, const struct tree *image, enum image_lack lack,
		  struct error *err) must_check;
/* The processor that the recipe wants: its own word, else that of its instance types; NULL: not known. */
const char *processor_wanted(const struct recipe *recipe);

/* Of an image of ours: who made it and what it stands on. A revoked ancestor refuses it. */
bool ancestry_find(struct gather *gather, const struct tree *image, struct error *err) must_check;

bool source_find(struct gather *gather, struct error *err) must_check;
bool network_find(struct gather *gather, struct error *err) must_check;
bool vpc_blocks_find(struct gather *gather, struct error *err) must_check; /* when a bastion needs them */
bool profile_policy_read(struct gather *gather, struct error *err) must_check;
/* Faults and notes about the recipe's KMS keys go into the facts. Needs the organization, if one is to be asked. */
bool keys_find(struct gather *gather, struct error *err) must_check;

#endif
