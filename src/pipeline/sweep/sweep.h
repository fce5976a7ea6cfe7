/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the sweep share. */
#ifndef BAKERY_PIPELINE_SWEEP_H
#define BAKERY_PIPELINE_SWEEP_H

#include "bakery/sweep.h"

/* One region of an account while it is looked at, or what is the whole account's. Nothing in it is shared with another
 * one's thread. */
struct sweeping {
	const struct sweep_account *in;
	const struct sweep_options *options;
	const char *region;
	bool is_global; /* what belongs to no region: IAM */
	struct arena *arena;
	struct sweep_list list;
};

struct sweep_found *sweeping_add(struct sweeping *sweeping, enum sweep_kind kind, const char *id);
bool sweeping_send(const struct sweeping *sweeping, struct aws_call *call, struct tree **reply,
		   struct error *err) must_check;
/* Reads bakery's tags: a list of {<key>, <value>}. */
void sweeping_tags(struct sweeping *sweeping, struct sweep_found *found, const struct tree *tags, const char *key,
		   const char *value);

bool sweep_look_ec2(struct sweeping *sweeping, struct error *err) must_check;	 /* ec2.c */
bool sweep_look_images(struct sweeping *sweeping, struct error *err) must_check; /* images.c */
bool sweep_look_iam(struct sweeping *sweeping, struct error *err) must_check;	 /* iam.c */
/* The images that parameters under the prefix name: id -> the parameter. */
bool sweep_parameters(const struct sweep_account *in, const struct sweep_options *options, const char *region,
		      struct tree **out, struct error *err) must_check;

/* One call; gone already is fine. */
bool sweep_ask(const struct sweep_found *found, const struct sweep_options *options, struct aws_call *call,
	       struct error *err) must_check;
bool sweep_profile_remove(const struct sweep_found *found, const struct sweep_options *options,
			  struct error *err) must_check;
bool sweep_role_remove(const struct sweep_found *found, const struct sweep_options *options,
		       struct error *err) must_check;

#endif
