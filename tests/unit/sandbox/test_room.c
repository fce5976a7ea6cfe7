/* SPDX-License-Identifier: Apache-2.0
 *
 * The room itself: many machines at once, other processes, a serving process that is killed, wrong input. */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "room.h"

/* ---- many at once */

enum { MANY = 20 };

struct one {
	struct room *room;
	char id[16], address[16];
	bool answered;
};

static void *one_main(void *argument)
{
	struct one *one = argument;
	struct error err = {};

	if (!machine_boot(one->room->machines, one->id, &err)) {
		print_message("%s: %s\n", one->id, err.text);
		return NULL;
	}
	one->answered = room_ssh(one->room, one->address, "true", NULL) == 0;
	return NULL;
}

static void runs_twenty_machines_at_once(void **state)
{
	struct room room;
	struct one ones[MANY];
	pthread_t threads[MANY];
	int64_t begun_ms;

	room_open(&room);
	for (int i = 0; i < MANY; i++) {
		ones[i] = (struct one){.room = &room};
		snprintf(ones[i].id, sizeof(ones[i].id), "i-%d", i);
		struct machine_spec spec = room_spec(&room, ones[i].id, room.layers, ones[i].address, room.keyed);
		must(machine_create(room.machines, &spec, err));
	}
	begun_ms = clock_mono_ms();
	for (int i = 0; i < MANY; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, one_main, &ones[i]), 0);
	for (int i = 0; i < MANY; i++)
		pthread_join(threads[i], NULL);
	print_message("# %d machines answered within %lld ms\n", MANY, (long long)(clock_mono_ms() - begun_ms));
	for (int i = 0; i < MANY; i++)
		assert_true(ones[i].answered);
	begun_ms = clock_mono_ms();
	room_close(&room);
	print_message("# and ended within %lld ms\n", (long long)(clock_mono_ms() - begun_ms));
}

static void lets_many_have_one_machine(void **state)
{
	struct room room;
	struct one ones[8];
	pthread_t threads[8];

	room_open(&room);
	ones[0] = (struct one){.room = &room, .id = "i-1"};
	struct machine_spec spec = room_spec(&room, "i-1", room.layers, ones[0].address, room.keyed);
	must(machine_create(room.machines, &spec, err));
	for (int i = 0; i < 8; i++) {
		ones[i] = ones[0];
		assert_int_equal(pthread_create(&threads[i], NULL, one_main, &ones[i]), 0);
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		assert_true(ones[i].answered);
	}
	room_close(&room);
}

/* ---- other processes */

static void runs_commands_inside(void **state)
{
	static const struct {
		const char *const argv[4];
		int status;
	} cases[] = {
		{{"true"}, 0},
		{{"sh", "-c", "exit 7"}, 7},
		{{"sh", "-c", "kill -9 $$"}, 137},
		{{"no-such-program"}, 127},
		{{"sh", "-c",
		  "test $(id -u) = 0 && test $(hostname) = ip-10-0-0-7 && test $PWD = /root && test ! -e "
		  "/proc/1/nothing"},
		 0},
		{{"sh", "-c",
		  "grep -q '^CapBnd:.0*[0-9a-f]*' /proc/self/status && ! mount -t tmpfs x /mnt 2>/dev/null"},
		 0},
	};
	struct room room;
	char address[16];

	room_open(&room);
	room_boot_one(&room, address, room.keyed);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int status = -1;
		must(machine_exec(room.folder, "i-1", cases[i].argv, &status, err));
		assert_int_equal(status, cases[i].status);
	}
	room_close(&room);
}

static void runs_commands_on_a_terminal(void **state)
{
	static const char *const argv[] = {"sh", "-c", "tty; printf '%s|' \"$@\"; exit 5", "sh", "a b", "it's", NULL};
	struct room room;
	_cleanup_(str_free) struct str out = STR_INIT;
	char address[16], chunk[256];
	int terminal, status = -1;
	ssize_t got;
	pid_t child;

	room_open(&room);
	room_boot_one(&room, address, room.keyed);
	child = forkpty(&terminal, NULL, NULL, NULL);
	if (child == 0) {
		struct error err = {};
		_exit(machine_exec(room.folder, "i-1", argv, &status, &err) ? status : 255);
	}
	while ((got = read(terminal, chunk, sizeof(chunk))) > 0)
		str_add_n(&out, chunk, (size_t)got);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(terminal);
	assert_non_null(strstr(out.data, "/dev/pts/0\r\na b|it's|"));
	assert_int_equal(WEXITSTATUS(status), 5);
	room_close(&room);
}

