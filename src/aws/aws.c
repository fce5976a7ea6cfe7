/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing: what the environment and the shared files say, read once. */
#include <stdlib.h>
#include <string.h>

#include "aws_private.h"
#include "bakery/mem.h"
#include "credentials/sources.h"
#include "share.h"

#define SHORTEST_WAIT_MS 200
#define LONGEST_WAIT_MS 2000
#define ABSENT_MS (2 * 60 * 1000)
#define OUTAGE_MS (5 * 60 * 1000)
#define PROCESS_TIMEOUT_MS (60 * 1000)

/* A host that is no instance must notice soon; AWS's own tools wait for a second or two. */
#define NEAR_CONNECT_MS 1000
#define NEAR_SILENCE_S 2
#define NEAR_MOST_BYTES (1u << 20)
#define CONTAINER_BASE "http://169.254.170.2"

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
	const char *region = first(options->region, variable("AWS_REGION"), variable("AWS_DEFAULT_REGION"),
				   first(profile->region, options->region_otherwise, NULL, NULL));
	const char *bundle = first(variable("AWS_CA_BUNDLE"), profile->ca_bundle, NULL, NULL);
	aws->region = mem_strdup(region);
	if (!endpoint_settings_read(&aws->endpoints, options->endpoint, profile, aws->files.config, err))
		return false;
	aws->http = http_new(&(struct http_options){bundle, HTTP_MOST_BYTES, HTTP_CONNECT_MS, HTTP_SILENCE_S});
	aws->near_http = http_new(&(struct http_options){bundle, NEAR_MOST_BYTES, NEAR_CONNECT_MS, NEAR_SILENCE_S});
	return read_attempts(first(variable("AWS_MAX_ATTEMPTS"), profile->max_attempts, NULL, NULL),
			     &aws->most_attempts, err);
}

static int64_t time_of_aws(void *cookie)
{
	return aws_now_ms(cookie);
}

static void set_finder(struct aws *aws, bool (*find)(void *aws, struct credentials *out, struct error *err))
{
	struct credential_store_options options = {find, time_of_aws, aws, aws->log, aws->stop};
	aws->credentials = credential_store_new(&options);
}

static void set_defaults(struct aws *aws, const struct aws_options *options)
{
	aws->log = options->log;
	aws->stop = options->stop;
	aws->ask = options->ask;
	aws->ask_cookie = options->ask_cookie;
	aws->container_base = CONTAINER_BASE;
	aws->process_timeout_ms = PROCESS_TIMEOUT_MS;
	aws->host_less_boot_ms = clock_wall_ms() - clock_boot_ms();
	aws->random = random_fraction;
	aws->shortest_wait_ms = SHORTEST_WAIT_MS;
	aws->longest_wait_ms = LONGEST_WAIT_MS;
	aws->absent_ms = ABSENT_MS;
	aws->outage_ms = OUTAGE_MS;
	aws->waits = wait_hub_new();
	aws->shared = share_hub_new();
	aws->budget = &aws->own_budget;
	retry_budget_init(aws->budget);
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
	aws->is_profile_asked = options->profile;
	set_finder(aws, credentials_find);
	/* Whoever brings keys (the sandbox) does not mean a person's profile. */
	bool good = (own_keys || (profile_read_config(&aws->files, aws->profile_name, &profile, NULL, err) &&
				  (!named || check_profile(aws, &profile, err)))) &&
		    settle(aws, options, &profile, err);
	profile_free(&profile);
	if (good)
		*out = take(&aws);
	return good;
}

bool aws_open_as(struct aws *parent, const struct aws_role *role, struct aws **out, struct error *err)
{
	struct aws *aws;
	if (!str_starts(role->arn, "arn:") || !strstr(role->arn, ":role/"))
		return error_set(err, ERROR_INVALID, "%s is not the ARN of a role (arn:aws:iam::ACCOUNT:role/NAME)",
				 role->arn);
	aws = mem_alloc(sizeof *aws);
	set_defaults(aws, &(struct aws_options){.log = parent->log,
						.stop = parent->stop,
						.ask = parent->ask,
						.ask_cookie = parent->ask_cookie});
	aws->parent = parent;
	aws->role = (struct aws_role){mem_strdup(role->arn), mem_strdup(role->external_id),
				      mem_strdup(role->session_name), role->duration_s};
	aws->region = mem_strdup(parent->region);
	aws->endpoints = parent->endpoints;
	aws->http = parent->http;
	aws->near_http = parent->near_http;
	aws->budget = parent->budget;
	aws->most_attempts = parent->most_attempts;
	aws->clock = parent->clock;
	aws->host_less_boot_ms = parent->host_less_boot_ms;
	aws->clock_offset_ms = parent->clock_offset_ms;
	aws->told_ahead_ms = parent->told_ahead_ms;
	aws->is_told = parent->is_told;
	aws->random = parent->random;
	set_finder(aws, credentials_find_as);
	*out = aws;
	return true;
}

/* What a role has from its parent stays the parent's. */
static void free_own(struct aws *aws)
{
	http_free(aws->http);
	http_free(aws->near_http);
	endpoint_settings_free(&aws->endpoints);
	profile_files_free(&aws->files);
}

void aws_close(struct aws *aws)
{
	if (!aws)
		return;
	wait_hub_free(aws->waits);
	share_hub_free(aws->shared);
	credential_store_free(aws->credentials);
	if (!aws->parent)
		free_own(aws);
	free((char *)aws->role.arn);
	free((char *)aws->role.external_id);
	free((char *)aws->role.session_name);
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

int64_t host_time_ms(const struct aws *aws)
{
	return aws->clock ? aws->clock() : aws->host_less_boot_ms + clock_boot_ms();
}

int64_t aws_now_ms(const struct aws *aws)
{
	return host_time_ms(aws) + aws->told_ahead_ms;
}

bool aws_now_is_told(const struct aws *aws)
{
	return aws->is_told;
}

int64_t aws_clock_ahead_ms(const struct aws *aws)
{
	return aws_now_ms(aws) - clock_wall_ms();
}

int64_t aws_requests_sent(const struct aws *aws)
{
	return aws->requests_sent;
}
