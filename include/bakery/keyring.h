/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets that outlive the process and never touch a disk: the kernel's key retention service (keyrings(7)), in the
 * keyring of the user. Another process of the same user can read them; they are gone at reboot, and after timeout_s.
 * Where the kernel or a container's rules have no keyring, everything fails and nothing is kept. */
#ifndef BAKERY_KEYRING_H
#define BAKERY_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bakery/error.h"
#include "bakery/str.h"

/* Replaces what is kept under the same name; timeout_s 0: until reboot. */
bool keyring_keep(const char *name, const void *data, size_t length, int64_t timeout_s, struct error *err) must_check;
/* ERROR_ABSENT when there is none (any more). Wipe *out. */
bool keyring_find(const char *name, struct str *out, struct error *err) must_check;
void keyring_forget(const char *name);

#endif
