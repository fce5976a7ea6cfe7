/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing: what the environment and the shared files say, read once. */
#include <stdlib.h>
#include <string.h>

#include "aws_private.h"
#include "bakery/mem.h"
#include "share.h"

#define SHORTEST_WAIT_MS 200
#define LONGEST_WAIT_MS 2000
#define ABSENT_MS (2 * 60 * 1000)
#define OUTAGE_MS (5 * 60 * 1000)

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

static const char *first(const char *a, const char *b, const char *c, const char *d)
{
	return a ? a : b ? b : c ? c : d;
}

static double random_fraction(void)
{
	uint32_t bits;
	crypto_random(&bits, sizeof bits);
	return bits / 4294967296.0;
}

static bool read_attempts(const char *text, int *out, struct error *err)
{
	int64_t value = RETRY_DEFAULT_ATTEMPTS;
	if (text && (!str_to_int(text, &value) || value < 1 || value > RETRY_MOST_ATTEMPTS))
		return error_set(err, ERROR_INVALID, "AWS_MAX_ATTEMPTS must be a number from 1 to %d, not \"%s\"",
				 RETRY_MOST_ATTEMPTS, text);
	*out = (int)value;
	return true;
}

/* A profile that somebody named must be in one of the files. */
static bool check_profile(const struct aws *aws, const struct profile *config, struct error *err)
{
	_cleanup_(str_free) struct str names = STR_INIT;
	struct profile scratch;
	bool present = config->present;
	if (!profile_read_credentials(&aws->files, aws->profile_name, &scratch, &names, err))
		return false;
	present |= scratch.present;
	profile_free(&scratch);
	if (present)
		return true;
	if (!profile_read_config(&aws->files, aws->profile_name, &scratch, &names, err))
		return false;
	profile_free(&scratch);
	for (char *c = names.data; *c; c++)
		*c = *c == '\n' ? ' ' : *c;
	str_trim_right(&names);
	return error_set(err, ERROR_DENIED, "there is no AWS profile %s in %s or %s (profiles there: %s)",
			 aws->profile_name, aws->files.config, aws->files.credentials, names.len ? names.data : "none");
}

static bool settle(struct aws *aws, const struct aws_options *options, const struct profile *profile, struct error *err)
{
	const char *region =
		first(options->region, variable("AWS_REGION"), variable("AWS_DEFAULT_REGION"), profile->region);
	const char *bundle = first(variable("AWS_CA_BUNDLE"), profile->ca_bundle, NULL, NULL);
	aws->region = mem_strdup(region);
	if (!endpoint_settings_read(&aws->endpoints, options->endpoint, profile, aws->files.config, err))
		return false;
	aws->http = http_new(&(struct http_options){bundle, HTTP_MOST_BYTES, HTTP_CONNECT_MS, HTTP_SILENCE_S});
	return read_attempts(first(variable("AWS_MAX_ATTEMPTS"), profile->max_attempts, NULL, NULL),
			     &aws->most_attempts, err);
}

static void set_defaults(struct aws *aws, const struct aws_options *options)
{
	aws->log = options->log;
	aws->stop = options->stop;
	aws->clock = clock_wall_ms;
	aws->random = random_fraction;
	aws->shortest_wait_ms = SHORTEST_WAIT_MS;
	aws->longest_wait_ms = LONGEST_WAIT_MS;
	aws->absent_ms = ABSENT_MS;
	aws->outage_ms = OUTAGE_MS;
	aws->waits = wait_hub_new();
	aws->shared = share_hub_new();
	retry_budget_init(&aws->budget);
	pthread_mutex_init(&aws->identity_lock, NULL);
}

bool aws_open(const struct aws_options *options, struct aws **out, struct error *err)
{
	_cleanup_(aws_closep) struct aws *aws = mem_alloc(sizeof *aws);
	struct profile profile = {0};
	const char *named = first(options->profile, variable("AWS_PROFILE"), NULL, NULL);
	bool own_keys = options->access_key;

	set_defaults(aws, options);
	profile_files_find(&aws->files);
	aws->profile_name = mem_strdup(named ? named : "default");
	aws->given_access_key = mem_strdup(options->access_key);
	aws->given_secret_key = mem_strdup(options->secret_key);
	aws->credentials = credential_store_new(&(struct credential_search){
		aws->given_access_key, aws->given_secret_key, aws->profile_name, options->profile, &aws->files});
	/* Whoever brings keys (the sandbox) does not mean a person's profile. */
	bool good = (own_keys || (profile_read_config(&aws->files, aws->profile_name, &profile, NULL, err) &&
				  (!named || check_profile(aws, &profile, err)))) &&
		    settle(aws, options, &profile, err);
	profile_free(&profile);
	if (good)
		*out = take(&aws);
	return good;
}

void aws_close(struct aws *aws)
{
	if (!aws)
		return;
	wait_hub_free(aws->waits);
	share_hub_free(aws->shared);
	credential_store_free(aws->credentials);
	http_free(aws->http);
	endpoint_settings_free(&aws->endpoints);
	profile_files_free(&aws->files);
	if (aws->given_secret_key)
		mem_wipe(aws->given_secret_key, strlen(aws->given_secret_key));
	free(aws->given_secret_key);
	free(aws->given_access_key);
	free(aws->profile_name);
	free(aws->region);
	pthread_mutex_destroy(&aws->identity_lock);
	free(aws);
}

void aws_closep(struct aws **aws)
{
	aws_close(*aws);
}

const char *aws_region(const struct aws *aws)
{
	return aws->region;
}

int64_t aws_requests_sent(const struct aws *aws)
{
	return aws->requests_sent;
}

const char *aws_credentials_source(struct aws *aws)
{
	return credential_store_source(aws->credentials);
}

/* --- who we are --- */

static bool ask_identity(struct aws *aws, const char *region, struct error *err)
{
	_cleanup_(tree_freep) struct tree *reply = NULL;
	struct aws_call call = aws_call(AWS_sts_GetCallerIdentity, region);
	if (!aws_send(aws, &call, &reply, err))
		return false;
	const struct {
		const char *path;
		char *out;
		size_t size;
	} parts[] = {{"Account", aws->identity.account, sizeof aws->identity.account},
		     {"Arn", aws->identity.arn, sizeof aws->identity.arn},
		     {"UserId", aws->identity.user_id, sizeof aws->identity.user_id}};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const char *text = tree_text(reply, parts[i].path);
		if (!text || strlen(text) >= parts[i].size)
			return error_set(err, ERROR_REMOTE, "GetCallerIdentity: the answer has no usable %s",
					 parts[i].path);
		memcpy(parts[i].out, text, strlen(text) + 1);
	}
	return true;
}

bool aws_identity(struct aws *aws, const char *region, struct aws_identity *out, struct error *err)
{
	pthread_mutex_lock(&aws->identity_lock);
	if (!aws->identity_known)
		aws->identity_known = ask_identity(aws, region, err);
	bool known = aws->identity_known;
	*out = aws->identity;
	pthread_mutex_unlock(&aws->identity_lock);
	return known;
}
