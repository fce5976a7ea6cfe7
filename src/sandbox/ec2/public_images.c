/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of public images. A row is in every region, under other ids, in every version; the versions share one root
 * file system. What makes a choice of "the newest" go wrong is among them: a newer one that is deprecated, a newer one
 * that is not there yet, another architecture, a product that has to be subscribed to, a rebuilt older release.
 *
 * Owners, names and parameters are the publishers':
 *   Debian        https://wiki.debian.org/Cloud/AmazonEC2Image/
 *   Ubuntu        https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/
 *   Amazon Linux  https://docs.aws.amazon.com/linux/al2023/ug/ec2.html
 *   Red Hat       https://access.redhat.com/solutions/15356
 *   Rocky Linux   https://rockylinux.org/download */
#include "public_images.h"

#include <stddef.h>

#define END                                                                                                            \
	{                                                                                                              \
		NULL, NULL, NULL, NULL                                                                                 \
	}

static const struct public_version release[] = {
	{"20251201-0001", "2025-12-01T06:12:31.000Z", NULL, NULL},
	{"20260101-0001", "2026-01-01T06:09:57.000Z", NULL, NULL},
	{"20260115-0001", "2026-01-15T06:11:03.000Z", NULL, "2026-01-17T00:00:00.000Z"},
	END,
};
static const struct public_version other_release[] = {
	{"20251201-0001", "2025-12-01T06:14:40.000Z", NULL, NULL},
	END,
};
static const struct public_version daily[] = {
	{"20260110-0100", "2026-01-10T01:02:11.000Z", NULL, NULL},
	{"20260111-0100", "2026-01-11T01:03:47.000Z", "pending", NULL},
	END,
};
static const struct public_version product[] = {
	{"20260101-0001", "2026-01-03T19:40:22.000Z", NULL, NULL},
	END,
};
static const struct public_version trixie[] = {
	{"20251006-2257", "2025-10-06T23:31:08.000Z", NULL, NULL},
	END,
};
static const struct public_version ubuntu[] = {
	{"20251113", "2025-11-13T03:20:16.000Z", NULL, NULL},
	{"20251212", "2025-12-12T03:11:52.000Z", NULL, NULL},
	END,
};
static const struct public_version amazon[] = {
	{"2023.9.20251110.1", "2025-11-11T00:40:02.000Z", NULL, NULL},
	END,
};
/* Red Hat rebuilds older minor releases for a while, so that the newest by date need not be the newest by number. */
static const struct public_version red_hat[] = {
	{"9.7.0_HVM-20251117", "2025-11-18T09:02:44.000Z", NULL, NULL},
	{"9.6.0_HVM-20251210", "2025-12-10T14:27:31.000Z", NULL, NULL},
	END,
};
static const struct public_version rocky[] = {
	{"9.6-20250531.0", "2025-06-04T18:10:23.000Z", NULL, NULL},
	{"9.7-20251123.2", "2025-11-25T20:51:37.000Z", NULL, NULL},
	END,
};

const struct public_image public_images[] = {
	{.base = "debian-12",
	 .login_user = "admin",
	 .owner = "136693071363",
	 .owner_alias = "amazon",
	 .name = "debian-12-%1$s-%2$s",
	 .description = "Debian 12 (%2$s, %1$s)",
	 .parameter = "/aws/service/debian/release/12/%2$s/%1$s",
	 .latest = "latest",
	 .versions = release,
	 .foreign = other_release},
	{.base = "debian-12",
	 .login_user = "admin",
	 .owner = "903794441882",
	 .name = "debian-12-%1$s-daily-%2$s",
	 .description = "Debian 12 (daily build %2$s, %1$s)",
	 .versions = daily},
	{.base = "debian-12",
	 .login_user = "admin",
	 .owner = "679593333241",
	 .owner_alias = "aws-marketplace",
	 .name = "debian-12-%1$s-%2$s-a264997c-d509-4a51-8e85-c2644a3f8ba2",
	 .description = "Debian 12 (%2$s, %1$s), as a product of the marketplace",
	 .product_code = "b4vh4ekpm1jx6ya5p9rqbq6k2",
	 .guarded = true,
	 .versions = product},
	{.base = "debian-13",
	 .login_user = "admin",
	 .owner = "136693071363",
	 .owner_alias = "amazon",
	 .name = "debian-13-%1$s-%2$s",
	 .description = "Debian 13 (%2$s, %1$s)",
	 .parameter = "/aws/service/debian/release/13/%2$s/%1$s",
	 .latest = "latest",
	 .versions = trixie,
	 .foreign = trixie},
	{.base = "ubuntu-22.04",
	 .login_user = "ubuntu",
	 .owner = "099720109477",
	 .name = "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-%1$s-server-%2$s",
	 .description = "Canonical, Ubuntu, 22.04 LTS, %1$s jammy image build on %2$s",
	 .parameter = "/aws/service/canonical/ubuntu/server/22.04/stable/%2$s/%1$s/hvm/ebs-gp2/ami-id",
	 .latest = "current",
	 .root_device = "/dev/sda1",
	 .versions = ubuntu,
	 .foreign = ubuntu},
	{.base = "ubuntu-24.04",
	 .login_user = "ubuntu",
	 .owner = "099720109477",
	 .name = "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-%1$s-server-%2$s",
	 .description = "Canonical, Ubuntu, 24.04 LTS, %1$s noble image build on %2$s",
	 .parameter = "/aws/service/canonical/ubuntu/server/24.04/stable/%2$s/%1$s/hvm/ebs-gp3/ami-id",
	 .latest = "current",
	 .root_device = "/dev/sda1",
	 .versions = ubuntu,
	 .foreign = ubuntu},
	{.base = "amazon-linux-2023",
	 .login_user = "ec2-user",
	 .owner = "137112412989",
	 .owner_alias = "amazon",
	 .spelling = LIKE_AMAZON,
	 .name = "al2023-ami-%2$s-kernel-6.1-%1$s",
	 .description = "Amazon Linux 2023 AMI %2$s %1$s HVM kernel-6.1",
	 .latest = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-%1$s",
	 .imds_v2 = true,
	 .versions = amazon,
	 .foreign = amazon},
	{.base = "rhel-9",
	 .login_user = "ec2-user",
	 .owner = "309956199498",
	 .spelling = LIKE_AMAZON,
	 .name = "RHEL-%2$s-%1$s-0-Hourly2-GP3",
	 .description = "Provided by Red Hat, Inc. (%2$s, %1$s)",
	 .platform = "Red Hat Enterprise Linux",
	 .usage = "RunInstances:0010",
	 .root_device = "/dev/sda1",
	 .root_gib = 10,
	 .versions = red_hat,
	 .foreign = red_hat},
	{.base = "rocky-9",
	 .login_user = "rocky",
	 .owner = "792107900819",
	 .spelling = LIKE_RED_HAT_AND_CO,
	 .name = "Rocky-9-EC2-Base-%2$s.%1$s",
	 .description = "Rocky-9-EC2-Base-%2$s.%1$s",
	 .root_device = "/dev/sda1",
	 .root_gib = 10,
	 .versions = rocky,
	 .foreign = rocky},
	{NULL},
};
