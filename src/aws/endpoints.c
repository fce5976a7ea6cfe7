/* SPDX-License-Identifier: Apache-2.0
 *
 * Host names by one rule, SERVICE[-fips].REGION.SUFFIX, and a table of those that AWS named otherwise, as the endpoint
 * rules of AWS's SDKs have them. */
#include "endpoints.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bakery/mem.h"
#include "bakery/partition.h"
#include "service_urls.h"

enum variant { PLAIN, FIPS, DUAL_STACK, FIPS_DUAL_STACK };

/* The first row that fits counts. An empty host follows the rule without "-fips": GovCloud's own hosts are validated.
 */
static const struct exception {
	enum service service;
	const char *partition;
	unsigned variants; /* bits */
	const char *host, *region;
} exceptions[] = {
#define BIT(variant) (1u << (variant))
	{SERVICE_iam, "aws", BIT(PLAIN), "iam.amazonaws.com", "us-east-1"},
	{SERVICE_iam, "aws", BIT(FIPS), "iam-fips.amazonaws.com", "us-east-1"},
	{SERVICE_iam, "aws", BIT(DUAL_STACK), "iam.global.api.aws", "us-east-1"},
	{SERVICE_iam, "aws", BIT(FIPS_DUAL_STACK), "iam-fips.global.api.aws", "us-east-1"},
	{SERVICE_iam, "aws-cn", BIT(PLAIN), "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"},
	{SERVICE_iam, "aws-cn", BIT(DUAL_STACK), "iam.global.api.amazonwebservices.com.cn", "cn-north-1"},
	{SERVICE_iam, "aws-us-gov", BIT(PLAIN) | BIT(FIPS), "iam.us-gov.amazonaws.com", "us-gov-west-1"},
	{SERVICE_iam, "aws-us-gov", BIT(DUAL_STACK) | BIT(FIPS_DUAL_STACK), "iam.us-gov.api.aws", "us-gov-west-1"},
	{SERVICE_ec2, "aws-us-gov", BIT(FIPS), "", NULL},
	{SERVICE_sts, "aws-us-gov", BIT(FIPS), "", NULL},
	{SERVICE_ssm, "aws-us-gov", BIT(FIPS), "", NULL},
	{SERVICE_organizations, "aws-us-gov", BIT(FIPS), "", NULL},
	{SERVICE_servicequotas, "aws-us-gov", BIT(FIPS), "", NULL},
#undef BIT
};

/* --- settings --- */

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

/* An unclear wish for validated cryptography must not be taken for "no". */
static bool read_switch(const char *name, const char *key, const char *of_profile, bool *out, const char **origin,
			struct error *err)
{
	const char *text = variable(name) ? variable(name) : of_profile;
	*origin = variable(name) ? name : key;
	*out = text && strcasecmp(text, "true") == 0;
	return !text || *out || strcasecmp(text, "false") == 0 ||
	       error_set(err, ERROR_INVALID, "%s must be true or false, not \"%s\"", *origin, text);
}

/* "service_quotas" -> "AWS_ENDPOINT_URL_SERVICE_QUOTAS" */
static char *variable_of(enum service service)
{
	char *name = mem_printf("AWS_ENDPOINT_URL_%s", service_row(service)->id);
	for (char *c = name; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return name;
}

static bool read_section(struct endpoint_settings *out, const struct profile *profile, const char *config_path,
			 struct error *err)
{
	if (!profile->services)
		return true;
	out->section_name = mem_printf("[services %s] in %s", profile->services, config_path);
	return service_urls_read(config_path, profile->services, out->of_section, err);
}

bool endpoint_settings_read(struct endpoint_settings *out, const char *given, const struct profile *profile,
			    const char *config_path, struct error *err)
{
	bool ignored = false;
	const char *origin;
	*out = (struct endpoint_settings){.given = mem_strdup(given)};
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		out->variables[i] = variable_of(i);
	if (given)
		return true;
	if (!read_switch("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint of the profile", profile->use_fips, &out->use_fips,
			 &out->fips_origin, err) ||
	    !read_switch("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint of the profile", profile->use_dual_stack,
			 &out->use_dual_stack, &out->dual_stack_origin, err) ||
	    !read_switch("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls of the profile",
			 profile->ignore_endpoints, &ignored, &origin, err))
		return false;
	if (ignored)
		return true;
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		out->of_service[i] = mem_strdup(variable(out->variables[i]));
	out->of_all = mem_strdup(variable("AWS_ENDPOINT_URL"));
	out->of_profile = mem_strdup(profile->endpoint_url);
	return read_section(out, profile, config_path, err);
}

void endpoint_settings_free(struct endpoint_settings *settings)
{
	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		free(settings->of_service[i]);
		free(settings->of_section[i]);
		free(settings->variables[i]);
	}
	free(settings->given);
	free(settings->of_all);
	free(settings->of_profile);
	free(settings->section_name);
	*settings = (struct endpoint_settings){0};
}

