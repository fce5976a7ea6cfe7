/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses for machines: of the loopback network, or where that cannot be had of a network of links. Addresses of
 * halted machines stay theirs: clients remember them. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/process.h"
#include "network.h"
#include "network_link.h"
#include "private.h"
#include "record.h"

enum { TRIES = 50 };

/* 127.64.0.1 to 127.127.255.254: far from what others put on the loopback device. */
static void make_address(char address[16])
{
	uint8_t bytes[3];

	crypto_random(bytes, sizeof(bytes));
	snprintf(address, 16, "127.%d.%d.%d", 64 + bytes[0] % 64, bytes[1], 1 + bytes[2] % 254);
}

static bool reserved_locked(const struct machines *room, const char *address)
{
	for (size_t i = 0; i < room->reserved_count; i++)
		if (strcmp(room->reserved[i], address) == 0)
			return true;
	return false;
}

static bool reserve(struct machines *room, const char *address)
{
	bool mine;

	pthread_mutex_lock(&room->lock);
	mine = !reserved_locked(room, address);
	if (mine) {
		room->reserved = mem_grow(room->reserved, room->reserved_count + 1, sizeof(*room->reserved));
		room->reserved[room->reserved_count++] = mem_strdup(address);
	}
	pthread_mutex_unlock(&room->lock);
	return mine;
}

static bool recorded_in(const char *folder, const char *address)
{
	struct machine_record record = {};
	struct error ignored = {};
	bool same;

	if (!machine_record_load(folder, &record, &ignored))
		return false;
	same = str_eq(record.spec.address, address);
	machine_record_free(&record);
	return same;
}

static bool recorded(const struct machines *room, const char *address)
{
	DIR *folders = opendir(room->folder);
	struct dirent *entry;
	bool found = false;

	while (folders && !found && (entry = readdir(folders))) {
		_cleanup_(freep) char *folder = path_join(room->folder, entry->d_name);
		found = entry->d_name[0] != '.' && recorded_in(folder, address);
	}
	if (folders)
		closedir(folders);
	return found;
}

bool machines_pick_address(struct machines *room, char address[16], struct error *err)
{
	for (int i = 0; i < TRIES; i++) {
		make_address(address);
		if (network_address_free(address) && !recorded(room, address) && reserve(room, address))
			return true;
	}
	/* Not one was free: a daemon of this host, its sshd no doubt, listens on port 22 of all addresses. */
	for (int i = 0; i < TRIES && process_available("ip"); i++) {
		network_link_make_address(address);
		if (!recorded(room, address) && reserve(room, address))
			return true;
	}
	error_set(err, ERROR_INTERNAL, "port 22 of no loopback address is free");
	return error_hint(
		err, "does this host's sshd listen on all addresses? Give it a ListenAddress, or install iproute2");
}
