/* SPDX-License-Identifier: Apache-2.0
 *
 * Machines reached through a bastion: two of this host's own sshd, one in front of the other. */
#include "../../lib/check.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/process.h"
#include "bakery/ssh.h"
#include "tests/lib/sshd.h"

struct world {
	struct test_sshd bastion, machine;
	char *known_hosts;
	struct ssh_target via, target;
};

static void put(const char *path, const char *text)
{
	struct error err = {0};
	if (!file_replace(path, text, strlen(text), 0600, &err))
		fail_msg("%s", err.text);
}

static void run(const char *const *argv)
{
	struct error err = {0};
	struct str out = STR_INIT;
	if (!process_must(&(struct process){.argv = argv, .timeout_ms = 10000}, &out, &err))
		fail_msg("%s: %s", argv[0], err.text);
	str_free(&out);
}

static int setup(void **state)
{
	struct world *world = mem_alloc(sizeof(*world));
	_cleanup_(str_free) struct str line = STR_INIT;

	if (!test_sshd_start(&world->bastion) || !test_sshd_start(&world->machine))
		return -1;
	world->known_hosts = path_join(world->bastion.folder, "known_hosts");
	str_addf(&line, "[127.0.0.1]:%d %s\n", world->bastion.port, world->bastion.host_key.public_key);
	put(world->known_hosts, line.data);
	run((const char *[]){"ssh-keygen", "-q", "-H", "-f", world->known_hosts, NULL}); /* as OpenSSH hashes names */
	world->via = test_sshd_target(&world->bastion);
	world->via.host_keys = NULL;
	world->via.known_hosts = world->known_hosts;
	world->target = test_sshd_target(&world->machine);
	world->target.via = &world->via;
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;
	test_sshd_stop(&world->machine);
	test_sshd_stop(&world->bastion);
	free(world->known_hosts);
	free(world);
	return 0;
}

static void says(struct ssh *ssh, const char *command, const char *wanted)
{
	struct error err = {0};
	struct str out = STR_INIT;
	assert_works(ssh_must(ssh, command, &out, &err));
	assert_string_equal(out.data, wanted);
	str_free(&out);
}

/* Megabytes each way at once fill every window and buffer on the way. */
static void through_and_back(void **state)
{
	struct world *world = *state;
	_cleanup_(ssh_closep) struct ssh *ssh = NULL;
	size_t length = 9 << 20;
	_cleanup_(freep) char *data = mem_alloc(length);
	_cleanup_(freep) char *remote = path_join(world->machine.folder, "remote");
	_cleanup_(freep) char *local = path_join(world->machine.folder, "local");
	_cleanup_(str_free) struct str back = STR_INIT;
	struct error err = {0};
	int status = -1;

	for (size_t i = 0; i < length; i++)
		data[i] = (char)(i * 2654435761u >> 11);
	assert_works(ssh_open_within(&world->target, 20, &ssh, &err));
	says(ssh, "echo hello", "hello\n");
	assert_works(ssh_run(
		ssh,
		&(struct ssh_command){
			.command = "tee /dev/stderr | wc -c", .input = data, .input_length = length, .timeout_s = 60},
		&status, &err));
	assert_int_equal(status, 0);
	assert_works(ssh_upload_data(ssh, data, length, remote, 0600, &err));
	assert_works(ssh_download(ssh, remote, local, &err));
	assert_works(file_read(local, length + 1, &back, &err));
	assert_int_equal(back.len, length);
	assert_memory_equal(back.data, data, length);
	assert_works(ssh_reopen(ssh, 20, &err));
	says(ssh, "echo again", "again\n");
}

static void refused(const struct ssh_target *target, enum error_kind kind, const char *text)
{
	struct error err = {0};
	struct ssh *ssh = NULL;
	int64_t began_ms = clock_mono_ms();
	assert_fails(ssh_open_within(target, 30, &ssh, &err), kind, text);
	assert_true(clock_mono_ms() - began_ms < 10000); /* not tried again and again */
}

static void an_unknown_bastion_is_refused(void **state)
{
	struct world *world = *state;
	_cleanup_(freep) char *line =
		mem_printf("[127.0.0.1]:%d %s\n", world->bastion.port + 1, world->bastion.host_key.public_key);
	put(world->known_hosts, line);
	refused(&world->target, ERROR_REFUSED, "ssh-keyscan -H -p");
	world->via.known_hosts = "/nonexistent/known_hosts";
	refused(&world->target, ERROR_ABSENT, "ssh-keyscan -H -p");
}

