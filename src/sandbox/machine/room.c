/* SPDX-License-Identifier: Apache-2.0
 *
 * The machine room as others see it: it finds or makes the struct of a machine, lets one operation at a time have it,
 * and asks its thread. What a machine is lies in its folder; the room remembers nothing that it could not read there
 * again. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "console.h"
#include "inside.h"
#include "private.h"
#include "record.h"

/* ---- the room */

static bool write_tool(const char *folder, const char *name, struct error *err)
{
	_cleanup_(freep) char *path = path_join(folder, name);

	return file_replace(path, inside_shutdown, strlen(inside_shutdown), 0755, err);
}

static bool write_tools(const char *tools, const char *layer, const char *folder, struct error *err)
{
	static const char *const names[] = {"reboot", "poweroff", "halt", "shutdown"};
	_cleanup_(freep) char *path = mem_printf("%s/%s/%s", tools, layer, folder);

	if (!file_make_folders(path, 0755, err))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!write_tool(path, names[i], err))
			return false;
	return true;
}

/* Folders of machines that were being removed when the last serving process ended. */
static bool remove_leftovers(const char *folder, struct error *err)
{
	DIR *machines = opendir(folder);
	struct dirent *entry;
	bool removed = true;

	if (!machines)
		return error_errno(err, "cannot list %s", folder);
	while (removed && (entry = readdir(machines))) {
		_cleanup_(freep) char *path = path_join(folder, entry->d_name);
		if (str_starts(entry->d_name, ".gone-"))
			removed = file_remove_tree(path, err);
	}
	closedir(machines);
	return removed;
}

/* Nobody but root may reach in there: a machine's set-user-id programs are real ones. */
static bool prepare_folders(const struct machines *room, struct error *err)
{
	if (!file_make_folders(room->folder, 0700, err))
		return false;
	if (chmod(room->folder, 0700) < 0)
		return error_errno(err, "cannot protect %s", room->folder);
	return remove_leftovers(room->folder, err) && write_tools(room->tools, "usr-sbin", "usr/sbin", err) &&
	       write_tools(room->tools, "usr-local-sbin", "usr/local/sbin", err);
}

static void room_free(struct machines *room)
{
	while (room->all) {
		struct machine *machine = room->all;
		room->all = machine->next;
		pthread_mutex_destroy(&machine->turn);
		closep(&machine->wake_fd);
		free(machine->id);
		free(machine->folder);
		free(machine);
	}
	for (size_t i = 0; i < room->reserved_count; i++)
		free(room->reserved[i]);
	free(room->reserved);
	free(room->folder);
	free(room->tools);
	pthread_cond_destroy(&room->changed);
	pthread_cond_destroy(&room->noticed);
	pthread_mutex_destroy(&room->lock);
	free(room);
}

bool machines_open(const char *folder, machine_ended *ended, void *cookie, struct log *log, struct machines **out,
		   struct error *err)
{
	_cleanup_(freep) char *real = NULL;
	struct machines *room;

	if (!file_make_folders(folder, 0700, err))
		return false;
	real = realpath(folder, NULL);
	if (!real)
		return error_errno(err, "cannot find %s", folder);
	room = mem_alloc(sizeof(*room));
	room->folder = path_join(real, "machines");
	room->tools = path_join(real, "machine-tools");
	room->log = log;
	room->ended = ended;
	room->cookie = cookie;
	pthread_mutex_init(&room->lock, NULL);
	pthread_cond_init(&room->changed, NULL);
	pthread_cond_init(&room->noticed, NULL);
	if (prepare_folders(room, err) && machine_tell_start(room, err)) {
		*out = room;
		return true;
	}
	room_free(room);
	return error_context(err, "machines");
}

/* ---- one machine's turn */

struct machine *machine_find_locked(struct machines *room, const char *id)
{
	struct machine *machine = room->all;

	while (machine && strcmp(machine->id, id) != 0)
		machine = machine->next;
	return machine;
}

static struct machine *machine_new(struct machines *room, const char *id)
{
	struct machine *machine = mem_alloc(sizeof(*machine));

