/* SPDX-License-Identifier: Apache-2.0
 *
 * Machines that are not Debian with bash: other login shells, nothing but busybox, an sshd with only what FIPS 140
 * allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/process.h"
#include "tests/lib/runner.h"

#define SFTP "/usr/lib/openssh/sftp-server"

static void shell(const struct test_sshd *sshd, const char *commands)
{
	struct error err = {0};
	_cleanup_(freep) char *all = mem_printf("set -e; cd '%s'; umask 022; %s", sshd->folder, commands);
	const char *const argv[] = {"sh", "-c", all, NULL};
	if (!process_must(&(struct process){.argv = argv}, NULL, &err))
		fail_msg("%s", err.text);
}

static void through_login_shell(const char *login_shell)
{
	struct test_sshd sshd;
	_cleanup_(freep) char *also =
		mem_printf("ForceCommand exec %s -c \"$SSH_ORIGINAL_COMMAND\"\nSubsystem sftp " SFTP "\n", login_shell);
	if (!test_sshd_start_with(&sshd, also, NULL))
		skip();
	_cleanup_(freep) char *from = path_join(sshd.folder, "authorized_keys"), *to = path_join(sshd.folder, "copy");
	const struct transfer upload = {.from = from, .to = to};
	static const char *names[] = {"TEST_ODD_SECRET"};
	struct step steps[] = {{.run = "echo \"it's $TEST_ODD_SECRET\"", .secrets = {names, 1}},
			       {.kind = STEP_UPLOAD, .upload = &upload},
			       {.check = "test -s $HOME/none || echo 'no \\such \"thing\"'"}};
	struct told told = {0};
	setenv("TEST_ODD_SECRET", "$(id) `id` \\ \" ' ! * [ %s", 1);
	must_run_steps(&sshd, steps, 3, &told);
	assert_string_equal(told.steps[0].output, "it's [redacted]\n");
	assert_int_equal(told.steps[1].result, STEP_CHANGED);
	assert_string_equal(told.steps[2].evidence, "no \\such \"thing\"");
	assert_true(told_nothing_left(&told));
	told_free(&told);
	test_sshd_stop(&sshd);
}

static void login_shells(void **state)
{
	static const char *const shells[][2] = {{"dash", "dash"}, {"bash", "bash"},	    {"bash", "bash --posix"},
						{"fish", "fish"}, {"tcsh", "tcsh"},	    {"zsh", "zsh"},
						{"ksh", "ksh"},	  {"busybox", "busybox sh"}};
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		if (!process_available(shells[i][0]))
			print_message("# no %s here\n", shells[i][0]);
		else
			through_login_shell(shells[i][1]);
	}
}

/* A root with nothing in it but busybox; only SFTP comes from outside. */
static void make_busybox_root(const struct test_sshd *sshd)
{
	shell(sshd,
	      "mkdir -p tree/sub; echo a >tree/a; echo b >\"tree/sub/b  b \"; chmod 750 tree/a; mkdir -p root/bin "
	      "root/proc root/dev root/run root/etc root/tmp root/var/tmp root/root; cp \"$(command "
	      "-v busybox)\" root/bin/; "
	      "chmod 1777 root/tmp root/var/tmp; for name in $(busybox --list); do [ $name = busybox ] || ln -s "
	      "busybox root/bin/$name; done; "
	      "echo 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false' >root/etc/passwd; echo "
	      "'root:x:0:\nnogroup:x:65534:' >root/etc/group; "
	      "printf 'ID=bare\\n' >root/etc/os-release; "
	      "printf '#!/bin/sh\\ncase $SSH_ORIGINAL_COMMAND in *sftp-server) exec $SSH_ORIGINAL_COMMAND ;; esac\\n"
	      "exec bwrap --bind %s/root / --proc /proc --dev /dev --bind %s %s /bin/sh -c "
	      "\"$SSH_ORIGINAL_COMMAND\"\\n' $PWD $PWD $PWD >enter; chmod 755 enter");
}