static void a_changed_key_is_refused(void **state)
{
	struct world *world = *state;
	_cleanup_(freep) char *line =
		mem_printf("[127.0.0.1]:%d %s\n", world->bastion.port, world->machine.host_key.public_key);
	put(world->known_hosts, line);
	refused(&world->target, ERROR_REFUSED, "not the expected one");
	refused(&world->target, ERROR_REFUSED, "replace its lines in");
}

static void the_machine_is_verified_too(void **state)
{
	struct world *world = *state;
	world->target.host_keys = (const char *const[]){world->bastion.host_key.public_key, NULL};
	refused(&world->target, ERROR_REFUSED, "not the expected one");
}

static void a_refused_login_there_is_final(void **state)
{
	struct world *world = *state;
	world->via.user = "nobody-of-that-name";
	refused(&world->target, ERROR_DENIED, "bastion 127.0.0.1: login as nobody-of-that-name");
	world->via = test_sshd_target(&world->bastion);
	world->via.private_key = world->machine.user_key.private_key;
	refused(&world->target, ERROR_DENIED, "bastion 127.0.0.1: login as");
}

static void a_bastion_that_does_not_forward(void **state)
{
	struct world *world = *state;
	_cleanup_(freep) char *path = path_join(world->bastion.folder, "sshd_config");
	_cleanup_(str_free) struct str config = STR_INIT;
	struct error err = {0};

	assert_works(file_read(path, 65536, &config, &err));
	str_add(&config, "AllowTcpForwarding no\n");
	test_sshd_kill_listener(&world->bastion);
	put(path, config.data);
	test_sshd_listen_again(&world->bastion);
	refused(&world->target, ERROR_REFUSED, "AllowTcpForwarding");
}

static int starts(const struct test_sshd *sshd)
{
	_cleanup_(freep) char *path = path_join(sshd->folder, "sshd.log");
	struct str log = STR_INIT;
	struct error err = {0};
	int count = 0;
	if (!file_read(path, 1 << 20, &log, &err))
		fail_msg("%s", err.text);
	for (const char *at = log.data; (at = strstr(at, "Accepted publickey")); at++)
		count++;
	str_free(&log);
	return count;
}

struct opening {
	const struct ssh_target *target;
	struct ssh *ssh;
	struct error err;
	bool opened;
};

static void *open_there(void *argument)
{
	struct opening *opening = argument;
	opening->opened = ssh_open_within(opening->target, 30, &opening->ssh, &opening->err);
	return NULL;
}

/* As while an instance boots: many attempts, one login at the bastion. */
static void waits_with_one_login(void **state)
{
	struct world *world = *state;
	_cleanup_(freep) char *path = path_join(world->bastion.folder, "sshd_config");
	_cleanup_(str_free) struct str config = STR_INIT;
	struct opening opening = {.target = &world->target};
	struct error err = {0};
	pthread_t thread;

	str_add(&config, "LogLevel INFO\n");
	assert_works(file_read(path, 65536, &config, &err));
	test_sshd_kill_listener(&world->bastion);
	test_sshd_kill_listener(&world->machine);
	put(path, config.data);
	test_sshd_listen_again(&world->bastion);
	pthread_create(&thread, NULL, open_there, &opening);
	while (!starts(&world->bastion))
		stop_sleep_ms(NULL, 20);
	stop_sleep_ms(NULL, 1000); /* for a few attempts */
	test_sshd_listen_again(&world->machine);
	pthread_join(thread, NULL);
	if (!opening.opened)
		fail_msg("%s", opening.err.text);
	says(opening.ssh, "echo up", "up\n");
	ssh_close(opening.ssh);
	assert_int_equal(starts(&world->bastion), 1);
}

static bool kill_bastion(void *cookie, bool is_stderr, const char *data, size_t length, struct error *err)
{
	test_sshd_kill_sessions(&((struct world *)cookie)->bastion);
	return true;
}

static void a_lost_bastion_is_a_drop(void **state)
{
	struct world *world = *state;
	_cleanup_(ssh_closep) struct ssh *ssh = NULL;
	struct error err = {0};
	int status;

	assert_works(ssh_open_within(&world->target, 20, &ssh, &err));
	assert_fails(ssh_run(ssh,
			     &(struct ssh_command){.command = "echo begun; exec sleep 60",
						   .sink = kill_bastion,
						   .cookie = world,
						   .timeout_s = 30},
			     &status, &err),
		     ERROR_TRANSIENT, "the connection to the bastion 127.0.0.1 was dropped");
	assert_works(ssh_reopen(ssh, 20, &err));
	says(ssh, "echo back", "back\n");
	test_sshd_kill_sessions(&world->bastion);
	test_sshd_kill_listener(&world->bastion);
	assert_false(ssh_reopen(ssh, 1, &err));
	assert_int_equal(err.kind, ERROR_TRANSIENT);
}