	machine->room = room;
	machine->id = mem_strdup(id);
	machine->folder = path_join(room->folder, id);
	machine->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&machine->turn, NULL);
	machine->next = room->all;
	room->all = machine;
	return machine;
}

/* To be given back with machine_turn_end. The folder need not exist. */
struct machine *machine_turn_take(struct machines *room, const char *id, struct error *err)
{
	struct machine *machine;

	if (!machine_id_check(id, err))
		return NULL;
	pthread_mutex_lock(&room->lock);
	machine = machine_find_locked(room, id);
	if (!machine)
		machine = machine_new(room, id);
	pthread_mutex_unlock(&room->lock);
	pthread_mutex_lock(&machine->turn);
	return machine;
}

void machine_turn_end(struct machine **machine)
{
	if (*machine)
		pthread_mutex_unlock(&(*machine)->turn);
}

struct machine *machine_turn_take_existing(struct machines *room, const char *id, struct error *err)
{
	struct machine *machine = machine_turn_take(room, id, err);
	struct stat found;

	if (!machine || (stat(machine->folder, &found) == 0 && S_ISDIR(found.st_mode)))
		return machine;
	machine_turn_end(&machine);
	error_set(err, ERROR_ABSENT, "there is no machine %s", id);
	return NULL;
}

enum machine_state machine_state_of(struct machine *machine)
{
	enum machine_state state;

	pthread_mutex_lock(&machine->room->lock);
	state = machine->state;
	pthread_mutex_unlock(&machine->room->lock);
	return state;
}

static void join(struct machine *machine)
{
	if (machine->has_thread)
		pthread_join(machine->thread, NULL);
	machine->has_thread = false;
}

static void wish(struct machine *machine, enum machine_wish wish)
{
	pthread_mutex_lock(&machine->room->lock);
	machine->wish = wish;
	pthread_mutex_unlock(&machine->room->lock);
	eventfd_write(machine->wake_fd, 1);
}

/* ---- create, boot, halt, reboot */

static bool create_in(const struct machine *machine, const struct machine_spec *spec, struct error *err)
{
	if (mkdir(machine->folder, 0700) < 0)
		return errno == EEXIST ? error_set(err, ERROR_CONFLICT, "it exists already")
				       : error_errno(err, "cannot make %s", machine->folder);
	return machine_record_make(machine->folder, spec, err);
}

bool machine_create(struct machines *room, const struct machine_spec *spec, struct error *err)
{
	_cleanup_(machine_turn_end) struct machine *machine = NULL;

	if (!machine_spec_check(spec, err))
		return false;
	machine = machine_turn_take(room, spec->id, err);
	if (!machine)
		return false;
	return create_in(machine, spec, err) || error_context(err, "machine %s", spec->id);
}

static bool start_thread(struct machine *machine, struct error *err)
{
	eventfd_t ignored;

	join(machine);
	eventfd_read(machine->wake_fd, &ignored);
	pthread_mutex_lock(&machine->room->lock);
	machine->state = MACHINE_BOOTING;
	machine->wish = MACHINE_WISH_NONE;
	error_clear(&machine->failure);
	pthread_mutex_unlock(&machine->room->lock);
	if (pthread_create(&machine->thread, NULL, machine_main, machine) == 0)
		return machine->has_thread = true;
	pthread_mutex_lock(&machine->room->lock);
	machine->state = MACHINE_HALTED;
	pthread_mutex_unlock(&machine->room->lock);
	return error_set(err, ERROR_INTERNAL, "cannot start a thread");
}

/* Until it has booted once more than `boots` times, or is halted. */
static bool await_boot(struct machine *machine, unsigned boots, struct error *err)
{
	struct machines *room = machine->room;
	bool booted;

	pthread_mutex_lock(&room->lock);
	while (machine->boots == boots && machine->state != MACHINE_HALTED)
		pthread_cond_wait(&room->changed, &room->lock);
	booted = machine->boots != boots;
	if (!booted && machine->failure.kind != ERROR_NONE)
		*err = machine->failure;
	else if (!booted)
		error_set(err, ERROR_CONFLICT, "it ended meanwhile");
	pthread_mutex_unlock(&room->lock);
	return booted;
}

