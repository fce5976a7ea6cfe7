/* SPDX-License-Identifier: Apache-2.0
 *
 * What is frozen from a machine is in the machines made from it: contents, owners, modes, attributes, and what was
 * deleted. */
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "room.h"

static const char change[] =
	"sudo sh -ec '"
	"echo new >/etc/new; chown 1234:4321 /etc/new; chmod 4751 /etc/new; ln /etc/new /etc/twin; "
	"rm /etc/issue; rm -r /etc/cron.daily; mkdir /etc/cron.daily; echo only >/etc/cron.daily/only; "
	"ln -s nowhere /etc/dangling; mkfifo /etc/fifo; truncate -s 1G /var/tmp/sparse'";
static const char look[] =
	"sudo cat /etc/new; stat -c '%u:%g %a %h' /etc/new; ls /etc/issue 2>/dev/null; ls /etc/cron.daily; "
	"readlink /etc/dangling; stat -c %F /etc/fifo; stat -c '%s %b' /var/tmp/sparse";
static const char seen[] = "new\n1234:4321 4751 2\nonly\nnowhere\nfifo\n1073741824 0\n";

static void launch_and_look(struct room *room, const char *id, const char *layer)
{
	_cleanup_(str_free) struct str out = STR_INIT;
	char address[16];

	struct machine_spec spec =
		room_spec(room, id, (const char *const[]){room->base, layer, NULL}, address, room->keyed);
	room_boot(room, &spec);
	assert_int_equal(room_ssh(room, address, look, &out), 0);
	assert_string_equal(out.data, seen);
	str_clear(&out);
	assert_int_equal(room_ssh(room, address,
				  "cat /var/lib/cloud/data/previous-instance-id /var/lib/cloud/data/instance-id", &out),
			 0);
	assert_true(str_ends(out.data, id) || str_starts(out.data, "i-1\n"));
	must(machine_halt(room->machines, id, err));
}

static void freezes_a_running_machine_and_a_halted_one(void **state)
{
	struct room room;
	_cleanup_(freep) char *copied = NULL, *moved = NULL;
	_cleanup_(str_free) struct str out = STR_INIT;
	struct error refused = {};
	char address[16];

	room_open(&room);
	copied = path_join(room.folder, "layers/copied");
	moved = path_join(room.folder, "layers/moved");
	room_boot_one(&room, address, room.keyed);
	assert_int_equal(room_ssh(&room, address, change, NULL), 0);
	must(machine_freeze(room.machines, "i-1", copied, err));
	assert_true(machine_running(room.machines, "i-1"));
	launch_and_look(&room, "i-2", copied);

	must(machine_halt(room.machines, "i-1", err));
	must(machine_freeze(room.machines, "i-1", moved, err));
	launch_and_look(&room, "i-3", moved);
	assert_false(machine_freeze(room.machines, "i-1", moved, &refused));
	assert_true(error_is(&refused, ERROR_CONFLICT));

	/* It goes on where it was, on a fresh layer, and what it changes now is not in the frozen one. */
	must(machine_boot(room.machines, "i-1", err));
	assert_int_equal(room_ssh(&room, address, look, &out), 0);
	assert_string_equal(out.data, seen);
	assert_int_equal(room_ssh(&room, address, "sudo rm /etc/new; sudo touch /etc/issue", NULL), 0);
	launch_and_look(&room, "i-4", moved);
	room_close(&room);
}

static void freezes_of_freezes(void **state)
{
	struct room room;
	_cleanup_(freep) char *layers[4] = {};
	_cleanup_(str_free) struct str out = STR_INIT;
	char address[16];

	room_open(&room);
	for (int i = 0; i < 3; i++) {
		_cleanup_(freep) char *name = mem_printf("layers/%d", i), *id = mem_printf("i-%d", i),
				      *command = mem_printf(
					      "sudo sh -c 'echo %d >>/etc/line; touch /etc/of-%d; rm -f /etc/of-%d'", i,
					      i, i - 1);
		const char *const below[] = {room.base, i > 0 ? layers[0] : NULL, i > 1 ? layers[1] : NULL, NULL};
		struct machine_spec spec = room_spec(&room, id, below, address, room.keyed);
		layers[i] = path_join(room.folder, name);
		room_boot(&room, &spec);
		assert_int_equal(room_ssh(&room, address, command, NULL), 0);
		must(machine_halt(room.machines, id, err));
		must(machine_freeze(room.machines, id, layers[i], err));
	}
	struct machine_spec spec =
		room_spec(&room, "i-last", (const char *const[]){room.base, layers[0], layers[1], layers[2], NULL},
			  address, room.keyed);
	room_boot(&room, &spec);
	assert_int_equal(room_ssh(&room, address, "cat /etc/line; ls /etc/of-*", &out), 0);
	assert_string_equal(out.data, "0\n1\n2\n/etc/of-2\n");
	for (int i = 1; i < 3; i++)
		free(layers[i]);
	room_close(&room);
}