static void a_dropped_machine_leaves_the_bastion(void **state)
{
	struct world *world = *state;
	_cleanup_(ssh_closep) struct ssh *ssh = NULL;
	struct error err = {0};

	assert_works(ssh_open_within(&world->target, 20, &ssh, &err));
	test_sshd_kill_sessions(&world->machine);
	assert_fails(ssh_must(ssh, "echo x", NULL, &err), ERROR_TRANSIENT, "");
	assert_works(ssh_reopen(ssh, 20, &err));
	says(ssh, "echo back", "back\n");
}

/* The keep-alives of both connections hold a quiet command. */
static void quiet_is_not_silence(void **state)
{
	struct world *world = *state;
	_cleanup_(ssh_closep) struct ssh *ssh = NULL;
	struct error err = {0};

	world->target.silence_timeout_s = world->via.silence_timeout_s = 4;
	assert_works(ssh_open_within(&world->target, 20, &ssh, &err));
	says(ssh, "sleep 6; echo awake", "awake\n");
}

static void a_frozen_bastion_is_noticed(void **state)
{
	struct world *world = *state;
	_cleanup_(ssh_closep) struct ssh *ssh = NULL;
	_cleanup_(freep) char *freeze = NULL;
	struct error err = {0};
	int64_t began_ms;

	world->via.silence_timeout_s = 4;
	assert_works(ssh_open_within(&world->target, 20, &ssh, &err));
	freeze = mem_printf("pkill -STOP -P %d; true", world->bastion.pid);
	run((const char *[]){"sh", "-c", freeze, NULL});
	began_ms = clock_mono_ms();
	assert_fails(ssh_must(ssh, "echo x", NULL, &err), ERROR_TRANSIENT, "bastion");
	assert_true(clock_mono_ms() - began_ms < 12000);
}

/* --- keys --- */

struct agent {
	char *socket;
	pid_t pid;
};

static void agent_start(struct world *world, struct agent *agent)
{
	int64_t end_ms = clock_mono_ms() + 5000;
	agent->socket = path_join(world->bastion.folder, "agent");
	agent->pid = fork();
	if (agent->pid == 0) {
		freopen("/dev/null", "w", stdout);
		execlp("ssh-agent", "ssh-agent", "-D", "-a", agent->socket, NULL);
		_exit(127);
	}
	while (access(agent->socket, F_OK) && clock_mono_ms() < end_ms)
		stop_sleep_ms(NULL, 10);
	setenv("SSH_AUTH_SOCK", agent->socket, 1);
}

static void agent_end(struct agent *agent)
{
	kill(agent->pid, SIGTERM);
	waitpid(agent->pid, NULL, 0);
	unsetenv("SSH_AUTH_SOCK");
	free(agent->socket);
}

static char *key_make(const struct world *world, const char *name, const char *type, const char *passphrase)
{
	char *path = path_join(world->bastion.folder, name);
	run((const char *[]){"ssh-keygen", "-q", "-t", type, "-N", passphrase, "-f", path, NULL});
	return path;
}

static void admit(const struct test_sshd *sshd, const char *key)
{
	_cleanup_(freep) char *public_key = mem_printf("%s.pub", key),
			      *list = path_join(sshd->folder, "authorized_keys");
	_cleanup_(str_free) struct str text = STR_INIT;
	struct error err = {0};
	assert_works(file_read(public_key, 65536, &text, &err));
	put(list, text.data);
}