static const char *find_setting(const struct endpoint_settings *settings, enum service service, const char **origin)
{
	const struct {
		const char *url, *origin;
	} candidates[] = {
		{settings->given, "the sandbox's address"},
		{settings->of_service[service], settings->variables[service]},
		{settings->of_all, "AWS_ENDPOINT_URL"},
		{settings->of_section[service], settings->section_name},
		{settings->of_profile, "endpoint_url of the profile"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++) {
		*origin = candidates[i].origin;
		if (candidates[i].url)
			return candidates[i].url;
	}
	*origin = NULL;
	return NULL;
}

/* --- AWS's own hosts --- */

/* It becomes part of a host name. */
static bool is_region_name(const char *region)
{
	return *region && strlen(region) < 40 &&
	       strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(region) && region[0] != '-';
}

static const struct exception *exception_of(enum service service, const struct partition *partition,
					    enum variant variant)
{
	for (size_t i = 0; i < ARRAY_SIZE(exceptions); i++)
		if (exceptions[i].service == service && exceptions[i].variants & 1u << variant &&
		    strcmp(exceptions[i].partition, partition->name) == 0)
			return &exceptions[i];
	return NULL;
}

/* The host; out->signing_region is the region's, or that of the service's only place. */
static char *own_host(enum service service, const char *region, enum variant variant, struct endpoint *out)
{
	const struct partition *partition = partition_of(region);
	const struct exception *exception = exception_of(service, partition, variant);
	bool fips = variant == FIPS || variant == FIPS_DUAL_STACK, dual = variant >= DUAL_STACK;
	if (service_row(service)->global)
		region = exception && exception->region ? exception->region : partition->global_region;
	snprintf(out->signing_region, sizeof out->signing_region, "%s", region);
	if (exception && *exception->host)
		return mem_strdup(exception->host);
	return mem_printf("%s%s.%s.%s", service_row(service)->name, fips && !exception ? "-fips" : "", region,
			  dual ? partition->dual_stack_suffix : partition->dns_suffix);
}

static enum variant variant_of(const struct endpoint_settings *settings, const char **origin)
{
	*origin = settings->use_fips	     ? settings->fips_origin
		  : settings->use_dual_stack ? settings->dual_stack_origin
					     : NULL;
	return (settings->use_fips ? FIPS : PLAIN) + (settings->use_dual_stack ? DUAL_STACK : PLAIN);
}

bool endpoint_find(const struct endpoint_settings *settings, enum service service, const char *region,
		   struct endpoint *out, struct error *err)
{
	*out = (struct endpoint){0};
	if (!is_region_name(region))
		return error_set(err, ERROR_INVALID, "\"%s\" is not the name of a region", region);
	const char *url = find_setting(settings, service, &out->origin);
	enum variant variant = variant_of(settings, &out->variant);
	if (url && out->variant) /* as AWS's own tools say: nobody knows whether that address keeps the promise */
		return error_set(err, ERROR_INVALID, "%s and %s contradict each other: leave one of them out",
				 out->variant, out->origin);
	_cleanup_(freep) char *host = own_host(service, region, variant, out);
	_cleanup_(freep) char *own = mem_printf("https://%s/", host);
	if (!http_url_parse(url ? url : own, &out->url, err))
		return url ? error_context(err, "%s", out->origin) : false;
	return true;
}

void endpoint_free(struct endpoint *endpoint)
{
	http_url_free(&endpoint->url);
}
