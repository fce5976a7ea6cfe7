/* SPDX-License-Identifier: Apache-2.0
 *
 * Headers by name, in whatever case the client wrote it. */
#include "http_header.h"

#include <string.h>

const char *http_header(const struct sigv4_request *http, const char *name)
{
	for (size_t i = 0; i < http->header_count; i++)
		if (strcasecmp(http->headers[i].name, name) == 0)
			return http->headers[i].value;
	return NULL;
}