/* Nothing of the sandbox may be in an image: what a first boot writes is what cloud-init writes. */
static void freezes_nothing_of_the_sandbox(void **state)
{
	struct room room;
	_cleanup_(freep) char *layer = NULL;
	_cleanup_(str_free) struct str found = STR_INIT;
	char address[16];

	room_open(&room);
	layer = path_join(room.folder, "layers/1");
	room_boot_one(&room, address, room.keyed);
	assert_int_equal(
		room_ssh(&room, address, "while ! [ -e /run/cloud-init/result.json ]; do sleep 0.05; done", NULL), 0);
	must(machine_halt(room.machines, "i-1", err));
	must(machine_freeze(room.machines, "i-1", layer, err));
	must(process_must(
		&(struct process){.argv = (const char *const[]){"find", ".", "-path", "./var/lib/cloud/*", "-prune",
								"-o", "!", "-type", "d", "-print", NULL},
				  .folder = layer},
		&found, err));
	for (char *rest = NULL, *line = strtok_r(found.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		static const char *const expected[] = {"./etc/passwd*",
						       "./etc/shadow*",
						       "./etc/group*",
						       "./etc/gshadow*",
						       "./etc/subuid*",
						       "./etc/subgid*",
						       "./etc/hostname",
						       "./etc/hosts",
						       "./etc/resolv.conf",
						       "./etc/machine-id",
						       "./etc/sudoers.d/90-cloud-init-users",
						       "./etc/ssh/ssh_host_*",
						       "./home/admin/*",
						       "./var/log/cloud-init*.log",
						       "./var/log/lastlog",
						       "./var/log/wtmp",
						       "./var/log/faillog",
						       "./etc/.pwd.lock",
						       "./var/lib/sudo/*"};
		bool known = false;
		for (size_t i = 0; i < ARRAY_SIZE(expected) && !known; i++)
			known = str_glob(expected[i], line);
		if (!known)
			fail_msg("%s is in the image", line);
	}
	room_close(&room);
}

/* A file capability, an overlay's whiteout and its mark of an opaque folder. */
static void copies_what_only_root_can_see(void **state)
{
	static const unsigned char capability[20] = {1, 0, 0, 2, 0, 32};
	struct room room;
	_cleanup_(freep) char *from = NULL, *etc = NULL, *usr = NULL, *file = NULL, *whiteout = NULL, *to = NULL,
			      *copy = NULL, *gone = NULL, *opaque = NULL;
	unsigned char got[32];
	struct stat found;

	room_open(&room);
	from = path_join(room.folder, "from");
	etc = path_join(from, "etc");
	usr = path_join(from, "usr");
	file = path_join(etc, "file");
	whiteout = path_join(etc, "gone");
	to = path_join(room.folder, "layers/to");
	copy = path_join(to, "etc/file");
	gone = path_join(to, "etc/gone");
	opaque = path_join(to, "etc");
	must(file_make_folders(etc, 0755, err));
	must(file_make_folders(usr, 0755, err));
	must(file_replace(file, "x", 1, 0755, err));
	assert_int_equal(setxattr(file, "security.capability", capability, sizeof(capability), 0), 0);
	assert_int_equal(setxattr(etc, "trusted.overlay.opaque", "y", 1, 0), 0);
	assert_int_equal(mknod(whiteout, S_IFCHR, makedev(0, 0)), 0);

	must(layer_import(from, to, err));
	assert_int_equal(getxattr(copy, "security.capability", got, sizeof(got)), sizeof(capability));
	assert_memory_equal(got, capability, sizeof(capability));
	assert_int_equal(getxattr(opaque, "trusted.overlay.opaque", got, sizeof(got)), 1);
	assert_int_equal(lstat(gone, &found), 0);
	assert_true(S_ISCHR(found.st_mode) && found.st_rdev == makedev(0, 0));
	room_close(&room);
}

static void imports_folders_and_tarballs(void **state)
{
	struct room room;
	_cleanup_(freep) char *tarball = NULL, *layer = NULL, *copy = NULL, *empty = NULL, *junk = NULL;
	_cleanup_(str_free) struct str out = STR_INIT;
	struct error refused = {};
	char address[16];

	room_open(&room);
	tarball = path_join(room.folder, "root.tar");
	layer = path_join(room.folder, "layers/imported");
	copy = path_join(room.folder, "layers/copied");
	empty = path_join(room.folder, "empty");
	junk = path_join(room.folder, "layers/junk");
	must(process_must(
		&(struct process){.argv = (const char *const[]){"tar", "-C", room.base, "-cf", tarball,
								"--numeric-owner", "--xattrs", "--xattrs-include=*",
								"./etc", "./usr/bin/sudo", NULL}},
		NULL, err));
	must(layer_import(tarball, layer, err));
	must(layer_import(layer, copy, err));
	struct machine_spec spec =
		room_spec(&room, "i-1", (const char *const[]){room.base, copy, NULL}, address, room.keyed);
	room_boot(&room, &spec);
	assert_int_equal(
		room_ssh(&room, address, "sudo -n id -u; stat -c %u:%a /usr/bin/sudo; stat -c %U:%G /etc/shadow", &out),
		0);
	assert_string_equal(out.data, "0\n0:4755\nroot:shadow\n");

	must(file_make_folders(empty, 0755, err));
	assert_false(layer_import(empty, junk, &refused));
	assert_true(error_is(&refused, ERROR_INVALID));
	assert_false(layer_import("/nonexistent", junk, &refused));
	assert_false(layer_import(room.key_path, junk, &refused));
	assert_false(layer_import(tarball, layer, &refused));
	assert_true(error_is(&refused, ERROR_CONFLICT));
	assert_false(file_exists(junk));
	room_close(&room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(freezes_a_running_machine_and_a_halted_one),
		cmocka_unit_test(freezes_of_freezes),
		cmocka_unit_test(freezes_nothing_of_the_sandbox),
		cmocka_unit_test(copies_what_only_root_can_see),
		cmocka_unit_test(imports_folders_and_tarballs),
	};

	return cmocka_run_group_tests_name("layer", tests, NULL, NULL);
}
