/* SPDX-License-Identifier: Apache-2.0
 *
 * Partitions by the region's first letters, as botocore's partitions.json has them. */
#include "endpoints.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"

static const struct partition {
	const char *prefix; /* of its regions */
	const char *dns_suffix;
	const char *global_region; /* where services live that have one endpoint for all */
} partitions[] = {
	{"cn-", "amazonaws.com.cn", "cn-northwest-1"},	  {"us-gov-", "amazonaws.com", "us-gov-west-1"},
	{"us-iso-", "c2s.ic.gov", "us-iso-east-1"},	  {"us-isob-", "sc2s.sgov.gov", "us-isob-east-1"},
	{"eu-isoe-", "cloud.adc-e.uk", "eu-isoe-west-1"}, {"us-isof-", "csp.hci.ic.gov", "us-isof-south-1"},
	{"eusc-", "amazonaws.eu", "eusc-de-east-1"},	  {"", "amazonaws.com", "us-east-1"},
};

static const struct partition *partition_of(const char *region)
{
	size_t i = 0;
	while (!str_starts(region, partitions[i].prefix)) /* the last prefix fits all */
		i++;
	return &partitions[i];
}

static char *from_environment(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? mem_strdup(value) : NULL;
}

void endpoint_settings_read(struct endpoint_settings *out, const char *given, const char *of_profile)
{
	*out = (struct endpoint_settings){.given = mem_strdup(given)};
	if (str_eq(getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true"))
		return;
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		out->of_service[i] = from_environment(service_row(i)->variable);
	out->of_all = from_environment("AWS_ENDPOINT_URL");
	out->of_profile = mem_strdup(of_profile);
}

void endpoint_settings_free(struct endpoint_settings *settings)
{
	free(settings->given);
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		free(settings->of_service[i]);
	free(settings->of_all);
	free(settings->of_profile);
	*settings = (struct endpoint_settings){0};
}

/* It becomes part of a host name. */
static bool is_region_name(const char *region)
{
	return *region && strlen(region) < 40 &&
	       strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(region) && region[0] != '-';
}

static const char *find_setting(const struct endpoint_settings *settings, enum service service, const char **origin)
{
	const struct {
		const char *url, *origin;
	} candidates[] = {
		{settings->given, "the sandbox's address"},
		{settings->of_service[service], service_row(service)->variable},
		{settings->of_all, "AWS_ENDPOINT_URL"},
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

bool endpoint_find(const struct endpoint_settings *settings, enum service service, const char *region,
		   struct endpoint *out, struct error *err)
{
	const struct service_row *row = service_row(service);
	*out = (struct endpoint){0};
	if (!is_region_name(region))
		return error_set(err, ERROR_INVALID, "\"%s\" is not the name of a region", region);
	const struct partition *partition = partition_of(region);
	const char *url = find_setting(settings, service, &out->origin);
	snprintf(out->signing_region, sizeof out->signing_region, "%s",
		 row->global ? partition->global_region : region);
	_cleanup_(freep) char *own =
		mem_printf("https://%s.%s.%s/", row->name, out->signing_region, partition->dns_suffix);
	if (!http_url_parse(url ? url : own, &out->url, err))
		return url ? error_context(err, "%s", out->origin) : false;
	return true;
}

void endpoint_free(struct endpoint *endpoint)
{
	http_url_free(&endpoint->url);
}
