/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread of a running machine: it owns the mount of its root, starts its boots one after the other, and follows
 * each until nothing of it is left. The programs it starts die with it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bakery/clock.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "boot.h"
#include "console.h"
#include "overlay.h"
#include "private.h"
#include "record.h"

enum { END_ASKED_WITHIN_MS = 5000, END_KILLED_WITHIN_MS = 10000 };

/* How boots end, as init's exit status (inside/init.sh) or as bubblewrap's after reboot(2), which ends a pid namespace
 * by SIGHUP or SIGINT: see reboot(2), "Behavior inside PID namespaces". */
enum { STATUS_REBOOT = 129, STATUS_POWER_OFF = 130 };

enum ending { END_ASKED, END_REBOOT, END_POWER_OFF, END_DIED };

struct run {
	struct machine *machine;
	struct machine_record record;
	int folder;
	struct console console;
	struct boot boot;
	int64_t give_up_ms; /* 0: nobody asked it to end */
	bool killed;
};

static enum machine_wish wish_of(struct machine *machine)
{
	enum machine_wish wish;

	pthread_mutex_lock(&machine->room->lock);
	wish = machine->wish;
	pthread_mutex_unlock(&machine->room->lock);
	return wish;
}

static void set_state(struct machine *machine, enum machine_state state, const struct error *failure)
{
	pthread_mutex_lock(&machine->room->lock);
	machine->state = state;
	machine->boots += state == MACHINE_RUNNING;
	if (failure)
		machine->failure = *failure;
	pthread_cond_broadcast(&machine->room->changed);
	pthread_mutex_unlock(&machine->room->lock);
}

/* ---- following a boot */

static void read_console(struct run *run)
{
	char text[8192];
	ssize_t got = read(run->boot.console_fd, text, sizeof(text));

	if (got > 0) {
		console_append(&run->console, text, (size_t)got);
	} else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
		closep(&run->boot.console_fd);
		run->boot.console_fd = -1;
	}
}

static void look_at_wish(struct run *run)
{
	eventfd_t ignored;

	eventfd_read(run->machine->wake_fd, &ignored);
	if (run->give_up_ms || wish_of(run->machine) == MACHINE_WISH_NONE)
		return;
	run->give_up_ms = clock_mono_ms() + END_ASKED_WITHIN_MS;
	boot_ask_to_end(&run->boot);
}

static void kill_if_due(struct run *run)
{
	if (!run->give_up_ms || run->killed || clock_mono_ms() < run->give_up_ms)
		return;
	run->killed = true;
	run->give_up_ms = clock_mono_ms() + END_KILLED_WITHIN_MS;
	boot_kill(&run->boot);
}

/* Without its init a machine is nothing: the rest is killed. */
static void init_ended(struct run *run)
{
	boot_reap_init(&run->boot);
	run->give_up_ms = clock_mono_ms();
	kill_if_due(run);
}

static bool alive(const struct run *run)
{
	return run->boot.bwrap > 0 && !(run->killed && clock_mono_ms() >= run->give_up_ms);
}

static void follow(struct run *run)
{
	while (alive(run)) {
		struct pollfd fds[] = {
			{.fd = run->boot.console_fd, .events = POLLIN},
			{.fd = run->boot.init_fd, .events = POLLIN},
			{.fd = run->boot.bwrap_fd, .events = POLLIN},
			{.fd = run->give_up_ms ? -1 : run->machine->wake_fd, .events = POLLIN},
		};
		int64_t left_ms = run->give_up_ms - clock_mono_ms();

		poll(fds, ARRAY_SIZE(fds), !run->give_up_ms ? -1 : left_ms < 0 ? 0 : (int)left_ms);
		if (fds[0].revents)
			read_console(run);
		if (fds[1].revents)
			init_ended(run);
		if (fds[2].revents)
			boot_reap_bwrap(&run->boot);
		if (fds[3].revents)
			look_at_wish(run);
		kill_if_due(run);
	}
}

/* What init said last; others may hold the console's other end, so this does not wait for its end. */
static void drain_console(struct run *run)
{
	while (run->boot.console_fd >= 0) {
		struct pollfd fd = {.fd = run->boot.console_fd, .events = POLLIN};
		if (poll(&fd, 1, 0) <= 0)
			return;
		read_console(run);
	}
}

