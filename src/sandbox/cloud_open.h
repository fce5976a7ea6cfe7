/* SPDX-License-Identifier: Apache-2.0
 *
 * A cloud from its folder, with its machines and whatever was under way, and its end. */
#ifndef BAKERY_SANDBOX_CLOUD_OPEN_H
#define BAKERY_SANDBOX_CLOUD_OPEN_H

#include "cloud.h"

bool cloud_open(const char *folder, const char *const *settings, struct log *log, struct cloud **out,
		struct error *err) must_check;
void cloud_close(struct cloud *cloud); /* orderly: transitions under way are ended or taken up at the next start */

#endif
