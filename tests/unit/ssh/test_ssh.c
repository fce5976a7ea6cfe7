/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections, commands and transfers against this host's own sshd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/ssh.h"
#include "tests/lib/sshd.h"

static struct test_sshd sshd; /* one for all tests of this program; each opens its own connections */

static int start(void **state)
{
	return test_sshd_start(&sshd) ? 0 : -1;
}

static int finish(void **state)
{
	test_sshd_stop(&sshd);
	return 0;
}

static struct ssh *open_session(const struct ssh_target *target)
{
	struct error err = {0};
	struct ssh *ssh = NULL;
	if (!ssh_open(target, &ssh, &err))
		fail_msg("%s", err.text);
	return ssh;
}

static struct ssh *connect_plain(void)
{
	struct ssh_target target = test_sshd_target(&sshd);
	return open_session(&target);
}

struct heard {
	struct str out, errors;
	size_t stop_after; /* bytes; 0: never */
	bool *finished;
};

static bool listen_to(void *cookie, bool is_stderr, const char *data, size_t length, struct error *err)
{
	struct heard *heard = cookie;
	str_add_n(is_stderr ? &heard->errors : &heard->out, data, length);
	if (heard->finished && heard->out.len)
		*heard->finished = true;
	if (heard->stop_after && heard->out.len >= heard->stop_after)
		return error_set(err, ERROR_FAILED, "heard enough");
	return true;
}

static void free_heard(struct heard *heard)
{
	str_free(&heard->out);
	str_free(&heard->errors);
}

#define HEARD_INIT                                                                                                     \
	{                                                                                                              \
		.out = STR_INIT, .errors = STR_INIT                                                                    \
	}

static void host_key_forms(void **state)
{
	struct error err = {0};
	struct ssh_target target = test_sshd_target(&sshd);
	_cleanup_(freep) char *fingerprint = ssh_key_fingerprint(sshd.host_key.public_key);
	const char *const fingerprints[] = {"SHA256:0000000000000000000000000000000000000000000", fingerprint, NULL};
	_cleanup_(freep) char *known = path_join(sshd.folder, "known_hosts");
	_cleanup_(str_free) struct str line = STR_INIT;

	target.host_keys = NULL;
	target.host_key_fingerprints = fingerprints;
	ssh_close(open_session(&target));

	target.host_key_fingerprints = NULL;
	target.known_hosts = known;
	str_addf(&line,
		 "# comment\nother ssh-rsa AAAA\n\n@cert-authority *.example.com ssh-rsa "
		 "AAAA\nnonsense\n[127.0.0.1]:%d %s\n",
		 sshd.port, sshd.host_key.public_key);
	assert_true(file_replace(known, line.data, line.len, 0600, &err));
	ssh_close(open_session(&target));

	str_clear(&line);
	str_addf(&line, "127.0.0.1 %s\n", sshd.host_key.public_key);
	assert_true(file_replace(known, line.data, line.len, 0600, &err));
	ssh_close(open_session(&target));
}

static void expect_refusal(struct ssh_target target, enum error_kind kind, const char *text)
{
	struct error err = {0};
	struct ssh *ssh = NULL;
	int64_t start_ms = clock_mono_ms();
	assert_false(ssh_open_within(&target, 30, &ssh, &err));
	if (err.kind != kind || !strstr(err.text, text))
		fail_msg("%s: %s", error_kind_name(err.kind), err.text);
	assert_null(ssh);
	assert_true(clock_mono_ms() - start_ms < 10000); /* not tried again for long */
}