static void refuses_to_run_in_what_does_not_run(void **state)
{
	struct room room;
	struct error refused = {};
	char address[16];
	int status;

	room_open(&room);
	struct machine_spec spec = room_spec(&room, "i-1", room.layers, address, room.keyed);
	must(machine_create(room.machines, &spec, err));
	assert_false(machine_exec(room.folder, "i-1", (const char *const[]){"true", NULL}, &status, &refused));
	assert_true(error_is(&refused, ERROR_CONFLICT));
	must(machine_boot(room.machines, "i-1", err));
	must(machine_halt(room.machines, "i-1", err));
	assert_false(machine_exec(room.folder, "i-1", (const char *const[]){"true", NULL}, &status, &refused));
	assert_true(error_is(&refused, ERROR_CONFLICT));
	assert_false(machine_exec(room.folder, "i-2", (const char *const[]){"true", NULL}, &status, &refused));
	assert_true(error_is(&refused, ERROR_ABSENT));
	assert_false(
		machine_exec(room.folder, "../machines/i-1", (const char *const[]){"true", NULL}, &status, &refused));
	assert_true(error_is(&refused, ERROR_INVALID));
	room_close(&room);
}

static bool link_holds(const char *process, const char *name, const char *needle)
{
	_cleanup_(freep) char *path = mem_printf("/proc/%s/%s", process, name);
	char target[256] = "";

	return readlink(path, target, sizeof(target) - 1) > 0 && strstr(target, needle);
}

/* The mounts of a machine have its folder in them, its keeper and its network complain to a file there. */
static bool is_trace(const char *process, const char *needle)
{
	_cleanup_(freep) char *mounts = mem_printf("/proc/%s/mountinfo", process);
	_cleanup_(str_free) struct str text = STR_INIT;
	struct error ignored = {};

	return link_holds(process, "cwd", needle) || link_holds(process, "fd/2", needle) ||
	       link_holds(process, "ns/pid", needle) ||
	       (file_read(mounts, 1 << 20, &text, &ignored) && strstr(text.data, needle));
}

/* Processes of this host that name this: a folder or a namespace. */
static int count_traces(const char *needle)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	assert_non_null(processes);
	while ((entry = readdir(processes)))
		count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && is_trace(entry->d_name, needle);
	closedir(processes);
	return count;
}

static void find_namespace(const struct room *room, const char *id, char name[64])
{
	_cleanup_(freep) char *pid_path = mem_printf("%s/machines/%s/pid", room->folder, id), *path = NULL;
	_cleanup_(str_free) struct str pid = STR_INIT;

	must(file_read(pid_path, 64, &pid, err));
	path = mem_printf("/proc/%d/ns/pid", atoi(pid.data));
	memset(name, 0, 64);
	assert_true(readlink(path, name, 63) > 0);
}

