/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a service is reached in a region, and for which region a request to it is signed. An address that somebody set
 * goes before AWS's own: of one service before that of all, the environment's before the profile's. */
#ifndef AWS_ENDPOINTS_H
#define AWS_ENDPOINTS_H

#include <stdbool.h>

#include "bakery/error.h"
#include "credentials/profiles.h"
#include "http.h"
#include "operations.h"

/* Read once, then only looked at. */
struct endpoint_settings {
	char *given;			 /* --sandbox */
	char *of_service[SERVICE_COUNT]; /* AWS_ENDPOINT_URL_EC2 ... */
	char *of_all;			 /* AWS_ENDPOINT_URL */
	char *of_section[SERVICE_COUNT]; /* the profile's services */
	char *of_profile;		 /* endpoint_url in ~/.aws/config */
	char *variables[SERVICE_COUNT];	 /* "AWS_ENDPOINT_URL_EC2" */
	char *section_name;		 /* "[services local] in ~/.aws/config" */
	bool use_fips, use_dual_stack;
	const char *fips_origin, *dual_stack_origin; /* what set it */
};
/* From the environment and a profile. given: this address and nothing else. */
bool endpoint_settings_read(struct endpoint_settings *out, const char *given, const struct profile *profile,
			    const char *config_path, struct error *err) must_check;
void endpoint_settings_free(struct endpoint_settings *settings);

struct endpoint {
	struct http_url url;
	char signing_region[64];
	const char *origin;  /* "AWS_ENDPOINT_URL", or NULL for AWS's own; lives as long as the settings */
	const char *variant; /* "AWS_USE_FIPS_ENDPOINT", which chose this host among AWS's own; or NULL */
};
bool endpoint_find(const struct endpoint_settings *settings, enum service service, const char *region,
		   struct endpoint *out, struct error *err) must_check;
void endpoint_free(struct endpoint *endpoint);

#endif