static void wrong_host_keys_refused(void **state)
{
	struct error err = {0};
	struct ssh_target target = test_sshd_target(&sshd);
	const char *const wrong[] = {sshd.user_key.public_key, NULL};
	const char *const wrong_print[] = {"SHA256:0000000000000000000000000000000000000000000", NULL};
	const char *const broken[] = {"ssh-ed25519", NULL};
	const char *const ecdsa[] = {
		"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9n"
		"kt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=",
		NULL};
	_cleanup_(freep) char *known = path_join(sshd.folder, "known_hosts_wrong");
	_cleanup_(str_free) struct str lines = STR_INIT;

	target.host_keys = wrong;
	expect_refusal(target, ERROR_REFUSED, "not the expected one");
	target.host_keys = broken;
	expect_refusal(target, ERROR_INVALID, "no public key line");
	target.host_keys = ecdsa;
	expect_refusal(target, ERROR_REFUSED, "of the expected kind");
	target.host_keys = NULL;
	expect_refusal(target, ERROR_REFUSED, "no host key to expect");
	target.host_key_fingerprints = wrong_print;
	expect_refusal(target, ERROR_REFUSED, "not the expected one");

	target.host_key_fingerprints = NULL;
	target.known_hosts = known;
	expect_refusal(target, ERROR_ABSENT, "known hosts");
	str_addf(&lines, "10.1.2.3 %s\n", sshd.host_key.public_key);
	assert_true(file_replace(known, lines.data, lines.len, 0600, &err));
	expect_refusal(target, ERROR_REFUSED, "has no key of 127.0.0.1");
	str_addf(&lines, "127.0.0.1 %s\n@revoked 127.0.0.1 %s\n", sshd.host_key.public_key, sshd.host_key.public_key);
	assert_true(file_replace(known, lines.data, lines.len, 0600, &err));
	expect_refusal(target, ERROR_REFUSED, "has no key of 127.0.0.1");
}

static void wrong_user_key_denied(void **state)
{
	struct error err = {0};
	struct ssh *ssh = NULL;
	struct ssh_target target = test_sshd_target(&sshd);
	struct ssh_key_pair other = {0};
	assert_true(ssh_key_pair_make(SSH_KEY_ED25519, "other", &other, &err));
	target.private_key = other.private_key;
	assert_false(ssh_open(&target, &ssh, &err));
	assert_int_equal(err.kind, ERROR_DENIED);
	target.private_key = "no key at all";
	assert_false(ssh_open(&target, &ssh, &err));
	assert_int_equal(err.kind, ERROR_DENIED);
	ssh_key_pair_free(&other);
}

static void streams_and_status(void **state)
{
	static const struct {
		const char *command, *out, *errors;
		int status;
	} cases[] = {
		{"true", "", "", 0},
		{"echo out; echo err >&2; exit 3", "out\n", "err\n", 3},
		{"printf 'a\\000b'", "a\0b", "", 0},
		{"exec >&- 2>&-; sleep 0.2; exit 7", "", "", 7},
		{"kill -TERM $$", "", "", 143},
		{"kill -KILL $$", "", "", 137},
		{"/no/such/program 2>/dev/null", "", "", 127},
	};
	_cleanup_(ssh_closep) struct ssh *ssh = connect_plain();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0};
		struct heard heard = HEARD_INIT;
		struct ssh_command command = {.command = cases[i].command, .sink = listen_to, .cookie = &heard};
		int status = -1;
		assert_true(ssh_run(ssh, &command, &status, &err));
		assert_int_equal(status, cases[i].status);
		assert_string_equal(heard.out.data, cases[i].out);
		assert_string_equal(heard.errors.data, cases[i].errors);
		free_heard(&heard);
	}
}

/* A megabyte each way at once, both streams, more than any window holds. */
static void megabytes_both_ways(void **state)
{
	struct error err = {0};
	struct heard heard = HEARD_INIT;
	size_t length = 9 << 20;
	_cleanup_(freep) char *input = mem_alloc(length);
	uint8_t sent[SHA256_SIZE], got[SHA256_SIZE];
	int status = -1;
	_cleanup_(ssh_closep) struct ssh *ssh = connect_plain();
	for (size_t i = 0; i < length; i++)
		input[i] = (char)(i * 2654435761u >> 11);
	struct ssh_command command = {.command = "tee /dev/stderr",
				      .input = input,
				      .input_length = length,
				      .sink = listen_to,
				      .cookie = &heard};
	assert_true(ssh_run(ssh, &command, &status, &err));
	assert_int_equal(status, 0);
	assert_int_equal(heard.out.len, length);
	assert_int_equal(heard.errors.len, length);
	crypto_sha256(input, length, sent);
	crypto_sha256(heard.out.data, length, got);
	assert_memory_equal(sent, got, SHA256_SIZE);
	crypto_sha256(heard.errors.data, length, got);
	assert_memory_equal(sent, got, SHA256_SIZE);
	free_heard(&heard);
}

static void input_not_wanted(void **state)
{
	struct error err = {0};
	size_t length = 8 << 20;
	_cleanup_(freep) char *input = mem_alloc(length);
	int status = -1;
	_cleanup_(ssh_closep) struct ssh *ssh = connect_plain();
	struct ssh_command command = {.command = "exit 4", .input = input, .input_length = length};
	assert_true(ssh_run(ssh, &command, &status, &err));
	assert_int_equal(status, 4);
}

