/* SPDX-License-Identifier: Apache-2.0
 *
 * Machines as a client sees them: over SSH, on the console, in the layers that are made of them. */
#include "room.h"

/* ---- first boot */

static void boots_with_the_given_host_key(void **state)
{
	struct room room;
	struct ssh_key_pair host = {};
	_cleanup_(str_free) struct str out = STR_INIT, known = STR_INIT;
	_cleanup_(freep) char *user_data = NULL;
	char address[16];

	room_open(&room);
	must(ssh_key_pair_make(SSH_KEY_ED25519, "host", &host, err));
	user_data = room_host_key(&host);
	room_boot_one(&room, address, user_data);
	str_addf(&known, "%s %s\n", address, host.public_key);
	must(file_replace(room.known_hosts, known.data, known.len, 0600, err));

	assert_int_equal(room_ssh(&room, address, "true", NULL), 0);
	assert_int_equal(room_ssh_once(&room, address, "yes", "ls /etc/ssh/ssh_host_*", &out), 0);
	assert_string_equal(out.data, "/etc/ssh/ssh_host_ed25519_key\n/etc/ssh/ssh_host_ed25519_key.pub\n");
	ssh_key_pair_free(&host);
	room_close(&room);
}

static void makes_host_keys_and_shows_them_on_the_console(void **state)
{
	struct room room;
	_cleanup_(str_free) struct str console = STR_INIT, key = STR_INIT;
	_cleanup_(freep) char *fingerprint = NULL;
	char address[16];

	room_open(&room);
	room_boot_one(&room, address, NULL);
	assert_int_equal(room_ssh(&room, address, "cat /etc/ssh/ssh_host_ed25519_key.pub", &key), 0);
	must(machine_console(room.machines, "i-1", &console, err));
	str_trim_right(&key);
	fingerprint = ssh_key_fingerprint(key.data);
	assert_non_null(strstr(console.data, "-----BEGIN SSH HOST KEY FINGERPRINTS-----"));
	assert_non_null(strstr(console.data, fingerprint));
	assert_non_null(strstr(console.data, "-----BEGIN SSH HOST KEY KEYS-----"));
	assert_non_null(strstr(console.data, key.data));
	room_close(&room);
}

static void gives_the_login_user_sudo_and_the_key(void **state)
{
	struct room room;
	_cleanup_(str_free) struct str out = STR_INIT;
	char address[16];

	room_open(&room);
	room_boot_one(&room, address, room.keyed);
	assert_int_equal(room_ssh(&room, address,
				  "id -un; sudo -n id -u; stat -c %a:%U ~/.ssh ~/.ssh/authorized_keys; "
				  "sudo stat -c %a /etc/sudoers.d/90-cloud-init-users; sudo visudo -cq && echo valid; "
				  "sudo test -e /root/.ssh/authorized_keys || echo none; hostname; cat /etc/hostname; "
				  "getent hosts $(hostname) | grep -c 127.0.1.1",
				  &out),
			 0);
	assert_string_equal(out.data,
			    "admin\n0\n700:admin\n600:admin\n440\nvalid\nnone\nip-10-0-0-7\nip-10-0-0-7\n1\n");
	room_close(&room);
}

static const char cloud_config[] = "#cloud-config\n"
				   "hostname: elsewhere\n"
				   "ssh_authorized_keys:\n"
				   "  - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOther other@example\n"
				   "write_files:\n"
				   "  - path: /etc/deep/er/one\n"
				   "    permissions: \"0640\"\n"
				   "    owner: root:adm\n"
				   "    content: |\n"
				   "      it's $HOME `id`\n"
				   "  - {path: /etc/two, encoding: b64, content: dHdvCg==}\n"
				   "  - {path: /etc/two, append: true, content: \"more\\n\"}\n"
				   "bootcmd:\n"
				   "  - echo boot >>/var/tmp/boots\n"
				   "runcmd:\n"
				   "  - [sh, -c, 'echo \"$1 words\" >/var/tmp/ran', sh, it's]\n"
				   "  - echo run >>/var/tmp/runs; touch /var/tmp/done\n";

static void honours_a_cloud_config_once_per_instance(void **state)
{
	static const char look[] = "while ! [ -e /var/tmp/done ]; do sleep 0.05; done; cat /etc/hostname; "
				   "cat /etc/deep/er/one /etc/two; "
				   "stat -c %a:%U:%G /etc/deep/er/one /etc/two; cat /var/tmp/ran; wc -l "
				   "</var/tmp/boots; wc -l </var/tmp/runs; "
				   "grep -c . ~/.ssh/authorized_keys; cat /var/lib/cloud/data/instance-id; "
				   "sudo stat -c %a /var/lib/cloud/instance/user-data.txt";
	struct room room;
	_cleanup_(str_free) struct str first = STR_INIT, second = STR_INIT;
	char address[16];

	room_open(&room);
	room_boot_one(&room, address, cloud_config);
	assert_int_equal(room_ssh(&room, address, look, &first), 0);
	assert_string_equal(first.data, "elsewhere\nit's $HOME `id`\ntwo\nmore\n640:root:adm\n644:root:root\n"
					"it's words\n1\n1\n2\ni-1\n600\n");
	must(machine_halt(room.machines, "i-1", err));
	must(machine_boot(room.machines, "i-1", err));
	assert_int_equal(room_ssh(&room, address, look, &second), 0);
	assert_string_equal(second.data, "elsewhere\nit's $HOME `id`\ntwo\nmore\n640:root:adm\n644:root:root\n"
					 "it's words\n2\n1\n2\ni-1\n600\n");
	room_close(&room);
}

