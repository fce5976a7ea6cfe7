/* SPDX-License-Identifier: Apache-2.0
 *
 * The files that every AWS tool shares: ~/.aws/credentials and ~/.aws/config, or what AWS_SHARED_CREDENTIALS_FILE and
 * AWS_CONFIG_FILE name. https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html */
#ifndef AWS_PROFILES_H
#define AWS_PROFILES_H

#include <stdbool.h>

#include "bakery/error.h"
#include "bakery/str.h"

/* What one file says of one profile; NULL: nothing. */
struct profile {
	bool present;
	char *access_key, *secret_key, *session_token;
	char *region, *endpoint_url, *ca_bundle, *max_attempts;
	char *services, *use_fips, *use_dual_stack, *ignore_endpoints;
};
void profile_free(struct profile *profile); /* wipes the secrets */

struct profile_files {
	char *credentials, *config; /* paths; the files need not exist */
};
void profile_files_find(struct profile_files *out); /* from the environment */
void profile_files_free(struct profile_files *files);

/* A missing file is an empty one. names, when not NULL, gets all profiles' names, one a line. Fails when a file cannot
 * be read. */
bool profile_read_credentials(const struct profile_files *files, const char *name, struct profile *out,
			      struct str *names, struct error *err) must_check;
bool profile_read_config(const struct profile_files *files, const char *name, struct profile *out, struct str *names,
			 struct error *err) must_check;

#endif