static void farewell_ends_a_conversation(void **state)
{
	struct error err = {0};
	bool finished = false;
	struct heard heard = {.out = STR_INIT, .errors = STR_INIT, .finished = &finished};
	struct ssh_command command = {.command = "read a; echo got $a; read b; echo and $b; cat",
				      .input = "first\n",
				      .input_length = 6,
				      .finished = &finished,
				      .farewell = "second\nrest",
				      .sink = listen_to,
				      .cookie = &heard};
	int status = -1;
	_cleanup_(ssh_closep) struct ssh *ssh = connect_plain();
	assert_true(ssh_run(ssh, &command, &status, &err));
	assert_string_equal(heard.out.data, "got first\nand second\nrest");
	free_heard(&heard);
}

static void sink_ends_a_command(void **state)
{
	struct error err = {0};
	struct heard heard = {.out = STR_INIT, .errors = STR_INIT, .stop_after = 1 << 20};
	struct ssh_command endless = {.command = "yes", .sink = listen_to, .cookie = &heard};
	int status = -1;
	_cleanup_(ssh_closep) struct ssh *ssh = connect_plain();
	assert_false(ssh_run(ssh, &endless, &status, &err));
	assert_string_equal(err.text, "heard enough");
	assert_true(ssh_must(ssh, "true", NULL, &err)); /* the connection still serves */
	free_heard(&heard);
}

static void commands_time_out(void **state)
{
	struct error err = {0};
	struct ssh_command command = {.command = "exec sleep 60", .timeout_s = 1};
	int status = -1;
	_cleanup_(ssh_closep) struct ssh *ssh = connect_plain();
	assert_false(ssh_run(ssh, &command, &status, &err));
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_true(ssh_must(ssh, "true", NULL, &err));
}

static void must_collects_or_fails(void **state)
{
	struct error err = {0};
	_cleanup_(str_free) struct str out = STR_INIT;
	_cleanup_(ssh_closep) struct ssh *ssh = connect_plain();
	assert_true(ssh_must(ssh, "echo yes", &out, &err));
	assert_string_equal(out.data, "yes\n");
	assert_false(ssh_must(ssh, "echo first >&2; echo 'the reason' >&2; exit 9", NULL, &err));
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_string_equal(err.text, "exit status 9: the reason");
}

static void *stop_soon(void *stop)
{
	stop_sleep_ms(NULL, 150);
	stop_request(stop, 2);
	return NULL;
}

static int64_t stopped_after_ms(bool (*wait)(struct ssh_target, struct error *), struct ssh_target target)
{
	struct error err = {0};
	struct stop stop;
	pthread_t thread;
	stop_init(&stop);
	target.stop = &stop;
	int64_t start_ms = clock_mono_ms();
	assert_int_equal(pthread_create(&thread, NULL, stop_soon, &stop), 0);
	assert_false(wait(target, &err));
	int64_t took_ms = clock_mono_ms() - start_ms;
	pthread_join(thread, NULL);
	stop_close(&stop);
	if (err.kind != ERROR_STOPPED)
		fail_msg("%s", err.text);
	return took_ms;
}

static bool wait_in_command(struct ssh_target target, struct error *err)
{
	struct ssh_command command = {.command = "exec sleep 60"};
	int status;
	_cleanup_(ssh_closep) struct ssh *ssh = open_session(&target);
	return ssh_run(ssh, &command, &status, err);
}

static bool wait_in_connect(struct ssh_target target, struct error *err)
{
	struct ssh *ssh = NULL;
	return ssh_open_within(&target, 60, &ssh, err);
}

