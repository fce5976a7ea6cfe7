/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of public images. A row is in every region, under other ids, in every version; the versions share one root
 * file system. What makes a choice of "the newest" go wrong is among them: a newer one that is deprecated, a newer one
 * that is not there yet, another architecture, a product that has to be subscribed to. */
#include "public_images.h"

#include <stddef.h>

static const struct public_version release[] = {
	{"20251201-0001", "2025-12-01T06:12:31.000Z", NULL, NULL},
	{"20260101-0001", "2026-01-01T06:09:57.000Z", NULL, NULL},
	{"20260115-0001", "2026-01-15T06:11:03.000Z", NULL, "2026-01-17T00:00:00.000Z"},
	{NULL, NULL, NULL, NULL},
};
static const struct public_version other_release[] = {
	{"20251201-0001", "2025-12-01T06:14:40.000Z", NULL, NULL},
	{NULL, NULL, NULL, NULL},
};
static const struct public_version daily[] = {
	{"20260110-0100", "2026-01-10T01:02:11.000Z", NULL, NULL},
	{"20260111-0100", "2026-01-11T01:03:47.000Z", "pending", NULL},
	{NULL, NULL, NULL, NULL},
};
static const struct public_version product[] = {
	{"20260101-0001", "2026-01-03T19:40:22.000Z", NULL, NULL},
	{NULL, NULL, NULL, NULL},
};

/* Debian publishes from these accounts: https://wiki.debian.org/Cloud/AmazonEC2Image/ */
const struct public_image public_images[] = {
	{.base = "debian-12",
	 .suite = "bookworm",
	 .login_user = "admin",
	 .owner = "136693071363",
	 .owner_alias = "amazon",
	 .name = "debian-12-%s-%s",
	 .description = "Debian 12 (%s)",
	 .parameter = "/aws/service/debian/release/12/%s/%s",
	 .versions = release},
	{.base = "debian-12",
	 .suite = "bookworm",
	 .login_user = "admin",
	 .owner = "136693071363",
	 .owner_alias = "amazon",
	 .name = "debian-12-%s-%s",
	 .description = "Debian 12 (%s)",
	 .parameter = "/aws/service/debian/release/12/%s/%s",
	 .foreign = true,
	 .versions = other_release},
	{.base = "debian-12",
	 .suite = "bookworm",
	 .login_user = "admin",
	 .owner = "903794441882",
	 .name = "debian-12-%s-daily-%s",
	 .description = "Debian 12 (daily build %s)",
	 .versions = daily},
	{.base = "debian-12",
	 .suite = "bookworm",
	 .login_user = "admin",
	 .owner = "679593333241",
	 .owner_alias = "aws-marketplace",
	 .name = "debian-12-%s-%s-a264997c-d509-4a51-8e85-c2644a3f8ba2",
	 .description = "Debian 12 (%s), as a product of the marketplace",
	 .product_code = "b4vh4ekpm1jx6ya5p9rqbq6k2",
	 .guarded = true,
	 .versions = product},
	{NULL},
};