static _Noreturn void serve_until_killed(const struct room *room, const struct machine_spec *spec, int ready)
{
	struct machines *machines;
	struct error err = {};

	if (!machines_open(room->folder, NULL, NULL, NULL, &machines, &err) || !machine_create(machines, spec, &err) ||
	    !machine_boot(machines, spec->id, &err) || write(ready, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void expect_no_traces(const char *needle)
{
	int64_t give_up_ms = clock_mono_ms() + TEST_WAIT_MS;

	while (count_traces(needle) && clock_mono_ms() < give_up_ms)
		stop_sleep_ms(NULL, 20);
	assert_int_equal(count_traces(needle), 0);
}

static _Noreturn void boot_until_killed(const struct room *room, const struct machine_spec *spec)
{
	struct machines *machines;
	struct error err = {};

	if (!machines_open(room->folder, NULL, NULL, NULL, &machines, &err) || !machine_boot(machines, spec->id, &err))
		_exit(1);
	for (;;)
		pause();
}

static void leaves_nothing_when_it_is_killed(void **state)
{
	struct room room;
	char address[16], namespace[64], said;
	int ready[2];
	pid_t server;

	room_open(&room);
	struct machine_spec spec = room_spec(&room, "i-1", room.layers, address, room.keyed);
	assert_int_equal(pipe(ready), 0);
	room_leave(&room);
	server = fork();
	if (server == 0)
		serve_until_killed(&room, &spec, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &said, 1), 1);
	close(ready[0]);
	assert_int_equal(room_ssh(&room, address, "nohup sleep 1000 >/dev/null 2>&1 &", NULL), 0);
	find_namespace(&room, "i-1", namespace);
	assert_true(count_traces(namespace) >= 5);   /* its process 1, its holder, init, sshd, sleep */
	assert_true(count_traces(room.folder) >= 3); /* bubblewrap twice, slirp4netns */

	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	expect_no_traces(room.folder);
	expect_no_traces(namespace);
	assert_int_equal(room_ssh_once(&room, address, "no", "true", NULL), 255);

	/* And the next serving process goes on with it. */
	room_enter(&room);
	must(machine_boot(room.machines, "i-1", err));
	assert_int_equal(room_ssh(&room, address, "true", NULL), 0);
	room_close(&room);
}

/* The same at any moment of a boot. */
static void leaves_nothing_when_it_is_killed_while_booting(void **state)
{
	static const int moments_ms[] = {1, 4, 7, 10, 13, 16, 20, 25, 30, 40, 60};
	struct room room;
	char address[16];

	room_open(&room);
	struct machine_spec spec = room_spec(&room, "i-1", room.layers, address, room.keyed);
	must(machine_create(room.machines, &spec, err));
	room_leave(&room);
	for (size_t i = 0; i < ARRAY_SIZE(moments_ms); i++) {
		pid_t server = fork();
		if (server == 0)
			boot_until_killed(&room, &spec);
		stop_sleep_ms(NULL, moments_ms[i]);
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
		expect_no_traces(room.folder);
	}
	room_enter(&room);
	must(machine_boot(room.machines, "i-1", err));
	assert_int_equal(room_ssh(&room, address, "true", NULL), 0);
	room_close(&room);
}

static void mounts_nothing_here(void **state)
{
	struct room room;
	_cleanup_(str_free) struct str mounts = STR_INIT;
	char address[16];

	room_open(&room);
	room_boot_one(&room, address, room.keyed);
	must(file_read("/proc/self/mountinfo", 1 << 20, &mounts, err));
	assert_null(strstr(mounts.data, room.folder));
	room_close(&room);
}

/* ---- wrong input */

static void refuses_names_that_are_none(void **state)
{
	static const char *const ids[] = {
		"",    "..",	  "../i-1",
		"a/b", ".hidden", "-x",
		"i 1", "i\n1",	  "i-0123456789012345678901234567890123456789012345678901234567890123456789"};
	struct room room;
	_cleanup_(str_free) struct str out = STR_INIT;
	char address[16];

	room_open(&room);
	struct machine_spec good = room_spec(&room, "i-1", room.layers, address, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		struct machine_spec spec = good;
		struct error refused = {};
		spec.id = ids[i];
		assert_false(machine_create(room.machines, &spec, &refused));
		assert_true(error_is(&refused, ERROR_INVALID));
		assert_false(machine_boot(room.machines, ids[i], &refused));
		assert_false(machine_destroy(room.machines, ids[i], &refused));
		assert_false(machine_console(room.machines, ids[i], &out, &refused));
	}
	room_close(&room);
}

static void refuses_specs_that_cannot_be(void **state)
{
	struct room room;
	char address[16];

	room_open(&room);
	struct machine_spec good = room_spec(&room, "i-1", room.layers, address, NULL), wrong[9];
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		wrong[i] = good;
	wrong[0].address = "10.0.0.1";
	wrong[1].address = "127.0.0.1; reboot";
	wrong[2].hostname = "a b";
	wrong[3].hostname = "";
	wrong[4].login_user = "root:x";
	wrong[5].authorized_key = "ssh-ed25519 AAAA\nssh-ed25519 BBBB";
	wrong[6].layers = (const char *const[]){NULL};
	wrong[7].layers = (const char *const[]){"relative", NULL};
	wrong[8].user_data = "";
	wrong[8].user_data_length = 1 << 20;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct error refused = {};
		if (machine_create(room.machines, &wrong[i], &refused))
			fail_msg("spec %zu was taken", i);
		assert_true(error_is(&refused, ERROR_INVALID));
	}
	must(machine_create(room.machines, &good, err));
	room_close(&room);
}

static void says_why_a_machine_cannot_boot(void **state)
{
	struct room room;
	_cleanup_(freep) char *empty = NULL;
	struct error refused = {};
	char address[16];

	room_open(&room);
	empty = path_join(room.folder, "empty");
	must(file_make_folders(empty, 0755, err));
	assert_false(machine_boot(room.machines, "i-1", &refused));
	assert_true(error_is(&refused, ERROR_ABSENT));

	struct machine_spec spec = room_spec(&room, "i-1", (const char *const[]){"/nonexistent", NULL}, address, NULL);
	must(machine_create(room.machines, &spec, err));
	assert_false(machine_create(room.machines, &spec, &refused));
	assert_true(error_is(&refused, ERROR_CONFLICT));
	assert_false(machine_boot(room.machines, "i-1", &refused));
	assert_non_null(strstr(refused.text, "/nonexistent"));

	spec.id = "i-2";
	spec.layers = (const char *const[]){empty, NULL};
	must(machine_create(room.machines, &spec, err));
	assert_false(machine_boot(room.machines, "i-2", &refused));
	print_message("# %s\n", refused.text);
	assert_false(machine_running(room.machines, "i-2"));
	assert_int_equal(count_traces(room.folder), 0);
	room_close(&room);
}

static void says_when_the_address_is_taken(void **state)
{
	struct room room;
	struct sockaddr_in taken = {.sin_family = AF_INET, .sin_port = htons(22)};
	struct error refused = {};
	char address[16], other[16];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	room_open(&room);
	struct machine_spec spec = room_spec(&room, "i-1", room.layers, address, NULL);
	must(machine_create(room.machines, &spec, err));
	must(machines_pick_address(room.machines, other, err));
	assert_string_not_equal(other, address);
	inet_pton(AF_INET, address, &taken.sin_addr);
	assert_int_equal(bind(fd, (struct sockaddr *)&taken, sizeof(taken)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_false(machine_boot(room.machines, "i-1", &refused));
	assert_non_null(strstr(refused.text, address));
	close(fd);
	must(machine_boot(room.machines, "i-1", err));
	room_close(&room);
}

/* As on most hosts that have a name: their own sshd has port 22 of every address. */
static bool take_port_22(void)
{
	struct sockaddr_in all = {.sin_family = AF_INET, .sin_port = htons(22)};
	const struct process up = {.argv = (const char *const[]){"ip", "link", "set", "lo", "up", NULL}};
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return false;
	must(process_must(&up, NULL, err));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(fd, (struct sockaddr *)&all, sizeof(all)) == 0 && listen(fd, 1) == 0;
}

static int answer_beside_another_sshd(void)
{
	struct room room;
	char address[16];

	if (!take_port_22())
		return 1;
	room_open(&room);
	room_boot_one(&room, address, room.keyed);
	if (room_ssh(&room, address, "true", NULL) != 0)
		return 2;
	must(machine_reboot(room.machines, "i-1", err));
	if (room_ssh(&room, address, "true", NULL) != 0)
		return 3;
	room_close(&room);
	return 0;
}

static void lives_beside_an_sshd_that_has_port_22(void **state)
{
	int status = -1;
	pid_t child;

	room_needed();
	child = fork();
	if (child == 0)
		_exit(answer_beside_another_sshd());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* ---- the rest of a life */

static void destroys_machines(void **state)
{
	struct room room;
	_cleanup_(freep) char *folder = NULL;
	_cleanup_(str_free) struct str out = STR_INIT;
	struct error refused = {};
	char address[16];

	room_open(&room);
	folder = path_join(room.folder, "machines/i-1");
	struct machine_spec spec = room_boot_one(&room, address, room.keyed);
	must(machine_destroy(room.machines, "i-1", err));
	assert_false(file_exists(folder));
	must(machine_destroy(room.machines, "i-1", err));
	assert_false(machine_console(room.machines, "i-1", &out, &refused));
	assert_true(error_is(&refused, ERROR_ABSENT));
	must(machine_create(room.machines, &spec, err));
	room_close(&room);
}

static void bounds_the_console(void **state)
{
	struct room room;
	_cleanup_(freep) char *path = NULL;
	_cleanup_(str_free) struct str out = STR_INIT;
	struct stat found;
	char address[16];

	room_open(&room);
	path = path_join(room.folder, "machines/i-1/console.log");
	room_boot_one(&room, address, "#!/bin/sh\nseq 1 200000\necho the last line\n");
	assert_true(room_console_says(&room, "i-1", "the last line\n"));
	must(machine_console(room.machines, "i-1", &out, err));
	assert_true(out.len <= 65536);
	assert_int_equal(stat(path, &found), 0);
	assert_true(found.st_size <= 5 * 65536);
	room_close(&room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_twenty_machines_at_once),
		cmocka_unit_test(lets_many_have_one_machine),
		cmocka_unit_test(runs_commands_inside),
		cmocka_unit_test(runs_commands_on_a_terminal),
		cmocka_unit_test(refuses_to_run_in_what_does_not_run),
		cmocka_unit_test(leaves_nothing_when_it_is_killed),
		cmocka_unit_test(leaves_nothing_when_it_is_killed_while_booting),
		cmocka_unit_test(mounts_nothing_here),
		cmocka_unit_test(refuses_names_that_are_none),
		cmocka_unit_test(refuses_specs_that_cannot_be),
		cmocka_unit_test(says_why_a_machine_cannot_boot),
		cmocka_unit_test(says_when_the_address_is_taken),
		cmocka_unit_test(lives_beside_an_sshd_that_has_port_22),
		cmocka_unit_test(destroys_machines),
		cmocka_unit_test(bounds_the_console),
	};

	return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}