/* A port that accepts and says nothing, and one where nobody listens. */
static int listen_silently(int *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_return_code(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_return_code(listen(fd, 16), 0);
	assert_return_code(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static void stop_is_noticed(void **state)
{
	struct ssh_target target = test_sshd_target(&sshd);
	assert_true(stopped_after_ms(wait_in_command, target) < 1000);
	_cleanup_(closep) int fd = listen_silently(&target.port);
	assert_true(stopped_after_ms(wait_in_connect, target) < 1000);
	closep(&fd);
	fd = -1;
	assert_true(stopped_after_ms(wait_in_connect, target) < 1000); /* refused connections, tried again */
}

static void *accept_and_hang_up(void *listener)
{
	for (int i = 0; i < 3; i++) {
		int fd = accept(*(int *)listener, NULL, NULL);
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

static void silent_or_hanging_up_is_not_yet(void **state)
{
	struct error err = {0};
	struct ssh *ssh = NULL;
	struct ssh_target target = test_sshd_target(&sshd);
	pthread_t thread;
	_cleanup_(closep) int fd = listen_silently(&target.port);
	target.connect_timeout_s = 1;
	assert_false(ssh_open(&target, &ssh, &err));
	assert_int_equal(err.kind, ERROR_TRANSIENT);
	assert_int_equal(pthread_create(&thread, NULL, accept_and_hang_up, &fd), 0);
	assert_false(ssh_open(&target, &ssh, &err));
	assert_int_equal(err.kind, ERROR_TRANSIENT);
	assert_false(ssh_open_within(&target, 1, &ssh, &err));
	assert_int_equal(err.kind, ERROR_TRANSIENT);
	shutdown(fd, SHUT_RDWR);
	pthread_join(thread, NULL);
}

static void *open_patiently(void *cookie)
{
	struct error err = {0};
	struct ssh *ssh = NULL;
	struct ssh_target target = test_sshd_target(&sshd);
	*(bool *)cookie = ssh_open_within(&target, 20, &ssh, &err) && ssh_must(ssh, "true", NULL, &err);
	ssh_close(ssh);
	return NULL;
}

static void waits_until_it_is_there(void **state)
{
	struct error err = {0};
	struct ssh_target target = test_sshd_target(&sshd);
	struct ssh *ssh = NULL;
	bool opened = false;
	pthread_t thread;
	test_sshd_kill_listener(&sshd);
	assert_false(ssh_open(&target, &ssh, &err));
	assert_int_equal(err.kind, ERROR_TRANSIENT);
	assert_int_equal(pthread_create(&thread, NULL, open_patiently, &opened), 0);
	stop_sleep_ms(NULL, 400);
	test_sshd_listen_again(&sshd);
	pthread_join(thread, NULL);
	assert_true(opened);
}

static void *kill_soon(void *cookie)
{
	stop_sleep_ms(NULL, 150);
	test_sshd_kill_sessions(&sshd);
	return NULL;
}

static void drop_is_transient_and_reopens(void **state)
{
	struct error err = {0};
	struct ssh_command command = {.command = "exec sleep 5"};
	int status;
	pthread_t thread;
	_cleanup_(ssh_closep) struct ssh *ssh = connect_plain();
	assert_int_equal(pthread_create(&thread, NULL, kill_soon, NULL), 0);
	assert_false(ssh_run(ssh, &command, &status, &err));
	pthread_join(thread, NULL);
	assert_int_equal(err.kind, ERROR_TRANSIENT);
	assert_false(ssh_must(ssh, "true", NULL, &err));
	assert_int_equal(err.kind, ERROR_TRANSIENT);
	assert_true(ssh_reopen(ssh, 10, &err));
	assert_true(ssh_must(ssh, "true", NULL, &err));
}

/* sshd stopped with SIGSTOP keeps its TCP connection but answers nothing. */
static void silence_is_noticed(void **state)
{
	struct error err = {0};
	struct ssh_target target = test_sshd_target(&sshd);
	struct ssh_command command = {.command = "kill -STOP $PPID; exec sleep 20"};
	int status;
	target.silence_timeout_s = 4;
	_cleanup_(ssh_closep) struct ssh *ssh = open_session(&target);
	int64_t start_ms = clock_mono_ms();
	assert_false(ssh_run(ssh, &command, &status, &err));
	assert_int_equal(err.kind, ERROR_TRANSIENT);
	assert_true(clock_mono_ms() - start_ms < 8000);
	test_sshd_kill_sessions(&sshd);
}

/* With keep-alives answered, a command that prints nothing is not silence. */
static void quiet_commands_are_not_silence(void **state)
{
	struct error err = {0};
	struct ssh_target target = test_sshd_target(&sshd);
	target.silence_timeout_s = 4;
	_cleanup_(ssh_closep) struct ssh *ssh = open_session(&target);
	assert_true(ssh_must(ssh, "sleep 6", NULL, &err));
}

static char *make_file(const char *name, size_t length)
{
	struct error err;
	char *path = path_join(sshd.folder, name);
	_cleanup_(freep) char *data = mem_alloc(length + 1);
	for (size_t i = 0; i < length; i++)
		data[i] = (char)(i * 2654435761u >> 13);
	assert_true(file_replace(path, data, length, 0600, &err));
	return path;
}

static void assert_same_file(const char *a, const char *b)
{
	struct error err = {0};
	_cleanup_(str_free) struct str one = STR_INIT, two = STR_INIT;
	assert_true(file_read(a, 1 << 28, &one, &err));
	assert_true(file_read(b, 1 << 28, &two, &err));
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, one.len);
}

static void transfers_round_trip(void **state)
{
	static const size_t sizes[] = {0, 1, 30000, 30001, 4 << 20, (4 << 20) + 17, 21 << 20};
	_cleanup_(ssh_closep) struct ssh *ssh = connect_plain();
	_cleanup_(freep) char *remote = path_join(sshd.folder, "it's remote");
	_cleanup_(freep) char *back = path_join(sshd.folder, "back");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct error err = {0};
		struct stat info;
		_cleanup_(freep) char *local = make_file("local", sizes[i]);
		if (!ssh_upload(ssh, local, remote, 0640, &err) || !ssh_download(ssh, remote, back, &err))
			fail_msg("%s", err.text);
		assert_return_code(stat(remote, &info), 0);
		assert_int_equal(info.st_mode & 07777, 0640);
		assert_same_file(local, remote);
		assert_same_file(local, back);
	}
}

static void data_upload(void **state)
{
	struct error err = {0};
	_cleanup_(ssh_closep) struct ssh *ssh = connect_plain();
	_cleanup_(freep) char *remote = path_join(sshd.folder, "data");
	_cleanup_(str_free) struct str text = STR_INIT;
	assert_true(ssh_upload_data(ssh, "x\0y", 3, remote, 0600, &err));
	assert_true(file_read(remote, 100, &text, &err));
	assert_int_equal(text.len, 3);
	assert_memory_equal(text.data, "x\0y", 3);
}

static void transfers_that_fail(void **state)
{
	struct error err = {0};
	_cleanup_(ssh_closep) struct ssh *ssh = connect_plain();
	_cleanup_(freep) char *there = path_join(sshd.folder, "there");
	_cleanup_(freep) char *left = mem_printf("ls %s | grep -c bakery- || true", sshd.folder);
	_cleanup_(str_free) struct str count = STR_INIT;
	assert_false(ssh_upload(ssh, "/no/such/file", there, 0600, &err));
	assert_int_equal(err.kind, ERROR_ABSENT);
	assert_false(ssh_upload_data(ssh, "x", 1, "/no/such/folder/file", 0600, &err));
	assert_int_equal(err.kind, ERROR_ABSENT);
	assert_non_null(strstr(err.text, "upload to /no/such/folder/file"));
	assert_false(ssh_download(ssh, "/no/such/file", there, &err));
	assert_int_equal(err.kind, ERROR_ABSENT);
	assert_false(file_exists(there));
	assert_false(ssh_download(ssh, "/proc/self", there, &err));
	assert_false(file_exists(there));
	assert_true(ssh_must(ssh, left, &count, &err));
	assert_string_equal(count.data, "0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_key_forms),
		cmocka_unit_test(wrong_host_keys_refused),
		cmocka_unit_test(wrong_user_key_denied),
		cmocka_unit_test(streams_and_status),
		cmocka_unit_test(megabytes_both_ways),
		cmocka_unit_test(input_not_wanted),
		cmocka_unit_test(farewell_ends_a_conversation),
		cmocka_unit_test(sink_ends_a_command),
		cmocka_unit_test(commands_time_out),
		cmocka_unit_test(must_collects_or_fails),
		cmocka_unit_test(stop_is_noticed),
		cmocka_unit_test(silent_or_hanging_up_is_not_yet),
		cmocka_unit_test(waits_until_it_is_there),
		cmocka_unit_test(drop_is_transient_and_reopens),
		cmocka_unit_test(silence_is_noticed),
		cmocka_unit_test(quiet_commands_are_not_silence),
		cmocka_unit_test(transfers_round_trip),
		cmocka_unit_test(data_upload),
		cmocka_unit_test(transfers_that_fail),
	};
	return cmocka_run_group_tests(tests, start, finish);
}
