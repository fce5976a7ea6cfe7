/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys and secrets are found in whatever form they lie about, over a real connection to this host; what only speaks of
 * keys is not taken for one. */
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
#include "src/runner/run.h"
#include "tests/lib/sshd_folder.h"

#define SECRET "tr0ub4dor & \"three\" 'x'"
#define BODY "MC4CAQAwBQYDK2VwBCIEIPlzN7hAJNJ1zjQeVmMd0uY8kX0jTqC1m7lYb3cWq9rT"

static void put(const char *name, const void *data, size_t size)
{
	_cleanup_(freep) char *path = path_join(folder, name);
	struct error err;
	if (!file_replace(path, data, size, 0600, &err))
		fail_msg("%s", err.text);
}

static void put_text(const char *name, const char *text)
{
	put(name, text, strlen(text));
}

static struct tree *look(const struct needle *needles, size_t count, const char *allowed)
{
	const struct ssh_target target = test_sshd_target(&sshd);
	_cleanup_(freep) char *allowed_path = path_join(folder, allowed ? allowed : "");
	const char *allowed_paths[] = {allowed_path};
	const struct search search = {needles, count, {allowed_paths, allowed ? 1 : 0}, folder, 60};
	const struct runner_options options = {0};
	_cleanup_(ssh_closep) struct ssh *ssh = NULL;
	struct tree *result = NULL;
	struct error err;
	if (!ssh_open(&target, &ssh, &err) || !runner_search(ssh, &options, &search, &result, &err))
		fail_msg("%s", err.text);
	return result;
}

/* What was found in a file; "" for nothing. */
static const char *found_in(const struct tree *result, const char *name)
{
	_cleanup_(freep) char *path = path_join(folder, name);
	for (struct tree_iter i = tree_iter(tree_get(result, "found")); tree_next(&i);) {
		if (str_eq(tree_text(i.value, "path"), path))
			return tree_text(i.value, "what");
	}
	return "";
}

static void private_keys(void **state)
{
	static const struct {
		const char *name, *text;
		bool is_key;
	} files[] = {
		{"pkcs8", "-----BEGIN PRIVATE KEY-----\n" BODY "\n-----END PRIVATE KEY-----\n", true},
		{"dos", "-----BEGIN EC PRIVATE KEY-----\r\n" BODY "\r\n", true},
		{"encrypted", "text before\n-----BEGIN ENCRYPTED PRIVATE KEY-----\n" BODY "\n", true},
		{"traditional", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n",
		 true},
		{"pgp", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n" BODY "\n", true},
		{"ssh2", "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: \"x\"\n" BODY "\n", true},
		{"putty", "PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\n", true},
		{"name with 'quotes' \\ and\ttab", "-----BEGIN PRIVATE KEY-----\n" BODY "\n", true},
		{"yaml", "key: |\n    -----BEGIN PRIVATE KEY-----\n    " BODY "\n", true},
		{"json", "{\"key\": \"-----BEGIN PRIVATE KEY-----\\n" BODY "\\n\"}", true},
		{"source", "\"-----BEGIN PRIVATE KEY-----\\n\"\n  \"" BODY "\\n\"", true},
		{"manual", "Keys begin with -----BEGIN PRIVATE KEY----- and end with -----END PRIVATE KEY-----.\n",
		 false},
		{"code", "if (!strcmp(line, \"-----BEGIN RSA PRIVATE KEY-----\")) read_it();\n", false},
		{"public", "-----BEGIN PUBLIC KEY-----\n" BODY "\n", false},
		{"allowed", "-----BEGIN PRIVATE KEY-----\n" BODY "\n", false},
	};
	static const char binary[] = "\0\1\2\377-----BEGIN OPENSSH PRIVATE KEY-----\n" BODY "\n\0\3",
			  constants[] = "\0-----BEGIN RSA PRIVATE KEY-----\0-----BEGIN PRIVATE KEY-----\0\0parse\0";
	_cleanup_(str_free) struct str base64 = STR_INIT;
	_cleanup_(tree_freep) struct tree *result = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put_text(files[i].name, files[i].text);
	put("binary", binary, sizeof(binary));
	put("constants", constants, sizeof(constants));
	crypto_base64(files[1].text, strlen(files[1].text), &base64);
	put_text("base64", base64.data);
	result = look(NULL, 0, "allowed");
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_(freep) char *name = mem_strdup(files[i].name);
		if (strchr(name, '\t'))
			*strchr(name, '\t') = '\t';
		assert_string_equal(found_in(result, name), files[i].is_key ? SEARCH_PRIVATE_KEY : "");
	}
	assert_string_equal(found_in(result, "binary"), SEARCH_PRIVATE_KEY);
	assert_string_equal(found_in(result, "base64"), SEARCH_PRIVATE_KEY);
	assert_string_equal(found_in(result, "constants"), "");
	assert_int_equal(tree_int(result, "files", 0), (int)ARRAY_SIZE(files) + 3);
	assert_int_equal(tree_count(tree_get(result, "unread")), 0);
}