static unsigned boots_of(struct machine *machine)
{
	unsigned boots;

	pthread_mutex_lock(&machine->room->lock);
	boots = machine->boots;
	pthread_mutex_unlock(&machine->room->lock);
	return boots;
}

bool machine_boot(struct machines *room, const char *id, struct error *err)
{
	_cleanup_(machine_turn_end) struct machine *machine = machine_turn_take_existing(room, id, err);
	unsigned boots;

	if (!machine)
		return false;
	if (machine_state_of(machine) != MACHINE_HALTED)
		return true;
	boots = boots_of(machine);
	return (start_thread(machine, err) && await_boot(machine, boots, err)) || error_context(err, "machine %s", id);
}

static void halt(struct machine *machine)
{
	struct machines *room = machine->room;

	if (machine_state_of(machine) != MACHINE_HALTED)
		wish(machine, MACHINE_WISH_HALT);
	pthread_mutex_lock(&room->lock);
	while (machine->state != MACHINE_HALTED)
		pthread_cond_wait(&room->changed, &room->lock);
	pthread_mutex_unlock(&room->lock);
	join(machine);
}

bool machine_halt(struct machines *room, const char *id, struct error *err)
{
	_cleanup_(machine_turn_end) struct machine *machine = machine_turn_take_existing(room, id, err);

	if (!machine)
		return false;
	halt(machine);
	return true;
}

bool machine_reboot(struct machines *room, const char *id, struct error *err)
{
	_cleanup_(machine_turn_end) struct machine *machine = machine_turn_take_existing(room, id, err);
	unsigned boots;

	if (!machine)
		return false;
	boots = boots_of(machine);
	if (machine_state_of(machine) == MACHINE_HALTED)
		return error_set(err, ERROR_CONFLICT, "machine %s is not running", id);
	wish(machine, MACHINE_WISH_REBOOT);
	return await_boot(machine, boots, err) || error_context(err, "machine %s", id);
}

bool machine_running(struct machines *room, const char *id)
{
	struct machine *machine;
	bool running;

	pthread_mutex_lock(&room->lock);
	machine = machine_find_locked(room, id);
	running = machine && machine->state != MACHINE_HALTED;
	pthread_mutex_unlock(&room->lock);
	return running;
}

void machines_close(struct machines *room)
{
	if (!room)
		return;
	/* All are asked first, so that they end side by side. */
	for (struct machine *machine = room->all; machine; machine = machine->next)
		if (machine_state_of(machine) != MACHINE_HALTED)
			wish(machine, MACHINE_WISH_HALT);
	for (struct machine *machine = room->all; machine; machine = machine->next) {
		pthread_mutex_lock(&machine->turn);
		halt(machine);
		pthread_mutex_unlock(&machine->turn);
	}
	machine_tell_stop(room);
	room_free(room);
}

/* ---- destroy, console */

static bool remove_folder(const struct machines *room, const struct machine *machine, struct error *err)
{
	_cleanup_(freep) char *gone = NULL;
	char unique[17];

	crypto_random_hex(unique, sizeof(unique) - 1);
	gone = mem_printf("%s/.gone-%s", room->folder, unique);
	if (rename(machine->folder, gone) < 0)
		return errno == ENOENT || error_errno(err, "cannot remove %s", machine->folder);
	return file_remove_tree(gone, err);
}

bool machine_destroy(struct machines *room, const char *id, struct error *err)
{
	_cleanup_(machine_turn_end) struct machine *machine = machine_turn_take(room, id, err);

	if (!machine)
		return false;
	halt(machine);
	return remove_folder(room, machine, err) || error_context(err, "machine %s", id);
}

bool machine_console(struct machines *room, const char *id, struct str *out, struct error *err)
{
	_cleanup_(freep) char *folder = NULL;
	_cleanup_(closep) int fd = -1;

	if (!machine_id_check(id, err))
		return false;
	folder = path_join(room->folder, id);
	fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, ERROR_ABSENT, "there is no machine %s", id);
	return console_read(fd, out, err) || error_context(err, "machine %s", id);
}
