/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a service is reached in a region, and for which region a request to it is signed. */
#ifndef AWS_ENDPOINTS_H
#define AWS_ENDPOINTS_H

#include <stdbool.h>

#include "bakery/error.h"
#include "http.h"
#include "operations.h"

/* Addresses that somebody set, instead of AWS's own. */
struct endpoint_settings {
	char *given;			 /* --sandbox */
	char *of_service[SERVICE_COUNT]; /* AWS_ENDPOINT_URL_EC2 ... */
	char *of_all;			 /* AWS_ENDPOINT_URL */
	char *of_profile;		 /* endpoint_url in ~/.aws/config */
};
void endpoint_settings_read(struct endpoint_settings *out, const char *given, const char *of_profile);
void endpoint_settings_free(struct endpoint_settings *settings);

struct endpoint {
	struct http_url url;
	char signing_region[64];
	const char *origin; /* "AWS_ENDPOINT_URL", or NULL for AWS's own */
};
bool endpoint_find(const struct endpoint_settings *settings, enum service service, const char *region,
		   struct endpoint *out, struct error *err) must_check;
void endpoint_free(struct endpoint *endpoint);

#endif