static void nothing_but_busybox(void **state)
{
	struct test_sshd sshd;
	struct told told = {0};
	static const char *bare[] = {"bare"};
	if (geteuid() != 0 || !process_available("bwrap") || !process_available("busybox"))
		skip();
	if (!test_sshd_start_with(&sshd, "ForceCommand FOLDER/enter\nSubsystem sftp " SFTP "\n", make_busybox_root))
		skip();
	_cleanup_(freep) char *from = path_join(sshd.folder, "tree"), *local = path_join(sshd.folder, "got");
	const struct transfer file = {.from = "/etc/hostname", .to = "/etc/copied", .mode = "0600"},
			      folder = {.from = from, .to = "/srv/"}, download = {.from = "/etc/passwd", .to = "x"};
	struct step steps[] = {
		{.run = "echo plain; readlink /bin/sh", .os = {bare, 1}},
		{.check = "test -e /made", .run = "touch /made"},
		{.check = "test -e /made", .run = "false"},
		{.run = "id -un; cat", .as = "nobody"},
		{.kind = STEP_UPLOAD, .upload = &file},
		{.kind = STEP_UPLOAD, .upload = &file},
		{.kind = STEP_UPLOAD, .upload = &folder},
		{.kind = STEP_UPLOAD, .upload = &folder},
		{.kind = STEP_DOWNLOAD, .download = &download},
		{.run = "sleep 1; echo much later"},
	};
	static const enum step_result expected[] = {STEP_CHANGED, STEP_CHANGED,	  STEP_UNCHANGED, STEP_CHANGED,
						    STEP_CHANGED, STEP_UNCHANGED, STEP_CHANGED,	  STEP_UNCHANGED,
						    STEP_OK,	  STEP_CHANGED};
	struct error err = {0};
	if (!run_steps(&sshd, steps, ARRAY_SIZE(steps), &(struct runner_options){.download_folder = local}, &told,
		       &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		if (told.steps[i].result != expected[i])
			fail_msg("step %zu: %s: %s", i, step_result_name(told.steps[i].result), told.steps[i].output);
	}
	assert_string_equal(told.steps[0].output, "plain\nbusybox\n");
	assert_string_equal(told.steps[3].output, "nobody\n");
	assert_string_equal(told.steps[9].output, "much later\n");
	told_free(&told);
	struct step late[] = {{.run = "sleep 300 & sleep 300", .timeout_s = 1}};
	assert_false(run_steps(&sshd, late, 1, &(struct runner_options){0}, &told, &err));
	assert_string_equal(told.steps[0].why, "timed out after 1s");
	told_free(&told);
	const struct transfer back = {.from = "/srv/tree", .to = "back"};
	struct step returns[] = {{.kind = STEP_DOWNLOAD, .download = &back}};
	if (!run_steps(&sshd, returns, 1, &(struct runner_options){.download_folder = local}, &told, &err))
		fail_msg("%s", err.text);
	told_free(&told);
	struct step looks[] = {{.kind = STEP_UPLOAD, .upload = &file}, {.kind = STEP_UPLOAD, .upload = &folder}};
	assert_true(run_steps(&sshd, looks, 2, &(struct runner_options){.mode = RUNNER_LOOK}, &told, &err));
	for (size_t i = 0; i < 2; i++) {
		if (told.steps[i].result != STEP_UNCHANGED)
			fail_msg("%s", told.steps[i].why);
	}
	told_free(&told);
	shell(&sshd, "test -z \"$(ls -A root/run)\"; diff -r tree root/srv/tree; diff -r tree got/back; test $(stat -c "
		     "%a root/srv/tree/a) = 750");
	test_sshd_stop(&sshd);
}

static void make_ecdsa_keys(const struct test_sshd *sshd)
{
	shell(sshd, "for key in fips_host fips_login; do ssh-keygen -q -t ecdsa -b 256 -N '' -C $key -f $key "
		    "</dev/null; done; "
		    "cp fips_login.pub authorized_keys");
}

/* libssh2 1.10 loses a number each time it reads an ECDSA key in OpenSSH's format; that is not ours to be found. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static bool open_with_ecdsa(const struct ssh_target *target, struct ssh **ssh, struct error *err)
{
	if (__lsan_disable)
		__lsan_disable();
	bool done = ssh_open(target, ssh, err);
	if (__lsan_enable)
		__lsan_enable();
	return done;
}

/* RHEL 9's crypto policy FIPS, as far as sshd is concerned. */
static const char fips_policy[] =
	"HostKey FOLDER/fips_host\n"
	"KexAlgorithms ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,"
	"diffie-hellman-group14-sha256,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512\n"
	"Ciphers aes256-gcm@openssh.com,aes256-ctr,aes128-gcm@openssh.com,aes128-ctr\n"
	"MACs hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512\n"
	"HostKeyAlgorithms ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-256,rsa-sha2-512\n"
	"PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-256,"
	"rsa-sha2-512\n";

/* An engineer's key, and a machine's own. */
static void only_what_fips_allows(void **state)
{
	struct test_sshd sshd;
	struct error err = {0};
	if (!process_available("ssh-keygen") || !test_sshd_start_with(&sshd, fips_policy, make_ecdsa_keys))
		skip();
	_cleanup_(str_free) struct str login = STR_INIT, host = STR_INIT;
	_cleanup_(freep) char *login_path = path_join(sshd.folder, "fips_login");
	_cleanup_(freep) char *host_path = path_join(sshd.folder, "fips_host.pub");
	assert_true(ssh_key_read(login_path, &login, &err));
	assert_true(file_read(host_path, 4096, &host, &err));
	str_trim_right(&host);
	const char *expected[] = {host.data, NULL};
	struct ssh_target target = test_sshd_target(&sshd);
	_cleanup_(ssh_closep) struct ssh *ssh = NULL;
	_cleanup_(str_free) struct str said = STR_INIT;
	target.private_key = login.data;
	target.host_keys = expected;
	if (!open_with_ecdsa(&target, &ssh, &err) || !ssh_must(ssh, "echo heard", &said, &err))
		fail_msg("%s", err.text);
	assert_string_equal(said.data, "heard\n");
	ssh_closep(&ssh);
	target = test_sshd_target(&sshd); /* with ed25519 there is no way in, and the reason is told */
	assert_false(ssh_open(&target, &ssh, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_non_null(strstr(err.text, "no host key of the expected kind"));
	test_sshd_stop(&sshd);
}

static struct ssh_key_pair build_host, build_login;

static void install_build_keys(const struct test_sshd *sshd)
{
	const struct {
		const char *name, *text;
	} files[] = {{"fips_host", build_host.private_key}, {"authorized_keys", build_login.public_key}};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct error err = {0};
		_cleanup_(freep) char *path = path_join(sshd->folder, files[i].name);
		assert_true(file_replace(path, files[i].text, strlen(files[i].text), 0600, &err));
	}
}

/* As a build has them: with commands, files, and a second login. */
static void keys_of_a_build_in_fips_mode(void **state)
{
	struct test_sshd sshd;
	struct error err = {0};
	assert_true(ssh_key_pair_make(SSH_KEY_ECDSA, "bakery-x", &build_host, &err) &&
		    ssh_key_pair_make(SSH_KEY_ECDSA, "bakery-x", &build_login, &err));
	if (!test_sshd_start_with(&sshd, fips_policy, install_build_keys))
		skip();
	const char *expected[] = {build_host.public_key, NULL}, *other[] = {build_login.public_key, NULL};
	struct ssh_target target = test_sshd_target(&sshd);
	_cleanup_(ssh_closep) struct ssh *ssh = NULL;
	_cleanup_(str_free) struct str said = STR_INIT;
	_cleanup_(freep) char *file = path_join(sshd.folder, "file"), *read_file = mem_printf("cat %s", file);
	target.private_key = build_login.private_key;
	target.host_keys = expected;
	if (!ssh_open(&target, &ssh, &err) || !ssh_upload_data(ssh, "text\n", 5, file, 0600, &err) ||
	    !ssh_reopen(ssh, 10, &err) || !ssh_must(ssh, read_file, &said, &err))
		fail_msg("%s", err.text);
	assert_string_equal(said.data, "text\n");
	ssh_closep(&ssh);
	target.host_keys = other;
	assert_false(ssh_open(&target, &ssh, &err));
	assert_non_null(strstr(err.text, "not the expected one"));
	target.host_keys = expected;
	target.private_key = build_host.private_key;
	assert_false(ssh_open(&target, &ssh, &err));
	assert_int_equal(err.kind, ERROR_DENIED);
	test_sshd_stop(&sshd);
	ssh_key_pair_free(&build_host);
	ssh_key_pair_free(&build_login);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(login_shells),
		cmocka_unit_test(nothing_but_busybox),
		cmocka_unit_test(only_what_fips_allows),
		cmocka_unit_test(keys_of_a_build_in_fips_mode),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
