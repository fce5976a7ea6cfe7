/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of public images. A row is in every region, under other ids, in every version; the versions share one root
 * file system. */
#include "public_images.h"

#include <stddef.h>

static const char *const debian_versions[] = {"20251201-0001", "20260101-0001", NULL};
static const char *const debian_created[] = {"2025-12-01T06:12:31.000Z", "2026-01-01T06:09:57.000Z", NULL};

/* Debian publishes from this account: https://wiki.debian.org/Cloud/AmazonEC2Image/ */
const struct public_image public_images[] = {
	{"debian-12", "bookworm", "admin", "136693071363", "debian-12-%s-%s", "Debian 12 (%s)",
	 "/aws/service/debian/release/12/%s/%s", debian_versions, debian_created},
	{NULL},
};