static void runs_a_script_as_user_data(void **state)
{
	struct room room;
	_cleanup_(str_free) struct str out = STR_INIT;
	char address[16];

	room_open(&room);
	struct machine_spec spec =
		room_spec(&room, "i-1", room.layers, address,
			  "#!/bin/bash\necho from the script; echo \"$0\" >/var/tmp/name; touch /var/tmp/done\n");
	room_boot(&room, &spec);
	assert_int_equal(
		room_ssh(&room, address, "while ! [ -e /var/tmp/done ]; do sleep 0.05; done; cat /var/tmp/name", &out),
		0);
	assert_string_equal(out.data, "/var/lib/cloud/instance/scripts/part-001\n");
	assert_true(room_console_says(&room, "i-1", "from the script\n"));
	room_close(&room);
}

static void boots_with_user_data_that_is_broken(void **state)
{
	struct room room;
	char address[16];

	room_open(&room);
	room_boot_one(&room, address, "#cloud-config\na: [\n");
	assert_int_equal(room_ssh(&room, address, "true", NULL), 0);
	assert_true(room_console_says(&room, "i-1", "WARNING"));
	room_close(&room);
}

/* ---- a machine like a real one */

static void has_what_a_system_expects(void **state)
{
	struct room room;
	_cleanup_(str_free) struct str out = STR_INIT, host = STR_INIT;
	char address[16];

	room_open(&room);
	room_boot_one(&room, address, room.keyed);
	must(file_read("/proc/sys/net/ipv4/ip_forward", 16, &host, err));
	assert_int_equal(
		room_ssh(&room, address,
			 "cat /sys/class/net/lo/operstate >/dev/null && ping -c1 -W2 127.0.0.1 >/dev/null && echo "
			 "loopback; "
			 "sudo sysctl -qw net.ipv4.ip_forward=$((1 - $(cat /proc/sys/net/ipv4/ip_forward))) && echo "
			 "net; "
			 "sudo sysctl -qw kernel.panic=1 2>/dev/null || echo kernel read-only; "
			 "findmnt -no FSTYPE /run; stat -c %a /tmp /dev/shm; test -c /dev/pts/ptmx && echo pts; "
			 "ip -4 -o addr show tap0 | grep -o 10.0.2.100/24; sudo sh -c 'mknod /var/tmp/disk b 8 0 "
			 "2>/dev/null || echo no devices'; "
			 "sudo -n true && sudo sh -c 'mount -t tmpfs x /mnt 2>/dev/null || echo no mounts'; "
			 "grep -c . /etc/machine-id; sudo sh -c 'echo b >/proc/sysrq-trigger' 2>/dev/null || echo no "
			 "sysrq",
			 &out),
		0);
	assert_string_equal(out.data, "loopback\nnet\nkernel read-only\ntmpfs\n1777\n1777\npts\n10.0.2.100/24\nno "
				      "devices\nno mounts\n1\nno sysrq\n");
	str_clear(&out);
	must(file_read("/proc/sys/net/ipv4/ip_forward", 16, &out, err));
	assert_string_equal(out.data, host.data);
	room_close(&room);
}

static void keeps_ssh_when_the_daemon_is_restarted(void **state)
{
	struct room room;
	char address[16];

	room_open(&room);
	room_boot_one(&room, address, room.keyed);
	assert_int_equal(room_ssh(&room, address, "sudo service ssh restart", NULL), 0);
	assert_int_equal(room_ssh(&room, address, "sudo service ssh reload", NULL), 0);
	assert_int_equal(
		room_ssh(&room, address,
			 "sudo sh -c 'kill $(cat /run/sshd.pid); while kill -0 $(cat /run/sshd.pid); do sleep 0.01; "
			 "done; /usr/sbin/sshd' 2>/dev/null",
			 NULL),
		0);
	assert_int_equal(room_ssh(&room, address, "true", NULL), 0);
	room_close(&room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boots_with_the_given_host_key),
		cmocka_unit_test(makes_host_keys_and_shows_them_on_the_console),
		cmocka_unit_test(gives_the_login_user_sudo_and_the_key),
		cmocka_unit_test(honours_a_cloud_config_once_per_instance),
		cmocka_unit_test(runs_a_script_as_user_data),
		cmocka_unit_test(boots_with_user_data_that_is_broken),
		cmocka_unit_test(has_what_a_system_expects),
		cmocka_unit_test(keeps_ssh_when_the_daemon_is_restarted),
	};

	return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
