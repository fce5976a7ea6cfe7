/* SPDX-License-Identifier: Apache-2.0
 *
 * Key pairs are held against OpenSSH's own ssh-keygen: it reads the private key, derives the same public line and
 * prints the same fingerprint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/crypto.h"
#include "bakery/file.h"
#include "bakery/mem.h"
#include "bakery/process.h"

static char *keygen(const char *path, const char *const *argv)
{
	struct error err = {0};
	struct str out = STR_INIT;
	if (!process_must(&(struct process){.argv = argv}, &out, &err))
		fail_msg("%s: %s", path, err.text);
	str_trim_right(&out);
	return str_take(&out);
}

static void expect_read_by_ssh_keygen(enum ssh_key_type type)
{
	static const char *const comments[] = {"bakery build", "", "seven77",
					       "ein längerer Kommentar, 0123456789 0123456789"};
	for (size_t i = 0; i < ARRAY_SIZE(comments); i++) {
		struct error err = {0};
		struct ssh_key_pair pair = {0};
		char folder[] = "/tmp/bakery-key-XXXXXX";
		assert_true(ssh_key_pair_make(type, comments[i], &pair, &err));
		assert_non_null(mkdtemp(folder));
		_cleanup_(freep) char *path = path_join(folder, "key");
		assert_true(file_replace(path, pair.private_key, strlen(pair.private_key), 0600, &err));
		_cleanup_(freep) char *public =
			keygen(path, (const char *const[]){"ssh-keygen", "-y", "-f", path, NULL});
		_cleanup_(freep) char *listed =
			keygen(path, (const char *const[]){"ssh-keygen", "-l", "-f", path, NULL});
		_cleanup_(freep) char *fingerprint = ssh_key_fingerprint(pair.public_key);
		if (type == SSH_KEY_ECDSA && *comments[i]) { /* PEM has no room for a comment */
			_cleanup_(freep) char *with = mem_printf("%s %s", public, comments[i]);
			assert_string_equal(with, pair.public_key);
		} else {
			assert_string_equal(public, pair.public_key);
		}
		assert_non_null(strstr(listed, fingerprint));
		assert_int_equal(strlen(fingerprint), strlen("SHA256:") + 43);
		assert_true(file_remove_tree(folder, &err));
		ssh_key_pair_free(&pair);
		assert_null(pair.private_key);
	}
}

static void read_by_ssh_keygen(void **state)
{
	expect_read_by_ssh_keygen(SSH_KEY_ED25519);
	expect_read_by_ssh_keygen(SSH_KEY_ECDSA);
}

static void every_pair_is_new(void **state)
{
	static const char *const begin[] = {
		[SSH_KEY_ED25519] = "ssh-ed25519 AAAAC3Nza", [SSH_KEY_ECDSA] = "ecdsa-sha2-nistp256 AAAAE2VjZHNh"};
	for (int type = SSH_KEY_ED25519; ssh_key_types[type]; type++) {
		struct error err = {0};
		struct ssh_key_pair one = {0}, two = {0};
		assert_true(ssh_key_pair_make(type, "x", &one, &err));
		assert_true(ssh_key_pair_make(type, "x", &two, &err));
		assert_string_not_equal(one.private_key, two.private_key);
		assert_string_not_equal(one.public_key, two.public_key);
		assert_true(str_starts(one.public_key, begin[type]));
		ssh_key_pair_free(&one);
		ssh_key_pair_free(&two);
	}
}

static void fingerprint_of_none(void **state)
{
	/* a public key of a well-known host, and what ssh-keygen prints for it */
	static const char good[] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
	static const char *const bad[] = {
		"",
		"ssh-ed25519",
		"ssh-ed25519 ",
		"ssh-ed25519 !!!!",
		"ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl", /* type differs inside
												 */
		"ssh-ed25519 AAAA",
		"# a comment",
	};
	_cleanup_(freep) char *known = ssh_key_fingerprint(good);
	assert_string_equal(known, "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(freep) char *none = ssh_key_fingerprint(bad[i]);
		assert_string_equal(none, "");
	}
	_cleanup_(freep) char *null = ssh_key_fingerprint(NULL);
	assert_string_equal(null, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_by_ssh_keygen),
		cmocka_unit_test(every_pair_is_new),
		cmocka_unit_test(fingerprint_of_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