static enum ending ending_of(struct run *run)
{
	int status = run->boot.init_status, outer = run->boot.bwrap_status;

	switch (wish_of(run->machine)) {
	case MACHINE_WISH_HALT:
		return END_ASKED;
	case MACHINE_WISH_REBOOT:
		return END_REBOOT;
	case MACHINE_WISH_NONE:
		break;
	}
	if (status == STATUS_REBOOT || outer == STATUS_REBOOT)
		return END_REBOOT;
	return status == STATUS_POWER_OFF || outer == STATUS_POWER_OFF ? END_POWER_OFF : END_DIED;
}

static enum ending boot_follow(struct run *run)
{
	run->give_up_ms = 0;
	run->killed = false;
	follow(run);
	drain_console(run);
	boot_finish(&run->boot, run->folder);
	return ending_of(run);
}

/* ---- the life of a machine */

/* The programs reboot, poweroff and so on are a layer of their own, just below what the machine writes. */
static bool mount_root(struct run *run, struct error *err)
{
	const struct machine_spec *spec = &run->record.spec;
	size_t count = run->record.layer_count;
	_cleanup_(freep) const char **layers = mem_array(count + 1, sizeof(*layers));
	bool merged = !overlay_has_folder(spec->layers, count, "usr/sbin");
	_cleanup_(freep) char *tools = path_join(run->machine->room->tools, merged ? "usr-local-sbin" : "usr-sbin");

	for (size_t i = 0; i < count; i++)
		layers[i] = spec->layers[i];
	layers[count] = tools;
	return overlay_private(err) && overlay_mount(run->machine->folder, layers, count + 1, err);
}

static bool prepare(struct run *run, struct error *err)
{
	run->folder = open(run->machine->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (run->folder < 0)
		return error_errno(err, "cannot open %s", run->machine->folder);
	return machine_record_load(run->machine->folder, &run->record, err) && mount_root(run, err) &&
	       console_open(&run->console, run->folder, err);
}

static bool boot_again(struct run *run, bool by_itself, struct error *err)
{
	set_state(run->machine, MACHINE_BOOTING, NULL);
	if (!boot_start(&run->boot, run->folder, &run->record.spec, err))
		return false;
	pthread_mutex_lock(&run->machine->room->lock);
	if (run->machine->wish == MACHINE_WISH_REBOOT)
		run->machine->wish = MACHINE_WISH_NONE;
	pthread_mutex_unlock(&run->machine->room->lock);
	set_state(run->machine, MACHINE_RUNNING, NULL);
	if (by_itself)
		machine_tell(run->machine->room, run->machine->id, MACHINE_REBOOTED);
	return true;
}

/* Until it ends for good; false with the reason when a boot failed. */
static bool live(struct run *run, enum ending *ending, struct error *err)
{
	bool by_itself = false;

	do {
		if (!boot_again(run, by_itself, err))
			return false;
		*ending = boot_follow(run);
		by_itself = wish_of(run->machine) == MACHINE_WISH_NONE;
	} while (*ending == END_REBOOT);
	return true;
}

static void release(struct run *run)
{
	overlay_unmount(run->machine->folder);
	console_close(&run->console);
	closep(&run->folder);
	machine_record_free(&run->record);
}

void *machine_main(void *argument)
{
	struct run run = {.machine = argument, .folder = -1, .console = {.fd = -1}};
	struct machine *machine = run.machine;
	struct error err = {};
	enum ending ending = END_DIED;
	unsigned before = machine->boots;
	bool ran = prepare(&run, &err) && live(&run, &ending, &err), booted = machine->boots > before;

	if (!ran && booted)
		log_warn(machine->room->log, "%s does not boot again: %s", machine->id, err.text);
	release(&run);
	set_state(machine, MACHINE_HALTED, &err);
	if ((ran && ending != END_ASKED) || (!ran && booted))
		machine_tell(machine->room, machine->id, ending == END_POWER_OFF ? MACHINE_POWERED_OFF : MACHINE_DIED);
	return NULL;
}
