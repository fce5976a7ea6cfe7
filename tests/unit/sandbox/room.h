/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the machine room share: a room in a folder of its own over the cached base image, a key pair, and a
 * real ssh client. Machines need root, so without it the tests are skipped and say why. */
#ifndef BAKERY_TEST_ROOM_H
#define BAKERY_TEST_ROOM_H

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "bakery/clock.h"
#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/process.h"
#include "src/sandbox/machine/machine.h"

enum { TEST_WAIT_MS = 60000 };

struct room {
	char folder[64];
	char *base, *key_path, *known_hosts;
	const char *layers[2]; /* the base image alone */
	struct ssh_key_pair key;
	char *keyed; /* user data that brings a host key, so that no machine spends a second on making an RSA key */
	struct machines *machines;
	pthread_mutex_t lock;
	pthread_cond_t told;
	unsigned told_count[3]; /* by enum machine_exit */
};

#define must(call)                                                                                                     \
	do {                                                                                                           \
		struct error err_ = {}, *err = &err_;                                                                  \
		if (!(call))                                                                                           \
			fail_msg("%s: %s", #call, err->text);                                                          \
	} while (0)

static inline void room_ended(void *cookie, const char *id, enum machine_exit how)
{
	struct room *room = cookie;

	pthread_mutex_lock(&room->lock);
	room->told_count[how]++;
	pthread_cond_broadcast(&room->told);
	pthread_mutex_unlock(&room->lock);
}

static inline bool room_await(struct room *room, enum machine_exit how, unsigned count)
{
	struct timespec until;
	bool told;
	int timed_out = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += TEST_WAIT_MS / 1000;
	pthread_mutex_lock(&room->lock);
	while (room->told_count[how] < count && !timed_out)
		timed_out = pthread_cond_timedwait(&room->told, &room->lock, &until);
	told = room->told_count[how] >= count;
	pthread_mutex_unlock(&room->lock);
	return told;
}

static inline char *room_host_key(const struct ssh_key_pair *key)
{
	_cleanup_(str_free) struct str out = STR_INIT;

	str_add(&out, "#cloud-config\nssh_keys:\n  ed25519_private: |\n    ");
	for (const char *c = key->private_key; *c; c++) {
		str_add_char(&out, *c);
		if (*c == '\n' && c[1])
			str_add(&out, "    ");
	}
	str_addf(&out, "  ed25519_public: %s\n", key->public_key);
	return str_take(&out);
}

/* Skips the test where machines cannot be. */
static inline void room_needed(void)
{
	struct error lacks = {};

	if (machines_check(&lacks))
		return;
	print_message("skipped: %s\n", lacks.text);
	skip();
}

/* Machines have threads. A process that forks must have none at that moment, else what they hold (the sanitizer's
 * allocator, say) is held for ever in the new one. */
static inline void room_enter(struct room *room)
{
	must(machines_open(room->folder, room_ended, room, NULL, &room->machines, err));
}

static inline void room_leave(struct room *room)
{
	machines_close(room->machines);
	room->machines = NULL;
}

static inline void room_open(struct room *room)
{
	_cleanup_(freep) char *bases = base_image_cache();
	struct log *log = log_new(2, LOG_LEVEL_INFO, false);

	*room = (struct room){.folder = "/var/tmp/bakery-room-XXXXXX"};
	room_needed();
	must(base_image_make(base_image_find("debian-12"), bases, NULL, log, &room->base, err));
	log_free(log);
	room->layers[0] = room->base;
	assert_non_null(mkdtemp(room->folder));
	pthread_mutex_init(&room->lock, NULL);
	pthread_cond_init(&room->told, NULL);
	must(ssh_key_pair_make(SSH_KEY_ED25519, "test", &room->key, err));
	room->keyed = room_host_key(&room->key);
	room->key_path = path_join(room->folder, "key");
	room->known_hosts = path_join(room->folder, "known_hosts");
	must(file_replace(room->key_path, room->key.private_key, strlen(room->key.private_key), 0600, err));
	room_enter(room);
}

static inline void room_close(struct room *room)
{
	room_leave(room);
	must(file_remove_tree(room->folder, err));
	pthread_cond_destroy(&room->told);
	pthread_mutex_destroy(&room->lock);
	ssh_key_pair_free(&room->key);
	free(room->base);
	free(room->keyed);
	free(room->key_path);
	free(room->known_hosts);
}

/* A spec over these layers (NULL-terminated) with an address of its own, which the caller gives room for. */
static inline struct machine_spec room_spec(struct room *room, const char *id, const char *const *layers,
					    char address[16], const char *user_data)
{
	must(machines_pick_address(room->machines, address, err));
	return (struct machine_spec){.id = id,
				     .layers = layers,
				     .address = address,
				     .hostname = "ip-10-0-0-7",
				     .login_user = "admin",
				     .authorized_key = room->key.public_key,
				     .user_data = user_data,
				     .user_data_length = user_data ? strlen(user_data) : 0};
}

static inline void room_boot(struct room *room, const struct machine_spec *spec)
{
	must(machine_create(room->machines, spec, err));
	must(machine_boot(room->machines, spec->id, err));
}

/* Most tests' machine: "i-1", of the base image as it is. */
static inline struct machine_spec room_boot_one(struct room *room, char address[16], const char *user_data)
{
	struct machine_spec spec = room_spec(room, "i-1", room->layers, address, user_data);

	room_boot(room, &spec);
	return spec;
}

static inline bool room_console_says(struct room *room, const char *id, const char *text)
{
	int64_t give_up_ms = clock_mono_ms() + TEST_WAIT_MS;

	do {
		_cleanup_(str_free) struct str console = STR_INIT;
		must(machine_console(room->machines, id, &console, err));
		if (strstr(console.data, text))
			return true;
	} while (clock_mono_ms() < give_up_ms && stop_sleep_ms(NULL, 20));
	return false;
}

/* One try: the exit status of ssh, 255 when it could not get in. */
static inline int room_ssh_once(struct room *room, const char *address, const char *strict, const char *command,
				struct str *out)
{
	_cleanup_(freep) char *destination = mem_printf("admin@%s", address),
			      *hosts = mem_printf("UserKnownHostsFile=%s", room->known_hosts),
			      *checking = mem_printf("StrictHostKeyChecking=%s", strict);
	const char *const argv[] = {"ssh",
				    "-F",
				    "none",
				    "-i",
				    room->key_path,
				    "-o",
				    hosts,
				    "-o",
				    checking,
				    "-o",
				    "BatchMode=yes",
				    "-o",
				    "ConnectTimeout=5",
				    "-o",
				    "LogLevel=ERROR",
				    destination,
				    command,
				    NULL};
	const struct process process = {.argv = argv, .timeout_ms = TEST_WAIT_MS};
	int status = 255;

	must(process_run(&process, &status, out, NULL, err));
	return status;
}

static inline bool room_greets(const char *address)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(22)};
	struct timeval patience = {.tv_sec = 5};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char banner[4];
	bool greets;

	inet_pton(AF_INET, address, &to.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	greets = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 && recv(fd, banner, 4, MSG_WAITALL) == 4 &&
		 memcmp(banner, "SSH-", 4) == 0;
	close(fd);
	return greets;
}

/* Until somebody answers there. Looking for sshd's greeting first is cheaper than starting clients in vain. */
static inline int room_ssh(struct room *room, const char *address, const char *command, struct str *out)
{
	int64_t give_up_ms = clock_mono_ms() + TEST_WAIT_MS;
	int status;

	do {
		while (!room_greets(address) && clock_mono_ms() < give_up_ms)
			stop_sleep_ms(NULL, 20);
		if (out)
			str_clear(out);
		status = room_ssh_once(room, address, "no", command, out);
	} while (status == 255 && clock_mono_ms() < give_up_ms && stop_sleep_ms(NULL, 20));
	return status;
}

#endif