static void secrets(void **state)
{
	static const char lines[] = "machine example.com\nlogin me\npassword correct-horse-battery\n";
	const struct needle needles[] = {{"the first", SECRET}, {"the second", lines}};
	_cleanup_(str_free) struct str base64 = STR_INIT, broken = STR_INIT, large = STR_INIT;
	_cleanup_(tree_freep) struct tree *result = NULL;
	put_text("s-plain", "password=" SECRET "\n");
	put_text("s-shell", "password='tr0ub4dor & \"three\" '\\''x'\\'''");
	put_text("s-url", "https://x/?p=tr0ub4dor%20%26%20%22three%22%20%27x%27");
	put_text("s-json", "{\"p\": \"tr0ub4dor & \\\"three\\\" 'x'\"}");
	put_text("s-part", "tr0ub4dor & the others");
	crypto_base64("aa user:" SECRET, strlen("aa user:" SECRET), &base64);
	put_text("s-base64", base64.data);
	str_add_n(&broken, base64.data, 25); /* in the middle of it */
	str_addf(&broken, "\n%s", base64.data + 25);
	put_text("s-broken", broken.data);
	put_text("s-line", "x = correct-horse\npassword correct-horse-battery");
	for (size_t i = 0; i < 300000; i++)
		str_add_n(&large, "\0\377binary", 8);
	str_add(&large, SECRET);
	str_add_n(&large, "\0\0\0", 3);
	put("s-large", large.data, large.len);
	put_text("s\nbreak", SECRET);
	result = look(needles, ARRAY_SIZE(needles), NULL);
	assert_string_equal(found_in(result, "s-plain"), "the first");
	assert_string_equal(found_in(result, "s-shell"), "the first");
	assert_string_equal(found_in(result, "s-url"), "the first");
	assert_string_equal(found_in(result, "s-json"), "the first");
	assert_string_equal(found_in(result, "s-part"), "");
	assert_string_equal(found_in(result, "s-base64"), "the first");
	assert_string_equal(found_in(result, "s-broken"), "the first");
	assert_string_equal(found_in(result, "s-line"), "the second");
	assert_string_equal(found_in(result, "s-large"), "the first");
	assert_string_equal(found_in(result, "s"), "something that must not stay");
}

static void patterns(void **state)
{
	static const char key[] = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9u\n"
				  "QyNTUxOQAAACDMvaR3sPq6b1rYt5rD\n-----END OPENSSH PRIVATE KEY-----\n";
	_cleanup_(str_free) struct str lines = STR_INIT;
	search_patterns("short", &lines);
	assert_string_equal(lines.data, "");
	search_patterns("\n", &lines);
	assert_string_equal(lines.data, "");
	search_patterns("eightchr", &lines);
	assert_true(str_starts(lines.data, "eightchr\n"));
	assert_null(strstr(lines.data, "\n\n")); /* which would be found everywhere */
	str_clear(&lines);
	search_patterns(key, &lines);
	assert_non_null(strstr(lines.data, "QyNTUxOQAAACDMvaR3sPq6b1rYt5rD"));
	assert_null(strstr(lines.data, "\n-----BEGIN")); /* every key's */
	assert_null(strstr(lines.data, "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9u\n"));
	assert_null(strstr(lines.data, "\n\n"));
}

static void refusals(void **state)
{
	const struct ssh_target target = test_sshd_target(&sshd);
	const struct needle needle = {"the secret PIN", "1234"};
	const struct search search = {&needle, 1, {0}, folder, 60};
	_cleanup_(ssh_closep) struct ssh *ssh = NULL;
	struct tree *result = NULL;
	struct error err;
	assert_true(ssh_open(&target, &ssh, &err));
	assert_false(runner_search(ssh, &(struct runner_options){0}, &search, &result, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_non_null(strstr(err.text, "the secret PIN is too short"));
	assert_null(strstr(err.text, "1234"));
	assert_null(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns),
		cmocka_unit_test(private_keys),
		cmocka_unit_test(secrets),
		cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, start, finish);
}
