/* SPDX-License-Identifier: Apache-2.0
 *
 * Where credentials may come from: a table of sources, asked in order until one has them. A source says "found", or
 * that it has none and where it looked, or fails when it is there but broken: a half-set environment or a role that
 * cannot be taken must not be passed over silently for the next source. */
#ifndef AWS_CREDENTIAL_SOURCES_H
#define AWS_CREDENTIAL_SOURCES_H

#include "../aws_private.h"
#include "bakery/str.h"
#include "credentials.h"
#include "profiles.h"

/* One search, or that for the credentials a role is taken with. */
struct credential_search {
	struct aws *aws;
	const char *profile;		      /* never NULL */
	const struct profile *own;	      /* what both files say of it */
	bool only_profile;		      /* it was asked for: then the environment's credentials are not meant */
	const struct credential_search *from; /* of the profile whose source_profile this is; NULL at the top */
	struct str *looked;		      /* "AWS_ACCESS_KEY_ID (not set), " */
};

enum found { FOUND, NOT_HERE, BROKEN };
typedef enum found credential_source(const struct credential_search *search, struct credentials *out,
				     struct error *err);

credential_source credential_from_environment;
credential_source credential_from_role;		/* role_arn with source_profile or credential_source */
credential_source credential_from_web_identity; /* a token in a file, exchanged for a role */
credential_source credential_from_sso;		/* IAM Identity Center */
credential_source credential_from_process;	/* credential_process */
credential_source credential_from_container;	/* ECS, EKS Pod Identity */
credential_source credential_from_instance;	/* EC2's metadata service */

/* For struct credential_store_options: the whole search of one struct aws, which is the cookie. */
bool credentials_find(void *aws, struct credentials *out, struct error *err) must_check;
/* The same for one that is a role (aws_open_as). */
bool credentials_find_as(void *aws, struct credentials *out, struct error *err) must_check;
/* The sources that a source_profile may have. */
enum found credentials_find_in_profile(const struct credential_search *search, struct credentials *out,
				       struct error *err) must_check;

/* The region in which STS is asked, when none is set: a role names its partition. */
const char *credential_region(const struct credential_search *search, const char *role_arn);
/* A role's duration_seconds; 0 when it is not set. */
bool credential_duration(const struct credential_search *search, int64_t *duration_s, struct error *err) must_check;
extern const struct credential_names sts_credential_names; /* in the reply of AssumeRole... */

#endif