static void the_agent_logs_in(void **state)
{
	struct world *world = *state;
	struct agent agent = {0};
	_cleanup_(ssh_closep) struct ssh *ssh = NULL;
	_cleanup_(freep) char *rsa = key_make(world, "rsa", "rsa", ""), *other = key_make(world, "other", "ecdsa", ""),
			      *right = key_make(world, "right", "ed25519", "");
	struct error err = {0};

	world->via.private_key = NULL;
	unsetenv("SSH_AUTH_SOCK");
	refused(&world->target, ERROR_DENIED, "there is no ssh-agent");
	agent_start(world, &agent);
	refused(&world->target, ERROR_DENIED, "the ssh-agent holds no key");
	run((const char *[]){"ssh-add", "-q", rsa, other, NULL});
	admit(&world->bastion, rsa);
	refused(&world->target, ERROR_DENIED, "RSA keys are of no use here");
	admit(&world->bastion, right);
	run((const char *[]){"ssh-add", "-q", right, NULL});
	assert_works(ssh_open_within(&world->target, 20, &ssh, &err));
	says(ssh, "echo hello", "hello\n");
	agent_end(&agent);
}

/* libssh2 1.10 loses a number each time it reads an ECDSA key in OpenSSH's format; that is not ours to be found. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static void open_with_key(const struct ssh_target *target)
{
	_cleanup_(ssh_closep) struct ssh *ssh = NULL;
	struct error err = {0};

	if (__lsan_disable)
		__lsan_disable();
	assert_works(ssh_open_within(target, 20, &ssh, &err));
	if (__lsan_enable)
		__lsan_enable();
}

static void key_files(void **state)
{
	struct world *world = *state;
	_cleanup_(freep) char *plain = key_make(world, "plain", "ed25519", ""),
			      *ecdsa = key_make(world, "ec", "ecdsa", ""),
			      *locked = key_make(world, "locked", "ed25519", "secret"),
			      *rsa = key_make(world, "rsa", "rsa", ""), *public_key = mem_printf("%s.pub", plain),
			      *cut = path_join(world->bastion.folder, "cut");
	const char *const good[] = {plain, ecdsa};
	_cleanup_(str_wipe_free) struct str key = STR_INIT;
	struct error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		str_clear(&key);
		assert_works(ssh_key_read(good[i], &key, &err));
		admit(&world->bastion, good[i]);
		world->via.private_key = key.data;
		open_with_key(&world->target);
	}
	assert_fails(ssh_key_read(locked, &key, &err), ERROR_INVALID, "ssh-add");
	assert_fails(ssh_key_read(rsa, &key, &err), ERROR_INVALID, "is an RSA key");
	assert_fails(ssh_key_read(public_key, &key, &err), ERROR_INVALID, "is a public key");
	assert_fails(ssh_key_read(world->known_hosts, &key, &err), ERROR_INVALID, "no private key");
	assert_fails(ssh_key_read("/nonexistent/key", &key, &err), ERROR_ABSENT, "/nonexistent/key");
	for (size_t length = 30; length < 200; length += 10) {
		str_clear(&key);
		assert_works(ssh_key_read(plain, &key, &err));
		key.data[length] = '\0';
		put(cut, key.data);
		assert_fails(ssh_key_read(cut, &key, &err), ERROR_INVALID, "no private key");
	}
}

static void a_stop_is_noticed(void **state)
{
	struct world *world = *state;
	_cleanup_(ssh_closep) struct ssh *ssh = NULL;
	struct error err = {0};
	struct stop stop;

	stop_init(&stop);
	world->target.stop = &stop;
	assert_works(ssh_open_within(&world->target, 20, &ssh, &err));
	stop_request(&stop, 0);
	assert_fails(ssh_must(ssh, "sleep 30", NULL, &err), ERROR_STOPPED, "interrupted");
	ssh_set_stop(ssh, NULL);
	assert_works(ssh_reopen(ssh, 20, &err));
	says(ssh, "echo end", "end\n");
	ssh_closep(&ssh);
	stop_close(&stop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* libssh2 1.10 leaks two numbers of each ECDSA key it reads. To tell by whom, the sanitizer must see through libraries
 * that keep no frame pointers. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}

const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libssh2_userauth_publickey_frommemory\n";
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(through_and_back),
		TEST(an_unknown_bastion_is_refused),
		TEST(a_changed_key_is_refused),
		TEST(the_machine_is_verified_too),
		TEST(a_refused_login_there_is_final),
		TEST(a_bastion_that_does_not_forward),
		TEST(waits_with_one_login),
		TEST(a_lost_bastion_is_a_drop),
		TEST(a_dropped_machine_leaves_the_bastion),
		TEST(quiet_is_not_silence),
		TEST(a_frozen_bastion_is_noticed),
		TEST(the_agent_logs_in),
		TEST(key_files),
		TEST(a_stop_is_noticed),
	};
	if (access("/usr/sbin/sshd", X_OK)) {
		puts("1..0 # SKIP there is no sshd here");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
