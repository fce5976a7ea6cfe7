/* SPDX-License-Identifier: Apache-2.0
 *
 * The order in which credentials are looked for, and the sources that are plain keys. */
#include "sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/partition.h"

#define SHORTEST_ROLE_S 900
#define LONGEST_ROLE_S 43200

const struct credential_names sts_credential_names = {"Credentials.AccessKeyId", "Credentials.SecretAccessKey",
						      "Credentials.SessionToken", "Credentials.Expiration"};

static const char *or_null(const char *text)
{
	return text && *text ? text : NULL;
}

/* Takes a pair that must be whole. */
static enum found take_pair(const char *access_key, const char *secret_key, const char *session_token,
			    const char *where, struct credentials *out, struct error *err)
{
	if (!or_null(access_key) && !or_null(secret_key))
		return NOT_HERE;
	if (!or_null(access_key) || !or_null(secret_key)) {
		error_set(err, ERROR_DENIED, "%s has %s but no %s", where,
			  or_null(access_key) ? "an access key" : "a secret key",
			  or_null(access_key) ? "secret key" : "access key");
		return BROKEN;
	}
	*out = (struct credentials){.access_key = mem_strdup(access_key),
				    .secret_key = mem_strdup(secret_key),
				    .session_token = mem_strdup(or_null(session_token))};
	snprintf(out->source, sizeof out->source, "%s", where);
	return FOUND;
}

/* --- sources that are plain keys --- */

static enum found from_options(const struct credential_search *search, struct credentials *out, struct error *err)
{
	return take_pair(search->aws->given_access_key, search->aws->given_secret_key, NULL, "the sandbox's own keys",
			 out, err);
}

static bool read_end(struct credentials *out, struct error *err)
{
	const char *end = or_null(getenv("AWS_CREDENTIAL_EXPIRATION"));
	if (!end || clock_parse_rfc3339(end, &out->expires_ms))
		return true;
	return error_set(err, ERROR_DENIED,
			 "AWS_CREDENTIAL_EXPIRATION is \"%s\", which is not a time such as 2026-01-02T03:04:05Z", end);
}

enum found credential_from_environment(const struct credential_search *search, struct credentials *out,
				       struct error *err)
{
	if (search->only_profile)
		return NOT_HERE;
	enum found found = take_pair(getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"),
				     getenv("AWS_SESSION_TOKEN"), "environment", out, err);
	if (found == NOT_HERE)
		str_add(search->looked, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (not set), ");
	if (found == BROKEN)
		error_set(err, ERROR_DENIED,
			  "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: one is set without the other");
	if (found == FOUND && !read_end(out, err)) {
		credentials_free(out);
		return BROKEN;
	}
	return found;
}

typedef bool profile_reader(const struct profile_files *files, const char *name, struct profile *out, struct str *names,
			    struct error *err);

static enum found from_file(const struct credential_search *search, profile_reader *read, const char *path,
			    struct credentials *out, struct error *err)
{
	_cleanup_(profile_free) struct profile profile;
	char where[400];
	if (!read(&search->aws->files, search->profile, &profile, NULL, err))
		return BROKEN;
	snprintf(where, sizeof where, "profile %s in %s", search->profile, path);
	enum found found = take_pair(profile.access_key, profile.secret_key, profile.session_token, where, out, err);
	if (found == NOT_HERE)
		str_addf(search->looked, "%s (%s), ", where, profile.present ? "no keys there" : "not there");
	return found;
}

static enum found from_credentials_file(const struct credential_search *search, struct credentials *out,
					struct error *err)
{
	return from_file(search, profile_read_credentials, search->aws->files.credentials, out, err);
}

static enum found from_config_file(const struct credential_search *search, struct credentials *out, struct error *err)
{
	return from_file(search, profile_read_config, search->aws->files.config, out, err);
}

/* --- the order --- */

/* As AWS's command line documents it ("Configuration and credential precedence" in
 * https://docs.aws.amazon.com/cli/latest/userguide/cli-chap-authentication.html) and as botocore does it
 * (create_credential_resolver in botocore/credentials.py), where the same sources, less those of the process and the
 * host, serve a source_profile. */
static const struct {
	credential_source *find;
	bool is_of_profile;
} sources[] = {
	{from_options, false},
	{credential_from_environment, false},
	{credential_from_role, true},
	{credential_from_web_identity, true},
	{credential_from_sso, true},
	{from_credentials_file, true},
	{credential_from_process, true},
	{from_config_file, true},
	{credential_from_container, false},
	{credential_from_instance, false},
};

static enum found find(const struct credential_search *search, bool only_of_profile, struct credentials *out,
		       struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		if (only_of_profile && !sources[i].is_of_profile)
			continue;
		enum found found = sources[i].find(search, out, err);
		if (found != NOT_HERE)
			return found;
	}
	return NOT_HERE;
}

enum found credentials_find_in_profile(const struct credential_search *search, struct credentials *out,
				       struct error *err)
{
	return find(search, true, out, err);
}

static bool found_nothing(struct str *looked, struct error *err)
{
	looked->len -= strlen(", ");
	looked->data[looked->len] = '\0';
	error_coded(err, ERROR_DENIED, "NoCredentials", "no AWS credentials found; looked at %s", looked->data);
	return error_hint(err, "name a profile with --profile or AWS_PROFILE, set the AWS_ACCESS_KEY_ID variables, or "
			       "set up a profile with `aws configure`; --sandbox needs none");
}

bool credentials_find(void *cookie, struct credentials *out, struct error *err)
{
	struct aws *aws = cookie;
	_cleanup_(str_free) struct str looked = STR_INIT;
	_cleanup_(profile_free) struct profile own = {0};
	struct credential_search search = {.aws = aws,
					   .profile = aws->profile_name,
					   .own = &own,
					   .only_profile = aws->is_profile_asked,
					   .looked = &looked};
	/* Whoever brings keys (the sandbox) does not mean a person's profile. */
	if (!aws->given_access_key && !profile_read_both(&aws->files, aws->profile_name, &own, err))
		return false;
	enum found found = find(&search, false, out, err);
	if (found == NOT_HERE)
		return found_nothing(&looked, err);
	return found == FOUND;
}

/* --- what roles have in common --- */

const char *credential_region(const struct credential_search *search, const char *role_arn)
{
	if (search && search->aws->region)
		return search->aws->region;
	if (search && search->own->region)
		return search->own->region;
	/* Each partition has an STS of its own. */
	return partition_of_arn(role_arn)->global_region;
}

bool credential_duration(const struct credential_search *search, int64_t *duration_s, struct error *err)
{
	const char *text = search->own->duration_seconds;
	*duration_s = 0;
	if (!text || (str_to_int(text, duration_s) && *duration_s >= SHORTEST_ROLE_S && *duration_s <= LONGEST_ROLE_S))
		return true;
	return error_set(err, ERROR_DENIED, "duration_seconds must be a number from %d to %d, not \"%s\"",
			 SHORTEST_ROLE_S, LONGEST_ROLE_S, text);
}
