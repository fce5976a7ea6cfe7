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
	/* where credentials come from: https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html */
	char *role_arn, *source_profile, *credential_source, *external_id, *role_session_name, *duration_seconds;
	char *mfa_serial, *web_identity_token_file, *credential_process;
	char *sso_session, *sso_account_id, *sso_role_name, *sso_start_url, *sso_region;
	char *ec2_metadata_service_endpoint, *ec2_metadata_service_endpoint_mode;
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
/* Both files in one; where both say something, the credentials file does. */
bool profile_read_both(const struct profile_files *files, const char *name, struct profile *out,
		       struct error *err) must_check;
/* "[sso-session NAME]" of the config file: its sso_start_url and sso_region. */
bool profile_read_sso_session(const struct profile_files *files, const char *name, struct profile *out,
			      struct error *err) must_check;

#endif
