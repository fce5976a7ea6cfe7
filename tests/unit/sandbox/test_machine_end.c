/* SPDX-License-Identifier: Apache-2.0
 *
 * How machines end and come back: by themselves, which is told, and when asked. */
#include "room.h"

static void reboots_from_inside(void **state)
{
	static const char *const ways[] = {
		"sudo reboot", "sudo shutdown -r now",
		"sudo perl -e 'syscall($ARGV[0], 0xfee1dead, 672274793, 0x01234567, 0)' "
		"$([ $(uname -m) = x86_64 ] && echo 169 || echo 142)",
		"sudo perl -e 'print pack(q(LLLLx368), 0x03091969, 1, 54, 0)' | sudo sh -c 'cat >/run/initctl'"};
	struct room room;
	_cleanup_(str_free) struct str before = STR_INIT, after = STR_INIT;
	char address[16];

	room_open(&room);
	room_boot_one(&room, address, room.keyed);
	assert_int_equal(
		room_ssh(&room, address, "cat /proc/sys/kernel/random/boot_id; sudo touch /run/old /tmp/old", &before),
		0);
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		room_ssh_once(&room, address, "no", ways[i], NULL);
		if (!room_await(&room, MACHINE_REBOOTED, i + 1))
			fail_msg("no reboot by %s", ways[i]);
		assert_true(machine_running(room.machines, "i-1"));
		assert_int_equal(room_ssh(&room, address,
					  "cat /proc/sys/kernel/random/boot_id; ls /run/old /tmp/old 2>/dev/null; true",
					  &after),
				 0);
		if (after.len != 37)
			fail_msg("after %s: \"%s\"", ways[i], after.data);
		assert_string_not_equal(after.data, before.data);
		str_clear(&before);
		str_add(&before, after.data);
	}
	assert_int_equal(room.told_count[MACHINE_POWERED_OFF] + room.told_count[MACHINE_DIED], 0);
	room_close(&room);
}

static void powers_off_from_inside(void **state)
{
	static const char *const ways[] = {"sudo poweroff", "sudo shutdown -h now", "sudo halt",
					   "sudo perl -e 'syscall($ARGV[0], 0xfee1dead, 672274793, 0x4321fedc, 0)' "
					   "$([ $(uname -m) = x86_64 ] && echo 169 || echo 142)"};
	struct room room;
	char address[16];

	room_open(&room);
	struct machine_spec spec = room_spec(&room, "i-1", room.layers, address, room.keyed);
	must(machine_create(room.machines, &spec, err));
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		must(machine_boot(room.machines, "i-1", err));
		assert_int_equal(room_ssh(&room, address, "true", NULL), 0);
		room_ssh_once(&room, address, "no", ways[i], NULL);
		if (!room_await(&room, MACHINE_POWERED_OFF, i + 1))
			fail_msg("not off by %s", ways[i]);
		assert_false(machine_running(room.machines, "i-1"));
	}
	assert_int_equal(room.told_count[MACHINE_REBOOTED] + room.told_count[MACHINE_DIED], 0);
	room_close(&room);
}

static void plans_and_cancels_a_shutdown(void **state)
{
	struct room room;
	_cleanup_(str_free) struct str out = STR_INIT;
	char address[16];

	room_open(&room);
	room_boot_one(&room, address, room.keyed);
	assert_int_equal(room_ssh(&room, address,
				  "sudo shutdown -h +90 2>/dev/null; while ! pgrep -fx 'sleep 5400'; do sleep 0.01; "
				  "done >/dev/null; "
				  "sudo shutdown -c; pgrep -cf '[e]xec shutdown'; /usr/sbin/shutdown now 2>&1",
				  &out),
			 1);
	assert_string_equal(out.data, "0\nshutdown: must be superuser\n");
	room_close(&room);
}

static void tells_that_a_machine_died(void **state)
{
	struct room room;
	char address[16];

	room_open(&room);
	room_boot_one(&room, address, room.keyed);
	assert_int_equal(room_ssh(&room, address, "true", NULL), 0);
	room_ssh_once(&room, address, "no", "sudo sh -c 'kill -9 $(cat /run/sandbox/pid)'", NULL);
	assert_true(room_await(&room, MACHINE_DIED, 1));
	assert_false(machine_running(room.machines, "i-1"));
	must(machine_boot(room.machines, "i-1", err));
	assert_int_equal(room_ssh(&room, address, "true", NULL), 0);
	room_close(&room);
}

static void halts_and_reboots_when_asked(void **state)
{
	struct room room;
	_cleanup_(str_free) struct str out = STR_INIT;
	struct error refused = {};
	char address[16];
	int64_t begun_ms;

	room_open(&room);
	room_boot_one(&room, address, room.keyed);
	/* one that heeds SIGTERM and one that does not */
	assert_int_equal(room_ssh(&room, address,
				  "sudo sh -c \"trap 'echo heard >/var/tmp/heard; exit' TERM; touch /run/ready; while "
				  ":; do sleep 0.05; done\" "
				  ">/dev/null 2>&1 & (trap '' TERM; exec sleep 1000 >/dev/null 2>&1) & "
				  "while ! [ -e /run/ready ]; do sleep 0.05; done",
				  NULL),
			 0);
	begun_ms = clock_mono_ms();
	must(machine_reboot(room.machines, "i-1", err));
	assert_true(clock_mono_ms() - begun_ms < 8000);
	assert_int_equal(room_ssh(&room, address, "cat /var/tmp/heard", &out), 0);
	assert_string_equal(out.data, "heard\n");
	must(machine_halt(room.machines, "i-1", err));
	must(machine_halt(room.machines, "i-1", err));
	assert_false(machine_running(room.machines, "i-1"));
	assert_int_equal(room_ssh_once(&room, address, "no", "true", NULL), 255);
	assert_false(machine_reboot(room.machines, "i-1", &refused));
	assert_true(error_is(&refused, ERROR_CONFLICT));
	assert_int_equal(room.told_count[0] + room.told_count[1] + room.told_count[2], 0);
	room_close(&room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reboots_from_inside),		cmocka_unit_test(powers_off_from_inside),
		cmocka_unit_test(plans_and_cancels_a_shutdown), cmocka_unit_test(tells_that_a_machine_died),
		cmocka_unit_test(halts_and_reboots_when_asked),
	};

	return cmocka_run_group_tests_name("machine_end", tests, NULL, NULL);
}
