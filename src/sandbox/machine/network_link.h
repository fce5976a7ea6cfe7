/* SPDX-License-Identifier: Apache-2.0
 *
 * A way to a machine's port 22 on hosts whose own sshd has taken port 22 of every address: a link of its own (a veth
 * pair) with an address of 198.18.0.0/15, which RFC 2544 sets aside and no network uses. It is gone when the machine's
 * network namespace is. */
#ifndef BAKERY_SANDBOX_NETWORK_LINK_H
#define BAKERY_SANDBOX_NETWORK_LINK_H

#include <stdbool.h>
#include <sys/types.h>

#include "bakery/error.h"

void network_link_make_address(char address[16]);
bool network_link_is_address(const char *address);
bool network_link_start(pid_t machine, const char *address, struct error *err) must_check;

#endif
