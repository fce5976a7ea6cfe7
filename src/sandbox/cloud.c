/* SPDX-License-Identifier: Apache-2.0
 *
 * What the cloud knows of its host. */
#include "cloud.h"

#include <sys/utsname.h>

#include "bakery/str.h"

const char *cloud_architecture(void)
{
	struct utsname host;
	return uname(&host) == 0 && str_eq(host.machine, "aarch64") ? "arm64" : "x86_64";
}
