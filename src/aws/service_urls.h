/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses by service in ~/.aws/config: a profile says "services = local", and
 *
 *     [services local]
 *     ec2 =
 *       endpoint_url = http://127.0.0.1:4566
 *
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html */
#ifndef AWS_SERVICE_URLS_H
#define AWS_SERVICE_URLS_H

#include <stdbool.h>

#include "bakery/error.h"
#include "operations.h"

/* urls[service] is set for those that the section names; free() them. ERROR_DENIED when there is no such section. */
bool service_urls_read(const char *config_path, const char *section, char *urls[SERVICE_COUNT],
		       struct error *err) must_check;

#endif
