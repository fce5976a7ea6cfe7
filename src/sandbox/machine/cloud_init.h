/* SPDX-License-Identifier: Apache-2.0
 *
 * What cloud-init would make of an instance's user data, as shell text for the machine's init. */
#ifndef BAKERY_SANDBOX_CLOUD_INIT_H
#define BAKERY_SANDBOX_CLOUD_INIT_H

#include "bakery/str.h"
#include "machine.h"

/* Appends the variables instance, hostname, login_user, authorized_keys, name_servers and the functions user_data,
 * boot_commands, files, given_host_keys, given_scripts, packages. User data that cannot be read is said on the console
 * and otherwise ignored, as cloud-init does. */
void cloud_init_settings(const struct machine_spec *spec, const char *name_servers, struct str *out);

#endif
