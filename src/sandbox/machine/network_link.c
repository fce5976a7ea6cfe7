/* SPDX-License-Identifier: Apache-2.0
 *
 * Links by iproute2. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/mem.h"
#include "bakery/process.h"
#include "network_link.h"

enum { TIMEOUT_MS = 10000 };

#define HOST_ADDRESS "198.18.0.1"
#define NETWORK 0xc6120000U /* 198.18.0.0 */
#define NETMASK 0xfffe0000U

void network_link_make_address(char address[16])
{
	uint8_t bytes[3];

	crypto_random(bytes, sizeof(bytes));
	snprintf(address, 16, "198.%d.%d.%d", 18 + bytes[0] % 2, 1 + bytes[1] % 255, 1 + bytes[2] % 254);
}

bool network_link_is_address(const char *address)
{
	struct in_addr parsed;

	return address && inet_pton(AF_INET, address, &parsed) == 1 && (ntohl(parsed.s_addr) & NETMASK) == NETWORK;
}

static bool batch(const char *const *argv, const char *commands, struct error *err)
{
	const struct process process = {
		.argv = argv, .input = commands, .input_length = strlen(commands), .timeout_ms = TIMEOUT_MS};

	return process_must(&process, NULL, err);
}

bool network_link_start(pid_t machine, const char *address, struct error *err)
{
	_cleanup_(freep) char *pid = mem_printf("%d", (int)machine), *here = NULL, *there = NULL;
	const char *const in_machine[] = {"nsenter", "--net", "-t", pid, "ip", "-batch", "-", NULL};
	char unique[9];

	crypto_random_hex(unique, sizeof(unique) - 1);
	here = mem_printf("link add bake%s type veth peer name eth1 netns %s\n"
			  "addr add " HOST_ADDRESS " peer %s/32 dev bake%s\n"
			  "link set bake%s up\n",
			  unique, pid, address, unique, unique);
	there = mem_printf("addr add %s peer " HOST_ADDRESS "/32 dev eth1\nlink set eth1 up\n", address);
	return (batch((const char *const[]){"ip", "-batch", "-", NULL}, here, err) && batch(in_machine, there, err)) ||
	       error_context(err, "link to %s", address);
}
