/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking up a header of a request. */
#ifndef BAKERY_SANDBOX_HTTP_HEADER_H
#define BAKERY_SANDBOX_HTTP_HEADER_H

#include "bakery/sigv4.h"

const char *http_header(const struct sigv4_request *http, const char *name); /* or NULL */

#endif
