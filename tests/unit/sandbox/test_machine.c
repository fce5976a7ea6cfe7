/* SPDX-License-Identifier: Apache-2.0 */
#include "room.h"

static void boots_and_answers(void **state)
{
	struct room room;
	_cleanup_(str_free) struct str out = STR_INIT;
	char address[16];
	int64_t begun_ms;

	room_open(&room);
	struct machine_spec spec = room_spec(&room, "i-1", (const char *const[]){room.base, NULL}, address, NULL);
	begun_ms = clock_mono_ms();
	must(machine_create(room.machines, &spec, err));
	must(machine_boot(room.machines, "i-1", err));
	print_message("booted after %lld ms\n", (long long)(clock_mono_ms() - begun_ms));
	assert_int_equal(room_ssh(&room, address, "id -un; hostname; sudo -n id -u", &out), 0);
	print_message("answered after %lld ms\n", (long long)(clock_mono_ms() - begun_ms));
	assert_string_equal(out.data, "admin\nip-10-0-0-7\n0\n");
	str_clear(&out);
	must(machine_console(room.machines, "i-1", &out, err));
	print_message("%s\n", out.data);
	room_close(&room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(boots_and_answers)};

	return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
