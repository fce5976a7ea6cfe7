/* SPDX-License-Identifier: Apache-2.0
 *
 * What the cloud knows of its host. */
#include "cloud.h"

#include <sys/utsname.h>

#include "bakery/str.h"

int64_t cloud_clock_ms(const struct cloud *cloud)
{
	return clock_wall_ms() + settings_ms(cloud->settings, "clock");
}

const char *cloud_architecture(void)
{
	struct utsname host;
	return uname(&host) == 0 && str_eq(host.machine, "aarch64") ? "arm64" : "x86_64";
}
